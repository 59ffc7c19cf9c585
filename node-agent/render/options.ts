// Everything of a container that is neither a limit, a mount, a network nor a shared namespace. Pure.
import type { BlkioSpec, ContainerSpec, HealthcheckSpec } from "../../schemas/fleet.ts";
import type { ContainerConfig, DeviceRequestConfig, HealthConfig, HostConfig, Throttle } from "../engine-objects.ts";

export const capName = (cap: string): string => cap.toUpperCase().replace(/^CAP_/, "");

const NS = 1e6;
export const renderHealthcheck = (h: NonNullable<ContainerSpec["healthcheck"]>): HealthConfig =>
  "disable" in h
    ? { Test: ["NONE"] }
    : {
        ...(h.test.length === 0
          ? inherited(h)
          : {
              Test: h.test,
              Interval: h.intervalMs * NS,
              Timeout: h.timeoutMs * NS,
              Retries: h.retries,
              StartPeriod: h.startPeriodMs * NS,
            }),
        ...(h.startIntervalMs === undefined ? {} : { StartInterval: h.startIntervalMs * NS }),
      };

/** What is absent the engine takes from the image. */
const inherited = (h: HealthcheckSpec): HealthConfig => ({
  ...(h.intervalMs === 0 ? {} : { Interval: h.intervalMs * NS }),
  ...(h.timeoutMs === 0 ? {} : { Timeout: h.timeoutMs * NS }),
  ...(h.retries === 0 ? {} : { Retries: h.retries }),
  ...(h.startPeriodMs === 0 ? {} : { StartPeriod: h.startPeriodMs * NS }),
});

/** Fields of the container itself that may be absent. */
export const renderConfigOptions = (c: ContainerSpec): Partial<ContainerConfig> => ({
  ...(c.domainname === undefined ? {} : { Domainname: c.domainname }),
  ...(c.tty ? { Tty: true } : {}),
  ...(c.stdinOpen ? { OpenStdin: true } : {}),
});

/** Fields of its host configuration that may be absent. */
export const renderHostOptions = (c: ContainerSpec): HostConfig => ({
  ...(c.privileged ? { Privileged: true } : {}),
  ...(c.runtime === undefined ? {} : { Runtime: c.runtime }),
  ...(c.annotations ? { Annotations: c.annotations } : {}),
  ...(c.cgroupParent === undefined ? {} : { CgroupParent: c.cgroupParent }),
  ...(c.dns?.servers ? { Dns: c.dns.servers } : {}),
  ...(c.dns?.search ? { DnsSearch: c.dns.search } : {}),
  ...(c.dns?.options ? { DnsOptions: c.dns.options } : {}),
  ...(c.extraHosts ? { ExtraHosts: c.extraHosts } : {}),
  ...(c.groupAdd ? { GroupAdd: c.groupAdd } : {}),
  ...renderSecurity(c.securityOpt),
  ...(c.sysctls ? { Sysctls: c.sysctls } : {}),
  ...(c.ulimits ? { Ulimits: c.ulimits.map((u) => ({ Name: u.name, Soft: u.soft, Hard: u.hard })) } : {}),
  ...renderDevices(c),
  ...(c.storageOpt ? { StorageOpt: c.storageOpt } : {}),
  ...(c.shmSizeBytes === undefined ? {} : { ShmSize: c.shmSizeBytes }),
  ...(c.logging ? { LogConfig: { Type: c.logging.driver ?? "", Config: c.logging.options ?? {} } } : {}),
  ...(c.oomKillDisable ? { OomKillDisable: true } : {}),
  ...(c.oomScoreAdj === undefined ? {} : { OomScoreAdj: c.oomScoreAdj }),
  ...(c.memorySwappiness === undefined ? {} : { MemorySwappiness: c.memorySwappiness }),
  ...(c.cpuRealtime?.periodUs === undefined ? {} : { CpuRealtimePeriod: c.cpuRealtime.periodUs }),
  ...(c.cpuRealtime?.runtimeUs === undefined ? {} : { CpuRealtimeRuntime: c.cpuRealtime.runtimeUs }),
  ...(c.blkio ? renderBlkio(c.blkio) : {}),
});

/** `systempaths=unconfined` is a word of the docker command line: the engine knows it as two empty lists. */
const UNCONFINED_PATHS = /^systempaths[=:]unconfined$/;

const renderSecurity = (options: string[] | undefined): Pick<HostConfig, "SecurityOpt" | "MaskedPaths" | "ReadonlyPaths"> => {
  if (!options) return {};
  const rest = options.filter((o) => !UNCONFINED_PATHS.test(o));
  return {
    ...(rest.length > 0 ? { SecurityOpt: rest } : {}),
    ...(rest.length < options.length ? { MaskedPaths: [], ReadonlyPaths: [] } : {}),
  };
};

const renderDevices = (c: ContainerSpec): Pick<HostConfig, "Devices" | "DeviceRequests" | "DeviceCgroupRules"> => {
  const requests: DeviceRequestConfig[] = [
    ...(c.deviceRequests ?? []).map((r) => ({
      ...(r.driver === undefined ? {} : { Driver: r.driver }),
      ...(r.count === undefined ? {} : { Count: r.count }),
      ...(r.deviceIds ? { DeviceIDs: r.deviceIds } : {}),
      Capabilities: r.capabilities,
      ...(r.options ? { Options: r.options } : {}),
    })),
    ...(c.cdiDevices?.length ? [{ Driver: "cdi", DeviceIDs: c.cdiDevices }] : []),
  ];
  return {
    ...(c.devices
      ? { Devices: c.devices.map((d) => ({ PathOnHost: d.host, PathInContainer: d.container, CgroupPermissions: d.permissions })) }
      : {}),
    ...(requests.length > 0 ? { DeviceRequests: requests } : {}),
    ...(c.deviceCgroupRules ? { DeviceCgroupRules: c.deviceCgroupRules } : {}),
  };
};

const throttles = (list: { path: string; rate: number }[]): Throttle[] => list.map(({ path, rate }) => ({ Path: path, Rate: rate }));

const renderBlkio = (b: BlkioSpec): HostConfig => ({
  ...(b.weightDevice ? { BlkioWeightDevice: b.weightDevice.map(({ path, weight }) => ({ Path: path, Weight: weight })) } : {}),
  ...(b.deviceReadBps ? { BlkioDeviceReadBps: throttles(b.deviceReadBps) } : {}),
  ...(b.deviceWriteBps ? { BlkioDeviceWriteBps: throttles(b.deviceWriteBps) } : {}),
  ...(b.deviceReadIops ? { BlkioDeviceReadIOps: throttles(b.deviceReadIops) } : {}),
  ...(b.deviceWriteIops ? { BlkioDeviceWriteIOps: throttles(b.deviceWriteIops) } : {}),
});
