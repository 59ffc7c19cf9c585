// A container that somebody else made, as a Compose service: what was asked for, without what its image brings. Pure.
import type { ContainerConfig, ContainerInspect, HealthConfig, HostConfig, ImageInspect } from "../engine-objects.ts";

type Obj = Record<string, unknown>;

const DEFAULT_SHM = 64 * 1024 * 1024;
const NS_PER_MS = 1_000_000;
const SHORT_ID = 12;
/** Of Compose itself. */
const MACHINES = /^com\.docker\.compose\./;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null);
/** Compose reads `$` as the beginning of a variable; a Stack does not. What is answered here is a Stack's. */
const some = <T>(list: readonly T[] | null | undefined): list is readonly T[] => (list ?? []).length > 0;

/** Without keys that say nothing. */
const said = (o: Obj): Obj =>
  Object.fromEntries(
    Object.entries(o).filter(
      ([, v]) =>
        v !== undefined &&
        v !== null &&
        v !== "" &&
        v !== false &&
        v !== 0 &&
        !(Array.isArray(v) && v.length === 0) &&
        !(typeof v === "object" && !Array.isArray(v) && Object.keys(v).length === 0),
    ),
  );

/** `number`: of how many containers of the service this is one; the name of a single one is kept. */
export const serviceOf = (i: ContainerInspect, image: ImageInspect | undefined, single: boolean): Obj => {
  const { Config: c, HostConfig: h } = i;
  const own: Partial<ContainerConfig> = image?.Config ?? {};
  const restart = h.RestartPolicy?.Name || "no";
  const name = i.Name.replace(/^\//, "");
  return {
    image: c.Image,
    ...(single ? { container_name: name } : {}),
    restart: restart === "on-failure" && h.RestartPolicy?.MaximumRetryCount ? `on-failure:${h.RestartPolicy.MaximumRetryCount}` : restart,
    ...said({
      entrypoint: same(c.Entrypoint, own.Entrypoint) ? undefined : c.Entrypoint,
      command: same(c.Cmd, own.Cmd) && same(c.Entrypoint, own.Entrypoint) ? undefined : c.Cmd,
      environment: environmentOf(c.Env, own.Env),
      labels: Object.fromEntries(Object.entries(c.Labels ?? {}).filter(([k, v]) => !MACHINES.test(k) && own.Labels?.[k] !== v)),
      user: c.User === own.User ? undefined : c.User,
      working_dir: c.WorkingDir === own.WorkingDir ? undefined : c.WorkingDir,
      hostname: c.Hostname === i.Id.slice(0, SHORT_ID) || h.NetworkMode === "host" ? undefined : c.Hostname,
      domainname: c.Domainname,
      stop_signal: c.StopSignal === own.StopSignal ? undefined : c.StopSignal,
      stop_grace_period: c.StopTimeout === undefined || c.StopTimeout === 10 ? undefined : `${c.StopTimeout}s`,
      tty: c.Tty,
      stdin_open: c.OpenStdin,
      expose: exposed(c, h, own),
      healthcheck: same(c.Healthcheck, own.Healthcheck) ? undefined : healthcheckOf(c.Healthcheck),
      ports: portsOf(h),
      ...mountsOf(h),
      ...optionsOf(h),
    }),
    ...networksOf(i),
  };
};

const environmentOf = (env: string[] | null | undefined, own: string[] | null | undefined): Obj => {
  const brought = new Set(own ?? []);
  return Object.fromEntries(
    (env ?? []).flatMap((line) => {
      if (brought.has(line)) return [];
      const at = line.indexOf("=");
      return [at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)]];
    }),
  ) as Obj;
};

const exposed = (c: ContainerConfig, h: HostConfig, own: Partial<ContainerConfig>): string[] =>
  Object.keys(c.ExposedPorts ?? {}).filter((port) => !(port in (own.ExposedPorts ?? {})) && !(port in (h.PortBindings ?? {})));

const healthcheckOf = (check: HealthConfig | null | undefined): Obj | undefined => {
  if (!check?.Test || check.Test.length === 0) return undefined;
  if (check.Test[0] === "NONE") return { disable: true };
  const time = (ns: number | undefined): string | undefined => (ns ? `${ns / NS_PER_MS}ms` : undefined);
  return said({
    test: check.Test,
    interval: time(check.Interval),
    timeout: time(check.Timeout),
    retries: check.Retries,
    start_period: time(check.StartPeriod),
    start_interval: time(check.StartInterval),
  });
};

const portsOf = (h: HostConfig): Obj[] =>
  Object.entries(h.PortBindings ?? {}).flatMap(([port, bindings]) => {
    const [target = "0", protocol = "tcp"] = port.split("/");
    return (bindings ?? []).map((b) => ({
      target: Number(target),
      protocol,
      ...(b.HostPort && b.HostPort !== "0" ? { published: b.HostPort } : {}),
      ...(b.HostIp ? { host_ip: b.HostIp } : {}),
    }));
  });

/** Binds and mounts; names of volumes as they are on the engine, to be declared as external. */
const mountsOf = (h: HostConfig): Obj => ({
  volumes: [
    ...(h.Binds ?? []).map((line) => {
      const [source = "", target = "", options = ""] = line.split(":");
      const read_only = options.split(",").includes("ro");
      return { type: source.startsWith("/") ? "bind" : "volume", source, target, ...(read_only ? { read_only } : {}) };
    }),
    ...(h.Mounts ?? [])
      .filter((m) => m.Type !== "tmpfs")
      .map((m) => ({
        type: m.Type,
        ...(m.Source ? { source: m.Source } : {}),
        target: m.Target,
        ...(m.ReadOnly ? { read_only: true } : {}),
        ...(m.VolumeOptions?.NoCopy ? { volume: { nocopy: true } } : {}),
      })),
    ...(h.Mounts ?? []).filter((m) => m.Type === "tmpfs").map((m) => ({ type: "tmpfs", target: m.Target })),
  ],
  tmpfs: Object.entries(h.Tmpfs ?? {}).map(([target, options]) => (options ? `${target}:${options}` : target)),
});

const optionsOf = (h: HostConfig): Obj => ({
  init: h.Init ?? undefined,
  read_only: h.ReadonlyRootfs,
  privileged: h.Privileged,
  cap_add: h.CapAdd,
  cap_drop: h.CapDrop,
  pid: h.PidMode,
  ipc: h.IpcMode === "host" || h.IpcMode === "none" ? h.IpcMode : undefined,
  uts: h.UTSMode,
  userns_mode: h.UsernsMode,
  dns: h.Dns,
  dns_search: h.DnsSearch,
  dns_opt: h.DnsOptions,
  extra_hosts: h.ExtraHosts,
  group_add: h.GroupAdd,
  security_opt: some(h.SecurityOpt) ? h.SecurityOpt.filter((o) => !/^label[=:]disable$/.test(o)) : undefined,
  sysctls: h.Sysctls,
  ulimits: Object.fromEntries((h.Ulimits ?? []).map((u) => [u.Name, { soft: u.Soft, hard: u.Hard }])),
  devices: (h.Devices ?? []).map((d) => `${d.PathOnHost}:${d.PathInContainer}:${d.CgroupPermissions}`),
  shm_size: h.ShmSize === DEFAULT_SHM ? undefined : h.ShmSize,
  logging: some(Object.keys(h.LogConfig?.Config ?? {})) ? { driver: h.LogConfig?.Type, options: h.LogConfig?.Config } : undefined,
  oom_score_adj: h.OomScoreAdj,
  mem_limit: h.Memory,
  mem_reservation: h.MemoryReservation,
  memswap_limit: h.MemorySwap && h.Memory && h.MemorySwap !== 2 * h.Memory ? h.MemorySwap : undefined,
  cpus: h.NanoCpus ? h.NanoCpus / 1e9 : undefined,
  cpu_shares: h.CpuShares,
  cpuset: h.CpusetCpus,
  pids_limit: h.PidsLimit && h.PidsLimit > 0 ? h.PidsLimit : undefined,
});

/** Names on the engine; aliases without those that engine and Compose add by themselves. */
const networksOf = (i: ContainerInspect): Obj => {
  const mode = i.HostConfig.NetworkMode ?? "";
  if (mode === "host" || mode === "none" || mode === "bridge" || mode === "default" || mode.startsWith("container:"))
    return { network_mode: mode === "default" ? "bridge" : mode };
  const name = i.Name.replace(/^\//, "");
  const service = i.Config.Labels?.["com.docker.compose.service"];
  const automatic = new Set([i.Id.slice(0, SHORT_ID), name, service, i.Config.Hostname]);
  return {
    networks: Object.fromEntries(
      Object.entries(i.NetworkSettings.Networks ?? {}).map(([network, e]) => [
        network,
        said({
          aliases: [...new Set(e.Aliases ?? [])].filter((a) => !automatic.has(a)),
          ipv4_address: e.IPAMConfig?.IPv4Address,
          ipv6_address: e.IPAMConfig?.IPv6Address,
        }),
      ]),
    ),
  };
};
