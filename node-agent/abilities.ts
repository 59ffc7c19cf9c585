// What an engine can do: fields that came with a later version of its API, and what its kernel has no support for. Pure.
import type { ContainerSpec } from "../schemas/fleet.ts";

/** Limits that a kernel may have no support for. The engine then drops them with a warning in its answer to the create. */
export type Lack =
  | "memory"
  | "memorySwap"
  | "memoryReservation"
  | "pids"
  | "cpuShares"
  | "cpuPeriod"
  | "cpuQuota"
  | "cpuset"
  | "blkioWeight";

export interface EngineAbilities {
  /** The version both sides speak. */
  apiVersion: string;
  /** Of the engine, for messages. */
  version: string;
  lacks: ReadonlySet<Lack>;
}

interface Newer {
  /** The Engine API that first knows it, and the Docker release that brought that API. */
  api: string;
  docker: string;
  what: string;
  used(c: ContainerSpec): boolean;
}

/** An older engine ignores a field that it does not know. Source: Engine API version history. */
const NEWER: Newer[] = [
  { api: "1.43", docker: "24", what: "annotations", used: (c) => c.annotations !== undefined },
  {
    api: "1.44",
    docker: "25",
    what: "healthcheck.start_interval",
    used: ({ healthcheck: h }) => h !== undefined && !("disable" in h) && h.startIntervalMs !== undefined,
  },
  {
    api: "1.44",
    docker: "25",
    what: "mac_address in another network than the first",
    used: (c) => c.networks.toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0)).some((n, i) => i > 0 && n.macAddress !== undefined),
  },
  { api: "1.44", docker: "25", what: "CDI devices", used: (c) => (c.cdiDevices?.length ?? 0) > 0 },
  {
    api: "1.44",
    docker: "25",
    what: "bind.recursive: readonly",
    used: (c) => c.mounts.some((m) => m.type === "bind" && m.recursive === "readonly"),
  },
  { api: "1.45", docker: "26", what: "volume.subpath", used: (c) => c.mounts.some((m) => m.type === "volume" && m.subpath !== undefined) },
  { api: "1.48", docker: "28", what: "networks.gw_priority", used: (c) => c.networks.some((n) => n.gwPriority !== undefined) },
  { api: "1.49", docker: "28.1", what: "networks.interface_name", used: (c) => c.networks.some((n) => n.interfaceName !== undefined) },
];

const number = (version: string): number => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major * 1_000 + minor;
};

/** Whether a version of the Engine API has what came with `since`. */
export const hasApi = (version: string, since: string): boolean => number(version) >= number(since);

/** Whether there is anything that some engine is too old for. */
export const asksForNewer = (c: ContainerSpec): boolean => NEWER.some((n) => n.used(c));

/** What this engine is too old for, as a sentence that says what to do. */
export const tooOldFor = (c: ContainerSpec, engine: Pick<EngineAbilities, "apiVersion" | "version">): string | undefined => {
  const missing = NEWER.filter((n) => n.used(c) && !hasApi(engine.apiVersion, n.api));
  const newest = missing.toSorted((a, b) => number(b.api) - number(a.api))[0];
  if (!newest) return undefined;
  const what = missing.map((n) => `${n.what} (Docker ${n.docker}, API ${n.api})`).join(", ");
  return `the engine ${engine.version} (API ${engine.apiVersion}) is too old for ${what}: upgrade Docker on this node to ${newest.docker} or newer, or remove the key`;
};

/** What /info says of the kernel, as far as we read it. Absent: nothing is known to be missing. */
export interface KernelInfo {
  MemoryLimit?: boolean;
  SwapLimit?: boolean;
  CpuCfsPeriod?: boolean;
  CpuCfsQuota?: boolean;
  CPUShares?: boolean;
  CPUSet?: boolean;
  PidsLimit?: boolean;
  Warnings?: string[] | null;
}

/** What only the answer to a create or update tells, on some engines. Source: moby daemon/daemon_unix.go. */
export const lackIn = (warnings: readonly string[]): Lack[] =>
  warnings.some((w) => /block i\/o weight .*weight discarded/i.test(w)) ? ["blkioWeight"] : [];

/** Source: moby daemon/info_unix.go. */
export const lacksOf = (i: KernelInfo): Set<Lack> => {
  const warned = (pattern: RegExp): boolean => (i.Warnings ?? []).some((w) => pattern.test(w));
  const rows: [Lack, boolean][] = [
    ["memory", i.MemoryLimit === false],
    ["memorySwap", i.MemoryLimit === false || i.SwapLimit === false],
    ["memoryReservation", i.MemoryLimit === false || warned(/no memory reservation support/i)],
    ["pids", i.PidsLimit === false],
    ["cpuShares", i.CPUShares === false],
    ["cpuPeriod", i.CpuCfsPeriod === false],
    ["cpuQuota", i.CpuCfsQuota === false],
    ["cpuset", i.CPUSet === false],
    ["blkioWeight", warned(/no (blkio weight|io\.weight) support/i)],
  ];
  return new Set(rows.filter(([, missing]) => missing).map(([lack]) => lack));
};
