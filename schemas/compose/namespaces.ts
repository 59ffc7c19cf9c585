// Whose network, processes, memory, host name and volumes a container sees.
import type { ContainerSpec, SharedWith } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { oneOf, show } from "../words.ts";
import { type Field, type StackContext, variableHelp } from "./context.ts";

type Service = Partial<ComposeService>;

/** `service:x` or `container:x`; undefined: neither of them. False after a problem. */
const shared = (name: string, text: string, context: StackContext, field: Field): SharedWith | undefined | false => {
  const match = /^(service|container):(.*)$/.exec(text);
  if (!match) return undefined;
  const [, kind, other = ""] = match;
  if (kind === "container") {
    if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(other)) return { container: other };
    field.problem("Invalid", `${show(other)} is no name of a container`, variableHelp(text));
    return false;
  }
  if (other === name) field.problem("Invalid", "a service cannot share with itself");
  else if (context.services.has(other)) return { service: other };
  else field.problem("Invalid", `there is no service ${show(other)}${field.guess(other, context.services)}`, variableHelp(text));
  return false;
};

const mode = <W extends string>(
  name: string,
  text: string | undefined,
  words: readonly W[],
  context: StackContext,
  field: Field,
): W | SharedWith | undefined => {
  if (!text) return undefined;
  const word = words.find((w) => w === text);
  if (word !== undefined) return word;
  const found = shared(name, text, context, field);
  if (found === undefined) {
    const message = `must be ${oneOf([...words, "service:<name>", "container:<name>"])}; got ${show(text)}${field.guess(text, words)}`;
    field.problem("NotSupported", message, variableHelp(text));
  }
  return found || undefined;
};

const networkMode = (name: string, service: Service, context: StackContext, field: Field): ContainerSpec["networkMode"] => {
  const at = field.at("network_mode");
  const text = service.network_mode;
  if (!text) return undefined;
  // What Docker calls "default" is its bridge.
  if (text === "default") return "bridge";
  if (
    /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text) &&
    !["none", "host", "bridge"].includes(text) &&
    !at.guess(text, ["none", "host", "bridge"])
  ) {
    const help = `Declare it: \`networks: {${text}: {external: true}}\` beside \`services\`, and \`networks: [${text}]\` in the service.`;
    at.problem("NotSupported", `the name of a network (${show(text)}) is not supported here`, help);
    return undefined;
  }
  const found = mode(name, text, ["none", "host", "bridge"] as const, context, at);
  const networks = Array.isArray(service.networks) ? service.networks : Object.keys(service.networks ?? {});
  if (networks.length > 0) at.keyProblem("Invalid", "either `network_mode` or `networks`, not both", "Remove one of them.");
  if (found === undefined || found === "bridge" || found === "none") return found;
  if (found === "host") {
    if (service.mac_address)
      field.at("mac_address").keyProblem("Invalid", "the network is the node's: its address cannot be set", "Remove it.");
    return found;
  }
  // What the engine refuses of a container in somebody else's network. Source: moby, runconfig, validateNetContainerMode.
  const owner = "service" in found ? `the service "${found.service}"` : `the container "${found.container}"`;
  for (const key of ["ports", "expose", "hostname", "dns", "extra_hosts", "links", "mac_address"] as const) {
    const value = service[key];
    if (!value || (typeof value === "object" && Object.keys(value).length === 0)) continue;
    field.at(key).keyProblem("Invalid", `the network is that of ${owner}, which alone can have \`${key}\``, `Move it to ${owner}.`);
  }
  return found;
};

const volumesFrom = (name: string, service: Service, context: StackContext, field: Field): NonNullable<ContainerSpec["volumesFrom"]> =>
  (service.volumes_from ?? []).flatMap((text, i) => {
    const at = field.at(i);
    const match = /^((?:container:)?[^:]+)(?::([^:]*))?$/.exec(text);
    const [, source = "", access = "rw"] = match ?? [];
    if (!match || (access !== "ro" && access !== "rw")) {
      at.problem("Invalid", `must be service[:ro|rw] or container:<name>[:ro|rw]; got ${show(text)}`, variableHelp(text));
      return [];
    }
    const found = shared(name, source.startsWith("container:") ? source : `service:${source}`, context, at);
    return found ? [{ ...found, readOnly: access === "ro" }] : [];
  });

type Namespaces = Pick<ContainerSpec, "networkMode" | "pid" | "ipc" | "uts" | "userns" | "cgroup" | "cgroupParent" | "volumesFrom">;

export const normalizeNamespaces = (name: string, service: Service, context: StackContext, field: Field): Namespaces => {
  const network = networkMode(name, service, context, field);
  const pid = mode(name, service.pid, ["host"] as const, context, field.at("pid"));
  const ipc = mode(name, service.ipc, ["host", "private", "shareable", "none"] as const, context, field.at("ipc"));
  const from = volumesFrom(name, service, context, field.at("volumes_from"));
  if (service.uts && (service.hostname || service.domainname)) {
    field.at("uts").keyProblem("Invalid", "the host name is the node's, so the service cannot set one", "Remove `uts`, or `hostname`.");
  }
  return {
    ...(network ? { networkMode: network } : {}),
    ...(pid ? { pid } : {}),
    ...(ipc ? { ipc } : {}),
    ...(service.uts ? { uts: service.uts } : {}),
    ...(service.userns_mode ? { userns: service.userns_mode } : {}),
    ...(service.cgroup ? { cgroup: service.cgroup } : {}),
    ...(service.cgroup_parent ? { cgroupParent: service.cgroup_parent } : {}),
    ...(from.length > 0 ? { volumesFrom: from } : {}),
  };
};

/** Services whose namespaces or volumes a container uses, each once, with the key that says so. */
export const sharedServices = (
  container: Partial<ContainerSpec>,
): { service: string; key: "network_mode" | "pid" | "ipc" | "volumes_from" }[] => {
  const { networkMode: network, pid, ipc, volumesFrom: from = [] } = container;
  const all = [
    { key: "network_mode" as const, other: network },
    { key: "pid" as const, other: pid },
    { key: "ipc" as const, other: ipc },
    ...from.map((other) => ({ key: "volumes_from" as const, other })),
  ];
  const found = all.flatMap(({ key, other }) => (typeof other === "object" && "service" in other ? [{ key, service: other.service }] : []));
  return [...new Map(found.map((f) => [f.service, f])).values()];
};
