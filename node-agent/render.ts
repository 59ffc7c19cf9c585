// A desired pod in the engine's words. Pure: the same pod always renders to the same bytes.
import { createHash } from "node:crypto";
import { COMPOSE_LABELS, LABELS } from "../schemas/constants.ts";
import type { DesiredPod, SharedWith } from "../schemas/fleet.ts";
import { containerName, projectName } from "../schemas/names.ts";
import type { CreateBody, HostConfig, RestartPolicy } from "./engine.ts";
import { pinned } from "./images/reference.ts";
import { renderLimits, renderRestart, type WantedLimits } from "./render/limits.ts";
import { type FileSource, filesForHash, renderFiles, renderMounts, renderVolumes, renderVolumesFrom } from "./render/mounts.ts";
import { type VolumeRequest, volumesFromForHash } from "./render/mounts.ts";
import { renderNamespaces, type ShareIds, shareKey, sharesOf } from "./render/namespaces.ts";
import { type NetworkRequest, networksForHash, portKey, renderNetworks, renderPorts } from "./render/networks.ts";
import { capName, renderConfigOptions, renderHealthcheck, renderHostOptions } from "./render/options.ts";

export { type FileSource, type NetworkRequest, type ShareIds, shareKey, type VolumeRequest };

/** Raised when the same pod renders differently than before: hashes of other versions are not compared, or an upgrade would replace every container. */
const RENDER_VERSION = "v1";

/** What of the node a container depends on. */
export interface RenderContext {
  /** `service:<name>` and `container:<name>` → container id: see shareKey. */
  shares?: ShareIds;
  /** Host path of a config or secret. */
  fileSource?: FileSource;
}

export interface Rendered {
  /** Name of the container on the engine: deterministic, so that a create can be repeated. */
  name: string;
  image: string;
  platform?: string;
  body: CreateBody;
  networks: NetworkRequest[];
  volumes: VolumeRequest[];
  limits: WantedLimits;
  restart: Required<RestartPolicy>;
  /** Containers that it needs and whose ids are not known: it cannot be created now. */
  unresolved: SharedWith[];
  /** `v1:<hash>` over all that cannot be changed on a container that exists. */
  specHash: string;
}

export const render = (pod: DesiredPod, clusterId: string, context: RenderContext = {}): Rendered => {
  const c = pod.container;
  const { shares = new Map(), fileSource = noSource } = context;
  const ours = { [LABELS.cluster]: clusterId, [LABELS.namespace]: pod.namespace, [LABELS.stack]: pod.stack };
  const project = { [COMPOSE_LABELS.project]: projectName(pod.namespace, pod.stack) };
  const networks = renderNetworks(pod, { ...ours, ...project });
  const volumes = renderVolumes(pod, { ...ours, ...project });
  const limits = renderLimits(c);
  const restart = renderRestart(c);
  const labels: Record<string, string> = {
    ...c.labels,
    ...ours,
    [LABELS.service]: pod.service,
    [LABELS.pod]: pod.name,
    [LABELS.uid]: pod.uid,
    ...project,
    [COMPOSE_LABELS.service]: pod.service,
    [COMPOSE_LABELS.number]: /^\d+$/.test(pod.slot) ? String(Number(pod.slot) + 1) : "1",
  };
  const first = networks[0];
  const mounts = renderMounts(c);
  /** What a restart of the agent, another node or another container of a service cannot change. */
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
    ExposedPorts: Object.fromEntries([...c.ports.map(portKey), ...(c.expose ?? [])].map((port) => [port, {}])),
    ...renderConfigOptions(c),
    HostConfig: {
      NetworkMode: first?.name ?? "none",
      PortBindings: renderPorts(c.ports),
      ...mounts,
      CapAdd: c.capAdd.map(capName).toSorted(),
      CapDrop: c.capDrop.map(capName).toSorted(),
      Init: c.init,
      ReadonlyRootfs: c.readOnly,
      ...renderHostOptions(c),
      ...renderNamespaces(c, new Map()),
    },
    ...(first ? { NetworkingConfig: { EndpointsConfig: { [first.name]: first.endpoint } } } : {}),
  };
  const more = {
    ...(c.files?.length ? { files: filesForHash(c) } : {}),
    ...(c.volumesFrom?.length ? { volumesFrom: volumesFromForHash(c) } : {}),
    ...(c.platform === undefined ? {} : { platform: c.platform }),
  };
  const specHash = `${RENDER_VERSION}:${hash([fixed, networksForHash(networks), ...(Object.keys(more).length > 0 ? [more] : [])])}`;
  const image = pinned(c.image, pod.imageDigest);
  const volumesFrom = renderVolumesFrom(c, shares);
  const hostConfig: HostConfig = {
    ...fixed.HostConfig,
    ...renderNamespaces(c, shares),
    Mounts: [...(mounts.Mounts ?? []), ...renderFiles(c, fileSource)],
    ...(volumesFrom?.length ? { VolumesFrom: volumesFrom } : {}),
    ...limits,
    RestartPolicy: restart,
  };
  return {
    name: c.containerName ?? containerName(pod.namespace, pod.name),
    image,
    ...(c.platform === undefined ? {} : { platform: c.platform }),
    // Which bits the name means is no part of the hash: a container that has them already is left alone.
    body: { ...fixed, Image: image, Labels: sorted({ ...labels, [LABELS.spec]: specHash }), HostConfig: hostConfig },
    networks,
    volumes,
    limits,
    restart,
    unresolved: sharesOf(c).filter((s) => "service" in s && !shares.has(shareKey(s))),
    specHash,
  };
};

/** Whether two `v1:…` labels can be compared at all. */
export const sameRenderVersion = (a: string, b: string): boolean => a.split(":")[0] === b.split(":")[0];

const noSource: FileSource = (f) => {
  throw new TypeError(`no host path is known for ${f.kind} ${f.key}`);
};

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
