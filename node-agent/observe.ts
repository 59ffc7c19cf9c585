// What `inspect` says, as facts that can be compared with what was asked for: everything the daemon fills in is normalised away.
import { LABELS } from "../schemas/constants.ts";
import type { ContainerState } from "../schemas/fleet.ts";
import type { Lack } from "./abilities.ts";
import { type Comparable, comparable, comparableEndpoint, MODES, pairs } from "./comparable.ts";
import type { ContainerConfig, ContainerInspect, ImageInspect } from "./engine.ts";
import type { HealthConfig } from "./engine-objects.ts";
import { digestsOf } from "./images/reference.ts";
import type { ComparableLimits } from "./render/limits.ts";
import { type Joined, joinedOf } from "./shares/joined.ts";
import type { Rendered } from "./render.ts";

export type { Comparable };

/** One container of ours, as it is. */
export interface ContainerFacts {
  id: string;
  name: string;
  uid: string;
  specHash: string;
  createdAt: string;
  state: ContainerState;
  exitCode: number;
  oomKilled: boolean;
  /** The engine's own words about the last start. */
  error: string;
  /** Absent: never. RFC 3339. */
  startedAt?: string;
  finishedAt?: string;
  health?: "starting" | "healthy" | "unhealthy";
  restartCount: number;
  imageId: string;
  /** `sha256:…` of the image in the repository that the container names; none for images that no registry knows, or that are gone. */
  imageDigests: string[];
  networkIds: Record<string, string>;
  addresses: Record<string, string>;
  ports: { target: number; published: number; protocol: string; hostIp: string }[];
  /** Containers whose namespaces or volumes it has. */
  joined: Joined;
  spec: Comparable;
}

const STATES = new Set<string>(["created", "running", "paused", "restarting", "removing", "exited", "dead"]);
const time = (t: string): string | undefined => (t === "" || t.startsWith("0001-") ? undefined : t);

/** `image`: that of the container, where known. */
export const observe = (i: ContainerInspect, image?: ImageInspect): ContainerFacts => {
  const networks = Object.entries(i.NetworkSettings.Networks ?? {});
  const labels = i.Config.Labels ?? {};
  const health = i.State.Health?.Status;
  const startedAt = time(i.State.StartedAt);
  const finishedAt = time(i.State.FinishedAt);
  return {
    id: i.Id,
    name: i.Name.replace(/^\//, ""),
    uid: labels[LABELS.uid] ?? "",
    specHash: labels[LABELS.spec] ?? "",
    createdAt: i.Created,
    state: STATES.has(i.State.Status) ? (i.State.Status as ContainerState) : "dead",
    exitCode: i.State.ExitCode,
    oomKilled: i.State.OOMKilled,
    error: i.State.Error,
    ...(startedAt ? { startedAt } : {}),
    ...(finishedAt ? { finishedAt } : {}),
    ...(health === "starting" || health === "healthy" || health === "unhealthy" ? { health } : {}),
    restartCount: i.RestartCount,
    imageId: i.Image,
    imageDigests: digestsOf(i.Config.Image, image?.RepoDigests),
    networkIds: Object.fromEntries(networks.map(([name, n]) => [name, n.NetworkID])),
    addresses: Object.fromEntries(networks.flatMap(([name, n]) => (n.IPAddress ? [[name, n.IPAddress]] : []))),
    ports: openPorts(i),
    joined: joinedOf(i),
    spec: {
      ...comparable(i.Config, i.HostConfig, image, i.Config.Cmd ?? [], i.Config.Entrypoint ?? []),
      ...platformOf(image),
      networks: Object.fromEntries(
        networks
          .filter(([name]) => !(MODES.has(name) && modeOf(i) === name))
          .map(([name, n]) => [name, comparableEndpoint({ ...n, ...macOf(i, name, n) })]),
      ),
    },
  };
};

const modeOf = ({ HostConfig: { NetworkMode: mode } }: ContainerInspect): string | undefined => (mode === "default" ? "bridge" : mode);
const platformOf = (image: ImageInspect | undefined): { platform?: string } =>
  image?.Os && image.Architecture ? { platform: [image.Os, image.Architecture, image.Variant].filter(Boolean).join("/") } : {};

/** Engines before API 1.44 keep what was asked for in the container's own configuration. */
const macOf = (i: ContainerInspect, network: string, n: { MacAddress?: string }): { MacAddress?: string } => {
  const mac = n.MacAddress || (i.HostConfig.NetworkMode === network ? i.Config.MacAddress : undefined);
  return mac ? { MacAddress: mac } : {};
};

/** What is 0 the engine takes from the image, too. Source: moby, daemon/commit.go, merge. */
const said = (h: HealthConfig | undefined): HealthConfig => Object.fromEntries(Object.entries(h ?? {}).filter(([, v]) => v !== 0));

/**
 * What a container that was made from this would look like. `image`: the one it is made from, where known. `lacks`: what the engine's
 * kernel has no support for, and the engine therefore drops: not compared.
 */
export const expected = (r: Rendered, image?: ImageInspect, lacks: ReadonlySet<Lack> = new Set()): Comparable => {
  const own = image?.Config;
  // As the engine merges: an entrypoint of ours drops the image's command.
  const entrypoint = r.body.Entrypoint ?? own?.Entrypoint ?? [];
  const command = r.body.Cmd ?? (r.body.Entrypoint ? [] : (own?.Cmd ?? []));
  const body: ContainerConfig = {
    ...r.body,
    Env: [...Object.entries({ ...pairs(own?.Env), ...pairs(r.body.Env) }).map(([k, v]) => `${k}=${v}`)],
    Labels: { ...own?.Labels, ...r.body.Labels },
    User: r.body.User ?? own?.User ?? "",
    WorkingDir: r.body.WorkingDir ?? own?.WorkingDir ?? "",
    StopSignal: r.body.StopSignal ?? own?.StopSignal ?? "",
    ...((r.body.Healthcheck ?? own?.Healthcheck) ? { Healthcheck: { ...own?.Healthcheck, ...said(r.body.Healthcheck) } } : {}),
    ExposedPorts: { ...own?.ExposedPorts, ...r.body.ExposedPorts },
  };
  const all = comparable(body, r.body.HostConfig, image, command, entrypoint);
  const unresolved = r.unresolved.length > 0 ? { volumesFrom: undefined } : {};
  return {
    ...all,
    ...(r.platform === undefined ? {} : { platform: r.platform }),
    ...(r.body.Hostname === undefined ? {} : { hostname: r.body.Hostname }),
    networks: Object.fromEntries(r.networks.map((n) => [n.name, comparableEndpoint(n.endpoint)])),
    limits: without(all.limits, lacks),
    options: { ...all.options, ...unresolved },
  };
};

const without = (limits: Comparable["limits"], lacks: ReadonlySet<Lack>): Comparable["limits"] =>
  Object.fromEntries(Object.entries(limits).filter(([name]) => !lacks.has(name as Lack & keyof ComparableLimits)));

const openPorts = (i: ContainerInspect): ContainerFacts["ports"] =>
  Object.entries(i.NetworkSettings.Ports ?? {})
    .flatMap(([key, bindings]) => {
      const [target = "0", protocol = "tcp"] = key.split("/");
      return (bindings ?? []).map((b) => ({ target: Number(target), published: Number(b.HostPort), protocol, hostIp: b.HostIp }));
    })
    .toSorted((a, b) => a.target - b.target || a.published - b.published || (a.hostIp < b.hostIp ? -1 : 1));
