// Limits and restart policy: what the engine changes on a container that exists. Pure.
import type { ContainerSpec } from "../../schemas/fleet.ts";
import type { HostConfig, Resources, RestartPolicy } from "../engine-objects.ts";

/** The first three are always said: they have been since the first version, and a container that exists keeps them. */
export type WantedLimits = Required<Pick<Resources, "NanoCpus" | "Memory" | "MemorySwap">> & Resources;

export const renderLimits = ({ limits: l }: Pick<ContainerSpec, "limits">): WantedLimits => {
  const memory = l.memoryBytes ?? 0;
  return {
    NanoCpus: Math.round((l.cpus ?? 0) * 1e9),
    Memory: memory,
    // The engine's own default, said: an update that lowers Memory is refused unless MemorySwap goes along.
    MemorySwap: l.memorySwapBytes ?? memory * 2,
    ...(l.memoryReservationBytes === undefined ? {} : { MemoryReservation: l.memoryReservationBytes }),
    ...(l.pids === undefined ? {} : { PidsLimit: l.pids }),
    ...(l.cpuShares === undefined ? {} : { CpuShares: l.cpuShares }),
    ...(l.cpuPeriodUs === undefined ? {} : { CpuPeriod: l.cpuPeriodUs }),
    ...(l.cpuQuotaUs === undefined ? {} : { CpuQuota: l.cpuQuotaUs }),
    ...(l.cpuset === undefined ? {} : { CpusetCpus: l.cpuset }),
    ...(l.blkioWeight === undefined ? {} : { BlkioWeight: l.blkioWeight }),
  };
};

export const renderRestart = ({ restart }: Pick<ContainerSpec, "restart">): Required<RestartPolicy> => ({
  Name: restart.policy,
  MaximumRetryCount: restart.maxRetries ?? 0,
});

/** Limits in one form: absent and every way to say "none" are the same. */
export interface ComparableLimits {
  nanoCpus: number;
  memory: number;
  memorySwap: number;
  memoryReservation: number;
  pids: number;
  cpuShares: number;
  cpuPeriod: number;
  cpuQuota: number;
  cpuset: string;
  cpusetMems: string;
  blkioWeight: number;
}

/**
 * What "no limit" looks like on a container that once had one: the kernel's default, said. An update takes 0 for "as it is"
 * (but for pids), so this is how such a limit is taken away in place. Those without such a value need another container.
 */
export const NEUTRAL: { [K in keyof ComparableLimits]?: Resources } = {
  pids: { PidsLimit: 0 },
  cpuShares: { CpuShares: 1024 },
  cpuPeriod: { CpuPeriod: 100_000 },
  cpuQuota: { CpuQuota: -1 },
};

export const comparableLimits = (h: HostConfig): ComparableLimits => ({
  nanoCpus: h.NanoCpus ?? 0,
  memory: h.Memory ?? 0,
  // Without swap accounting the kernel has none to limit, and the engine writes -1 or 0.
  memorySwap: h.Memory ? (h.MemorySwap ?? 0) : 0,
  memoryReservation: positive(h.MemoryReservation),
  pids: positive(h.PidsLimit),
  cpuShares: h.CpuShares === 1024 ? 0 : positive(h.CpuShares),
  cpuPeriod: h.CpuPeriod === 100_000 ? 0 : positive(h.CpuPeriod),
  cpuQuota: positive(h.CpuQuota),
  cpuset: h.CpusetCpus ?? "",
  cpusetMems: h.CpusetMems ?? "",
  blkioWeight: h.BlkioWeight ?? 0,
});

/** The body of an update that puts every limit right that an update can. `drifted`: names of limits that differ. */
export const updateOf = (
  limits: Resources,
  restart: RestartPolicy,
  drifted: readonly string[],
): Resources & { RestartPolicy: RestartPolicy } => ({
  // 0 means "as it is", and says nothing.
  ...Object.fromEntries(Object.entries(limits).filter(([, v]) => v !== 0)),
  ...Object.assign({}, ...drifted.filter((name) => !saysLimit(limits, name)).map((name) => NEUTRAL[name as keyof ComparableLimits] ?? {})),
  RestartPolicy: restart,
});
const saysLimit = (limits: Resources, name: string): boolean => {
  const value = comparableLimits(limits)[name as keyof ComparableLimits];
  return value !== undefined && value !== 0 && value !== "";
};

const positive = (n: number | null | undefined): number => Math.max(0, n ?? 0);
