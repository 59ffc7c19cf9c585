// CPU, memory and processes, as the service itself says them. `deploy.resources` says some of it in other words.
import { parseDuration } from "../duration.ts";
import type { BlkioSpec, ContainerSpec, Limits } from "../fleet.ts";
import { parseBytes, parseCpus } from "../quantity.ts";
import type { ComposeBlkio, ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

/** The engine refuses less. Source: moby, linuxMinMemory. */
export const LEAST_MEMORY = 6 * 1024 * 1024;

type Service = Partial<ComposeService>;

const bytes = (size: string | number | undefined, least: number, field: Field): number | undefined => {
  if (size === undefined) return undefined;
  const value = parseBytes(size);
  if (value !== undefined && (value >= least || value === 0)) return value;
  const atLeast = least > 0 ? `, at least ${least / 1024 ** 2}M` : "";
  field.problem("Invalid", `must be a size such as 512M${atLeast}; got ${show(size)}`, variableHelp(String(size)));
  return undefined;
};

/** Microseconds: a number of them, or a duration. */
const micros = (value: string | number | undefined, field: Field): number | undefined => {
  if (value === undefined) return undefined;
  const ms = typeof value === "string" ? parseDuration(value) : undefined;
  const us = /^\d{1,12}$/.test(String(value)) ? Number(value) : ms === undefined ? undefined : Math.round(ms * 1000);
  if (us === undefined)
    field.problem("Invalid", `must be microseconds or a duration such as 50ms; got ${show(value)}`, variableHelp(String(value)));
  return us;
};

const shares = (value: string | number | undefined, field: Field): number | undefined => {
  if (value === undefined) return undefined;
  if (/^\d{1,7}$/.test(String(value))) return Number(value);
  field.problem("Invalid", `must be a whole number such as 512; got ${show(value)}`, variableHelp(String(value)));
  return undefined;
};

const cpuset = (text: string | undefined, field: Field): string | undefined => {
  if (!text) return undefined;
  const ranges = text.split(",").map((part) => /^\s*(\d{1,4})(?:-(\d{1,4}))?\s*$/.exec(part));
  if (ranges.every((m) => m && (m[2] === undefined || Number(m[1]) <= Number(m[2])))) return text.replaceAll(/\s/g, "");
  field.problem("Invalid", `must be numbers of CPUs such as 0-2,7; got ${show(text)}`, variableHelp(text));
  return undefined;
};

const swap = (service: Service, memory: number | undefined, field: Field): number | undefined => {
  const size = service.memswap_limit;
  // 0 is the engine's word for "not said".
  if (size === undefined || String(size) === "0") return undefined;
  if (String(size) === "-1") return -1;
  const value = bytes(size, 0, field);
  if (value === undefined) return undefined;
  if (memory === undefined) {
    field.problem("Invalid", "a limit of memory and swap together needs a limit of memory", "Add `mem_limit`.");
    return undefined;
  }
  if (value >= memory) return value;
  field.problem("Invalid", `is memory and swap together, so it cannot be less than the memory; got ${show(size)}`);
  return undefined;
};

/** Without what is absent or 0, which both mean: no limit. */
const said = <T extends object>(values: { [K in keyof T]?: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined && v !== 0)) as T;

const cpus = (value: string | number | undefined, field: Field): number | undefined => {
  if (value === undefined || Number(value) === 0) return undefined;
  const cores = parseCpus(value);
  if (cores === undefined)
    field.problem("Invalid", `must be a number of cores such as 0.5, at least 0.01; got ${show(value)}`, variableHelp(String(value)));
  return cores;
};

/** What the service says beside `deploy`. `deployed`: what `deploy.resources` says, which must not be otherwise. */
export const normalizeLimits = (service: Service, deployed: Limits, field: Field): Limits => {
  const own: Limits = said({
    cpus: cpus(service.cpus, field.at("cpus")),
    memoryBytes: bytes(service.mem_limit, LEAST_MEMORY, field.at("mem_limit")),
    memoryReservationBytes: bytes(service.mem_reservation, LEAST_MEMORY, field.at("mem_reservation")),
    pids: service.pids_limit === -1 ? undefined : service.pids_limit,
    cpuShares: shares(service.cpu_shares, field.at("cpu_shares")),
    cpuPeriodUs: micros(service.cpu_period, field.at("cpu_period")),
    cpuQuotaUs: service.cpu_quota === -1 || service.cpu_quota === "-1" ? undefined : micros(service.cpu_quota, field.at("cpu_quota")),
    cpuset: cpuset(service.cpuset, field.at("cpuset")),
    blkioWeight: service.blkio_config?.weight,
  });
  for (const [key, mine, other] of [
    ["cpus", "cpus", "limits.cpus"],
    ["memoryBytes", "mem_limit", "limits.memory"],
    ["memoryReservationBytes", "mem_reservation", "reservations.memory"],
    ["pids", "pids_limit", "limits.pids"],
  ] as const) {
    if (own[key] === undefined || deployed[key] === undefined || own[key] === deployed[key]) continue;
    field.at(mine).problem("Invalid", `is ${own[key]} here and ${deployed[key]} in \`deploy.resources.${other}\``, "Remove one of them.");
  }
  const all: Limits = { ...own, ...deployed };
  const { memoryBytes: memory, memoryReservationBytes: reserved } = all;
  if (service.mem_reservation !== undefined && memory !== undefined && reserved !== undefined && reserved > memory) {
    field.at("mem_reservation").problem("Invalid", "is more than the limit of memory", "Make it less than `mem_limit`.");
  }
  if (all.cpus !== undefined && (all.cpuPeriodUs !== undefined || all.cpuQuotaUs !== undefined)) {
    const help = "`cpus: 0.5` says the same as `cpu_period: 100000` with `cpu_quota: 50000`; keep one of them.";
    field.at(all.cpuQuotaUs === undefined ? "cpu_period" : "cpu_quota").keyProblem("Invalid", "not together with a number of `cpus`", help);
  }
  for (const [key, value, least, most] of [
    ["cpu_period", all.cpuPeriodUs, 1000, 1_000_000],
    ["cpu_quota", all.cpuQuotaUs, 1000, Number.MAX_SAFE_INTEGER],
    ["cpu_shares", all.cpuShares, 2, 262_144],
    ["blkio_config", all.blkioWeight, 10, 1000],
  ] as const) {
    if (value === undefined || (value >= least && value <= most)) continue;
    const unit = key.startsWith("cpu_") && key !== "cpu_shares" ? " microseconds" : "";
    const range = most > 1e9 ? `at least ${least}` : `${least} to ${most}`;
    (key === "blkio_config" ? field.at(key, "weight") : field.at(key)).problem("Invalid", `must be ${range}${unit}; got ${value}`);
  }
  const memorySwapBytes = swap(service, memory, field.at("memswap_limit"));
  return { ...all, ...(memorySwapBytes === undefined ? {} : { memorySwapBytes }) };
};

const isDevice = (path: string, field: Field): boolean => {
  if (path.startsWith("/")) return true;
  field.problem("Invalid", `must be the path of a device such as /dev/sda; got ${show(path)}`, variableHelp(path));
  return false;
};

const rates = (
  list: readonly { path: string; rate: string | number }[] | null | undefined,
  sizes: boolean,
  field: Field,
): { path: string; rate: number }[] =>
  (list ?? []).flatMap(({ path, rate }, i) => {
    const value = sizes ? parseBytes(rate) : /^\d{1,12}$/.test(String(rate)) ? Number(rate) : undefined;
    const what = sizes ? "bytes per second such as 10m" : "a whole number, per second";
    if (!value) field.at(i, "rate").problem("Invalid", `must be ${what}; got ${show(rate)}`, variableHelp(String(rate)));
    return isDevice(path, field.at(i, "path")) && value ? [{ path, rate: value }] : [];
  });

/** undefined: nothing said of single devices. */
export const normalizeBlkio = (config: ComposeBlkio | undefined, field: Field): BlkioSpec | undefined => {
  if (!config) return undefined;
  const weightDevice = (config.weight_device ?? []).flatMap(({ path, weight }, i) => {
    const at = field.at("weight_device", i);
    if (weight < 10) at.at("weight").problem("Invalid", `must be 10 to 1000; got ${weight}`);
    return isDevice(path, at.at("path")) ? [{ path, weight }] : [];
  });
  const limits = {
    deviceReadBps: rates(config.device_read_bps, true, field.at("device_read_bps")),
    deviceWriteBps: rates(config.device_write_bps, true, field.at("device_write_bps")),
    deviceReadIops: rates(config.device_read_iops, false, field.at("device_read_iops")),
    deviceWriteIops: rates(config.device_write_iops, false, field.at("device_write_iops")),
  };
  const found = Object.fromEntries(Object.entries({ weightDevice, ...limits }).filter(([, list]) => list.length > 0)) as BlkioSpec;
  return Object.keys(found).length > 0 ? found : undefined;
};

type OfMemory = Pick<ContainerSpec, "oomKillDisable" | "oomScoreAdj" | "memorySwappiness" | "cpuRealtime" | "blkio">;

/** What the engine cannot change while the container runs. */
export const normalizeFixedLimits = (service: Service, field: Field): OfMemory => {
  const periodUs = micros(service.cpu_rt_period, field.at("cpu_rt_period"));
  const runtimeUs = micros(service.cpu_rt_runtime, field.at("cpu_rt_runtime"));
  const blkio = normalizeBlkio(service.blkio_config, field.at("blkio_config"));
  if (periodUs && runtimeUs && runtimeUs > periodUs) {
    field.at("cpu_rt_runtime").problem("Invalid", "is more than `cpu_rt_period`", "Make it less.");
  }
  const { mem_swappiness: swappiness, oom_score_adj: score } = service;
  return {
    ...(service.oom_kill_disable ? { oomKillDisable: true } : {}),
    ...(score ? { oomScoreAdj: score } : {}),
    ...(swappiness === undefined || swappiness < 0 ? {} : { memorySwappiness: swappiness }),
    ...(periodUs || runtimeUs ? { cpuRealtime: { ...(periodUs ? { periodUs } : {}), ...(runtimeUs ? { runtimeUs } : {}) } } : {}),
    ...(blkio ? { blkio } : {}),
  };
};
