// A desired pod in the engine's words. Pure: the same pod always renders to the same bytes.
import { createHash } from "node:crypto";
import { COMPOSE_LABELS, LABELS } from "../schemas/constants.ts";
import type { ContainerSpec, DesiredPod, HealthcheckSpec, MountSpec, PortSpec } from "../schemas/fleet.ts";
import { containerName, projectName } from "../schemas/names.ts";
import type { CreateBody, HealthConfig, MountRequest, Resources, RestartPolicy } from "./engine.ts";

/** Raised when the same pod renders differently than before: hashes of other versions are not compared, or an upgrade would replace every container. */
const RENDER_VERSION = "v1";

export interface NetworkRequest {
  name: string;
  external: boolean;
  labels: Record<string, string>;
  /** Those of this container, with the service's own name. */
  aliases: string[];
}

export interface VolumeRequest {
  name: string;
  external: boolean;
  labels: Record<string, string>;
}

export interface Rendered {
  /** Name of the container on the engine: deterministic, so that a create can be repeated. */
  name: string;
  image: string;
  body: CreateBody;
  networks: NetworkRequest[];
  volumes: VolumeRequest[];
  limits: Required<Resources>;
  restart: Required<RestartPolicy>;
  /** `v1:<hash>` over all that cannot be changed on a container that exists. */
  specHash: string;
}

export const render = (pod: DesiredPod, clusterId: string): Rendered => {
  const c = pod.container;
  const shared = { [LABELS.cluster]: clusterId, [LABELS.namespace]: pod.namespace, [LABELS.stack]: pod.stack };
  const project = projectName(pod.namespace, pod.stack);
  const networks = c.networks.map((n) => ({
    name: n.name,
    external: n.external,
    labels: { ...shared, [COMPOSE_LABELS.project]: project, "com.docker.compose.network": n.key },
    aliases: [...new Set([pod.service, ...n.aliases])],
  }));
  const volumes = c.mounts.flatMap((m) =>
    m.type === "volume" && m.volume
      ? [
          {
            name: m.volume.name,
            external: m.volume.external,
            labels: { ...shared, [COMPOSE_LABELS.project]: project, "com.docker.compose.volume": m.volume.key },
          },
        ]
      : [],
  );
  const limits = renderLimits(c);
  const restart = { Name: c.restart.policy, MaximumRetryCount: c.restart.maxRetries ?? 0 };
  const labels: Record<string, string> = {
    ...c.labels,
    ...shared,
    [LABELS.service]: pod.service,
    [LABELS.pod]: pod.name,
    [LABELS.uid]: pod.uid,
    [COMPOSE_LABELS.project]: project,
    [COMPOSE_LABELS.service]: pod.service,
    [COMPOSE_LABELS.number]: /^\d+$/.test(pod.slot) ? String(Number(pod.slot) + 1) : "1",
  };
  const first = networks[0];
  const fixed: CreateBody = {
    Image: c.image,
    ...(c.command ? { Cmd: c.command } : {}),
    ...(c.entrypoint ? { Entrypoint: c.entrypoint } : {}),
    Env: Object.entries(c.env)
      .map(([k, v]) => `${k}=${v}`)
      .toSorted(),
    Labels: sorted(labels),
    ...(c.user === undefined ? {} : { User: c.user }),
    ...(c.workingDir === undefined ? {} : { WorkingDir: c.workingDir }),
    ...(c.hostname === undefined ? {} : { Hostname: c.hostname }),
    ...(c.stopSignal === undefined ? {} : { StopSignal: c.stopSignal }),
    StopTimeout: Math.ceil(c.stopGraceMs / 1000),
    ...(c.healthcheck ? { Healthcheck: renderHealthcheck(c.healthcheck) } : {}),
    ExposedPorts: Object.fromEntries(c.ports.map((p) => [portKey(p), {}])),
    HostConfig: {
      NetworkMode: first?.name ?? "none",
      PortBindings: renderPorts(c.ports),
      Binds: c.mounts.flatMap((m) => (m.type === "bind" && m.createHostPath ? [bindLine(m)] : [])),
      Mounts: c.mounts.flatMap((m) => (m.type === "bind" && m.createHostPath ? [] : [renderMount(m)])),
      CapAdd: c.capAdd.map(capName).toSorted(),
      CapDrop: c.capDrop.map(capName).toSorted(),
      Init: c.init,
      ReadonlyRootfs: c.readOnly,
    },
    ...(first ? { NetworkingConfig: { EndpointsConfig: { [first.name]: { Aliases: first.aliases } } } } : {}),
  };
  const specHash = `${RENDER_VERSION}:${hash([fixed, networks.map((n) => [n.name, n.aliases])])}`;
  const body: CreateBody = {
    ...fixed,
    Labels: sorted({ ...labels, [LABELS.spec]: specHash }),
    HostConfig: { ...fixed.HostConfig, ...limits, RestartPolicy: restart },
  };
  return { name: containerName(pod.namespace, pod.name), image: c.image, body, networks, volumes, limits, restart, specHash };
};

/** Whether two `v1:…` labels can be compared at all. */
export const sameRenderVersion = (a: string, b: string): boolean => a.split(":")[0] === b.split(":")[0];

const renderLimits = (c: ContainerSpec): Required<Resources> => {
  const memory = c.limits.memoryBytes ?? 0;
  // The engine's own default, said: an update that lowers Memory is refused unless MemorySwap goes along.
  return { NanoCpus: Math.round((c.limits.cpus ?? 0) * 1e9), Memory: memory, MemorySwap: memory * 2 };
};

const NS = 1e6;
const renderHealthcheck = (h: HealthcheckSpec | { disable: true }): HealthConfig =>
  "disable" in h
    ? { Test: ["NONE"] }
    : {
        Test: h.test,
        Interval: h.intervalMs * NS,
        Timeout: h.timeoutMs * NS,
        Retries: h.retries,
        StartPeriod: h.startPeriodMs * NS,
      };

const portKey = (p: PortSpec): string => `${p.target}/${p.protocol}`;
const renderPorts = (ports: PortSpec[]): NonNullable<CreateBody["HostConfig"]["PortBindings"]> => {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const p of ports) {
    (bindings[portKey(p)] ??= []).push({ HostIp: p.hostIp ?? "", HostPort: p.published === undefined ? "" : String(p.published) });
  }
  return bindings;
};

/** Long mounts never create the host path (before API 1.42); the short form always does. */
const bindLine = (m: Extract<MountSpec, { type: "bind" }>): string =>
  `${m.source}:${m.target}:${[m.readOnly ? "ro" : "rw", m.propagation].filter(Boolean).join(",")}`;

const renderMount = (m: MountSpec): MountRequest => {
  if (m.type === "volume")
    return {
      Type: "volume",
      ...(m.volume ? { Source: m.volume.name } : {}),
      Target: m.target,
      ReadOnly: m.readOnly,
      ...(m.nocopy ? { VolumeOptions: { NoCopy: true } } : {}),
    };
  if (m.type === "bind")
    return {
      Type: "bind",
      Source: m.source,
      Target: m.target,
      ReadOnly: m.readOnly,
      ...(m.propagation ? { BindOptions: { Propagation: m.propagation } } : {}),
    };
  return {
    Type: "tmpfs",
    Target: m.target,
    TmpfsOptions: { ...(m.sizeBytes === undefined ? {} : { SizeBytes: m.sizeBytes }), ...(m.mode === undefined ? {} : { Mode: m.mode }) },
  };
};

export const capName = (cap: string): string => cap.toUpperCase().replace(/^CAP_/, "");

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

/** Key order does not count. */
const canonical = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(canonical)
    : value !== null && typeof value === "object"
      ? sorted(Object.fromEntries(Object.entries(value).map(([k, v]) => [k, canonical(v)])))
      : value;

const hash = (value: unknown): string =>
  createHash("sha256")
    .update(JSON.stringify(canonical(value)))
    .digest("hex")
    .slice(0, 16);
