// What a service may say of its container beyond what every service has: each absent where the manifest is silent.
import type { ContainerSpec, Dependency, NetworkAttachment } from "../fleet.ts";
import { loadSchema } from "../load.ts";
import type { ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, type StackContext, variableHelp } from "./context.ts";
import { normalizeDevices } from "./devices.ts";
import { normalizeHooks } from "./hooks.ts";
import { normalizeFixedLimits } from "./limits.ts";
import { normalizeContainerName, normalizeDns, normalizeExpose, normalizeExtraHosts, normalizeMac, normalizePlatform } from "./names.ts";
import { normalizeNamespaces, sharedServices } from "./namespaces.ts";
import { normalizeLogging, normalizeSecurityOpt, normalizeShmSize, normalizeSysctls, normalizeUlimits } from "./settings.ts";
import { normalizeLabels, normalizeOptions } from "./values.ts";

type Service = Partial<ComposeService>;

/** Keys whose mere presence has no effect here: told with the schema's own words. */
const WITHOUT_EFFECT = ["attach", "build", "cpu_count", "cpu_percent", "develop"] as const;

const warnOfDifferences = (service: Service, field: Field): void => {
  const { properties = {} } = loadSchema("compose").$defs?.ComposeService ?? {};
  for (const key of WITHOUT_EFFECT) {
    const difference = properties[key]?.["x-difference"];
    if (service[key] !== undefined && service[key] !== null && difference) field.at(key).warn(difference);
  }
};

/** Entries that are something; `{}` when there are none. */
const some = <K extends keyof ContainerSpec>(key: K, value: ContainerSpec[K] | undefined): Partial<ContainerSpec> => {
  if (value === undefined || value === "" || value === false) return {};
  if (typeof value === "object" && Object.keys(value).length === 0) return {};
  return { [key]: value };
};

const normalizeRuntime = (runtime: string | undefined, field: Field): string | undefined => {
  if (runtime && !/^[\w./-]+$/.test(runtime)) {
    field.problem("Invalid", `must be the name of a runtime such as runc; got ${show(runtime)}`, variableHelp(runtime));
  }
  return runtime;
};

/** The newer part of ContainerSpec. */
export const normalizeMore = (name: string, service: Service, context: StackContext, field: Field): Partial<ContainerSpec> => {
  warnOfDifferences(service, field);
  const hosts = normalizeExtraHosts(service.extra_hosts, field.at("extra_hosts"));
  const groups = (service.group_add ?? []).map(String).filter((group) => group !== "");
  return {
    ...some("containerName", normalizeContainerName(service.container_name, field.at("container_name"))),
    ...some("platform", normalizePlatform(service.platform, field.at("platform"))),
    ...some("runtime", normalizeRuntime(service.runtime, field.at("runtime"))),
    ...(service.tty ? { tty: true } : {}),
    ...(service.stdin_open ? { stdinOpen: true } : {}),
    ...(service.privileged ? { privileged: true } : {}),
    ...some("domainname", service.domainname),
    ...some("annotations", normalizeLabels(service.annotations, field.at("annotations"))),
    ...some("expose", normalizeExpose(service.expose, field.at("expose"))),
    ...some("dns", normalizeDns(service, field)),
    ...some("extraHosts", hosts),
    ...normalizeNamespaces(name, service, context, field),
    ...some("groupAdd", [...new Set(groups)]),
    ...some("securityOpt", normalizeSecurityOpt(service.security_opt, field.at("security_opt"))),
    ...some("sysctls", normalizeSysctls(service, field.at("sysctls"))),
    ...some("ulimits", normalizeUlimits(service.ulimits, field.at("ulimits"))),
    ...normalizeDevices(service, field),
    ...some("storageOpt", normalizeOptions(service.storage_opt, field.at("storage_opt"))),
    ...some("shmSizeBytes", normalizeShmSize(service.shm_size, field.at("shm_size"))),
    ...some("logging", normalizeLogging(service.logging, field.at("logging"))),
    ...normalizeFixedLimits(service, field),
    ...some("postStart", normalizeHooks(service.post_start, field.at("post_start"))),
    ...some("preStop", normalizeHooks(service.pre_stop, field.at("pre_stop"))),
  };
};

/** `mac_address` of a service is that on the network it joins first. */
export const withMac = (service: Service, networks: readonly NetworkAttachment[], field: Field): NetworkAttachment[] => {
  const macAddress = normalizeMac(service.mac_address, field);
  const first = networks.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0))[0];
  if (macAddress === undefined) return [...networks];
  if (service.network_mode === "bridge" || service.network_mode === "none") {
    field.keyProblem("NotSupported", `not together with \`network_mode: ${service.network_mode}\``, "Use `networks`.");
  } else if (first?.macAddress !== undefined && first.macAddress !== macAddress) {
    field.problem("Invalid", `is ${macAddress} here and ${first.macAddress} on the network ${show(first.key)}`, "Remove one of them.");
  }
  return networks.map((network) => (network === first ? { ...network, macAddress } : network));
};

/** Who shares something of another service starts after it. What `depends_on` says of that service counts. */
export const impliedDependencies = (
  said: readonly Dependency[],
  links: readonly Dependency[],
  more: Partial<ContainerSpec>,
): Dependency[] => {
  const shared = sharedServices(more).map(({ service }): Dependency => ({ service, condition: "service_started" }));
  const all = new Map([...shared, ...links, ...said].map((dependency) => [dependency.service, dependency]));
  return [...all.values()].toSorted((a, b) => (a.service < b.service ? -1 : 1));
};
