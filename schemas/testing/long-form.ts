// The keys of a service, in their long form, that say what a container says: the way back from the normal form, for tests.
import type { BlkioSpec, ContainerSpec, HookSpec, MountSpec, PullPolicy, SharedWith } from "../fleet.ts";
import type { ComposeHook, ComposeService } from "../types.ts";

const shared = (what: string | SharedWith): string =>
  typeof what === "string" ? what : "service" in what ? `service:${what.service}` : `container:${what.container}`;

const hook = (h: HookSpec): ComposeHook => ({
  command: h.command,
  ...(h.user ? { user: h.user } : {}),
  privileged: h.privileged === true,
  ...(h.workingDir ? { working_dir: h.workingDir } : {}),
  environment: h.env ?? null,
});

const blkio = (weight: number | undefined, b: BlkioSpec): NonNullable<ComposeService["blkio_config"]> => ({
  ...(weight === undefined ? {} : { weight }),
  weight_device: b.weightDevice ?? null,
  device_read_bps: b.deviceReadBps ?? null,
  device_write_bps: b.deviceWriteBps ?? null,
  device_read_iops: b.deviceReadIops ?? null,
  device_write_iops: b.deviceWriteIops ?? null,
});

const pullPolicy = (policy: PullPolicy): string => (typeof policy === "string" ? policy : `every_${policy.everyMs / 1000}s`);

/** Those at the end, which `tmpfs` adds behind what `volumes` mounts. */
export const lastTmpfs = (mounts: readonly MountSpec[]): (MountSpec & { type: "tmpfs" })[] =>
  mounts.slice(mounts.findLastIndex((m) => m.type !== "tmpfs") + 1).filter((m) => m.type === "tmpfs");

const tmpfs = (m: MountSpec & { type: "tmpfs" }): string => {
  const options = [
    ...(m.sizeBytes === undefined ? [] : [`size=${m.sizeBytes}`]),
    ...(m.mode === undefined ? [] : [`mode=${m.mode.toString(8).padStart(4, "0")}`]),
    ...(m.options ?? []),
  ];
  return [m.target, ...(options.length > 0 ? [options.join(",")] : [])].join(":");
};

/** All but what every container has, its networks, its device requests, its mounts other than the last tmpfs, and what `deploy` says. */
export const longSettings = (c: ContainerSpec): Partial<ComposeService> => ({
  pull_policy: pullPolicy(c.pullPolicy),
  annotations: c.annotations ?? null,
  ...(c.limits.blkioWeight === undefined && !c.blkio ? {} : { blkio_config: blkio(c.limits.blkioWeight, c.blkio ?? {}) }),
  ...(c.cgroup ? { cgroup: c.cgroup } : {}),
  ...(c.cgroupParent ? { cgroup_parent: c.cgroupParent } : {}),
  ...(c.containerName ? { container_name: c.containerName } : {}),
  ...(c.limits.cpuPeriodUs ? { cpu_period: c.limits.cpuPeriodUs } : {}),
  ...(c.limits.cpuQuotaUs ? { cpu_quota: c.limits.cpuQuotaUs } : {}),
  ...(c.cpuRealtime?.periodUs ? { cpu_rt_period: c.cpuRealtime.periodUs } : {}),
  ...(c.cpuRealtime?.runtimeUs ? { cpu_rt_runtime: `${c.cpuRealtime.runtimeUs}us` } : {}),
  ...(c.limits.cpuShares ? { cpu_shares: c.limits.cpuShares } : {}),
  ...(c.limits.cpuset ? { cpuset: c.limits.cpuset } : {}),
  device_cgroup_rules: c.deviceCgroupRules ?? null,
  devices: [
    ...(c.devices ?? []).map((d) => ({ source: d.host, target: d.container, permissions: d.permissions })),
    ...(c.cdiDevices ?? []).map((source) => ({ source })),
  ],
  dns: c.dns?.servers ?? null,
  dns_search: c.dns?.search ?? null,
  dns_opt: c.dns?.options ?? null,
  ...(c.domainname ? { domainname: c.domainname } : {}),
  expose: c.expose ?? null,
  extra_hosts: c.extraHosts ?? null,
  group_add: c.groupAdd ?? null,
  ...(c.ipc ? { ipc: shared(c.ipc) } : {}),
  ...(c.logging ? { logging: { ...(c.logging.driver ? { driver: c.logging.driver } : {}), options: c.logging.options ?? null } } : {}),
  ...(c.limits.memoryReservationBytes ? { mem_reservation: c.limits.memoryReservationBytes } : {}),
  mem_swappiness: c.memorySwappiness ?? -1,
  memswap_limit: c.limits.memorySwapBytes ?? 0,
  ...(c.networkMode ? { network_mode: shared(c.networkMode) } : {}),
  oom_kill_disable: c.oomKillDisable === true,
  oom_score_adj: c.oomScoreAdj ?? 0,
  ...(c.pid ? { pid: shared(c.pid) } : {}),
  pids_limit: c.limits.pids ?? -1,
  ...(c.platform ? { platform: c.platform } : {}),
  post_start: (c.postStart ?? []).map(hook),
  pre_stop: (c.preStop ?? []).map(hook),
  privileged: c.privileged === true,
  ...(c.runtime ? { runtime: c.runtime } : {}),
  security_opt: c.securityOpt ?? null,
  ...(c.shmSizeBytes ? { shm_size: c.shmSizeBytes } : {}),
  stdin_open: c.stdinOpen === true,
  storage_opt: c.storageOpt ?? null,
  sysctls: c.sysctls ?? null,
  tmpfs: lastTmpfs(c.mounts).map(tmpfs),
  tty: c.tty === true,
  ulimits: Object.fromEntries((c.ulimits ?? []).map(({ name, soft, hard }) => [name, { soft, hard }])),
  ...(c.userns ? { userns_mode: c.userns } : {}),
  ...(c.uts ? { uts: c.uts } : {}),
  volumes_from: (c.volumesFrom ?? []).map((from) => `${"service" in from ? from.service : shared(from)}:${from.readOnly ? "ro" : "rw"}`),
});
