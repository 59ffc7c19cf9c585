// What each key of a service comes to in the container, and what is said about values that mean nothing.
import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../fleet.ts";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid } from "../testing/compose.ts";
import type { ComposeService, StackSpec } from "../types.ts";

type Service = Partial<ComposeService>;

const told = (service: Service): { problems: string[]; warnings: string[]; container: ContainerSpec | undefined } => {
  const spec: StackSpec = {
    services: { web: { image: "nginx", ...service }, db: { image: "postgres", ipc: "shareable" } },
    networks: { back: null },
  };
  const { normal, problems = [], warnings } = normalizeValid(spec);
  return {
    problems: problems.map((p) => formatProblem(p).replace("spec.services.web.", "")),
    warnings: warnings.map((w) => formatWarning(w).replace("spec.services.web.", "")),
    container: normal?.services.find((s) => s.name === "web")?.container,
  };
};

describe("a key of a service", () => {
  it.each<[Service, Partial<ContainerSpec>]>([
    [{ annotations: ["a=b", "c"] }, { annotations: { a: "b", c: "" } }],
    [{ annotations: { a: 1, b: null } }, { annotations: { a: "1", b: "" } }],
    [
      {
        blkio_config: {
          weight: 300,
          weight_device: [{ path: "/dev/sda", weight: 400 }],
          device_read_bps: [{ path: "/dev/sda", rate: "12mb" }],
          device_write_iops: [{ path: "/dev/sda", rate: 30 }],
        },
      },
      {
        limits: { blkioWeight: 300 },
        blkio: {
          weightDevice: [{ path: "/dev/sda", weight: 400 }],
          deviceReadBps: [{ path: "/dev/sda", rate: 12 * 1024 ** 2 }],
          deviceWriteIops: [{ path: "/dev/sda", rate: 30 }],
        },
      },
    ],
    [
      { cgroup: "host", cgroup_parent: "m-executor-abcd" },
      { cgroup: "host", cgroupParent: "m-executor-abcd" },
    ],
    [{ container_name: "my-web" }, { containerName: "my-web" }],
    [{ cpus: "0.5" }, { limits: { cpus: 0.5 } }],
    [{ cpus: 0 }, { limits: {} }],
    [
      { cpu_shares: "512", cpu_quota: "50ms", cpu_period: 100_000 },
      { limits: { cpuShares: 512, cpuQuotaUs: 50_000, cpuPeriodUs: 100_000 } },
    ],
    [{ cpu_rt_runtime: "400us", cpu_rt_period: 1400 }, { cpuRealtime: { periodUs: 1400, runtimeUs: 400 } }],
    [{ cpuset: "0-2, 7" }, { limits: { cpuset: "0-2,7" } }],
    [{ device_cgroup_rules: ["c 1:3 mr", "a *:* rwm"] }, { deviceCgroupRules: ["c 1:3 mr", "a *:* rwm"] }],
    [
      { devices: ["/dev/ttyUSB0", "/dev/sda:/dev/xvda:r", "/dev/fuse:rw", { source: "/dev/kvm" }] },
      {
        devices: [
          { host: "/dev/ttyUSB0", container: "/dev/ttyUSB0", permissions: "rwm" },
          { host: "/dev/sda", container: "/dev/xvda", permissions: "r" },
          { host: "/dev/fuse", container: "/dev/fuse", permissions: "rw" },
          { host: "/dev/kvm", container: "/dev/kvm", permissions: "rwm" },
        ],
      },
    ],
    [{ devices: ["nvidia.com/gpu=all", { source: "vendor.com/class=x" }] }, { cdiDevices: ["nvidia.com/gpu=all", "vendor.com/class=x"] }],
    [
      { dns: "1.1.1.1", dns_search: "example.com", dns_opt: ["ndots:2"] },
      { dns: { servers: ["1.1.1.1"], search: ["example.com"], options: ["ndots:2"] } },
    ],
    [{ dns: ["1.1.1.1", "2606:4700::1111"], dns_search: ["."] }, { dns: { servers: ["1.1.1.1", "2606:4700::1111"], search: ["."] } }],
    [{ domainname: "example.com" }, { domainname: "example.com" }],
    [{ expose: ["9000", 80, "53/udp", "8000-8001"] }, { expose: ["53/udp", "80/tcp", "8000/tcp", "8001/tcp", "9000/tcp"] }],
    [
      { extra_hosts: ["a:10.0.0.1", "b=10.0.0.2", "c=[::1]", "d:::1", "node:host-gateway"] },
      { extraHosts: ["a:10.0.0.1", "b:10.0.0.2", "c:::1", "d:::1", "node:host-gateway"] },
    ],
    [{ extra_hosts: { a: "10.0.0.1", b: ["10.0.0.2", "::2"] } }, { extraHosts: ["a:10.0.0.1", "b:10.0.0.2", "b:::2"] }],
    [{ gpus: "all" }, { deviceRequests: [{ count: -1, capabilities: [["gpu"]] }] }],
    [
      { gpus: [{ driver: "nvidia", device_ids: ["0", "3"], capabilities: ["compute"], options: ["a=b"] }, { count: 2 }] },
      {
        deviceRequests: [
          { driver: "nvidia", deviceIds: ["0", "3"], capabilities: [["gpu", "compute"]], options: { a: "b" } },
          { count: 2, capabilities: [["gpu"]] },
        ],
      },
    ],
    [{ group_add: ["mail", 999, "mail"] }, { groupAdd: ["mail", "999"] }],
    [
      { healthcheck: { test: ["CMD", "true"], start_interval: "2s" } },
      {
        healthcheck: { test: ["CMD", "true"], intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 2000 },
      },
    ],
    [{ ipc: "host" }, { ipc: "host" }],
    [{ ipc: "service:db" }, { ipc: { service: "db" } }],
    [{ isolation: "default" }, {}],
    [
      { logging: { driver: "json-file", options: { "max-size": "10m", "max-file": 3 } } },
      { logging: { driver: "json-file", options: { "max-file": "3", "max-size": "10m" } } },
    ],
    [{ logging: {} }, {}],
    [
      { mac_address: "02-42-AC-11-65-43" },
      { networks: [{ key: "default", name: "shop_default", external: false, aliases: [], macAddress: "02:42:ac:11:65:43" }] },
    ],
    [
      { mem_limit: "512m", mem_reservation: "128m", memswap_limit: "1g" },
      { limits: { memoryBytes: 2 ** 29, memoryReservationBytes: 2 ** 27, memorySwapBytes: 2 ** 30 } },
    ],
    [{ mem_limit: 6_291_456, memswap_limit: "-1" }, { limits: { memoryBytes: 6_291_456, memorySwapBytes: -1 } }],
    [
      { mem_swappiness: 0, oom_kill_disable: true, oom_score_adj: -500 },
      { memorySwappiness: 0, oomKillDisable: true, oomScoreAdj: -500 },
    ],
    [{ network_mode: "host" }, { networkMode: "host", networks: [] }],
    [{ network_mode: "default" }, { networkMode: "bridge", networks: [] }],
    [{ network_mode: "service:db" }, { networkMode: { service: "db" }, networks: [] }],
    [{ network_mode: "container:vpn" }, { networkMode: { container: "vpn" }, networks: [] }],
    [
      { pid: "host", pids_limit: 100 },
      { pid: "host", limits: { pids: 100 } },
    ],
    [{ pids_limit: -1 }, { limits: {} }],
    [{ platform: "linux/aarch64" }, { platform: "linux/arm64" }],
    [{ platform: "arm/v7" }, { platform: "linux/arm/v7" }],
    [
      {
        post_start: [{ command: "touch /ready", user: 0, privileged: true, working_dir: "/tmp", environment: ["A=b"] }],
        pre_stop: [{ command: ["sync"] }],
      },
      {
        postStart: [{ command: ["touch", "/ready"], user: "0", privileged: true, workingDir: "/tmp", env: { A: "b" } }],
        preStop: [{ command: ["sync"] }],
      },
    ],
    [
      { privileged: true, tty: true, stdin_open: true },
      { privileged: true, tty: true, stdinOpen: true },
    ],
    [{ pull_policy: "if_not_present" }, { pullPolicy: "missing" }],
    [{ pull_policy: "daily" }, { pullPolicy: { everyMs: 86_400_000 } }],
    [{ pull_policy: "weekly" }, { pullPolicy: { everyMs: 604_800_000 } }],
    [{ pull_policy: "every_1w2d3h4m5s" }, { pullPolicy: { everyMs: 788_645_000 } }],
    [{ runtime: "nvidia" }, { runtime: "nvidia" }],
    [
      {
        security_opt: [
          "no-new-privileges:true",
          "seccomp:unconfined",
          "label=type:svirt_t",
          "apparmor:unconfined",
          "no-new-privileges",
          "systempaths=unconfined",
        ],
      },
      { securityOpt: ["no-new-privileges", "seccomp=unconfined", "label=type:svirt_t", "apparmor=unconfined", "systempaths=unconfined"] },
    ],
    [{ security_opt: ["systempaths:unconfined"] }, { securityOpt: ["systempaths=unconfined"] }],
    [{ userns_mode: "", uts: "", isolation: "" }, {}],
    [{ pull_policy: "refresh", pull_refresh_after: "2d" }, { pullPolicy: { everyMs: 172_800_000 } }],
    [{ pull_policy: "refresh" }, { pullPolicy: "always" }],
    [{ shm_size: "128m" }, { shmSizeBytes: 2 ** 27 }],
    [{ storage_opt: { size: "1G" } }, { storageOpt: { size: "1G" } }],
    [{ sysctls: { "net.core.somaxconn": 1024 } }, { sysctls: { "net.core.somaxconn": "1024" } }],
    [{ sysctls: ["kernel.shmmax=1", "net.ipv4.ip_forward=1"] }, { sysctls: { "kernel.shmmax": "1", "net.ipv4.ip_forward": "1" } }],
    [
      { tmpfs: ["/run", "/tmp:size=64m,mode=1777,uid=70,noexec,rw", "/x:size=50%"] },
      {
        mounts: [
          { type: "tmpfs", target: "/run" },
          { type: "tmpfs", target: "/tmp", sizeBytes: 2 ** 26, mode: 0o1777, options: ["noexec", "uid=70"] },
          { type: "tmpfs", target: "/x", options: ["size=50%"] },
        ],
      },
    ],
    [{ tmpfs: "/run" }, { mounts: [{ type: "tmpfs", target: "/run" }] }],
    [
      { ulimits: { nproc: 65_535, nofile: { soft: "1024", hard: "unlimited" }, memlock: -1 } },
      {
        ulimits: [
          { name: "memlock", soft: -1, hard: -1 },
          { name: "nofile", soft: 1024, hard: -1 },
          { name: "nproc", soft: 65_535, hard: 65_535 },
        ],
      },
    ],
    [
      { userns_mode: "host", uts: "host" },
      { userns: "host", uts: "host" },
    ],
    [
      { volumes_from: ["db", "container:old:ro"] },
      {
        volumesFrom: [
          { service: "db", readOnly: false },
          { container: "old", readOnly: true },
        ],
      },
    ],
  ])("%j", (service, want) => {
    const { container, problems, warnings } = told(service);
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [] });
    // All else is as it is in a service that says nothing.
    expect(container).toEqual({ ...told({}).container, ...want });
  });
});

describe("a value that means nothing", () => {
  it.each<[Service, string]>([
    [{ annotations: ["=x"] }, "annotations[0]: a label needs a name"],
    [{ blkio_config: { weight: 5 } }, "blkio_config.weight: must be 10 to 1000; got 5"],
    [
      { blkio_config: { device_read_bps: [{ path: "/dev/sda", rate: "x" }] } },
      'blkio_config.device_read_bps[0].rate: must be bytes per second such as 10m; got "x"',
    ],
    [{ container_name: "a b" }, 'container_name: "a b" is no name of a container'],
    [{ container_name: "x" }, "at least two"],
    [{ cpus: "half" }, 'cpus: must be a number of cores such as 0.5, at least 0.01; got "half"'],
    [
      { cpus: 1, deploy: { resources: { limits: { cpus: "2" } } } },
      "cpus: is 1 here and 2 in `deploy.resources.limits.cpus` — Remove one of them.",
    ],
    [{ cpus: 1, cpu_quota: 1000 }, "cpu_quota: not together with a number of `cpus`"],
    [{ cpu_period: 10 }, "cpu_period: must be 1000 to 1000000 microseconds; got 10"],
    [{ cpu_shares: 1 }, "cpu_shares: must be 2 to 262144; got 1"],
    [{ cpu_rt_runtime: 2, cpu_rt_period: 1 }, "cpu_rt_runtime: is more than `cpu_rt_period`"],
    [{ cpuset: "0-a" }, 'cpuset: must be numbers of CPUs such as 0-2,7; got "0-a"'],
    [{ device_cgroup_rules: ["c 1:3"] }, "device_cgroup_rules[0]: must be a kind"],
    [{ devices: ["ttyUSB0"] }, 'devices[0]: must be the path of a device such as /dev/ttyUSB0, or a CDI name; got "ttyUSB0"'],
    [{ devices: ["/dev/a:/dev/b:x"] }, 'devices[0]: the permissions must be some of r, w and m; got "x"'],
    [{ devices: ["/dev/a", "/dev/b:/dev/a"] }, "devices[1]: a device is at /dev/a already"],
    [{ dns: "one.one" }, 'dns: must be an IP address; got "one.one"'],
    [{ dns_search: ["a b"] }, "dns_search[0]: must be a domain"],
    [{ domainname: "-" }, 'domainname: "-" is no domain'],
    [{ expose: ["80-70"] }, "expose[0]: must be a port from 1 to 65535"],
    [{ expose: [0] }, "expose[0]: must be a port from 1 to 65535"],
    [{ extra_hosts: ["a"] }, "extra_hosts[0]: after the name comes an IP address or host-gateway; there is none"],
    [{ extra_hosts: { a: "b" } }, 'extra_hosts.a: after the name comes an IP address or host-gateway; got "b"'],
    [{ gpus: [{ count: 1, device_ids: ["0"] }] }, "gpus[0].count: either `count` or `device_ids`, not both"],
    [{ gpus: [{ count: "some" }] }, 'gpus[0].count: must be a number or all; got "some"'],
    [{ ipc: "shared" }, 'ipc: must be host, private, shareable, none, service:<name> or container:<name>; got "shared"'],
    [{ links: ["cache"] }, 'links[0]: there is no service "cache"'],
    [{ mac_address: "02:42" }, "mac_address: must be a hardware address"],
    [{ mem_limit: "5m" }, 'mem_limit: must be a size such as 512M, at least 6M; got "5m"'],
    [{ mem_limit: "64m", mem_reservation: "128m" }, "mem_reservation: is more than the limit of memory"],
    [{ mem_limit: "64m", memswap_limit: "32m" }, "memswap_limit: is memory and swap together"],
    [{ memswap_limit: "32m" }, "memswap_limit: a limit of memory and swap together needs a limit of memory — Add `mem_limit`."],
    [
      { mem_limit: "64m", deploy: { resources: { limits: { memory: "32m" } } } },
      "mem_limit: is 67108864 here and 33554432 in `deploy.resources.limits.memory`",
    ],
    [
      { network_mode: "hots" },
      'network_mode: must be none, host, bridge, service:<name> or container:<name>; got "hots"; did you mean "host"?',
    ],
    [
      { network_mode: "proxy" },
      'network_mode: the name of a network ("proxy") is not supported here — Declare it: `networks: {proxy: {external: true}}`',
    ],
    [{ network_mode: "service:web" }, "network_mode: a service cannot share with itself"],
    [{ network_mode: "service:bd" }, 'network_mode: there is no service "bd"; did you mean "db"?'],
    [{ network_mode: "host", networks: ["back"] }, "network_mode: either `network_mode` or `networks`, not both"],
    [
      { network_mode: "service:db", ports: ["80"] },
      'ports: the network is that of the service "db", which alone can have `ports` — Move it to the service "db".',
    ],
    [{ network_mode: "container:x", hostname: "a" }, 'hostname: the network is that of the container "x"'],
    [{ network_mode: "host", mac_address: "02:42:ac:11:65:43" }, "mac_address: the network is the node's"],
    [{ pid: "service:db", post_start: [{ command: "" }] }, "post_start[0].command: must name a program"],
    [{ platform: "linux/arm64/v8/x" }, "platform: must be os/arch[/variant]"],
    [{ platform: "windows/amd64" }, "platform: containers are Linux's here"],
    [{ pre_stop: [{ command: "x", environment: ["A"] }] }, 'pre_stop[0].environment[0]: "A" has no value'],
    [{ pull_policy: "allways" }, 'got "allways"; did you mean "always"?'],
    [{ pull_policy: "every_" }, "pull_policy: must be missing, if_not_present, always"],
    [{ pull_policy: "every_0s" }, "pull_policy: must be missing, if_not_present, always"],
    [{ runtime: "a b" }, "runtime: must be the name of a runtime"],
    [{ scale: 2, deploy: { replicas: 3 } }, "scale: is 2 here and 3 in `deploy.replicas`"],
    [{ scale: 2, deploy: { mode: "global" } }, "scale: a global service has one pod on each node"],
    [{ security_opt: ["seccomp:./profile.json"] }, 'security_opt[0]: the file "./profile.json" is not on the server'],
    [{ security_opt: ["no-new-privilege"] }, 'did you mean "no-new-privileges"?'],
    [{ shm_size: "big" }, 'shm_size: must be a size such as 64m; got "big"'],
    [
      { sysctls: ["vm.max_map_count=262144"] },
      'sysctls[0]: "vm.max_map_count" is one for the whole node, which a container cannot change — Set it on the node',
    ],
    [{ sysctls: { "net.core.somaxconn": null } }, 'sysctls[net.core.somaxconn]: "net.core.somaxconn" needs a value'],
    [{ sysctls: { "net.core.somaxconn": 1 }, network_mode: "host" }, "is the node's: the service has `network_mode: host`"],
    [{ tmpfs: "run" }, 'tmpfs: must be an absolute path inside the container, such as /run; got "run"'],
    [{ tmpfs: ["/run:sise=64m"] }, 'tmpfs[0]: the option "sise=64m" is not known; did you mean "size"?'],
    [{ tmpfs: "/run:size=big" }, 'tmpfs: the size must be such as 64m; got "big"'],
    [{ tmpfs: "/run", volumes: ["/run"] }, "tmpfs: something is mounted at /run already"],
    [{ ulimits: { files: 3 } }, 'ulimits.files: "files" is no limit of Linux'],
    [{ ulimits: { nofile: { soft: 2, hard: 1 } } }, "ulimits.nofile.soft: must not be above the hard limit 1; got 2"],
    [{ ulimits: { nofile: "many" } }, 'ulimits.nofile: must be a whole number, or -1 for no limit; got "many"'],
    [{ uts: "host", hostname: "a" }, "uts: the host name is the node's"],
    [{ volumes_from: ["db:x"] }, "volumes_from[0]: must be service[:ro|rw]"],
    [{ volumes_from: ["bd"] }, 'volumes_from[0]: there is no service "bd"; did you mean "db"?'],
    [{ pid: "${PID}" }, "The server fills in no variables: write the value in place of ${PID}."],
  ])("is told where it is: %j", (service, want) => {
    const { problems } = told(service);
    expect(problems.join("\n")).toContain(want);
    expect(problems).toHaveLength(1);
  });
});

describe("what is not quite as in Compose", () => {
  it.each<[Service, string]>([
    [{ attach: false }, "attach: Concerns `docker compose up` only"],
    [{ build: "." }, "build: Nothing is built here"],
    [{ build: { context: ".", args: { A: "${B}" } } }, "build: Nothing is built here"],
    [{ develop: { watch: [] } }, "develop: Concerns `docker compose watch` only"],
    [{ logging: { driver: "none" } }, "logging.driver: no log is kept"],
    [
      { network_mode: "host", ports: ["80:80"] },
      "ports: has no effect with `network_mode: host`: what the program listens at is open on the node as it is",
    ],
    [{ ports: [{ target: 80, name: "web" }] }, "ports[0].name: Kept in the Stack and not read"],
    [{ ports: [{ target: 80, mode: "ingress" }], scale: 2 }, "ports[0].mode: `ingress` has no routing mesh behind it"],
    [{ hostname: "web-{{.Task.Slot}}" }, 'hostname: has no effect: "web-{{.Task.Slot}}" is a template of a swarm'],
    [{ environment: ["N={{.Node.ID}}"] }, 'environment[0]: "N={{.Node.ID}}" is a template of a swarm; nothing fills it in'],
    [{ cpu_count: 2 }, "cpu_count: Has no effect on Linux; use `cpus`."],
    [{ healthcheck: { test: ["curl", "x"] } }, 'healthcheck: has no effect: the engine runs no check that begins with "curl"'],
    [{ ports: ["8000-8010:80"] }, "ports[0]: 8000 is opened, the first of the range 8000-8010"],
    [{ healthcheck: { test: ["CMD-SHELL", "curl", "-f", "x"] } }, 'healthcheck.test: the shell runs "curl" alone'],
    [{ healthcheck: { test: "x", disable: true } }, "healthcheck.test: has no effect beside `disable: true`"],
    [{ volumes: ["/a:/b:U,ro"] }, 'volumes[0]: the option "U" has no effect: Docker has no such option'],
    [
      { volumes: [{ type: "bind", source: "/a", target: "/b", volume: { nocopy: true } }] },
      "volumes[0].volume: has no effect: it is for mounts of the type volume, and this one is a bind",
    ],
    [{ pull_policy: "build" }, "pull_policy: nothing is built here"],
    [{ links: ["db"], networks: ["back"] }, 'links[0]: "web" and "db" have no network in common'],
  ])("is accepted with a warning: %j", (service, want) => {
    const { problems, warnings } = told(service);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(want)]);
  });

  it("the driver none takes no options", () => {
    expect(told({ logging: { driver: "none", options: { a: 1 } } }).warnings).toEqual([
      "logging.options: has no effect with the driver none",
      expect.stringContaining("logging.driver: no log is kept"),
    ]);
  });

  it.each<Service>([
    { ports: [{ target: 80, published: 80, mode: "ingress" }] },
    { volumes: [{ type: "bind", source: "/a", target: "/b", volume: {} }] },
    { healthcheck: { test: ["NONE"], disable: true } },
  ])("is not worth a word: %j", (service) => {
    expect(told(service)).toMatchObject({ problems: [], warnings: [] });
  });
});
