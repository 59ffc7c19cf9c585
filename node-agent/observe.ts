// What `inspect` says, as facts that can be compared with what was asked for: everything the daemon fills in is normalised away.
import { LABELS } from "../schemas/constants.ts";
import type { ContainerState } from "../schemas/fleet.ts";
import type { ContainerConfig, ContainerInspect, HealthConfig, HostConfig, ImageInspect } from "./engine.ts";
import { capName } from "./render/options.ts";
import type { Rendered } from "./render.ts";

/** The part of a container that a spec decides. Lists are sorted, absent and empty are the same. */
export interface Comparable {
  image: string;
  /** Absent while the image's own values are unknown: not compared then. */
  env?: Record<string, string>;
  command?: string[];
  entrypoint?: string[];
  user?: string;
  workingDir?: string;
  stopSignal?: string;
  healthcheck?: HealthConfig | null;
  /** Absent: the engine's choice (the short id). */
  hostname?: string;
  stopTimeout: number;
  labels: Record<string, string>;
  mounts: string[];
  /** Name → aliases. */
  networks: Record<string, string[]>;
  ports: string[];
  capAdd: string[];
  capDrop: string[];
  readOnly: boolean;
  init: boolean;
  limits: { nanoCpus: number; memory: number; memorySwap: number };
  restart: { policy: string; maxRetries: number };
}

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
  imageDigest?: string;
  networkIds: Record<string, string>;
  addresses: Record<string, string>;
  ports: { target: number; published: number; protocol: string; hostIp: string }[];
  spec: Comparable;
}

/** Characters of a container's id that the engine shows and makes an alias of. */
const SHORT_ID = 12;
const STATES = new Set<string>(["created", "running", "paused", "restarting", "removing", "exited", "dead"]);
const time = (t: string): string | undefined => (t === "" || t.startsWith("0001-") ? undefined : t);

/** `image`: that of the container, where known. */
export const observe = (i: ContainerInspect, image?: ImageInspect): ContainerFacts => {
  const networks = Object.entries(i.NetworkSettings.Networks ?? {});
  const labels = i.Config.Labels ?? {};
  const health = i.State.Health?.Status;
  const startedAt = time(i.State.StartedAt);
  const finishedAt = time(i.State.FinishedAt);
  const digest = image?.RepoDigests?.[0];
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
    ...(digest ? { imageDigest: digest } : {}),
    networkIds: Object.fromEntries(networks.map(([name, n]) => [name, n.NetworkID])),
    addresses: Object.fromEntries(networks.flatMap(([name, n]) => (n.IPAddress ? [[name, n.IPAddress]] : []))),
    ports: openPorts(i),
    spec: {
      ...comparable(i.Config, i.HostConfig, image, i.Config.Cmd ?? [], i.Config.Entrypoint ?? []),
      // The engine adds the short id by itself. The whole of it: "db" is a name, and what one id in 256 begins with.
      networks: Object.fromEntries(
        networks
          .filter(([name]) => !(name === "none" && i.HostConfig.NetworkMode === "none"))
          .map(([name, n]) => [name, (n.Aliases ?? []).filter((a) => a !== i.Id.slice(0, SHORT_ID)).toSorted()]),
      ),
    },
  };
};

/** What a container that was made from this would look like. `image`: the one it is made from, where known. */
export const expected = (r: Rendered, image?: ImageInspect): Comparable => {
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
    ...((r.body.Healthcheck ?? own?.Healthcheck) ? { Healthcheck: { ...own?.Healthcheck, ...r.body.Healthcheck } } : {}),
  };
  return {
    ...comparable(body, r.body.HostConfig, image, command, entrypoint),
    ...(r.body.Hostname === undefined ? {} : { hostname: r.body.Hostname }),
    networks: Object.fromEntries(r.networks.map((n) => [n.name, n.aliases.toSorted()])),
  };
};

const comparable = (
  c: ContainerConfig,
  h: HostConfig,
  image: ImageInspect | undefined,
  command: string[],
  entrypoint: string[],
): Omit<Comparable, "networks"> => ({
  image: c.Image,
  ...(image
    ? {
        env: pairs(c.Env),
        command,
        entrypoint,
        user: c.User ?? "",
        workingDir: (c.WorkingDir ?? "") === "/" ? "" : (c.WorkingDir ?? ""),
        stopSignal: c.StopSignal || "SIGTERM",
        healthcheck: normalHealth(c.Healthcheck),
      }
    : {}),
  ...(c.Hostname === undefined ? {} : { hostname: c.Hostname }),
  stopTimeout: c.StopTimeout ?? 10,
  labels: c.Labels ?? {},
  mounts: mounts(h),
  ports: Object.entries(h.PortBindings ?? {})
    .flatMap(([port, bindings]) =>
      (bindings ?? []).map((b) => `${b.HostIp ?? ""}:${b.HostPort === "0" ? "" : (b.HostPort ?? "")}->${port}`),
    )
    .toSorted(),
  capAdd: (h.CapAdd ?? []).map(capName).toSorted(),
  capDrop: (h.CapDrop ?? []).map(capName).toSorted(),
  readOnly: h.ReadonlyRootfs ?? false,
  init: h.Init ?? false,
  limits: {
    nanoCpus: h.NanoCpus ?? 0,
    memory: h.Memory ?? 0,
    // Without swap accounting the kernel has none to limit, and the engine writes -1 or 0.
    memorySwap: h.Memory ? (h.MemorySwap ?? 0) : 0,
  },
  restart: {
    policy: h.RestartPolicy?.Name || "no",
    maxRetries: h.RestartPolicy?.Name === "on-failure" ? (h.RestartPolicy.MaximumRetryCount ?? 0) : 0,
  },
});

const pairs = (env: readonly string[] | null | undefined): Record<string, string> =>
  Object.fromEntries((env ?? []).map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]));

/** 0 means "the engine's default" in each field. Source: moby daemon/health.go. */
const normalHealth = (h: HealthConfig | undefined): HealthConfig | null => {
  if (!h?.Test || h.Test.length === 0) return null;
  if (h.Test[0] === "NONE") return { Test: ["NONE"] };
  return {
    Test: h.Test,
    Interval: h.Interval || 30e9,
    Timeout: h.Timeout || 30e9,
    Retries: h.Retries || 3,
    StartPeriod: h.StartPeriod ?? 0,
  };
};

const mounts = (h: HostConfig): string[] =>
  [
    ...(h.Binds ?? []).map((line) => {
      const [source = "", target = "", options = ""] = line.split(":");
      const set = options.split(",");
      const propagation = set.find((o) => o.includes("shared") || o.includes("slave") || o.includes("private")) ?? "rprivate";
      return `bind ${source} -> ${target} ${set.includes("ro") ? "ro" : "rw"} ${propagation}`;
    }),
    ...(h.Mounts ?? []).map((m) => {
      const access = m.ReadOnly ? "ro" : "rw";
      if (m.Type === "tmpfs")
        return `tmpfs -> ${m.Target} size=${m.TmpfsOptions?.SizeBytes ?? 0} mode=${(m.TmpfsOptions?.Mode ?? 0).toString(8)}`;
      if (m.Type === "bind") return `bind ${m.Source} -> ${m.Target} ${access} ${m.BindOptions?.Propagation || "rprivate"}`;
      return `volume ${m.Source ?? ""} -> ${m.Target} ${access}${m.VolumeOptions?.NoCopy ? " nocopy" : ""}`;
    }),
  ].toSorted();

const openPorts = (i: ContainerInspect): ContainerFacts["ports"] =>
  Object.entries(i.NetworkSettings.Ports ?? {})
    .flatMap(([key, bindings]) => {
      const [target = "0", protocol = "tcp"] = key.split("/");
      return (bindings ?? []).map((b) => ({ target: Number(target), published: Number(b.HostPort), protocol, hostIp: b.HostIp }));
    })
    .toSorted((a, b) => a.target - b.target || a.published - b.published || (a.hostIp < b.hostIp ? -1 : 1));
