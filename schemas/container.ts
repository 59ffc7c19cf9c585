// A container in our words: between the schema that it comes from and the engine that it goes to.
// Units: milliseconds and bytes, unless a name says otherwise.

/** A container as it should be, in our words: everything said, nothing left to an engine's default. */
export interface ContainerSpec {
  image: string;
  pullPolicy: PullPolicy;
  /** Absent: the image's own. */
  command?: string[];
  entrypoint?: string[];
  env: Record<string, string>;
  /** The user's own labels, without ours. */
  labels: Record<string, string>;
  user?: string;
  workingDir?: string;
  hostname?: string;
  stopSignal?: string;
  stopGraceMs: number;
  init: boolean;
  readOnly: boolean;
  capAdd: string[];
  capDrop: string[];
  restart: { policy: "no" | "on-failure" | "always" | "unless-stopped"; maxRetries?: number };
  /** Absent: the image's own check. `disable` turns that off. */
  healthcheck?: HealthcheckSpec | { disable: true };
  ports: PortSpec[];
  mounts: MountSpec[];
  networks: NetworkAttachment[];
  limits: Limits;

  // From here on everything may be absent, which means: as the engine does by default. New fields come here, so that a container
  // made before they were known keeps its hash.
  /** Exact name on the engine (`container_name`), instead of the pod's. */
  containerName?: string;
  /** `os/arch[/variant]` */
  platform?: string;
  runtime?: string;
  tty?: true;
  stdinOpen?: true;
  privileged?: true;
  domainname?: string;
  annotations?: Record<string, string>;
  /** `80/tcp`: said, not opened. Sorted. */
  expose?: string[];
  dns?: { servers?: string[]; search?: string[]; options?: string[] };
  /** `name:address`, where the address may be `host-gateway`. */
  extraHosts?: string[];
  /** Absent: the networks above. With any of them `networks` is empty. `bridge`: the engine's own network of that name. */
  networkMode?: "none" | "host" | "bridge" | SharedWith;
  pid?: "host" | SharedWith;
  ipc?: "host" | "private" | "shareable" | "none" | SharedWith;
  uts?: "host";
  userns?: "host";
  cgroup?: "host" | "private";
  cgroupParent?: string;
  groupAdd?: string[];
  securityOpt?: string[];
  sysctls?: Record<string, string>;
  ulimits?: { name: string; soft: number; hard: number }[];
  devices?: { host: string; container: string; permissions: string }[];
  /** CDI names such as `vendor.com/class=name`. */
  cdiDevices?: string[];
  deviceRequests?: DeviceRequest[];
  deviceCgroupRules?: string[];
  storageOpt?: Record<string, string>;
  shmSizeBytes?: number;
  logging?: { driver?: string; options?: Record<string, string> };
  oomKillDisable?: true;
  oomScoreAdj?: number;
  memorySwappiness?: number;
  cpuRealtime?: { periodUs?: number; runtimeUs?: number };
  blkio?: BlkioSpec;
  volumesFrom?: (SharedWith & { readOnly: boolean })[];
  /** Configs and secrets, by target. */
  files?: FileSpec[];
  postStart?: HookSpec[];
  preStop?: HookSpec[];
}

export type PullPolicy = "missing" | "always" | "never" | { everyMs: number };

/** What Docker changes on a container that runs; none of it makes another template. 0 is never written: absent means no limit. */
export interface Limits {
  cpus?: number;
  memoryBytes?: number;
  memoryReservationBytes?: number;
  /** Memory and swap together; -1: as much swap as there is. */
  memorySwapBytes?: number;
  pids?: number;
  cpuShares?: number;
  cpuPeriodUs?: number;
  cpuQuotaUs?: number;
  /** For example `0-2,7`. */
  cpuset?: string;
  blkioWeight?: number;
}

/**
 * Somebody else's namespace or volumes: those of a service's container on the same node (the pod of the same slot, else of the
 * lowest), or of a container by its name on the engine, which is foreign and only looked at.
 */
export type SharedWith = { service: string } | { container: string };

/** As in the Engine API. `count` -1: all. */
export interface DeviceRequest {
  driver?: string;
  count?: number;
  deviceIds?: string[];
  capabilities: string[][];
  options?: Record<string, string>;
}

export interface BlkioSpec {
  weightDevice?: { path: string; weight: number }[];
  /** Bytes per second. */
  deviceReadBps?: { path: string; rate: number }[];
  deviceWriteBps?: { path: string; rate: number }[];
  deviceReadIops?: { path: string; rate: number }[];
  deviceWriteIops?: { path: string; rate: number }[];
}

/** A command run inside the container, after its start or before its stop. */
export interface HookSpec {
  command: string[];
  user?: string;
  privileged?: true;
  workingDir?: string;
  env?: Record<string, string>;
}

/** A config or secret as a file in the container. Its content is never part of this. */
export interface FileSpec {
  kind: "config" | "secret";
  /** The key under the stack's `configs` or `secrets`. */
  key: string;
  source: FileSource;
  /** Absolute path inside the container. */
  target: string;
  uid?: string;
  gid?: string;
  /** Permission bits: 0o444 unless said. */
  mode: number;
  /**
   * Which content: filled in by the controller, so that other content is another template. The content itself lies at
   * `deliveryKey(node, namespace, {source, hash})` (store/deliveries.ts). Keyed (HMAC), as a plain hash would tell short secrets.
   */
  hash?: string;
}

/** Where the content comes from: an object in the Stack's namespace (`item`: one of its keys; absent: the only one it has), or the Stack itself. */
export type FileSource = { kind: "ConfigMap" | "Secret"; name: string; item?: string } | { kind: "Inline"; content: string };

export interface HealthcheckSpec {
  /** As in the Engine API: `["CMD", …]` or `["CMD-SHELL", line]`; empty: the image's test, and of the numbers below 0 is the image's, too. */
  test: string[];
  intervalMs: number;
  timeoutMs: number;
  retries: number;
  startPeriodMs: number;
  /** Between checks during the start period; absent: as `intervalMs`. Engines before API 1.44 do not know it. */
  startIntervalMs?: number;
}

export interface PortSpec {
  target: number;
  /** Absent: the engine chooses. */
  published?: number;
  protocol: "tcp" | "udp" | "sctp";
  hostIp?: string;
}

export type MountSpec =
  | {
      type: "volume";
      volume?: VolumeSpec;
      target: string;
      readOnly: boolean;
      nocopy?: boolean;
      subpath?: string;
      labels?: Record<string, string>;
    }
  | {
      type: "bind";
      source: string;
      target: string;
      readOnly: boolean;
      createHostPath: boolean;
      propagation?: string;
      /** SELinux relabelling: z shared, Z private. */
      selinux?: "z" | "Z";
      /** Absent: mounts below the path come along. `disabled`: they do not; `readonly`: they must be read-only, too. */
      recursive?: "disabled" | "writable" | "readonly";
    }
  | {
      type: "tmpfs";
      target: string;
      sizeBytes?: number;
      mode?: number;
      /** More options of mount(8), such as `uid=70` or `exec`, sorted. The engine's API takes them in `HostConfig.Tmpfs` only. */
      options?: string[];
    };

/** A named volume of the engine. `name` is the name on the engine. External ones are neither made nor removed by us. */
export interface VolumeSpec {
  /** The key under the stack's `volumes`. */
  key: string;
  name: string;
  external: boolean;
  /** How it is made. Absent for external ones and where all is default. */
  settings?: { driver?: string; driverOpts?: Record<string, string>; labels?: Record<string, string> };
}

/** How a network is made. All absent: a bridge with everything default. */
export interface NetworkSettings {
  driver?: string;
  driverOpts?: Record<string, string>;
  internal?: true;
  attachable?: true;
  enableIpv4?: boolean;
  enableIpv6?: boolean;
  ipam?: {
    driver?: string;
    options?: Record<string, string>;
    config?: { subnet?: string; ipRange?: string; gateway?: string; auxAddresses?: Record<string, string> }[];
  };
  labels?: Record<string, string>;
}

/** Membership in a network of the engine. `name` is the name on the engine. */
export interface NetworkAttachment {
  /** The key under the stack's `networks`. */
  key: string;
  name: string;
  external: boolean;
  /** Without the service's own name, which is always an alias. */
  aliases: string[];
  /** Absent for external ones and where all is default. */
  settings?: NetworkSettings;
  ipv4?: string;
  ipv6?: string;
  linkLocalIps?: string[];
  macAddress?: string;
  driverOpts?: Record<string, string>;
  /** The order in which networks are connected: higher first. Absent: 0. */
  priority?: number;
  /** Which network's gateway is the default: the highest. Engines before API 1.48 do not know it. */
  gwPriority?: number;
  interfaceName?: string;
}
