// What the Engine API takes and shows, as far as we speak of it. The field names are its own: every Docker manual explains them.

export interface MountRequest {
  Type: "volume" | "tmpfs" | "bind";
  Source?: string;
  Target: string;
  ReadOnly?: boolean;
  BindOptions?: {
    Propagation?: string;
    NonRecursive?: boolean;
    /** API 1.42. */
    CreateMountpoint?: boolean;
    /** API 1.44. */
    ReadOnlyNonRecursive?: boolean;
    ReadOnlyForceRecursive?: boolean;
  };
  VolumeOptions?: {
    NoCopy?: boolean;
    Labels?: Record<string, string>;
    /** API 1.45. */
    Subpath?: string;
  };
  TmpfsOptions?: { SizeBytes?: number; Mode?: number };
}

export interface HealthConfig {
  Test?: string[];
  /** Nanoseconds. */
  Interval?: number;
  Timeout?: number;
  Retries?: number;
  StartPeriod?: number;
  /** API 1.44. */
  StartInterval?: number;
}

export interface RestartPolicy {
  Name: string;
  MaximumRetryCount?: number;
}

/** Limits in the engine's words: what an update changes. 0 or absent: none. */
export interface Resources {
  NanoCpus?: number;
  Memory?: number;
  MemorySwap?: number;
  MemoryReservation?: number;
  /** In an update 0 takes the limit away; of all limits only this one can be null. */
  PidsLimit?: number | null;
  CpuShares?: number;
  CpuPeriod?: number;
  CpuQuota?: number;
  CpusetCpus?: string;
  CpusetMems?: string;
  BlkioWeight?: number;
}

export interface HostConfig extends Resources {
  NetworkMode?: string;
  Binds?: string[] | null;
  Mounts?: MountRequest[] | null;
  /** Tmpfs mounts as `docker run --tmpfs` makes them. We ask through Mounts, but for those with more options than these have. */
  Tmpfs?: Record<string, string> | null;
  VolumesFrom?: string[] | null;
  PortBindings?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
  RestartPolicy?: RestartPolicy;
  CapAdd?: string[] | null;
  CapDrop?: string[] | null;
  Init?: boolean | null;
  ReadonlyRootfs?: boolean;
  Privileged?: boolean;
  Runtime?: string;
  PidMode?: string;
  IpcMode?: string;
  UTSMode?: string;
  UsernsMode?: string;
  CgroupnsMode?: string;
  CgroupParent?: string;
  /** API 1.43. */
  Annotations?: Record<string, string> | null;
  Dns?: string[] | null;
  DnsSearch?: string[] | null;
  DnsOptions?: string[] | null;
  ExtraHosts?: string[] | null;
  GroupAdd?: string[] | null;
  SecurityOpt?: string[] | null;
  MaskedPaths?: string[] | null;
  ReadonlyPaths?: string[] | null;
  Sysctls?: Record<string, string> | null;
  Ulimits?: { Name: string; Soft: number; Hard: number }[] | null;
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[] | null;
  DeviceRequests?: DeviceRequestConfig[] | null;
  DeviceCgroupRules?: string[] | null;
  StorageOpt?: Record<string, string> | null;
  ShmSize?: number;
  LogConfig?: { Type: string; Config?: Record<string, string> | null };
  OomKillDisable?: boolean | null;
  OomScoreAdj?: number;
  MemorySwappiness?: number | null;
  CpuRealtimePeriod?: number;
  CpuRealtimeRuntime?: number;
  BlkioWeightDevice?: { Path: string; Weight: number }[] | null;
  BlkioDeviceReadBps?: Throttle[] | null;
  BlkioDeviceWriteBps?: Throttle[] | null;
  BlkioDeviceReadIOps?: Throttle[] | null;
  BlkioDeviceWriteIOps?: Throttle[] | null;
}

export interface Throttle {
  Path: string;
  Rate: number;
}

export interface DeviceRequestConfig {
  Driver?: string;
  Count?: number;
  DeviceIDs?: string[] | null;
  Capabilities?: string[][] | null;
  Options?: Record<string, string> | null;
}

export interface ContainerConfig {
  Image: string;
  Cmd?: string[] | null;
  Entrypoint?: string[] | null;
  Env?: string[] | null;
  Labels?: Record<string, string> | null;
  User?: string;
  WorkingDir?: string;
  Hostname?: string;
  Domainname?: string;
  StopSignal?: string;
  /** Seconds. */
  StopTimeout?: number;
  Healthcheck?: HealthConfig;
  ExposedPorts?: Record<string, object> | null;
  Tty?: boolean;
  OpenStdin?: boolean;
  /** Of the first network: what engines before API 1.44 have instead of one for each. */
  MacAddress?: string;
}

/** Membership in a network, as asked for. */
export interface EndpointConfig {
  Aliases?: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] } | null;
  /** API 1.44; before that only the first network of a container has one. */
  MacAddress?: string;
  DriverOpts?: Record<string, string> | null;
  /** API 1.48. */
  GwPriority?: number;
}

/** Body of a create. One network at most: engines with API < 1.44 refuse more; the others are connected before the start. */
export interface CreateBody extends ContainerConfig {
  HostConfig: HostConfig;
  NetworkingConfig?: { EndpointsConfig: Record<string, EndpointConfig> };
}

/** What `inspect` says, as far as we read it. */
export interface ContainerInspect {
  Id: string;
  /** With the leading slash. */
  Name: string;
  Created: string;
  /** Image id. */
  Image: string;
  RestartCount: number;
  State: {
    Status: string;
    Paused: boolean;
    OOMKilled: boolean;
    ExitCode: number;
    Error: string;
    /** On the engine's machine; 0 when it does not run. */
    Pid?: number;
    StartedAt: string;
    FinishedAt: string;
    Health?: { Status: string; FailingStreak?: number; Log?: { ExitCode: number; Output: string }[] | null };
  };
  Config: ContainerConfig;
  HostConfig: HostConfig;
  NetworkSettings: {
    Ports?: Record<string, { HostIp: string; HostPort: string }[] | null> | null;
    Networks?: Record<string, EndpointInspect> | null;
  };
}

export interface EndpointInspect extends Omit<EndpointConfig, "Aliases"> {
  Aliases?: string[] | null;
  NetworkID: string;
  IPAddress?: string;
  GlobalIPv6Address?: string;
}

export interface ImageInspect {
  Id: string;
  RepoTags?: string[] | null;
  RepoDigests?: string[] | null;
  Os?: string;
  Architecture?: string;
  Variant?: string;
  Config: Pick<
    ContainerConfig,
    "Cmd" | "Entrypoint" | "Env" | "Labels" | "User" | "WorkingDir" | "StopSignal" | "Healthcheck" | "ExposedPorts"
  > | null;
}

export interface NetworkInspect {
  Id: string;
  Name: string;
  Labels?: Record<string, string> | null;
  /** Ids of the containers with a live endpoint. */
  Containers?: Record<string, unknown> | null;
  Driver?: string;
  Internal?: boolean;
  Attachable?: boolean;
  EnableIPv6?: boolean;
  Options?: Record<string, string> | null;
  IPAM?: { Driver?: string; Config?: { Subnet?: string; IPRange?: string; Gateway?: string }[] | null };
}

export interface VolumeInspect {
  Name: string;
  Labels?: Record<string, string> | null;
  Driver?: string;
  Options?: Record<string, string> | null;
}
