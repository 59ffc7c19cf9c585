// A container in a form that can be compared: what the spec decides, with everything the daemon fills in normalised away. Pure.
import { parseReference } from "./images/reference.ts";
import type { ContainerConfig, EndpointInspect, HealthConfig, HostConfig, ImageInspect } from "./engine-objects.ts";
import { type ComparableLimits, comparableLimits } from "./render/limits.ts";
import { capName } from "./render/options.ts";

/** The part of a container that a spec decides. Lists are sorted, absent and empty are the same. */
export interface Comparable {
  image: string;
  /** `os/arch[/variant]` of the image; absent while that is unknown. */
  platform?: string;
  /** Absent while the image's own values are unknown: not compared then. */
  env?: Record<string, string>;
  command?: string[];
  entrypoint?: string[];
  user?: string;
  workingDir?: string;
  stopSignal?: string;
  healthcheck?: HealthConfig | null;
  exposed?: string[];
  /** Absent: the engine's choice (the short id). */
  hostname?: string;
  stopTimeout: number;
  labels: Record<string, string>;
  mounts: string[];
  /** By name. */
  networks: Record<string, ComparableEndpoint>;
  ports: string[];
  capAdd: string[];
  capDrop: string[];
  readOnly: boolean;
  init: boolean;
  /** Absent ones are not compared. */
  limits: Partial<ComparableLimits>;
  restart: { policy: string; maxRetries: number };
  options: Options;
}

export interface ComparableEndpoint {
  aliases: string[];
  ipv4: string;
  ipv6: string;
  linkLocalIps: string[];
  driverOpts: Record<string, string>;
  gwPriority: number;
  /** Absent: the engine's choice, or not known as the container does not run. */
  mac?: string;
}

type Value = string | number | boolean | string[] | Record<string, string> | undefined;
export type Options = Record<OptionName, Value>;

interface Option {
  of(h: HostConfig, c: ContainerConfig): Value;
  /**
   * same: both sides must agree. wanted: compared only when the spec says something, as the daemon's configuration has a say
   * otherwise. contains: what the spec says must be there; the daemon's configuration may add to it. kept: as `same`, but an engine
   * whose kernel has no support for it drops it with a warning, so that nothing in place of something is no difference.
   */
  rule: "same" | "wanted" | "contains" | "kept";
  /** Values may be secrets: the path is told, the value never. */
  silent?: true;
}

const list = (l: readonly string[] | null | undefined): string[] => (l ?? []).toSorted();
const json = (l: readonly object[] | null | undefined): string[] => list((l ?? []).map((o) => JSON.stringify(o)));
/** `container:<id>`, or undefined while the other container is unknown. */
const mode = (m: string | undefined): string | undefined => (m?.startsWith("service:") ? undefined : m);

const OPTIONS = {
  networkMode: { rule: "same", of: (h) => networkMode(h.NetworkMode) },
  pid: { rule: "same", of: (h) => mode(h.PidMode ?? "") },
  ipc: { rule: "wanted", of: (h) => mode(h.IpcMode) },
  uts: { rule: "same", of: (h) => h.UTSMode ?? "" },
  userns: { rule: "same", of: (h) => h.UsernsMode ?? "" },
  cgroup: { rule: "wanted", of: (h) => h.CgroupnsMode },
  cgroupParent: { rule: "wanted", of: (h) => h.CgroupParent },
  volumesFrom: { rule: "same", of: (h) => list(h.VolumesFrom).map((v) => (/:r[ow]$/.test(v) ? v : `${v}:rw`)) },
  privileged: { rule: "same", of: (h) => h.Privileged ?? false },
  runtime: { rule: "wanted", of: (h) => h.Runtime },
  tty: { rule: "same", of: (_, c) => c.Tty ?? false },
  stdinOpen: { rule: "same", of: (_, c) => c.OpenStdin ?? false },
  domainname: { rule: "same", of: (_, c) => c.Domainname ?? "" },
  annotations: { rule: "contains", silent: true, of: (h) => h.Annotations ?? {} },
  dns: { rule: "same", of: (h) => h.Dns ?? [] },
  dnsSearch: { rule: "same", of: (h) => h.DnsSearch ?? [] },
  dnsOptions: { rule: "same", of: (h) => h.DnsOptions ?? [] },
  extraHosts: { rule: "same", of: (h) => list(h.ExtraHosts) },
  groupAdd: { rule: "same", of: (h) => list(h.GroupAdd) },
  // The engine adds label=disable by itself to what is privileged or shares a namespace.
  securityOpt: { rule: "same", of: (h) => list(h.SecurityOpt).filter((o) => !/^label[=:]disable$/.test(o)) },
  maskedPaths: { rule: "wanted", of: (h) => h.MaskedPaths ?? undefined },
  readonlyPaths: { rule: "wanted", of: (h) => h.ReadonlyPaths ?? undefined },
  sysctls: { rule: "same", of: (h) => h.Sysctls ?? {} },
  ulimits: { rule: "contains", of: (h) => Object.fromEntries((h.Ulimits ?? []).map((u) => [u.Name, `${u.Soft}:${u.Hard}`])) },
  devices: { rule: "same", of: (h) => list(h.Devices?.map((d) => `${d.PathOnHost}:${d.PathInContainer}:${d.CgroupPermissions}`)) },
  deviceRequests: {
    rule: "same",
    of: (h) =>
      json(
        h.DeviceRequests?.map((r) => ({
          driver: r.Driver ?? "",
          count: r.Count ?? 0,
          ids: r.DeviceIDs ?? [],
          capabilities: r.Capabilities ?? [],
          options: r.Options ?? {},
        })),
      ),
  },
  deviceCgroupRules: { rule: "same", of: (h) => list(h.DeviceCgroupRules) },
  storageOpt: { rule: "same", silent: true, of: (h) => h.StorageOpt ?? {} },
  shmSize: { rule: "wanted", of: (h) => h.ShmSize },
  logDriver: { rule: "wanted", of: (h) => h.LogConfig?.Type || undefined },
  logOptions: { rule: "contains", silent: true, of: (h) => h.LogConfig?.Config ?? {} },
  oomKillDisable: { rule: "kept", of: (h) => h.OomKillDisable ?? false },
  oomScoreAdj: { rule: "same", of: (h) => h.OomScoreAdj ?? 0 },
  // -1 and absent: the kernel's own.
  memorySwappiness: { rule: "kept", of: (h) => Math.max(-1, h.MemorySwappiness ?? -1) },
  cpuRealtimePeriod: { rule: "kept", of: (h) => h.CpuRealtimePeriod ?? 0 },
  cpuRealtimeRuntime: { rule: "kept", of: (h) => h.CpuRealtimeRuntime ?? 0 },
  blkioWeightDevice: { rule: "kept", of: (h) => list(h.BlkioWeightDevice?.map((d) => `${d.Path} ${d.Weight}`)) },
  blkioReadBps: { rule: "kept", of: (h) => list(h.BlkioDeviceReadBps?.map((d) => `${d.Path} ${d.Rate}`)) },
  blkioWriteBps: { rule: "kept", of: (h) => list(h.BlkioDeviceWriteBps?.map((d) => `${d.Path} ${d.Rate}`)) },
  blkioReadIops: { rule: "kept", of: (h) => list(h.BlkioDeviceReadIOps?.map((d) => `${d.Path} ${d.Rate}`)) },
  blkioWriteIops: { rule: "kept", of: (h) => list(h.BlkioDeviceWriteIOps?.map((d) => `${d.Path} ${d.Rate}`)) },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof OPTIONS;
export const OPTION_NAMES = Object.keys(OPTIONS) as OptionName[];
export const optionOf = (name: OptionName): Option => OPTIONS[name];

/** Nothing, in any of its forms. */
export const isNone = (v: unknown): boolean =>
  v === undefined || v === false || v === 0 || v === -1 || (Array.isArray(v) && v.length === 0);

/** Modes that inspect shows as if they were networks. */
export const MODES = new Set(["none", "host", "bridge"]);

/** Networks are compared one by one; what is told apart here is whether there are any. Undefined: see `mode`. */
const networkMode = (m: string | undefined): string | undefined =>
  m === "default" ? "bridge" : MODES.has(m ?? "") || m?.startsWith("container:") || m?.startsWith("service:") ? mode(m) : "networks";

/** `command`, `entrypoint`: what is effective, with the image's own merged in. */
export const comparable = (
  c: ContainerConfig,
  h: HostConfig,
  image: ImageInspect | undefined,
  command: string[],
  entrypoint: string[],
): Omit<Comparable, "networks"> => ({
  // Its bits are compared by themselves.
  image: parseReference(c.Image).name,
  ...(image
    ? {
        env: pairs(c.Env),
        command,
        entrypoint,
        user: c.User ?? "",
        workingDir: (c.WorkingDir ?? "") === "/" ? "" : (c.WorkingDir ?? ""),
        stopSignal: c.StopSignal || "SIGTERM",
        healthcheck: normalHealth(c.Healthcheck),
        exposed: Object.keys(c.ExposedPorts ?? {}).toSorted(),
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
  limits: comparableLimits(h),
  restart: {
    policy: h.RestartPolicy?.Name || "no",
    maxRetries: h.RestartPolicy?.Name === "on-failure" ? (h.RestartPolicy.MaximumRetryCount ?? 0) : 0,
  },
  options: Object.fromEntries(OPTION_NAMES.map((name) => [name, optionOf(name).of(h, c)])) as Options,
});

export const comparableEndpoint = (e: Omit<EndpointInspect, "NetworkID">): ComparableEndpoint => ({
  aliases: [...new Set(e.Aliases ?? [])].toSorted(),
  ipv4: e.IPAMConfig?.IPv4Address ?? "",
  ipv6: e.IPAMConfig?.IPv6Address ?? "",
  linkLocalIps: list(e.IPAMConfig?.LinkLocalIPs),
  driverOpts: e.DriverOpts ?? {},
  gwPriority: e.GwPriority ?? 0,
  ...(e.MacAddress ? { mac: e.MacAddress.toLowerCase() } : {}),
});

export const pairs = (env: readonly string[] | null | undefined): Record<string, string> =>
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
    StartInterval: h.StartInterval || 5e9,
  };
};

const PROPAGATION = /^r?(shared|slave|private)$/;

const mounts = (h: HostConfig): string[] =>
  [
    ...(h.Binds ?? []).map((line) => {
      const [source = "", target = "", options = ""] = line.split(":");
      const set = options.split(",");
      // We ask for volumes by Mounts; docker compose, of containers that are taken over, by their names here.
      if (!source.startsWith("/"))
        return `volume ${source} -> ${target} ${set.includes("ro") ? "ro" : "rw"}${set.includes("nocopy") ? " nocopy" : ""}`;
      const propagation = set.find((o) => PROPAGATION.test(o)) ?? "rprivate";
      // A relabelled bind shows no other trace: the option counts.
      const selinux = set.find((o) => o.toLowerCase() === "z");
      return ["bind", source, "->", target, set.includes("ro") ? "ro" : "rw", propagation, ...(selinux ? [selinux] : [])].join(" ");
    }),
    ...Object.entries(h.Tmpfs ?? {}).map(([target, options]) => `tmpfs -> ${target} ${options}`),
    ...(h.Mounts ?? []).map((m) => {
      const access = m.ReadOnly ? "ro" : "rw";
      if (m.Type === "tmpfs")
        return `tmpfs -> ${m.Target} size=${m.TmpfsOptions?.SizeBytes ?? 0} mode=${(m.TmpfsOptions?.Mode ?? 0).toString(8)}`;
      if (m.Type === "bind") {
        const { Propagation, NonRecursive, ReadOnlyNonRecursive, ReadOnlyForceRecursive } = m.BindOptions ?? {};
        const words = [
          ...(NonRecursive ? ["nonrecursive"] : []),
          ...(ReadOnlyNonRecursive ? ["ro-nonrecursive"] : []),
          ...(ReadOnlyForceRecursive ? ["ro-recursive"] : []),
        ];
        return ["bind", m.Source, "->", m.Target, access, Propagation || "rprivate", ...words].join(" ");
      }
      const { NoCopy, Subpath, Labels } = m.VolumeOptions ?? {};
      const words = [
        ...(NoCopy ? ["nocopy"] : []),
        ...(Subpath ? [`subpath=${Subpath}`] : []),
        ...Object.entries(Labels ?? {})
          .map(([k, v]) => `${k}=${v}`)
          .toSorted(),
      ];
      return ["volume", m.Source ?? "", "->", m.Target, access, ...words].join(" ");
    }),
  ].toSorted();
