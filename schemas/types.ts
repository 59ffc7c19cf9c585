// Generated from schemas/*.json by `npm run generate`. Do not edit.
import type {Condition, Health, ObjectMeta, OwnerReference} from "./meta.ts";
export type {Condition, ObjectMeta, OwnerReference};

/**
 * How a service joins a network.
 */
export type ComposeServiceNetwork = {
  /**
   * More names of the service on this network.
   */
  aliases?: string[] | null;
  /**
   * Fixed IPv4 address, in a subnet that the network declares under `ipam`.
   */
  ipv4_address?: string;
  /**
   * Fixed IPv6 address, in a subnet that the network declares under `ipam`.
   */
  ipv6_address?: string;
  /**
   * Link-local addresses to have as well.
   */
  link_local_ips?: string[] | null;
  /**
   * MAC address on this network, for example `02:42:ac:11:00:02`. Engines before API 1.44 know one of the container only.
   */
  mac_address?: string;
  /**
   * Options of the network's driver for this membership.
   */
  driver_opts?: Options;
  /**
   * The order in which networks are joined: higher ones first. Default: 0.
   */
  priority?: number;
  /**
   * The network with the highest one has the default gateway. Engines before API 1.48 do not know it. Default: 0.
   */
  gw_priority?: number;
  /**
   * Name of the interface inside the container, at most 15 characters. Engines before API 1.49 do not know it.
   */
  interface_name?: string;
} | null;
/**
 * A network of the stack.
 */
export type ComposeNetwork = {
  /**
   * Name of the network on the engine. Default: `<stack>_<key>`.
   */
  name?: string;
  /**
   * True: the network exists already on the node; it is neither made nor removed. Default: false. The old form is a map with its `name`.
   */
  external?: boolean | ComposeExternal;
  /**
   * How the engine makes it: `bridge`, `macvlan`, `ipvlan` or a plugin. `overlay` becomes a bridge, with a warning: services that share a network run on one node. Default: bridge.
   */
  driver?: string;
  /**
   * Options of the driver, for example `com.docker.network.driver.mtu: 1400`.
   */
  driver_opts?: Options;
  /**
   * Whether containers that nobody deploys may join. Networks of one node always let them. Default: false.
   */
  attachable?: boolean;
  /**
   * Whether it has IPv4 addresses. Engines before API 1.47 cannot do without. Default: true.
   */
  enable_ipv4?: boolean;
  /**
   * Whether it has IPv6 addresses, too. Engines before 27 need an IPv6 subnet under `ipam`. Default: false.
   */
  enable_ipv6?: boolean;
  /**
   * True: no way out of it to other networks. Default: false.
   */
  internal?: boolean;
  ipam?: ComposeIpam;
  /**
   * Labels of the network on the engine.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
} | null;
/**
 * How addresses are given.
 */
export type ComposeIpam = {
  /**
   * Who gives the addresses: `default` or a plugin. Default: default.
   */
  driver?: string;
  /**
   * Options of that driver.
   */
  options?: Options;
  /**
   * Subnets: at most one of IPv4 and one of IPv6 with most drivers.
   */
  config?: ComposeSubnet[] | null;
} | null;
/**
 * A named volume of the stack.
 */
export type ComposeVolume = {
  /**
   * Name of the volume on the engine. Default: `<stack>_<key>`.
   */
  name?: string;
  /**
   * True: the volume exists already on the node; it is neither made nor removed. Default: false. The old form is a map with its `name`.
   */
  external?: boolean | ComposeExternal;
  /**
   * How the engine makes it: `local` or a plugin. Default: local.
   */
  driver?: string;
  /**
   * Options of the driver. With the local one `type`, `o` and `device` are those of mount(8), for example for NFS; `type: none, o: bind` mounts a path of the node, and a warning says so.
   */
  driver_opts?: Options;
  /**
   * Labels of the volume on the engine.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
} | null;

/**
 * All kinds, by name.
 */
export interface Kinds {
  Stack: Stack;
  StackRevision: StackRevision;
  StackPlan: StackPlan;
  ComposeProjects: ComposeProjects;
  Namespace: Namespace;
  Node: Node;
  Pod: Pod;
  Event: Event;
  ConfigMap: ConfigMap;
  Secret: Secret;
  ServiceAccount: ServiceAccount;
  Lease: Lease;
  SelfSubjectAccessReview: SelfSubjectAccessReview;
  SelfSubjectRulesReview: SelfSubjectRulesReview;
  SelfSubjectReview: SelfSubjectReview;
  Deployment: Deployment;
  ReplicaSet: ReplicaSet;
  Scale: Scale;
  Eviction: Eviction;
  EventsEvent: EventsEvent;
  NodeMetrics: NodeMetrics;
  PodMetrics: PodMetrics;
}
/**
 * A Stack is a set of services that run on Docker hosts. Its spec is a Compose document; its status says what became of it.
 */
export interface Stack {
  /**
   * Version of the schema of this object: `steadfleet.dev/v1`.
   */
  apiVersion: "steadfleet.dev/v1";
  /**
   * What this object is: `Stack`.
   */
  kind: "Stack";
  metadata: ObjectMeta;
  spec: StackSpec;
  status?: StackStatus;
}
/**
 * A Compose document. Short and long forms are accepted and kept as written. Keys that are not listed here are refused, never ignored.
 */
export interface StackSpec {
  "x-steadfleet"?: StackExtension;
  /**
   * Obsolete; Compose files need no version. Accepted with a warning.
   */
  version?: string | number;
  /**
   * Name of the project. A Stack is named by metadata.name; another name here has no effect, and a warning says so.
   */
  name?: string;
  /**
   * The services, by name. A name has letters, digits, `.`, `_` and `-`, at most 63.
   */
  services: {
    [k: string]: ComposeService;
  };
  /**
   * Networks, by key. The network `default` exists without being named; services without `networks` join it. Services that share a network run on the same node.
   */
  networks?: {
    [k: string]: ComposeNetwork;
  } | null;
  /**
   * Named volumes, by key. They stay when the Stack is deleted.
   */
  volumes?: {
    [k: string]: ComposeVolume;
  } | null;
  /**
   * Files for services, by key: their content, or a ConfigMap of the Stack's namespace that has it.
   */
  configs?: {
    [k: string]: ComposeConfig;
  } | null;
  /**
   * Secret files for services, by key: each is a Secret of the Stack's namespace. Values never stand in a Stack.
   */
  secrets?: {
    [k: string]: ComposeSecret;
  } | null;
}
/**
 * What Compose has no word for.
 */
export interface StackExtension {
  /**
   * What becomes of the named volumes when the Stack is deleted: `Keep` (the default) or `Delete`, with all their data.
   */
  reclaim?: "Keep" | "Delete";
  /**
   * Names of Secrets of the type kubernetes.io/dockerconfigjson that the images of all services are pulled with. Default: the namespace's.
   */
  imagePullSecrets?: string[] | null;
}
/**
 * A service: one image, run as one container per replica.
 */
export interface ComposeService {
  "x-steadfleet"?: ServiceExtension;
  /**
   * Image to run, for example `nginx:1.27` or `ghcr.io/acme/api@sha256:…`.
   */
  image: string;
  /**
   * Arguments of the entrypoint, in place of the image's command. As a line it is split into words as a shell would.
   */
  command?: string | string[] | null;
  /**
   * Program to run, in place of the image's entrypoint. When set, the image's command is not used either. `[]` takes the image's entrypoint away.
   */
  entrypoint?: string | string[] | null;
  /**
   * Environment variables, as `NAME=value` lines or as a map. The server knows no variables of yours, so each needs a value.
   */
  environment?:
    | string[]
    | {
        /**
         * The value. Quote numbers to keep them as typed (`"1.10"`).
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  /**
   * Ports of the container that are opened on the node it runs on: `[host ip:][host port:]container port[/udp]`, ranges with `-`, or the long form.
   */
  ports?: (string | number | ComposePort)[] | null;
  /**
   * Named volumes (`data:/var/lib/data`), absolute paths of the node (`/srv/www:/www:ro`), anonymous volumes (`/cache`), or the long form.
   */
  volumes?: (string | ComposeMount)[] | null;
  /**
   * Networks to join, as a list of keys or as a map. Default: `default`.
   */
  networks?:
    | string[]
    | {
        [k: string]: ComposeServiceNetwork;
      }
    | null;
  /**
   * Configs that the containers get as files, by key or in the long form. By default `/<key>`, readable by all.
   */
  configs?: (string | ComposeFile)[] | null;
  /**
   * Secrets that the containers get as files, by key or in the long form. By default `/run/secrets/<key>`, readable by all in the container; kept in memory only.
   */
  secrets?: (string | ComposeFile)[] | null;
  /**
   * When the engine starts the container again after it ended: `no`, `always`, `on-failure[:times]` or `unless-stopped`. Default: `unless-stopped` (Compose's own default is `no`), and `on-failure` where another service waits for this one to complete.
   */
  restart?: string | boolean;
  healthcheck?: ComposeHealthcheck;
  /**
   * Services that must be up before this one starts, as a list of names (started is enough) or as a map with conditions.
   */
  depends_on?:
    | string[]
    | {
        [k: string]: ComposeDependency;
      }
    | null;
  /**
   * Labels of the container, as a map or as `name=value` lines.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  /**
   * User and group to run as, `user[:group]`, names of the image or numbers. Default: the image's.
   */
  user?: string | number;
  /**
   * Working directory inside the container, an absolute path. Default: the image's.
   */
  working_dir?: string;
  /**
   * Host name inside the container. Default: the engine chooses.
   */
  hostname?: string;
  /**
   * How long the container may take to stop before it is killed. Default: 10s.
   */
  stop_grace_period?: string;
  /**
   * Signal that asks the container to stop, for example `SIGINT`. Default: the image's, else SIGTERM.
   */
  stop_signal?: string;
  /**
   * Run a small init as process 1 that forwards signals and reaps processes. Default: false.
   */
  init?: boolean;
  /**
   * Make the container's own files read-only; volumes stay writable. Default: false.
   */
  read_only?: boolean;
  /**
   * Linux capabilities to add, for example `NET_ADMIN`.
   */
  cap_add?: string[] | null;
  /**
   * Linux capabilities to take away; `ALL` for all.
   */
  cap_drop?: string[] | null;
  /**
   * When to pull the image: `missing` or `if_not_present` (only when the node does not have it), `always` (before each create), `never`, `daily`, `weekly`, `every_<duration>` such as `every_12h` or `every_2w3d` (when the last pull is older), `refresh` (when it is older than `pull_refresh_after`). Default: missing.
   */
  pull_policy?: string;
  /**
   * With `pull_policy: refresh`: how old the last pull may be, for example `12h` or `2d`.
   */
  pull_refresh_after?: string;
  /**
   * Annotations of the container (engine 24 and later), as a map or as `name=value` lines.
   */
  annotations?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  /**
   * Whether `docker compose up` shows the container's log.
   */
  attach?: boolean;
  blkio_config?: ComposeBlkio;
  /**
   * How the image is built. Beside `image` it is kept and not read; alone it is refused.
   */
  build?:
    | string
    | {
        /**
         * A setting of the build: kept and not read.
         */
        [k: string]:
          | string
          | number
          | boolean
          | unknown[]
          | {
              [k: string]: unknown;
            }
          | null;
      }
    | null;
  /**
   * Control group namespace: `private` or `host`. Default: the engine's.
   */
  cgroup?: "private" | "host";
  /**
   * Parent of the container's control group.
   */
  cgroup_parent?: string;
  /**
   * Name of the container on the engine, instead of the pod's. Only one such container can be on a node.
   */
  container_name?: string;
  /**
   * CPUs of a Windows container.
   */
  cpu_count?: number | string;
  /**
   * Share of the CPUs of a Windows container.
   */
  cpu_percent?: number | string;
  /**
   * Length of a scheduler period for `cpu_quota`, in microseconds or as a duration. Not together with `cpus`.
   */
  cpu_period?: string | number;
  /**
   * CPU time in each period, in microseconds or as a duration. Not together with `cpus`.
   */
  cpu_quota?: string | number;
  /**
   * Period of the real-time scheduler, in microseconds or as a duration.
   */
  cpu_rt_period?: string | number;
  /**
   * Real-time CPU time in each period, in microseconds or as a duration.
   */
  cpu_rt_runtime?: string | number;
  /**
   * Share of the CPUs against other containers when they are busy. Default: 1024.
   */
  cpu_shares?: string | number;
  /**
   * Cores, for example `0.5`. The same as `deploy.resources.limits.cpus`. Default: no limit.
   */
  cpus?: string | number;
  /**
   * CPUs the container may run on, for example `0-2,7`.
   */
  cpuset?: string;
  /**
   * Settings of `docker compose watch`.
   */
  develop?: {
    /**
     * A setting: kept and not read.
     */
    [k: string]:
      | string
      | number
      | boolean
      | unknown[]
      | {
          [k: string]: unknown;
        }
      | null;
  } | null;
  /**
   * Rules for devices in the container's control group, for example `c 1:3 mr`.
   */
  device_cgroup_rules?: string[] | null;
  /**
   * Devices of the node, `path[:path in the container[:rwm]]`, CDI names (`vendor.com/class=name`), or the long form.
   */
  devices?: (string | ComposeDevice)[] | null;
  /**
   * Name servers of the container, as addresses.
   */
  dns?: string | string[] | null;
  /**
   * Options of the resolver, for example `ndots:2`.
   */
  dns_opt?: string[] | null;
  /**
   * Domains in which names are looked up.
   */
  dns_search?: string | string[] | null;
  /**
   * Domain of the container's host name.
   */
  domainname?: string;
  /**
   * Ports that the container listens at, for people and proxies: nothing is opened.
   */
  expose?: (string | number)[] | null;
  /**
   * More names in the container's /etc/hosts, as `name=address` lines or as a map; the address `host-gateway` is the node's.
   */
  extra_hosts?:
    | string[]
    | {
        [k: string]: string | string[];
      }
    | null;
  /**
   * GPUs: `all`, or a list of requests.
   */
  gpus?: "all" | ComposeDeviceRequest[];
  /**
   * More groups of the container's user, as names of the image or numbers.
   */
  group_add?: (string | number)[] | null;
  /**
   * Whose shared memory and semaphores: `private`, `shareable`, `host`, `none`, `service:<name>` or `container:<name>`. Default: the engine's.
   */
  ipc?: string;
  /**
   * Isolation of Windows containers; `default` is all there is on Linux.
   */
  isolation?: "default" | "";
  /**
   * Services to reach by another name, `service[:alias]`; they start before this one.
   */
  links?: string[] | null;
  logging?: ComposeLogging;
  /**
   * Hardware address on the service's first network, for example `02:42:ac:11:65:43`.
   */
  mac_address?: string;
  /**
   * At most so much memory, for example `512M`; at least 6M. The same as `deploy.resources.limits.memory`. Default: no limit.
   */
  mem_limit?: string | number;
  /**
   * Memory kept for the container when the node runs short. The same as `deploy.resources.reservations.memory`.
   */
  mem_reservation?: string | number;
  /**
   * How readily the container's memory is swapped out, 0 to 100. Engines with cgroup v2 do not know it.
   */
  mem_swappiness?: number;
  /**
   * Memory and swap together; `-1` for as much swap as there is. Needs `mem_limit`. Default: twice the memory.
   */
  memswap_limit?: string | number;
  /**
   * In place of networks: `host`, `none`, `bridge` (the engine's own), `service:<name>` or `container:<name>` (share its network).
   */
  network_mode?: string;
  /**
   * Whether the kernel spares the container when memory runs out. Engines with cgroup v2 do not know it. Default: false.
   */
  oom_kill_disable?: boolean;
  /**
   * How readily the kernel kills the container when memory runs out, -1000 to 1000.
   */
  oom_score_adj?: number;
  /**
   * Whose processes it sees: `host`, `service:<name>` or `container:<name>`. Default: its own.
   */
  pid?: string;
  /**
   * At most so many processes; -1 for no limit. The same as `deploy.resources.limits.pids`.
   */
  pids_limit?: number;
  /**
   * Platform of the image, `os/arch[/variant]`, for example `linux/amd64`. Default: the node's.
   */
  platform?: string;
  /**
   * Commands that run inside the container after it has started, in this order.
   */
  post_start?: ComposeHook[] | null;
  /**
   * Commands that run inside the container before it is asked to stop, in this order. A container that ends by itself runs none.
   */
  pre_stop?: ComposeHook[] | null;
  /**
   * Give the container all rights and devices of the node. Default: false.
   */
  privileged?: boolean;
  /**
   * Runtime of the engine that runs the container, for example `nvidia`. Default: the engine's.
   */
  runtime?: string;
  /**
   * How many pods to run. The same as `deploy.replicas`.
   */
  scale?: number;
  /**
   * Security settings: `no-new-privileges`, `seccomp=unconfined`, `apparmor=<profile>`, `label=<label>`.
   */
  security_opt?: string[] | null;
  /**
   * Size of /dev/shm, for example `64m`. Default: the engine's (64m).
   */
  shm_size?: string | number;
  /**
   * Keep the container's standard input open. Default: false.
   */
  stdin_open?: boolean;
  /**
   * Settings of the storage driver, for example `size: 10G`.
   */
  storage_opt?: {
    /**
     * The value.
     */
    [k: string]: string | number | boolean | null;
  } | null;
  /**
   * Kernel parameters of the container, as a map or as `name=value` lines.
   */
  sysctls?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  /**
   * Memory mounted into the container: `path[:options]`, or several of them.
   */
  tmpfs?: string | string[] | null;
  /**
   * Give the container a terminal. Default: false.
   */
  tty?: boolean;
  /**
   * Limits of processes, by name.
   */
  ulimits?: {
    [k: string]: (number | string) | ComposeUlimit;
  } | null;
  /**
   * User namespace: `host` switches the engine's remapping off.
   */
  userns_mode?: "host" | "";
  /**
   * Whose host name: `host` for the node's. Not together with `hostname`.
   */
  uts?: "host" | "";
  /**
   * Mount all volumes of another service's container, `service[:ro]`, or of a container by its name, `container:<name>[:ro]`.
   */
  volumes_from?: string[] | null;
  deploy?: ComposeDeploy;
}
/**
 * What Compose has no word for.
 */
export interface ServiceExtension {
  /**
   * When a restart was last asked for, for example `2026-11-21T12:00:00Z`. Another time replaces the containers of the service, one after the other, although nothing else has changed. `kubectl rollout restart` writes it.
   */
  restartedAt?: string;
  /**
   * True: changes of the service (another image, environment, limit) wait until it is false again, and then roll out once. Scaling, healing and deletion go on, with what runs. A service that is paused before its first container starts none. `kubectl rollout pause` and `kubectl rollout resume` write it. Default: false.
   */
  paused?: boolean;
  unhealthy?: Unhealthy;
  /**
   * Names of Secrets of the type kubernetes.io/dockerconfigjson that the images of the service are pulled with. Default: those of the Stack.
   */
  imagePullSecrets?: string[] | null;
  /**
   * Of a replicated job: how often it runs to its end with success. Default: `deploy.replicas`, else 1.
   */
  completions?: number;
  /**
   * Of a job: how many of its pods run at once. Default: all.
   */
  parallelism?: number;
  /**
   * Of a job: when its pods have failed more often than this, all together, the job has failed and nothing is tried again. Default: 6.
   */
  backoffLimit?: number;
  /**
   * When the job runs, as five cron fields (minute, hour, day of the month, month, day of the week), for example `0 3 * * *`, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Makes the service a replicated job where `deploy.mode` is not given. Without it a job runs once, and again when its template changes.
   */
  schedule?: string;
  /**
   * Time zone of the schedule, for example `Europe/Berlin`. Default: UTC.
   */
  timeZone?: string;
  /**
   * When it is time for a run and an earlier one has not ended: `Allow` starts another beside it, `Forbid` leaves the new one out, `Replace` stops the old one. Default: Allow.
   */
  concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
  /**
   * How many ended runs of a schedule are kept, with their containers and logs. Default: 3.
   */
  history?: number;
  /**
   * True: no runs are started. What comes in that time is left out. Default: false.
   */
  suspend?: boolean;
}
/**
 * What is done about a container whose health check fails.
 */
export interface Unhealthy {
  /**
   * `restart` stops and starts the container, `recreate` makes another one in its place, `ignore` reports it and leaves it to run. Default: ignore.
   */
  action?: "ignore" | "restart" | "recreate";
  /**
   * At most so many times in the window; after that it is reported and left to run. Default: 3.
   */
  times?: number;
  /**
   * The window. Default: 10m.
   */
  within?: string;
}
/**
 * A port of the container that is opened on the node.
 */
export interface ComposePort {
  /**
   * Port inside the container, 1 to 65535.
   */
  target: number | string;
  /**
   * Port on the node, 1 to 65535. Default: the engine chooses.
   */
  published?: number | string;
  /**
   * Address on the node to listen at. Default: all.
   */
  host_ip?: string;
  /**
   * `tcp`, `udp` or `sctp`. Default: tcp.
   */
  protocol?: "tcp" | "udp" | "sctp";
  /**
   * `host`: opened on the node that runs the pod, as all ports are. Default: host.
   */
  mode?: "host" | "ingress";
  /**
   * Name of the port, for people.
   */
  name?: string;
  /**
   * Protocol spoken at the port, such as `http`, for people.
   */
  app_protocol?: string;
}
/**
 * A volume, a path of the node, or memory, mounted into the container.
 */
export interface ComposeMount {
  /**
   * `volume` (named, or anonymous without source), `bind` (a path of the node) or `tmpfs` (memory). Refused are `image`, `npipe` and `cluster`.
   */
  type: "volume" | "bind" | "tmpfs" | "image" | "npipe" | "cluster";
  /**
   * Key of a named volume, or absolute path on the node.
   */
  source?: string;
  /**
   * Path inside the container, absolute.
   */
  target: string;
  /**
   * Whether the container cannot write there. Default: false.
   */
  read_only?: boolean;
  /**
   * Accepted, and without effect on Linux.
   */
  consistency?: string;
  bind?: ComposeBindOptions;
  volume?: ComposeVolumeOptions;
  tmpfs?: ComposeTmpfsOptions;
}
/**
 * Settings of a bind.
 */
export interface ComposeBindOptions {
  /**
   * Whether the path is made on the node when it is missing. Default: false; the short form makes it.
   */
  create_host_path?: boolean;
  /**
   * How mounts below the path spread between node and container. Default: rprivate.
   */
  propagation?: "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";
  /**
   * SELinux label of the path: `z` is shared between containers, `Z` is this one's alone. Default: as it is.
   */
  selinux?: "z" | "Z";
  /**
   * Mounts below the path: `enabled` (they come along), `disabled`, or, of a read-only bind, `writable` or `readonly`. Engines before 25 know the first two. Default: enabled.
   */
  recursive?: "enabled" | "disabled" | "writable" | "readonly";
}
/**
 * Settings of a volume mount.
 */
export interface ComposeVolumeOptions {
  /**
   * Whether a new volume stays empty instead of receiving the image's files at that path. Default: false.
   */
  nocopy?: boolean;
  /**
   * A folder of the volume to mount, relative; it must exist. Engines before 26 do not know it. Default: all of it.
   */
  subpath?: string;
  /**
   * Labels of a volume that is made for this mount. Those of named volumes stand at top level.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
}
/**
 * Settings of a tmpfs.
 */
export interface ComposeTmpfsOptions {
  /**
   * At most so many bytes; a number, or with a unit such as `64m`. Default: no limit.
   */
  size?: string | number;
  /**
   * Permissions of its top directory, as an octal text (`"1777"`) or as a number. Default: 1777.
   */
  mode?: number | string;
}
/**
 * Values by name.
 */
export interface Options {
  /**
   * The value.
   */
  [k: string]: string | number | boolean;
}
/**
 * A config or secret as a file in the containers.
 */
export interface ComposeFile {
  /**
   * Key of the config or secret, as declared at top level.
   */
  source: string;
  /**
   * Path of the file in the container. Default: `/<source>` for configs, `/run/secrets/<source>` for secrets; what does not begin with `/` is below `/` or `/run/secrets`.
   */
  target?: string;
  /**
   * Number of the user who owns the file. Default: 0.
   */
  uid?: string | number;
  /**
   * Number of the group that owns the file. Default: 0.
   */
  gid?: string | number;
  /**
   * Permissions, as an octal text (`"0440"`) or as a number. Default: "0444".
   */
  mode?: string | number;
}
/**
 * How to tell that the container is healthy. Default: the image's check.
 */
export interface ComposeHealthcheck {
  /**
   * True turns the image's check off. Default: false.
   */
  disable?: boolean;
  /**
   * What to run inside the container; exit code 0 is healthy. A line runs in a shell; a list begins with `CMD`, `CMD-SHELL` or `NONE`.
   */
  test?: string | string[];
  /**
   * Time between two checks. Default: 30s.
   */
  interval?: string;
  /**
   * A check that takes longer has failed. Default: 30s.
   */
  timeout?: string;
  /**
   * How many failures in a row make it unhealthy. Default: 3.
   */
  retries?: number;
  /**
   * Failures in the time after start do not count. Default: 0s.
   */
  start_period?: string;
  /**
   * Time between two checks during `start_period`. Engines before 25 do not know it and go by `interval`. Default: the engine's (5s).
   */
  start_interval?: string;
}
/**
 * What must be true of the other service.
 */
export interface ComposeDependency {
  /**
   * `service_started`, `service_healthy` (its health check passes) or `service_completed_successfully` (it ended with exit code 0).
   */
  condition: "service_started" | "service_healthy" | "service_completed_successfully";
  /**
   * True: when the other service was updated, this one's containers are restarted once. Default: false.
   */
  restart?: boolean;
  /**
   * False: a service that does not exist, or has failed for good, holds up nobody. Default: true.
   */
  required?: boolean;
}
/**
 * Limits on reading from and writing to disks.
 */
export interface ComposeBlkio {
  /**
   * Share of the disks against other containers, 10 to 1000.
   */
  weight?: number;
  /**
   * Share by device.
   */
  weight_device?: ComposeBlkioWeight[] | null;
  /**
   * At most so many bytes per second read.
   */
  device_read_bps?: ComposeReadBps[] | null;
  /**
   * At most so many bytes per second written.
   */
  device_write_bps?: ComposeWriteBps[] | null;
  /**
   * At most so many reads per second.
   */
  device_read_iops?: ComposeReadIops[] | null;
  /**
   * At most so many writes per second.
   */
  device_write_iops?: ComposeWriteIops[] | null;
}
/**
 * A share of a device.
 */
export interface ComposeBlkioWeight {
  /**
   * Device of the node, for example `/dev/sda`.
   */
  path: string;
  /**
   * 10 to 1000.
   */
  weight: number;
}
/**
 * A limit for a device.
 */
export interface ComposeReadBps {
  /**
   * Device of the node, for example `/dev/sda`.
   */
  path: string;
  /**
   * Bytes per second, for example `10m`.
   */
  rate: string | number;
}
/**
 * A limit for a device.
 */
export interface ComposeWriteBps {
  /**
   * Device of the node, for example `/dev/sda`.
   */
  path: string;
  /**
   * Bytes per second, for example `10m`.
   */
  rate: string | number;
}
/**
 * A limit for a device.
 */
export interface ComposeReadIops {
  /**
   * Device of the node, for example `/dev/sda`.
   */
  path: string;
  /**
   * Reads per second.
   */
  rate: string | number;
}
/**
 * A limit for a device.
 */
export interface ComposeWriteIops {
  /**
   * Device of the node, for example `/dev/sda`.
   */
  path: string;
  /**
   * Writes per second.
   */
  rate: string | number;
}
/**
 * A device of the node.
 */
export interface ComposeDevice {
  /**
   * Path on the node, or a CDI name.
   */
  source: string;
  /**
   * Path inside the container. Default: as on the node.
   */
  target?: string;
  /**
   * What the container may do: `r`, `w` and `m` (make nodes). Default: rwm.
   */
  permissions?: string;
}
/**
 * Devices asked of a driver, such as GPUs.
 */
export interface ComposeDeviceRequest {
  /**
   * What the devices must be able to do, for example `gpu`.
   */
  capabilities?: string[] | null;
  /**
   * The driver, for example `nvidia`. Default: the first that has the capabilities.
   */
  driver?: string;
  /**
   * How many devices, or `all`. Default: all. Not together with `device_ids`.
   */
  count?: string | number;
  /**
   * These devices.
   */
  device_ids?: string[] | null;
  /**
   * Settings of the driver.
   */
  options?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
}
/**
 * What becomes of the container's output.
 */
export interface ComposeLogging {
  /**
   * Log driver, for example `json-file`, `local`, `journald`, `syslog` or `none`. Default: the engine's.
   */
  driver?: string;
  /**
   * Settings of the driver.
   */
  options?: {
    /**
     * The value.
     */
    [k: string]: string | number | boolean | null;
  } | null;
}
/**
 * A command that runs inside the container.
 */
export interface ComposeHook {
  /**
   * The command: a line, which is split into words as a shell would, or a list of words. No shell runs it.
   */
  command: string | string[] | null;
  /**
   * User to run it as. Default: the container's.
   */
  user?: string | number;
  /**
   * Whether it runs with all rights. Default: false.
   */
  privileged?: boolean;
  /**
   * Directory to run it in, an absolute path inside the container. Default: the container's.
   */
  working_dir?: string;
  /**
   * Environment variables beside those of the container.
   */
  environment?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
}
/**
 * A soft and a hard limit.
 */
export interface ComposeUlimit {
  /**
   * What processes begin with; -1 for none.
   */
  soft: number | string;
  /**
   * How far they may raise it; -1 for none.
   */
  hard: number | string;
}
/**
 * How many, where, and with what limits.
 */
export interface ComposeDeploy {
  /**
   * `replicated`: so many pods as `replicas` says. `global`: one pod on each node that meets the constraints. `replicated-job`: runs to its end so many times. `global-job`: runs to its end once on each node. Default: replicated.
   */
  mode?: "replicated" | "global" | "replicated-job" | "global-job";
  /**
   * How many pods to run, from 0 to 1000; of a job, how often it runs to its end. Default: 1.
   */
  replicas?: number | string;
  placement?: ComposePlacement;
  resources?: ComposeResources;
  /**
   * How other services reach this one: by one address, or by those of its containers.
   */
  endpoint_mode?: "vip" | "dnsrr";
  /**
   * Labels of the service in a swarm; containers have those of the service's own `labels`.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  update_config?: ComposeUpdateConfig;
  /**
   * How an earlier template is brought back.
   */
  rollback_config?: ComposeUpdateConfig;
  restart_policy?: ComposeRestartPolicy;
}
/**
 * Which nodes may run it.
 */
export interface ComposePlacement {
  /**
   * All of them must hold: `node.labels.<name>==<value>`, `node.hostname!=<name>`, `node.platform.os==linux`, `node.platform.arch==arm64`. Nodes have no roles: what asks for one holds everywhere, with a warning.
   */
  constraints?: string[] | null;
  /**
   * What to spread replicas over.
   */
  preferences?: ComposePlacementPreference[] | null;
  /**
   * At most so many replicas on a node.
   */
  max_replicas_per_node?: number | string;
}
/**
 * A label to spread over.
 */
export interface ComposePlacementPreference {
  /**
   * For example `node.labels.zone`.
   */
  spread?: string;
}
/**
 * What the containers may use.
 */
export interface ComposeResources {
  limits?: ComposeLimits;
  reservations?: ComposeReservations;
}
/**
 * At most so much for each container.
 */
export interface ComposeLimits {
  /**
   * Cores, for example `0.5`. Default: no limit.
   */
  cpus?: string | number;
  /**
   * Bytes, for example `512M`; at least 6M. Default: no limit.
   */
  memory?: string | number;
  /**
   * Processes and threads; -1 for no limit. Default: no limit.
   */
  pids?: number;
}
/**
 * What each container needs.
 */
export interface ComposeReservations {
  /**
   * Cores, for example `0.25`.
   */
  cpus?: string | number;
  /**
   * Bytes, for example `128M`; at least 6M.
   */
  memory?: string | number;
  /**
   * Processes.
   */
  pids?: number;
  /**
   * Devices such as GPUs.
   */
  devices?: ComposeDeviceRequest[] | null;
  /**
   * Resources that nodes of a swarm declare.
   */
  generic_resources?: ComposeGenericResource[] | null;
}
/**
 * A resource.
 */
export interface ComposeGenericResource {
  discrete_resource_spec?: ComposeDiscreteResource;
}
/**
 * A number of something.
 */
export interface ComposeDiscreteResource {
  /**
   * What.
   */
  kind?: string;
  /**
   * How many.
   */
  value?: number | string;
}
/**
 * How pods are replaced.
 */
export interface ComposeUpdateConfig {
  /**
   * How many pods at once; 0: all.
   */
  parallelism?: number | string;
  /**
   * Time between two pods.
   */
  delay?: string;
  /**
   * What to do when it fails.
   */
  failure_action?: "continue" | "rollback" | "pause";
  /**
   * How long a pod is watched for failure.
   */
  monitor?: string;
  /**
   * Failures that are tolerated, from 0 to 1.
   */
  max_failure_ratio?: number | string;
  /**
   * Whether the new pod starts before the old one stops.
   */
  order?: "start-first" | "stop-first";
}
/**
 * When a container is started again, in a swarm's words. Counts before the service's `restart`.
 */
export interface ComposeRestartPolicy {
  /**
   * `none`, `on-failure` or `any`; as `no`, `on-failure` and `always` of `restart`. Default: any.
   */
  condition?: "none" | "on-failure" | "any" | "no" | "always" | "unless-stopped";
  /**
   * Time between two attempts.
   */
  delay?: string;
  /**
   * How many attempts after a failure. Default: without end.
   */
  max_attempts?: number | string;
  /**
   * How long it must run to count as started.
   */
  window?: string;
}
/**
 * The old form of `external: true` and `name`.
 */
export interface ComposeExternal {
  /**
   * Name of what exists already.
   */
  name?: string;
}
/**
 * A subnet.
 */
export interface ComposeSubnet {
  /**
   * In CIDR form, for example `172.28.0.0/16`. Default: the engine chooses.
   */
  subnet?: string;
  /**
   * Part of the subnet that containers get their addresses from, in CIDR form. Default: all of it.
   */
  ip_range?: string;
  /**
   * Address of the gateway, in the subnet. Default: its first.
   */
  gateway?: string;
  /**
   * Addresses of the subnet that no container gets, by the name of who has them.
   */
  aux_addresses?: Options;
}
/**
 * A file for services: either its `content`, or `external` for a ConfigMap.
 */
export interface ComposeConfig {
  /**
   * What stands in the file, as it is: no variable is filled in by the server.
   */
  content?: string;
  /**
   * True: it is a ConfigMap of the Stack's namespace. Default: false. The old form is a map with its `name`.
   */
  external?: boolean | ComposeExternal;
  /**
   * Name of the ConfigMap. Default: the key of this entry. Without effect beside `content`.
   */
  name?: string;
  /**
   * Checked, and without effect: files have no labels.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  "x-steadfleet"?: ConfigMapExtension;
}
/**
 * What Compose has no word for.
 */
export interface ConfigMapExtension {
  /**
   * Which of the keys of the ConfigMap is the file. Default: the only one it has, else the one that is called like this entry.
   */
  key?: string;
}
/**
 * A secret file for services: a Secret of the Stack's namespace.
 */
export interface ComposeSecret {
  /**
   * Must be true: it is a Secret of the Stack's namespace. The old form is a map with its `name`.
   */
  external?: boolean | ComposeExternal;
  /**
   * Name of the Secret. Default: the key of this entry.
   */
  name?: string;
  /**
   * Checked, and without effect: files have no labels.
   */
  labels?:
    | string[]
    | {
        /**
         * The value.
         */
        [k: string]: string | number | boolean | null;
      }
    | null;
  "x-steadfleet"?: SecretExtension;
}
/**
 * What Compose has no word for.
 */
export interface SecretExtension {
  /**
   * Which of the keys of the Secret is the file. Default: the only one it has, else the one that is called like this entry.
   */
  key?: string;
}
/**
 * What became of the Stack. Written by the controller. Read-only.
 */
export interface StackStatus {
  /**
   * metadata.generation that this status was computed from. Smaller than metadata.generation means that the controller has not answered the last change yet.
   */
  observedGeneration?: number;
  /**
   * The state in one word: `Healthy`, `Progressing`, `Degraded`, `Failed`, `Suspended` or `Unknown`.
   */
  health?: Health;
  /**
   * Number of the present revision; rises by one whenever what the services run changes.
   */
  revision?: number;
  /**
   * Hash over everything the present revision runs.
   */
  revisionHash?: string;
  /**
   * How far the present revision is rolled out, in percent. Never goes back within one revision.
   */
  progress?: number;
  /**
   * How many pods are ready, of how many that are wanted, for example `3/4`.
   */
  ready?: string;
  /**
   * `Ready` (all that is wanted runs and is healthy), `Progressing` (a change is being carried out) and `Degraded` (something is wrong).
   */
  conditions?: Condition[];
  /**
   * State of each service, by its name.
   */
  services?: {
    [k: string]: ServiceStatus;
  };
  /**
   * Nodes that run pods of this Stack, sorted.
   */
  nodes?: string[];
  /**
   * Where each named volume is, by its key under spec.volumes. Pods that mount it stay on that node.
   */
  volumes?: {
    [k: string]: VolumeStatus;
  };
}
/**
 * State of a service.
 */
export interface ServiceStatus {
  /**
   * `replicated` or `global` (one pod on each node).
   */
  mode: "replicated" | "global";
  /**
   * How many pods are wanted.
   */
  desired: number;
  /**
   * How many pods have the template that the manifest asks for. While the service is paused, these may be none.
   */
  updated: number;
  /**
   * How many pods run, and are healthy where there is a check.
   */
  ready: number;
  /**
   * How many pods there are that are not being removed, of whatever revision.
   */
  replicas?: number;
  /**
   * How many pods are ready, of whatever revision, and have taken over the last change in place (limits, restart policy).
   */
  available?: number;
  /**
   * Image as the manifest names it.
   */
  image: string;
  /**
   * Digest of the bits that all pods of this template run, `sha256:…`: what the image's name meant to the registry when the first of them pulled it. Absent until known, and for images that no registry knows.
   */
  imageDigest?: string;
  /**
   * Number of the revision that brought the template the service has: the StackRevision of that number holds it. Smaller than the revision of the Stack when later revisions left this service alone.
   */
  revision?: number;
  /**
   * Hash of the template that `revision` brought. Pods of another template are replaced.
   */
  templateHash?: string;
  /**
   * True: changes that need new containers wait, because the service has `x-steadfleet: {paused: true}`.
   */
  paused?: boolean;
  /**
   * What is not as it should be, as a sentence.
   */
  message?: string;
  job?: JobStatus;
  /**
   * `Available` (at least three quarters of the wanted pods are available) and `Progressing`, with the reasons that a Deployment has: `NewReplicaSetAvailable` (rolled out), `ReplicaSetUpdated` (under way), `DeploymentPaused`.
   */
  conditions?: Condition[];
}
/**
 * Of a job: how far its runs are.
 */
export interface JobStatus {
  /**
   * The present run; of a schedule, those that are under way and the last that have ended, oldest first.
   */
  runs: JobRun[];
  /**
   * A run has failed when its pods have failed more often than this, all together.
   */
  backoffLimit?: number;
  /**
   * The schedule by which the times are reckoned.
   */
  schedule?: string;
  /**
   * True: no runs are started.
   */
  suspended?: boolean;
  /**
   * Times of the schedule up to this one are not run any more: they were before the schedule, or were left out.
   */
  since?: string;
  /**
   * The time of the schedule that the last run was for.
   */
  lastScheduleTime?: string;
  /**
   * When the next run is due.
   */
  nextScheduleTime?: string;
}
/**
 * A run.
 */
export interface JobRun {
  /**
   * Of a schedule: the minutes since 1970 of the time that the run is for, with which the slots of its pods begin. Otherwise the template's hash: another template is another run.
   */
  name: string;
  /**
   * `Running`, `Complete`, `Failed` (its pods have failed more often than `backoffLimit`, all together) or `Replaced` (stopped for a later run).
   */
  state: "Running" | "Complete" | "Failed" | "Replaced";
  /**
   * Template that a run of a schedule began with.
   */
  templateHash?: string;
  /**
   * The time of the schedule that the run is for.
   */
  scheduledTime?: string;
  /**
   * When it began.
   */
  startTime: string;
  /**
   * When it ended.
   */
  completionTime?: string;
  /**
   * How many pods shall end with success.
   */
  completions: number;
  /**
   * How many pods have ended with success. They are not run again, also when they are deleted.
   */
  succeeded: number;
  /**
   * Which have, for example `0-2,5`, or names of nodes.
   */
  slots?: string;
  /**
   * How often its pods have failed, all together.
   */
  failed: number;
  /**
   * Why it has failed, as a sentence.
   */
  message?: string;
}
/**
 * Where a named volume is.
 */
export interface VolumeStatus {
  /**
   * Node that holds the volume.
   */
  node: string;
}
/**
 * A StackRevision is a Stack as it was when one of its revisions began to be rolled out: what `kubectl rollout history` shows and `kubectl rollout undo` goes back to. The controller writes it and keeps the last ten of each Stack; nobody else can change it.
 */
export interface StackRevision {
  /**
   * Version of the schema of this object: `steadfleet.dev/v1`.
   */
  apiVersion: "steadfleet.dev/v1";
  /**
   * What this object is: `StackRevision`.
   */
  kind: "StackRevision";
  /**
   * Its name is that of the Stack and the number, as in `shop-3`. The label `steadfleet.dev/stack` names the Stack, which is its owner, and the annotation `kubernetes.io/change-cause` is copied from it.
   */
  metadata: ObjectMeta;
  /**
   * Number of the revision; of two revisions of a Stack the later has the larger one.
   */
  revision: number;
  /**
   * Hash over everything the revision runs, as in the Stack's status.revisionHash.
   */
  hash: string;
  /**
   * The Stack's spec as it was; a paused service whose changes waited stands here as it ran. Applying a Stack with this spec leads back to what ran then.
   */
  spec: StackSpec;
  /**
   * What tells the services of this revision from those of others, by name of the service.
   */
  services: {
    [k: string]: RevisionService;
  };
}
/**
 * One service of the revision.
 */
export interface RevisionService {
  /**
   * Hash over what a container of the service is made from. Two revisions with the same one run the same containers.
   */
  templateHash: string;
  /**
   * Digest of the bits that the service's image meant, `sha256:…`. A return to this template runs the same bits again. Absent until known, and for images that no registry knows.
   */
  imageDigest?: string;
  /**
   * Number of the revision that brought this template, the latest where the service has returned to it. A service that a change does not touch keeps it, so each template of a service stands once in its history: in the StackRevision whose own number this is.
   */
  revision: number;
}
/**
 * What applying a Stack would do to each container, and why: the controller's own planner, run to the end on the world as it is now, with nodes that do what they are told. Nothing is stored.
 */
export interface StackPlan {
  /**
   * Version of the schema of this object: `steadfleet.dev/v1`.
   */
  apiVersion: "steadfleet.dev/v1";
  /**
   * What this object is: `StackPlan`.
   */
  kind: "StackPlan";
  metadata: ObjectMeta;
  spec?: StackPlanSpec;
  status?: StackPlanStatus;
}
/**
 * What is asked.
 */
export interface StackPlanSpec {
  /**
   * The Stack as it would be applied. With a resourceVersion: it must be the present one.
   */
  stack: Stack;
  /**
   * ConfigMaps and Secrets of the namespace that would be applied before it. No content is sent: only what it is called, and whether it would be another.
   */
  contents?: PlannedContent[];
}
/**
 * A ConfigMap or Secret as it would be.
 */
export interface PlannedContent {
  /**
   * Which of the two.
   */
  kind: "ConfigMap" | "Secret";
  /**
   * Its name.
   */
  name: string;
  /**
   * All keys that it would have.
   */
  keys: string[];
  /**
   * Those of them whose content would be another than what is stored.
   */
  changed: string[];
}
/**
 * The plan.
 */
export interface StackPlanStatus {
  /**
   * Of the Stack that is there; absent: there is none.
   */
  uid?: string;
  /**
   * Of the Stack that is there: what an apply must find unchanged.
   */
  resourceVersion?: string;
  /**
   * Over every effect, and the pods and nodes it is on: another digest is another plan.
   */
  digest: string;
  revision: PlannedRevision;
  /**
   * By name.
   */
  services: PlannedService[];
  /**
   * By key.
   */
  volumes: PlannedVolume[];
  /**
   * By key.
   */
  networks: PlannedNetwork[];
  /**
   * What would keep the change from being carried out, with the node's name.
   */
  problems: string[];
  /**
   * What is good to know.
   */
  notes: string[];
}
/**
 * Number of the revision, before and after.
 */
export interface PlannedRevision {
  /**
   * Absent: there was none.
   */
  from?: number;
  /**
   * The same: nothing is rolled out.
   */
  to: number;
}
/**
 * What happens to one service.
 */
export interface PlannedService {
  /**
   * Name of the service.
   */
  name: string;
  /**
   * The largest effect on one of its containers, or `scale`.
   */
  effect: "create" | "replace" | "update" | "scale" | "delete" | "unchanged";
  /**
   * As in the manifest.
   */
  mode: "replicated" | "global";
  /**
   * Image that it would run.
   */
  image: string;
  /**
   * Containers now.
   */
  from: number;
  /**
   * Containers afterwards.
   */
  to: number;
  /**
   * Host ports: `8080→80`.
   */
  ports: string[];
  /**
   * Keys that change.
   */
  changes: PlannedChange[];
  /**
   * Its containers, by slot.
   */
  pods: PlannedPod[];
  /**
   * Fewest containers that are ready at a time while the change is carried out.
   */
  least?: number;
  /**
   * Containers that are ready now.
   */
  ready?: number;
  /**
   * What its users notice, in words; absent: nothing.
   */
  downtime?: string;
  /**
   * What the rollout would wait for in the end, or what keeps it from going on: no node fits, a name of a port and the node that it is taken on.
   */
  waits?: string;
}
/**
 * One key of a service that would change.
 */
export interface PlannedChange {
  /**
   * Where, in Compose's words where Compose has one: `image`, `environment.VERSION`.
   */
  path: string;
  /**
   * What it is, as text; `***` for what may be a secret. Absent: it is not there.
   */
  from?: string;
  /**
   * What it would be. Absent: it would go.
   */
  to?: string;
}
/**
 * One container.
 */
export interface PlannedPod {
  /**
   * Number of the replica, or the node of a global service.
   */
  slot: string;
  /**
   * What happens to it: `create`, `replace` (same node), `move` (another node), `change` (in place, it goes on running), `restart`, `remove`, `unchanged`.
   */
  effect: "create" | "replace" | "move" | "change" | "restart" | "remove" | "unchanged";
  /**
   * Name of the pod that is there now.
   */
  pod?: string;
  /**
   * Node that it is on now.
   */
  node?: string;
  /**
   * Node that it would be on.
   */
  to?: string;
  /**
   * Why, in words.
   */
  why?: string;
  /**
   * In which round of the rollout, from 1; those of one round go together.
   */
  step?: number;
}
/**
 * A named volume.
 */
export interface PlannedVolume {
  /**
   * Key under `volumes`.
   */
  key: string;
  /**
   * Name on the engine.
   */
  name: string;
  /**
   * Node that it is on.
   */
  node?: string;
  /**
   * `create`; `keep`: mounted before and after; `leave`: nobody mounts it any more, it stays with its data; `external`: neither made nor removed.
   */
  effect: "create" | "keep" | "leave" | "external";
  /**
   * Who mounts it.
   */
  services: string[];
}
/**
 * A network.
 */
export interface PlannedNetwork {
  /**
   * Key under `networks`.
   */
  key: string;
  /**
   * Name on the engine.
   */
  name: string;
  /**
   * Node that it is on.
   */
  node?: string;
  /**
   * `create`, `keep`, `remove`; `recreate`: its settings change, and whoever is in it is replaced; `external`: neither made nor removed.
   */
  effect: "create" | "keep" | "remove" | "recreate" | "external";
}
/**
 * Projects of docker compose that run on a node beside what is ours, and whether a Stack could take one over without a restart. Nothing is stored.
 */
export interface ComposeProjects {
  /**
   * Version of the schema of this object: `steadfleet.dev/v1`.
   */
  apiVersion: "steadfleet.dev/v1";
  /**
   * What this object is: `ComposeProjects`.
   */
  kind: "ComposeProjects";
  metadata: ObjectMeta;
  spec?: ComposeProjectsSpec;
  status?: ComposeProjectsStatus;
}
/**
 * What is asked.
 */
export interface ComposeProjectsSpec {
  /**
   * Only this one, with its services spelled out.
   */
  project?: string;
  /**
   * The Stack that would take the project over.
   */
  stack?: Stack;
}
/**
 * The answer.
 */
export interface ComposeProjectsStatus {
  /**
   * By name.
   */
  projects: ComposeProject[];
  /**
   * Of each container that the Stack would have. Only where a Stack was asked about.
   */
  differences?: ComposeProjectDifference[];
}
/**
 * A project of docker compose.
 */
export interface ComposeProject {
  /**
   * Name of the project.
   */
  name: string;
  /**
   * Its Compose files, as docker compose noted them.
   */
  file: string;
  /**
   * By name.
   */
  services: ComposeProjectService[];
}
/**
 * A service of the project.
 */
export interface ComposeProjectService {
  /**
   * Name of the service.
   */
  name: string;
  /**
   * By number.
   */
  containers: ComposeProjectContainer[];
  /**
   * The service in Compose's words, as its first container is. Only where one project was asked for.
   */
  compose?: {
    [k: string]: unknown;
  };
}
/**
 * A container of the project.
 */
export interface ComposeProjectContainer {
  /**
   * Its id.
   */
  id: string;
  /**
   * Its name on the engine.
   */
  name: string;
  /**
   * Its number within the service, from 1.
   */
  number: number;
  /**
   * Docker's word: running, exited, …
   */
  state: string;
}
/**
 * What of a container is not as the Stack says.
 */
export interface ComposeProjectDifference {
  /**
   * Name of the service.
   */
  service: string;
  /**
   * Number of the container.
   */
  number: number;
  /**
   * Paths that differ; none: it can be taken over as it is.
   */
  keys: string[];
}
/**
 * A Namespace is a scope for names. Stacks and all that belongs to them live in one; nodes do not.
 */
export interface Namespace {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `Namespace`.
   */
  kind: "Namespace";
  metadata: ObjectMeta;
  spec?: NamespaceSpec;
  status?: NamespaceStatus;
}
/**
 * How the namespace is managed.
 */
export interface NamespaceSpec {
  /**
   * Parties that must finish before the namespace goes. The server sets `kubernetes` and removes it when nothing is left inside.
   */
  finalizers?: string[];
}
/**
 * What the server observed. Read-only.
 */
export interface NamespaceStatus {
  /**
   * `Active`, or `Terminating` while its contents are being removed and nothing new is accepted.
   */
  phase?: "Active" | "Terminating";
  /**
   * Why a namespace that is being deleted is still there.
   */
  conditions?: Condition[];
}
/**
 * A Node is a Docker host with an agent. People write its labels, taints and `unschedulable`; its status is what the agent reports.
 */
export interface Node {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `Node`.
   */
  kind: "Node";
  metadata: ObjectMeta;
  spec?: NodeSpec;
  status?: NodeStatus;
}
/**
 * What people decide about the node.
 */
export interface NodeSpec {
  /**
   * When true (cordoned), no new pods are placed here; those that run stay. Default: false.
   */
  unschedulable?: boolean;
  /**
   * Marks that keep pods away.
   */
  taints?: Taint[];
  /**
   * Name of the machine at its provider.
   */
  providerID?: string;
  /**
   * Not used; accepted for the sake of Kubernetes tools.
   */
  podCIDR?: string;
}
/**
 * A mark that keeps pods away.
 */
export interface Taint {
  /**
   * Name of the mark.
   */
  key: string;
  /**
   * Value of the mark.
   */
  value?: string;
  /**
   * `NoSchedule`: no new pods here. `NoExecute`: those that run must go, too. `PreferNoSchedule`: only when there is no better node.
   */
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /**
   * When the mark was set.
   */
  timeAdded?: string;
}
/**
 * What the node's agent observed. Read-only.
 */
export interface NodeStatus {
  /**
   * Not used; accepted for the sake of Kubernetes tools.
   */
  phase?: string;
  /**
   * What the machine has: `cpu` in cores, `memory` and `ephemeral-storage` in bytes.
   */
  capacity?: ResourceList;
  /**
   * What pods may use of it.
   */
  allocatable?: ResourceList;
  /**
   * State of the node: `Ready`, `RuntimeUnavailable` (the Docker engine does not answer), `DiskPressure`.
   */
  conditions?: NodeStatusCondition[];
  /**
   * Names and addresses of the node.
   */
  addresses?: NodeAddress[];
  nodeInfo?: NodeSystemInfo;
  /**
   * Images on the node.
   */
  images?: NodeImage[];
  containers?: NodeContainers;
}
/**
 * Amounts by resource name, as Kubernetes quantities.
 */
export interface ResourceList {
  /**
   * A quantity, for example `4`, `500m` or `16316412Ki`.
   */
  [k: string]: string;
}
/**
 * One aspect of the node's state.
 */
export interface NodeStatusCondition {
  /**
   * Name of the aspect, for example `Ready`.
   */
  type: string;
  /**
   * `True`, `False`, or `Unknown` while the agent has no connection.
   */
  status: "True" | "False" | "Unknown";
  /**
   * One word in CamelCase for programs.
   */
  reason?: string;
  /**
   * A sentence for people.
   */
  message?: string;
  /**
   * When `status` last changed.
   */
  lastTransitionTime?: string;
  /**
   * When the agent last said so.
   */
  lastHeartbeatTime?: string;
}
/**
 * A name or address of the node.
 */
export interface NodeAddress {
  /**
   * `InternalIP`, `ExternalIP` or `Hostname`.
   */
  type: string;
  /**
   * The name or address.
   */
  address: string;
}
/**
 * Versions and identity of the machine.
 */
export interface NodeSystemInfo {
  /**
   * Id of the machine; the node's name where it has none.
   */
  machineID?: string;
  /**
   * UUID of the machine; empty when not known.
   */
  systemUUID?: string;
  /**
   * Changes whenever the agent starts; empty when not known.
   */
  bootID?: string;
  /**
   * Version of the kernel.
   */
  kernelVersion?: string;
  /**
   * Name of the operating system, for example `Debian GNU/Linux 12 (bookworm)`.
   */
  osImage?: string;
  /**
   * Version of the Docker engine, for example `docker://20.10.24`.
   */
  containerRuntimeVersion?: string;
  /**
   * Version of the agent.
   */
  kubeletVersion?: string;
  /**
   * Not used; empty.
   */
  kubeProxyVersion?: string;
  /**
   * For example `linux`.
   */
  operatingSystem?: string;
  /**
   * For example `amd64`.
   */
  architecture?: string;
}
/**
 * An image on the node.
 */
export interface NodeImage {
  /**
   * Names of the image.
   */
  names?: string[];
  /**
   * Size in bytes.
   */
  sizeBytes?: number;
}
/**
 * Containers on the node; those that are not ours are counted and never touched.
 */
export interface NodeContainers {
  /**
   * How many containers belong to pods.
   */
  ours: number;
  /**
   * How many containers somebody else made.
   */
  foreign: number;
}
/**
 * A Pod is one container of one service of a Stack on one node. Pods are made from Stacks; they can be read and deleted, not written.
 */
export interface Pod {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `Pod`.
   */
  kind: "Pod";
  metadata: ObjectMeta;
  spec?: PodSpec;
  status?: PodStatus;
}
/**
 * What should run.
 */
export interface PodSpec {
  /**
   * Node that the pod is placed on.
   */
  nodeName?: string;
  /**
   * Host name inside the container.
   */
  hostname?: string;
  /**
   * When the container is started again after it ended. Compose's `unless-stopped` and `always` are `Always`.
   */
  restartPolicy?: "Always" | "OnFailure" | "Never";
  /**
   * Seconds between the stop signal and the kill.
   */
  terminationGracePeriodSeconds?: number;
  /**
   * The container; a pod has exactly one.
   */
  containers: PodContainer[];
  /**
   * Whether the network is the node's (`network_mode: host`).
   */
  hostNetwork?: boolean;
  /**
   * Whether it sees the node's processes (`pid: host`).
   */
  hostPID?: boolean;
  /**
   * Whether the shared memory is the node's (`ipc: host`).
   */
  hostIPC?: boolean;
  /**
   * Runtime of the engine that runs the container; absent means the engine's default.
   */
  runtimeClassName?: string;
  /**
   * More names in the container's /etc/hosts.
   */
  hostAliases?: HostAlias[];
  dnsConfig?: PodDNSConfig;
  securityContext?: PodSecurityContext;
  /**
   * Secrets with credentials for the image's registry.
   */
  imagePullSecrets?: PullSecretName[];
  /**
   * What is mounted.
   */
  volumes?: PodVolume[];
}
/**
 * The container.
 */
export interface PodContainer {
  /**
   * Name of the service.
   */
  name: string;
  /**
   * Image as the manifest names it.
   */
  image?: string;
  /**
   * When the image is pulled.
   */
  imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  /**
   * Entrypoint; absent means the image's.
   */
  command?: string[];
  /**
   * Command; absent means the image's.
   */
  args?: string[];
  /**
   * Working directory; absent means the image's.
   */
  workingDir?: string;
  /**
   * Environment variables.
   */
  env?: EnvVar[];
  /**
   * Ports that are published on the node.
   */
  ports?: ContainerPort[];
  resources?: PodResources;
  /**
   * Where volumes and paths of the node appear inside the container.
   */
  volumeMounts?: VolumeMount[];
  securityContext?: SecurityContext;
  /**
   * Whether the container has a terminal.
   */
  tty?: boolean;
  /**
   * Whether its standard input is kept open.
   */
  stdin?: boolean;
  readinessProbe?: Probe;
  lifecycle?: Lifecycle;
}
/**
 * An environment variable.
 */
export interface EnvVar {
  /**
   * Name of the variable.
   */
  name: string;
  /**
   * Value of the variable.
   */
  value?: string;
}
/**
 * A port of the container.
 */
export interface ContainerPort {
  /**
   * Port inside the container.
   */
  containerPort: number;
  /**
   * Port on the node; absent when the engine chooses.
   */
  hostPort?: number;
  /**
   * Address on the node; absent means all.
   */
  hostIP?: string;
  /**
   * `TCP`, `UDP` or `SCTP`.
   */
  protocol?: "TCP" | "UDP" | "SCTP";
}
/**
 * What the container may use.
 */
export interface PodResources {
  /**
   * At most so much `cpu` and `memory`.
   */
  limits?: ResourceList;
  /**
   * `memory` kept for the container when the node runs short.
   */
  requests?: ResourceList;
}
/**
 * A mount.
 */
export interface VolumeMount {
  /**
   * Name of an entry of `spec.volumes`.
   */
  name: string;
  /**
   * Path inside the container.
   */
  mountPath: string;
  /**
   * Whether the container cannot write there.
   */
  readOnly?: boolean;
  /**
   * A path within the volume.
   */
  subPath?: string;
}
/**
 * Rights of the container.
 */
export interface SecurityContext {
  /**
   * Whether the container's own files cannot be written.
   */
  readOnlyRootFilesystem?: boolean;
  /**
   * Whether it has all rights and devices of the node.
   */
  privileged?: boolean;
  /**
   * Number of the user it runs as; absent means the image's, or one that is named.
   */
  runAsUser?: number;
  /**
   * Number of the group it runs as.
   */
  runAsGroup?: number;
  /**
   * False: programs cannot gain rights (`no-new-privileges`).
   */
  allowPrivilegeEscalation?: boolean;
  seccompProfile?: SeccompProfile;
  appArmorProfile?: AppArmorProfile;
  capabilities?: Capabilities;
}
/**
 * Which system calls are allowed.
 */
export interface SeccompProfile {
  /**
   * `Unconfined`, or `Localhost` for a profile that the manifest brings.
   */
  type: string;
}
/**
 * AppArmor's profile.
 */
export interface AppArmorProfile {
  /**
   * `Unconfined` or `Localhost`.
   */
  type: string;
  /**
   * Name of a profile on the node.
   */
  localhostProfile?: string;
}
/**
 * Linux capabilities beside the engine's default set.
 */
export interface Capabilities {
  /**
   * Capabilities added.
   */
  add?: string[];
  /**
   * Capabilities removed.
   */
  drop?: string[];
}
/**
 * The health check that the manifest asks for; absent means the image's, if it has one. Its answer decides whether the pod is ready.
 */
export interface Probe {
  exec?: ProbeExec;
  /**
   * Failures in the time after start do not count.
   */
  initialDelaySeconds?: number;
  /**
   * Seconds between two checks.
   */
  periodSeconds?: number;
  /**
   * A check that takes longer has failed.
   */
  timeoutSeconds?: number;
  /**
   * How many failures in a row make it unhealthy.
   */
  failureThreshold?: number;
}
/**
 * What runs inside the container.
 */
export interface ProbeExec {
  /**
   * The command; exit code 0 is healthy.
   */
  command?: string[];
}
/**
 * Commands that run inside the container beside its own. Of several that the manifest has, the first.
 */
export interface Lifecycle {
  postStart?: PostStart;
  preStop?: PreStop;
}
/**
 * After its start.
 */
export interface PostStart {
  exec?: PostStartExec;
}
/**
 * What runs inside the container.
 */
export interface PostStartExec {
  /**
   * The command.
   */
  command?: string[];
}
/**
 * Before it is asked to stop.
 */
export interface PreStop {
  exec?: PreStopExec;
}
/**
 * What runs inside the container.
 */
export interface PreStopExec {
  /**
   * The command.
   */
  command?: string[];
}
/**
 * Names of an address.
 */
export interface HostAlias {
  /**
   * The address; `host-gateway` is the node's.
   */
  ip: string;
  /**
   * The names.
   */
  hostnames?: string[];
}
/**
 * Where names are looked up.
 */
export interface PodDNSConfig {
  /**
   * Name servers.
   */
  nameservers?: string[];
  /**
   * Domains in which names are looked up.
   */
  searches?: string[];
  /**
   * Options of the resolver.
   */
  options?: PodDNSConfigOption[];
}
/**
 * An option.
 */
export interface PodDNSConfigOption {
  /**
   * Name of the option.
   */
  name?: string;
  /**
   * Value of the option.
   */
  value?: string;
}
/**
 * Rights and kernel parameters.
 */
export interface PodSecurityContext {
  /**
   * More groups of the user, those that are numbers.
   */
  supplementalGroups?: number[];
  /**
   * Kernel parameters.
   */
  sysctls?: Sysctl[];
}
/**
 * A kernel parameter.
 */
export interface Sysctl {
  /**
   * Name of the parameter.
   */
  name: string;
  /**
   * Value of the parameter.
   */
  value: string;
}
/**
 * A Secret.
 */
export interface PullSecretName {
  /**
   * Name of the Secret.
   */
  name: string;
}
/**
 * A named volume, a path of the node, memory, or a config or secret.
 */
export interface PodVolume {
  /**
   * Name that mounts refer to.
   */
  name: string;
  hostPath?: HostPathVolume;
  dockerVolume?: DockerVolume;
  emptyDir?: EmptyDirVolume;
  configMap?: ConfigMapVolume;
  secret?: SecretVolume;
  stackConfig?: StackConfigVolume;
}
/**
 * A path of the node.
 */
export interface HostPathVolume {
  /**
   * Absolute path on the node.
   */
  path: string;
}
/**
 * A volume of the Docker engine.
 */
export interface DockerVolume {
  /**
   * Name of the volume on the engine.
   */
  name: string;
}
/**
 * Memory (`medium: Memory`), or an anonymous volume of the engine; gone with the container.
 */
export interface EmptyDirVolume {
  /**
   * `Memory` for a tmpfs; absent for an anonymous volume.
   */
  medium?: string;
  /**
   * At most so many bytes.
   */
  sizeLimit?: string;
}
/**
 * A file from a ConfigMap.
 */
export interface ConfigMapVolume {
  /**
   * Name of the ConfigMap.
   */
  name: string;
  /**
   * What of it.
   */
  items?: ConfigMapItem[];
}
/**
 * An entry as a file.
 */
export interface ConfigMapItem {
  /**
   * The entry.
   */
  key: string;
  /**
   * Name of the file.
   */
  path: string;
  /**
   * Permission bits.
   */
  mode?: number;
}
/**
 * A file from a Secret.
 */
export interface SecretVolume {
  /**
   * Name of the Secret.
   */
  secretName: string;
  /**
   * What of it.
   */
  items?: SecretItem[];
}
/**
 * An entry as a file.
 */
export interface SecretItem {
  /**
   * The entry.
   */
  key: string;
  /**
   * Name of the file.
   */
  path: string;
  /**
   * Permission bits.
   */
  mode?: number;
}
/**
 * A file whose content stands in the Stack.
 */
export interface StackConfigVolume {
  /**
   * Key under the Stack's `configs` or `secrets`.
   */
  key: string;
}
/**
 * What the node's agent observed. Read-only.
 */
export interface PodStatus {
  /**
   * `Pending` until the container runs; `Running`; `Succeeded` or `Failed` when it ended for good; `Unknown` while the node cannot be reached.
   */
  phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  /**
   * Why it is not as it should be, as one word, for example `WaitingForDependency`.
   */
  reason?: string;
  /**
   * Why it is not as it should be, as a sentence.
   */
  message?: string;
  /**
   * Address of the node.
   */
  hostIP?: string;
  /**
   * Address of the container in its first network.
   */
  podIP?: string;
  /**
   * Addresses of the container in its networks.
   */
  podIPs?: PodIP[];
  /**
   * When the pod was given to its node.
   */
  startTime?: string;
  /**
   * Not used; accepted for the sake of Kubernetes tools.
   */
  qosClass?: string;
  /**
   * resourceVersion of the desired pod that this answers.
   */
  observedRevision?: string;
  /**
   * State of the pod: `PodScheduled`, `Ready`, `ContainersReady`.
   */
  conditions?: PodCondition[];
  /**
   * State of the container.
   */
  containerStatuses?: ContainerStatus[];
}
/**
 * An address.
 */
export interface PodIP {
  /**
   * The address.
   */
  ip: string;
}
/**
 * One aspect of the pod's state.
 */
export interface PodCondition {
  /**
   * Name of the aspect, for example `Ready`.
   */
  type: string;
  /**
   * Whether it holds.
   */
  status: "True" | "False" | "Unknown";
  /**
   * One word in CamelCase for programs.
   */
  reason?: string;
  /**
   * A sentence for people.
   */
  message?: string;
  /**
   * When `status` last changed.
   */
  lastTransitionTime?: string;
  /**
   * Not used.
   */
  lastProbeTime?: string;
}
/**
 * State of the container.
 */
export interface ContainerStatus {
  /**
   * Name of the service.
   */
  name: string;
  /**
   * Whether it runs, and is healthy where there is a health check.
   */
  ready: boolean;
  /**
   * Whether it runs.
   */
  started?: boolean;
  /**
   * How often it was started again.
   */
  restartCount: number;
  /**
   * Image as the manifest names it.
   */
  image: string;
  /**
   * Digest of the image, for example `docker-pullable://nginx@sha256:…`; its id on the node where it has none.
   */
  imageID: string;
  /**
   * Id of the container: `docker://…`.
   */
  containerID?: string;
  /**
   * Result of the health check; absent where there is none.
   */
  health?: "starting" | "healthy" | "unhealthy";
  /**
   * What the container does now.
   */
  state?: PodContainerState;
  /**
   * How it ended the last time.
   */
  lastState?: PodContainerState;
}
/**
 * One of `waiting`, `running` and `terminated`.
 */
export interface PodContainerState {
  waiting?: ContainerWaiting;
  running?: ContainerRunning;
  terminated?: ContainerTerminated;
}
/**
 * It does not run yet.
 */
export interface ContainerWaiting {
  /**
   * Why, as one word, for example `Pulling`.
   */
  reason?: string;
  /**
   * Why, as a sentence.
   */
  message?: string;
}
/**
 * It runs.
 */
export interface ContainerRunning {
  /**
   * Since when.
   */
  startedAt?: string;
}
/**
 * It ended.
 */
export interface ContainerTerminated {
  /**
   * Exit code.
   */
  exitCode: number;
  /**
   * `Completed`, `Error` or `OOMKilled`.
   */
  reason?: string;
  /**
   * Last lines of its log, or what the engine said.
   */
  message?: string;
  /**
   * When it was started.
   */
  startedAt?: string;
  /**
   * When it ended.
   */
  finishedAt?: string;
  /**
   * Id of the container: `docker://…`.
   */
  containerID?: string;
}
/**
 * An Event says what happened to an object, and why. Events are kept for an hour; the same thing happening again is counted.
 */
export interface Event {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `Event`.
   */
  kind: "Event";
  metadata: ObjectMeta;
  /**
   * The object that this is about.
   */
  involvedObject: ObjectReference;
  /**
   * A second object that has to do with it.
   */
  related?: ObjectReference;
  /**
   * What happened, as one word in CamelCase, for example `Healed`.
   */
  reason?: string;
  /**
   * What happened, as a sentence.
   */
  message?: string;
  /**
   * `Normal`, or `Warning` when something is not as it should be.
   */
  type?: "Normal" | "Warning";
  /**
   * How often it happened. 0 or absent: nobody counts, or `series` does.
   */
  count?: number;
  /**
   * When it happened first.
   */
  firstTimestamp?: string;
  /**
   * When it happened last.
   */
  lastTimestamp?: string;
  series?: EventSeries;
  /**
   * When it happened, to the microsecond.
   */
  eventTime?: string;
  /**
   * What was done about the object.
   */
  action?: string;
  source?: EventSource;
  /**
   * Program that says so (newer field).
   */
  reportingComponent?: string;
  /**
   * Which instance of the program says so.
   */
  reportingInstance?: string;
}
/**
 * Points at an object.
 */
export interface ObjectReference {
  /**
   * API version of the object.
   */
  apiVersion?: string;
  /**
   * Kind of the object, for example `Stack`.
   */
  kind?: string;
  /**
   * Namespace of the object.
   */
  namespace?: string;
  /**
   * Name of the object.
   */
  name?: string;
  /**
   * UID of the object.
   */
  uid?: string;
  /**
   * Version of the object that is meant.
   */
  resourceVersion?: string;
  /**
   * Part of the object that is meant, for example `spec.services.web`.
   */
  fieldPath?: string;
}
/**
 * How the same thing goes on, in the newer way of counting.
 */
export interface EventSeries {
  /**
   * How often it happened so far.
   */
  count?: number;
  /**
   * When it happened last, to the microsecond.
   */
  lastObservedTime?: string;
}
/**
 * Who says so.
 */
export interface EventSource {
  /**
   * Program that says so, for example `controller`.
   */
  component?: string;
  /**
   * Node that the program runs on.
   */
  host?: string;
}
/**
 * A ConfigMap holds settings and small files that are no secret. At most 1 MiB together.
 */
export interface ConfigMap {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `ConfigMap`.
   */
  kind: "ConfigMap";
  metadata: ObjectMeta;
  /**
   * When true, the data can no longer be changed; only the whole object can be deleted. Default: false.
   */
  immutable?: boolean;
  /**
   * Texts by name. A name has letters, digits, `-`, `_` and `.`, and is in `data` or in `binaryData`, not in both.
   */
  data?: {
    /**
     * The text.
     */
    [k: string]: string;
  };
  /**
   * Contents that are not text, by name, in base64.
   */
  binaryData?: {
    /**
     * The content in base64.
     */
    [k: string]: string;
  };
}
/**
 * A Secret holds passwords, keys and other small secret values. At most 1 MiB together.
 */
export interface Secret {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `Secret`.
   */
  kind: "Secret";
  metadata: ObjectMeta;
  /**
   * When true, the data can no longer be changed; only the whole object can be deleted. Default: false.
   */
  immutable?: boolean;
  /**
   * What the secret is for, for example `Opaque` or `kubernetes.io/dockerconfigjson`. Cannot be changed. Default: Opaque.
   */
  type?: string;
  /**
   * Secret values by name, in base64. A name has letters, digits, `-`, `_` and `.`.
   */
  data?: {
    /**
     * The value in base64.
     */
    [k: string]: string;
  };
  /**
   * Secret values by name, as plain text. Only for writing; the server keeps them in `data`, where they win over entries of the same name.
   */
  stringData?: {
    /**
     * The value as text.
     */
    [k: string]: string;
  };
}
/**
 * A ServiceAccount is a name that tools of Kubernetes keep for a program. Here it is kept and shown, and gives no rights: containers get no token of it. Programs that use the API get a token from `steady token create`.
 */
export interface ServiceAccount {
  /**
   * Version of the schema of this object: `v1`.
   */
  apiVersion: "v1";
  /**
   * What this object is: `ServiceAccount`.
   */
  kind: "ServiceAccount";
  metadata: ObjectMeta;
  /**
   * Secrets that belong to the account. Kept, and used by nothing here.
   */
  secrets?: ObjectReference[];
  /**
   * Secrets of type `kubernetes.io/dockerconfigjson` to pull images with. Those of the account `default` are for all services of the namespace that name none (`x-steadfleet: {imagePullSecrets: […]}`); those of others are kept, and used by nothing.
   */
  imagePullSecrets?: LocalObjectReference[];
  /**
   * Whether Kubernetes would put a token into pods. Kept; no container gets one here.
   */
  automountServiceAccountToken?: boolean;
}
/**
 * Points at a Secret in the same namespace.
 */
export interface LocalObjectReference {
  /**
   * Name of the Secret.
   */
  name?: string;
}
/**
 * A Lease says which of several copies of a program does the work for now. The holder renews it; when it has not been renewed for leaseDurationSeconds, another one may take it.
 */
export interface Lease {
  /**
   * Version of the schema of this object: `coordination.k8s.io/v1`.
   */
  apiVersion: "coordination.k8s.io/v1";
  /**
   * What this object is: `Lease`.
   */
  kind: "Lease";
  metadata: ObjectMeta;
  spec?: LeaseSpec;
}
/**
 * Who holds the lease, and until when. The holder writes it; the server keeps it and takes nothing away by itself.
 */
export interface LeaseSpec {
  /**
   * Who holds it, by a name that the copies of the program give themselves. Absent or empty: nobody.
   */
  holderIdentity?: string;
  /**
   * How many seconds after renewTime others must wait before they take it.
   */
  leaseDurationSeconds?: number;
  /**
   * When the holder got it, to the microsecond.
   */
  acquireTime?: string;
  /**
   * When the holder last renewed it, to the microsecond.
   */
  renewTime?: string;
  /**
   * How often it went from one holder to another.
   */
  leaseTransitions?: number;
}
/**
 * A SelfSubjectAccessReview asks whether the user who sends it may do something; `kubectl auth can-i` does. The answer is in status, and nothing is kept.
 */
export interface SelfSubjectAccessReview {
  /**
   * Version of the schema of this object: `authorization.k8s.io/v1`.
   */
  apiVersion: "authorization.k8s.io/v1";
  /**
   * What this object is: `SelfSubjectAccessReview`.
   */
  kind: "SelfSubjectAccessReview";
  metadata: ObjectMeta;
  spec: SelfSubjectAccessReviewSpec;
  status?: SubjectAccessReviewStatus;
}
/**
 * The question: either resourceAttributes or nonResourceAttributes.
 */
export interface SelfSubjectAccessReviewSpec {
  resourceAttributes?: ResourceAttributes;
  nonResourceAttributes?: NonResourceAttributes;
}
/**
 * About objects of a kind.
 */
export interface ResourceAttributes {
  /**
   * Namespace of the objects. Rights are the same in all namespaces here.
   */
  namespace?: string;
  /**
   * What would be done: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or `*` for all of them.
   */
  verb?: string;
  /**
   * API group of the kind; empty for the core group, `*` for any.
   */
  group?: string;
  /**
   * Version of the kind. Rights do not depend on it.
   */
  version?: string;
  /**
   * The kind, as its collection is called (`stacks`), or `*` for any.
   */
  resource?: string;
  /**
   * Part of the object, for example `log` or `scale`.
   */
  subresource?: string;
  /**
   * Name of one object. Rights do not depend on it.
   */
  name?: string;
  fieldSelector?: FieldSelectorAttributes;
  labelSelector?: LabelSelectorAttributes;
}
/**
 * The objects are selected by fields. Rights do not depend on it.
 */
export interface FieldSelectorAttributes {
  /**
   * The selector as a text.
   */
  rawSelector?: string;
  /**
   * The selector in parts.
   */
  requirements?: FieldSelectorRequirement[];
}
/**
 * One condition.
 */
export interface FieldSelectorRequirement {
  /**
   * Name of the field or label.
   */
  key?: string;
  /**
   * `In`, `NotIn`, `Exists` or `DoesNotExist`.
   */
  operator?: string;
  /**
   * Values to compare with.
   */
  values?: string[];
}
/**
 * The objects are selected by labels. Rights do not depend on it.
 */
export interface LabelSelectorAttributes {
  /**
   * The selector as a text.
   */
  rawSelector?: string;
  /**
   * The selector in parts.
   */
  requirements?: LabelSelectorRequirement[];
}
/**
 * One condition.
 */
export interface LabelSelectorRequirement {
  /**
   * Name of the field or label.
   */
  key?: string;
  /**
   * `In`, `NotIn`, `Exists` or `DoesNotExist`.
   */
  operator?: string;
  /**
   * Values to compare with.
   */
  values?: string[];
}
/**
 * About a path of the server that is no object.
 */
export interface NonResourceAttributes {
  /**
   * Path, for example `/metrics`, or `*` for any.
   */
  path?: string;
  /**
   * What would be done, for example `get`.
   */
  verb?: string;
}
/**
 * The answer. Read-only.
 */
export interface SubjectAccessReviewStatus {
  /**
   * Whether the user may do it.
   */
  allowed: boolean;
  /**
   * Whether something forbids it that no further right could allow.
   */
  denied?: boolean;
  /**
   * Why, as a sentence.
   */
  reason?: string;
  /**
   * What went wrong while the answer was looked for.
   */
  evaluationError?: string;
}
/**
 * A SelfSubjectRulesReview asks for everything that the user who sends it may do; `kubectl auth can-i --list` does. The answer is in status, and nothing is kept.
 */
export interface SelfSubjectRulesReview {
  /**
   * Version of the schema of this object: `authorization.k8s.io/v1`.
   */
  apiVersion: "authorization.k8s.io/v1";
  /**
   * What this object is: `SelfSubjectRulesReview`.
   */
  kind: "SelfSubjectRulesReview";
  metadata: ObjectMeta;
  spec: SelfSubjectRulesReviewSpec;
  status?: SubjectRulesReviewStatus;
}
/**
 * The question.
 */
export interface SelfSubjectRulesReviewSpec {
  /**
   * Namespace to ask about. Rights are the same in all namespaces here.
   */
  namespace?: string;
}
/**
 * The answer. Read-only.
 */
export interface SubjectRulesReviewStatus {
  /**
   * What may be done with objects.
   */
  resourceRules: ResourceRule[];
  /**
   * What may be done at paths that are no objects.
   */
  nonResourceRules: NonResourceRule[];
  /**
   * Whether the list lacks something.
   */
  incomplete: boolean;
  /**
   * What went wrong while the answer was looked for.
   */
  evaluationError?: string;
}
/**
 * What may be done with objects of some kinds.
 */
export interface ResourceRule {
  /**
   * What may be done.
   */
  verbs: string[];
  /**
   * API groups of the kinds.
   */
  apiGroups?: string[];
  /**
   * The kinds.
   */
  resources?: string[];
  /**
   * Names of the objects; absent: all of them.
   */
  resourceNames?: string[];
}
/**
 * What may be done at some paths of the server.
 */
export interface NonResourceRule {
  /**
   * What may be done.
   */
  verbs: string[];
  /**
   * The paths.
   */
  nonResourceURLs?: string[];
}
/**
 * A SelfSubjectReview asks the server who the user that sends it is; `kubectl auth whoami` does. The answer is in status, and nothing is kept.
 */
export interface SelfSubjectReview {
  /**
   * Version of the schema of this object: `authentication.k8s.io/v1`.
   */
  apiVersion: "authentication.k8s.io/v1";
  /**
   * What this object is: `SelfSubjectReview`.
   */
  kind: "SelfSubjectReview";
  metadata: ObjectMeta;
  status?: SelfSubjectReviewStatus;
}
/**
 * The answer. Read-only.
 */
export interface SelfSubjectReviewStatus {
  userInfo?: UserInfo;
}
/**
 * The user, as the server knows it.
 */
export interface UserInfo {
  /**
   * Name of the user, from its token.
   */
  username?: string;
  /**
   * Unlike names, this would tell users of the same name apart. Tokens have none here.
   */
  uid?: string;
  /**
   * Groups of the user. Rights come from them: `system:masters` may do everything, `system:readers` may read all but secrets.
   */
  groups?: string[];
  /**
   * More that the server knows, such as which token was used.
   */
  extra?: {
    /**
     * The values.
     */
    [k: string]: string[];
  };
}
/**
 * A Deployment is one service of a Stack, shown as Kubernetes tools know it: `kubectl rollout`, `scale`, `set image`, `logs` and `exec` work on it. It is a view: what is changed here is changed in the Stack, and what a Stack has no place for is refused.
 */
export interface Deployment {
  /**
   * Version of the schema of this object: `apps/v1`.
   */
  apiVersion: "apps/v1";
  /**
   * What this object is: `Deployment`.
   */
  kind: "Deployment";
  metadata: ObjectMeta;
  spec: DeploymentSpec;
  status?: DeploymentStatus;
}
/**
 * What should run.
 */
export interface DeploymentSpec {
  /**
   * How many pods are wanted: the service's `deploy.replicas`; of a global service, the number of nodes that should have one. Can be changed, except of a global service.
   */
  replicas?: number;
  selector: LabelSelector;
  template: PodTemplateSpec;
  strategy?: DeploymentStrategy;
  /**
   * A pod counts as available as soon as it is ready: 0.
   */
  minReadySeconds?: number;
  /**
   * So many revisions of the Stack are kept to go back to.
   */
  revisionHistoryLimit?: number;
  /**
   * Changes of the template wait: the service's `x-steadfleet.paused`. Can be changed.
   */
  paused?: boolean;
}
/**
 * Labels that its pods carry.
 */
export interface LabelSelector {
  /**
   * A pod has all of these.
   */
  matchLabels?: {
    /**
     * Value of the label.
     */
    [k: string]: string;
  };
}
/**
 * What its pods are made from.
 */
export interface PodTemplateSpec {
  metadata?: PodTemplateMeta;
  /**
   * The container of its pods. The image can be changed.
   */
  spec: PodSpec;
}
/**
 * Labels and annotations of the pods.
 */
export interface PodTemplateMeta {
  /**
   * Labels.
   */
  labels?: {
    /**
     * Value of the label.
     */
    [k: string]: string;
  };
  /**
   * `kubectl.kubernetes.io/restartedAt` replaces the pods when it changes: the service's `x-steadfleet.restartedAt`. `deployment.kubernetes.io/revision` says which revision the template is of.
   */
  annotations?: {
    /**
     * Value of the annotation.
     */
    [k: string]: string;
  };
}
/**
 * How pods are replaced by those of another template.
 */
export interface DeploymentStrategy {
  /**
   * `RollingUpdate`: a few at a time.
   */
  type?: string;
  rollingUpdate?: RollingUpdateDeployment;
}
/**
 * How many at a time.
 */
export interface RollingUpdateDeployment {
  /**
   * So many pods may be missing meanwhile.
   */
  maxUnavailable?: number;
  /**
   * So many pods may be there beyond those that are wanted.
   */
  maxSurge?: number;
}
/**
 * What became of it. Read-only.
 */
export interface DeploymentStatus {
  /**
   * metadata.generation that this status answers.
   */
  observedGeneration?: number;
  /**
   * How many pods there are.
   */
  replicas?: number;
  /**
   * How many pods are of the present template.
   */
  updatedReplicas?: number;
  /**
   * How many pods are ready.
   */
  readyReplicas?: number;
  /**
   * How many pods are ready, and so can be used.
   */
  availableReplicas?: number;
  /**
   * How many of the pods that are wanted are not ready.
   */
  unavailableReplicas?: number;
  /**
   * `Available` (enough pods are ready) and `Progressing` (a change is being carried out, or was).
   */
  conditions?: DeploymentCondition[];
}
/**
 * One aspect of the state.
 */
export interface DeploymentCondition {
  /**
   * `Available` or `Progressing`.
   */
  type: string;
  /**
   * Whether it is so.
   */
  status: "True" | "False" | "Unknown";
  /**
   * Why, as one word.
   */
  reason?: string;
  /**
   * Why, as a sentence.
   */
  message?: string;
  /**
   * When it was last looked at. RFC 3339.
   */
  lastUpdateTime?: string;
  /**
   * When the status last changed. RFC 3339.
   */
  lastTransitionTime?: string;
}
/**
 * A ReplicaSet is a service of a Stack as one of its revisions had it: what `kubectl rollout history` shows and `kubectl rollout undo` goes back to. It is a view of the StackRevisions, and read-only.
 */
export interface ReplicaSet {
  /**
   * Version of the schema of this object: `apps/v1`.
   */
  apiVersion: "apps/v1";
  /**
   * What this object is: `ReplicaSet`.
   */
  kind: "ReplicaSet";
  metadata: ObjectMeta;
  spec: ReplicaSetSpec;
  status?: ReplicaSetStatus;
}
/**
 * What should run of this revision.
 */
export interface ReplicaSetSpec {
  /**
   * How many pods of this revision are wanted: all of them for the present one, none for the others.
   */
  replicas?: number;
  selector: LabelSelector;
  template: PodTemplateSpec;
}
/**
 * How many pods of this revision there are. Read-only.
 */
export interface ReplicaSetStatus {
  /**
   * metadata.generation that this status answers.
   */
  observedGeneration?: number;
  /**
   * How many pods there are.
   */
  replicas?: number;
  /**
   * How many of them are ready.
   */
  readyReplicas?: number;
  /**
   * How many of them are ready, and so can be used.
   */
  availableReplicas?: number;
}
/**
 * A Scale says how many pods of something there shall be, and how many there are.
 */
export interface Scale {
  /**
   * Version of the schema of this object: `autoscaling/v1`.
   */
  apiVersion: "autoscaling/v1";
  /**
   * What this object is: `Scale`.
   */
  kind: "Scale";
  metadata: ObjectMeta;
  spec?: ScaleSpec;
  status?: ScaleStatus;
}
/**
 * What is wanted.
 */
export interface ScaleSpec {
  /**
   * How many pods to run. Absent: 0.
   */
  replicas?: number;
}
/**
 * What there is. Read-only.
 */
export interface ScaleStatus {
  /**
   * How many pods there are that are not being removed.
   */
  replicas: number;
  /**
   * Labels of the pods, as a selector: `a=1,b=2`.
   */
  selector?: string;
}
/**
 * An Eviction asks for a pod to be removed from its node, so that the controller starts another one elsewhere; `kubectl drain` does. It is refused for now where the service would be left without any ready pod although it has more than one.
 */
export interface Eviction {
  /**
   * Version of the schema of this object: `policy/v1`.
   */
  apiVersion: "policy/v1";
  /**
   * What this object is: `Eviction`.
   */
  kind: "Eviction";
  metadata: ObjectMeta;
  deleteOptions?: EvictionDeleteOptions;
}
/**
 * How to delete the pod.
 */
export interface EvictionDeleteOptions {
  /**
   * Version of the schema of these options.
   */
  apiVersion?: string;
  /**
   * `DeleteOptions`.
   */
  kind?: string;
  /**
   * Accepted; a pod ends within the stop_grace_period of its service.
   */
  gracePeriodSeconds?: number;
  /**
   * Accepted; a pod owns nothing.
   */
  propagationPolicy?: string;
  /**
   * Accepted; a pod owns nothing.
   */
  orphanDependents?: boolean;
  /**
   * `All`: say whether the pod would be evicted, and do nothing.
   */
  dryRun?: string[];
  preconditions?: EvictionPreconditions;
}
/**
 * Evict only if all of this holds.
 */
export interface EvictionPreconditions {
  /**
   * The pod has this UID.
   */
  uid?: string;
  /**
   * The pod has not changed since this version.
   */
  resourceVersion?: string;
}
/**
 * An Event says what happened to an object, and why. This is the newer form of the Events of v1: the same events, with other names for their fields.
 */
export interface EventsEvent {
  /**
   * Version of the schema of this object: `events.k8s.io/v1`.
   */
  apiVersion: "events.k8s.io/v1";
  /**
   * What this object is: `Event`.
   */
  kind: "Event";
  metadata: ObjectMeta;
  /**
   * When it happened first, to the microsecond. Absent from events that came in the older form.
   */
  eventTime?: string;
  series?: EventsEventSeries;
  /**
   * Program that says so, for example `steadfleet.dev/controller`.
   */
  reportingController?: string;
  /**
   * Which instance of the program says so.
   */
  reportingInstance?: string;
  /**
   * What was done about the object.
   */
  action?: string;
  /**
   * What happened, as one word in CamelCase, for example `Healed`.
   */
  reason?: string;
  /**
   * The object that this is about.
   */
  regarding: ObjectReference;
  /**
   * A second object that has to do with it.
   */
  related?: ObjectReference;
  /**
   * What happened, as a sentence.
   */
  note?: string;
  /**
   * `Normal`, or `Warning` when something is not as it should be.
   */
  type?: "Normal" | "Warning";
  deprecatedSource?: DeprecatedEventSource;
  /**
   * When it happened first, in the older form.
   */
  deprecatedFirstTimestamp?: string;
  /**
   * When it happened last, in the older form.
   */
  deprecatedLastTimestamp?: string;
  /**
   * How often it happened, in the older form.
   */
  deprecatedCount?: number;
}
/**
 * How the same thing goes on. Absent: it happened once.
 */
export interface EventsEventSeries {
  /**
   * How often it happened so far.
   */
  count: number;
  /**
   * When it happened last, to the microsecond.
   */
  lastObservedTime: string;
}
/**
 * Who says so, in the older form.
 */
export interface DeprecatedEventSource {
  /**
   * Program that says so, for example `controller`.
   */
  component?: string;
  /**
   * Node that the program runs on.
   */
  host?: string;
}
/**
 * NodeMetrics is what a node uses, with everything that runs on it; `kubectl top node` shows it. Its agent measures when somebody asks, and nothing is kept. A node whose agent is not connected has none.
 */
export interface NodeMetrics {
  /**
   * Version of the schema of this object: `metrics.k8s.io/v1beta1`.
   */
  apiVersion: "metrics.k8s.io/v1beta1";
  /**
   * What this object is: `NodeMetrics`.
   */
  kind: "NodeMetrics";
  metadata: ObjectMeta;
  /**
   * When it was measured: the end of the window.
   */
  timestamp: string;
  /**
   * Over which time the processors' use is averaged: `10s`.
   */
  window: string;
  usage: ResourceUsage;
}
/**
 * What the node uses.
 */
export interface ResourceUsage {
  /**
   * Processors, on average over the window: `250000000n` is a quarter of one.
   */
  cpu: string;
  /**
   * Memory in use at the end of the window, without page cache that could be dropped at once: `10240Ki`.
   */
  memory: string;
}
/**
 * PodMetrics is what the container of a pod uses; `kubectl top pod` shows it. The node's agent measures when somebody asks, and nothing is kept. A pod that does not run, or whose node's agent is not connected, has none.
 */
export interface PodMetrics {
  /**
   * Version of the schema of this object: `metrics.k8s.io/v1beta1`.
   */
  apiVersion: "metrics.k8s.io/v1beta1";
  /**
   * What this object is: `PodMetrics`.
   */
  kind: "PodMetrics";
  metadata: ObjectMeta;
  /**
   * When it was measured: the end of the window.
   */
  timestamp: string;
  /**
   * Over which time the processors' use is averaged: `10s`.
   */
  window: string;
  /**
   * What each container uses. A pod has one.
   */
  containers: ContainerMetrics[];
}
/**
 * What a container uses.
 */
export interface ContainerMetrics {
  /**
   * Name of the container: that of its service.
   */
  name: string;
  usage: ResourceUsage1;
}
/**
 * What the container uses.
 */
export interface ResourceUsage1 {
  /**
   * Processors, on average over the window: `250000000n` is a quarter of one.
   */
  cpu: string;
  /**
   * Memory in use at the end of the window, without page cache that could be dropped at once: `10240Ki`.
   */
  memory: string;
}
