// A container as it should be, in the words of a Kubernetes pod.
import type { ContainerSpec, DesiredPod, HealthcheckSpec, HookSpec } from "../fleet.ts";
import { formatBytes, formatCpus } from "../quantity.ts";
import type { HostAlias, Lifecycle, PodContainer, PodDNSConfig, PodResources, PodSpec, Probe, VolumeMount } from "../types.ts";
import { podSecurityOf, securityOf, some } from "./pod-security.ts";
import { mountsOf } from "./pod-volumes.ts";

const RESTART = { no: "Never", "on-failure": "OnFailure", always: "Always", "unless-stopped": "Always" } as const;
const PULL = { missing: "IfNotPresent", always: "Always", never: "Never" } as const;
const PROTOCOL = { tcp: "TCP", udp: "UDP", sctp: "SCTP" } as const;

const resourcesOf = ({ cpus, memoryBytes, memoryReservationBytes: reserved }: ContainerSpec["limits"]): PodResources | undefined => {
  const limits = some({
    ...(cpus === undefined ? {} : { cpu: formatCpus(cpus) }),
    ...(memoryBytes === undefined ? {} : { memory: formatBytes(memoryBytes) }),
  });
  return some({ ...(limits ? { limits } : {}), ...(reserved === undefined ? {} : { requests: { memory: formatBytes(reserved) } }) });
};

const probeOf = (check: HealthcheckSpec): Probe => {
  const [form, ...words] = check.test;
  return {
    exec: { command: form === "CMD-SHELL" ? ["/bin/sh", "-c", ...words] : words },
    ...(check.startPeriodMs ? { initialDelaySeconds: Math.ceil(check.startPeriodMs / 1000) } : {}),
    periodSeconds: Math.ceil(check.intervalMs / 1000),
    timeoutSeconds: Math.ceil(check.timeoutMs / 1000),
    failureThreshold: check.retries,
  };
};

const lifecycleOf = ({ postStart, preStop }: ContainerSpec): Lifecycle | undefined => {
  const first = (hooks: readonly HookSpec[] | undefined): { exec: { command: string[] } } | undefined =>
    hooks?.[0] && { exec: { command: hooks[0].command } };
  const [start, stop] = [first(postStart), first(preStop)];
  return some({ ...(start ? { postStart: start } : {}), ...(stop ? { preStop: stop } : {}) });
};

const containerOf = (service: string, c: ContainerSpec, mounts: VolumeMount[]): PodContainer => {
  const [resources, security, lifecycle] = [resourcesOf(c.limits), securityOf(c), lifecycleOf(c)];
  return {
    name: service,
    image: c.image,
    // A pull every so often is none of the words: it is missing again after that time.
    imagePullPolicy: PULL[typeof c.pullPolicy === "string" ? c.pullPolicy : "missing"],
    ...(c.entrypoint ? { command: c.entrypoint } : {}),
    ...(c.command ? { args: c.command } : {}),
    ...(c.workingDir ? { workingDir: c.workingDir } : {}),
    ...(Object.keys(c.env).length ? { env: Object.entries(c.env).map(([name, value]) => ({ name, value })) } : {}),
    ...(c.ports.length
      ? {
          ports: c.ports.map((p) => ({
            containerPort: p.target,
            ...(p.published === undefined ? {} : { hostPort: p.published }),
            ...(p.hostIp === undefined ? {} : { hostIP: p.hostIp }),
            protocol: PROTOCOL[p.protocol],
          })),
        }
      : {}),
    ...(resources ? { resources } : {}),
    ...(mounts.length ? { volumeMounts: mounts } : {}),
    ...(c.healthcheck && "test" in c.healthcheck && c.healthcheck.test.length > 0 ? { readinessProbe: probeOf(c.healthcheck) } : {}),
    ...(lifecycle ? { lifecycle } : {}),
    ...(security ? { securityContext: security } : {}),
    ...(c.stdinOpen ? { stdin: true } : {}),
    ...(c.tty ? { tty: true } : {}),
  };
};

const dnsOf = ({ servers, search, options }: NonNullable<ContainerSpec["dns"]>): PodDNSConfig => ({
  ...(servers ? { nameservers: servers } : {}),
  ...(search ? { searches: search } : {}),
  ...(options
    ? {
        options: options.map((text) => {
          const [name = "", value] = text.split(":");
          return { name, ...(value === undefined ? {} : { value }) };
        }),
      }
    : {}),
});

/** `name:address` lines, by address. */
const aliasesOf = (hosts: readonly string[]): HostAlias[] => {
  const byAddress = new Map<string, string[]>();
  for (const line of hosts) {
    const colon = line.indexOf(":");
    const ip = line.slice(colon + 1);
    byAddress.set(ip, [...(byAddress.get(ip) ?? []), line.slice(0, colon)]);
  }
  return [...byAddress].map(([ip, hostnames]) => ({ ip, hostnames }));
};

/** What all pods of a service have in common. */
export const templateSpecOf = (service: string, c: ContainerSpec): PodSpec => {
  const { volumes, mounts } = mountsOf(c);
  const security = podSecurityOf(c);
  return {
    ...(c.hostname ? { hostname: c.hostname } : {}),
    restartPolicy: RESTART[c.restart.policy],
    terminationGracePeriodSeconds: Math.ceil(c.stopGraceMs / 1000),
    ...(c.networkMode === "host" ? { hostNetwork: true } : {}),
    ...(c.pid === "host" ? { hostPID: true } : {}),
    ...(c.ipc === "host" ? { hostIPC: true } : {}),
    ...(c.runtime ? { runtimeClassName: c.runtime } : {}),
    ...(c.extraHosts?.length ? { hostAliases: aliasesOf(c.extraHosts) } : {}),
    ...(c.dns ? { dnsConfig: dnsOf(c.dns) } : {}),
    ...(security ? { securityContext: security } : {}),
    containers: [containerOf(service, c, mounts)],
    ...(volumes.length ? { volumes } : {}),
  };
};

export const podSpecOf = (node: string, d: DesiredPod): PodSpec => ({
  nodeName: node,
  ...templateSpecOf(d.service, d.container),
  ...(d.pullSecrets?.length ? { imagePullSecrets: d.pullSecrets.map(({ name }) => ({ name })) } : {}),
});
