// What people and programs do to containers, networks, volumes and images by hand, and what becomes of it.
import type { Host } from "../harness/hosts.ts";
import { TEST_IMAGES } from "../harness/images.ts";

/** A container as `docker inspect` shows it, cut to what is looked at here. */
export interface Inspected {
  Id: string;
  Name: string;
  Image: string;
  Config: { Image: string; Cmd: string[]; Env: string[]; Labels: Record<string, string>; Hostname: string };
  State: { Status: string; Running: boolean; Paused: boolean; StartedAt: string };
  HostConfig: Record<string, unknown> & { NetworkMode: string };
  NetworkSettings: { Networks: Record<string, { Aliases: string[] | null; IPAMConfig: object | null; NetworkID: string }> };
}

export interface Target {
  host: Host;
  /** As it was when all was well. */
  c: Inspected;
  id: string;
  /** Name of the container, without the slash. */
  name: string;
  service: string;
}

/** What a service says beyond image and command. */
export type Service = Record<string, unknown>;

export interface Row {
  name: string;
  service?: Service;
  /** Nobody heals meanwhile: the agent is stopped before, and started when all such rows have done their harm. */
  away?: true;
  harm(t: Target): Promise<unknown>;
  /**
   * in place: the same container, as it was. replaced: another one, as it was. untouched: nothing of ours is to be done.
   * reported: the agent cannot, and says why; after `repair` it is as it was.
   */
  outcome: "in place" | "replaced" | "untouched" | "reported";
  /** Of an Event, or for "reported" of the pod's status. */
  says?: RegExp;
  repair?(t: Target): Promise<unknown>;
  /** What else must hold in the end; throws. */
  after?(t: Target): Promise<unknown>;
}

const base = { image: TEST_IMAGES.web, command: ["/bin/hold"], pull_policy: "missing" };
/** Row n is service `rn`, and may have a network `nn` and a volume `vn` of its own. */
export const serviceOf = (n: number): string => `r${n}`;
export const STACK = "drift";

const limits = (o: Service): Service => o;
const update =
  (...flags: string[]) =>
  ({ host, id }: Target) =>
    host.docker(["update", ...flags, id]);
const onNetwork = (o: object = {}): Service => ({ networks: { own: o } });
/** Of the row's own network, volume and image. */
const own = ({ service }: Target): string => `${STACK}_${service}`;

/** Made by hand with everything of the row's container that a command line can say; `more` comes before the image. */
const copy = (t: Target, name: string, more: string[] = [], image = t.c.Config.Image): Promise<string> => {
  const { c, host, service } = t;
  const labels = Object.entries(c.Config.Labels).flatMap(([k, v]) => ["--label", `${k}=${v}`]);
  const flags = ["--network", c.HostConfig.NetworkMode, "--network-alias", service, "--stop-timeout", "10", "--restart", "unless-stopped"];
  return host.docker(["run", "-d", "--name", name, ...labels, ...flags, ...more, image, ...c.Config.Cmd]);
};
const foreign = (host: Host, name: string, ...flags: string[]): Promise<string> =>
  host.docker(["run", "-d", "--name", name, ...flags, TEST_IMAGES.web, "/bin/hold"]);
const runs = async (host: Host, name: string): Promise<void> => {
  if ((await host.docker(["inspect", name, "--format", "{{.State.Running}}"])) !== "true") throw new Error(`${name} does not run`);
};
const gone = async (host: Host, name: string): Promise<void> => {
  if ((await host.dockerAny(["inspect", name])).code === 0) throw new Error(`${name} is still there`);
};

export const ROWS: Row[] = [
  // Life and death.
  { name: "docker stop", harm: ({ host, id }) => host.docker(["stop", id]), outcome: "in place", says: /stopped outside/ },
  {
    name: "docker kill",
    harm: ({ host, id }) => host.docker(["kill", id]),
    outcome: "in place",
    says: /stopped outside \(exit code 137\)/,
  },
  { name: "docker kill -s TERM", harm: ({ host, id }) => host.docker(["kill", "-s", "TERM", id]), outcome: "in place" },
  { name: "docker pause", harm: ({ host, id }) => host.docker(["pause", id]), outcome: "in place", says: /paused outside/ },
  {
    name: "docker rename",
    harm: ({ host, id }) => host.docker(["rename", id, "renamed"]),
    outcome: "in place",
    says: /renamed to renamed/,
  },
  { name: "docker rm -f", harm: ({ host, id }) => host.docker(["rm", "-f", id]), outcome: "replaced", says: /removed outside/ },
  { name: "docker restart", harm: ({ host, id }) => host.docker(["restart", id]), outcome: "untouched" },
  {
    name: "a crash of the process",
    // The exec may be killed with the process that it kills.
    harm: ({ host, id }) => host.dockerAny(["exec", id, "kill", "-TERM", "1"]),
    outcome: "in place",
  },
  {
    name: "pause, rename and update at once",
    service: limits({ mem_limit: "32m" }),
    harm: async ({ host, id }) => {
      await host.docker(["update", "--memory", "48m", "--memory-swap", "96m", id]);
      await host.docker(["rename", id, "three-at-once"]);
      await host.docker(["pause", id]);
    },
    outcome: "in place",
    says: /limits\/memory/,
  },

  // Limits.
  {
    name: "more memory",
    service: { mem_limit: "32m" },
    harm: update("--memory", "64m", "--memory-swap", "128m"),
    outcome: "in place",
    says: /limits\/memory/,
  },
  {
    name: "less memory",
    service: { mem_limit: "32m" },
    harm: update("--memory", "16m", "--memory-swap", "32m"),
    outcome: "in place",
    says: /limits\/memory/,
  },
  {
    name: "swap without a limit",
    service: { mem_limit: "32m" },
    harm: update("--memory-swap", "-1"),
    outcome: "in place",
    says: /limits\/memorySwap/,
  },
  {
    name: "another memory reservation",
    service: { mem_limit: "32m", mem_reservation: "16m" },
    harm: update("--memory-reservation", "8m"),
    outcome: "in place",
    says: /limits\/memoryReservation/,
  },
  { name: "more CPU", service: { cpus: 0.5 }, harm: update("--cpus", "1.5"), outcome: "in place", says: /limits\/nanoCpus/ },
  {
    name: "other CPU shares",
    service: { cpu_shares: 512 },
    harm: update("--cpu-shares", "100"),
    outcome: "in place",
    says: /limits\/cpuShares/,
  },
  {
    name: "another CPU quota and period",
    service: { cpu_period: "50000", cpu_quota: "25000" },
    harm: update("--cpu-period", "40000", "--cpu-quota", "10000"),
    outcome: "in place",
    says: /limits\/cpuPeriod, \/limits\/cpuQuota/,
  },
  { name: "other CPUs", service: { cpuset: "0" }, harm: update("--cpuset-cpus", "0-1"), outcome: "in place", says: /limits\/cpuset/ },
  {
    name: "another limit of processes",
    service: { pids_limit: 50 },
    harm: update("--pids-limit", "60"),
    outcome: "in place",
    says: /limits\/pids/,
  },
  {
    name: "no limit of processes",
    service: { pids_limit: 50 },
    harm: update("--pids-limit", "-1"),
    outcome: "in place",
    says: /limits\/pids/,
  },
  { name: "another restart policy", harm: update("--restart", "no"), outcome: "in place", says: /restart differed/ },
  { name: "CPU shares where there were none", harm: update("--cpu-shares", "100"), outcome: "in place", says: /limits\/cpuShares/ },
  { name: "a limit of processes where there was none", harm: update("--pids-limit", "60"), outcome: "in place", says: /limits\/pids/ },
  { name: "a CPU quota where there was none", harm: update("--cpu-quota", "50000"), outcome: "in place", says: /limits\/cpuQuota/ },
  // The engine cannot take these away from a container that exists.
  { name: "CPUs limited where they were not", harm: update("--cpus", "1"), outcome: "replaced", says: /limits\/nanoCpus/ },
  {
    name: "memory limited where it was not",
    harm: update("--memory", "64m", "--memory-swap", "128m"),
    outcome: "replaced",
    says: /limits\/memory/,
  },
  { name: "CPUs chosen where they were not", harm: update("--cpuset-cpus", "0"), outcome: "replaced", says: /limits\/cpuset/ },
  { name: "memory nodes chosen", harm: update("--cpuset-mems", "0"), outcome: "replaced", says: /limits\/cpusetMems/ },
  {
    name: "memory reserved where it was not",
    harm: update("--memory-reservation", "8m"),
    outcome: "replaced",
    says: /limits\/memoryReservation/,
  },

  // Networks.
  {
    name: "docker network disconnect",
    service: onNetwork({ aliases: ["other"] }),
    harm: (t) => t.host.docker(["network", "disconnect", own(t), t.id]),
    outcome: "in place",
    says: /disconnected from network/,
  },
  {
    name: "one of two networks disconnected",
    service: { networks: { own: {}, default: {} } },
    harm: (t) => t.host.docker(["network", "disconnect", own(t), t.id]),
    outcome: "in place",
    says: /disconnected from network/,
  },
  {
    name: "docker network connect to another network",
    harm: ({ host, id }) => host.docker(["network", "connect", "bystanders", id]),
    outcome: "in place",
    says: /connected to network bystanders outside/,
  },
  {
    name: "connected to the engine's own bridge",
    harm: ({ host, id }) => host.docker(["network", "connect", "bridge", id]),
    outcome: "in place",
    says: /connected to network bridge outside/,
  },
  {
    name: "connected again without its aliases",
    service: onNetwork({ aliases: ["other"] }),
    harm: async (t) => {
      await t.host.docker(["network", "disconnect", own(t), t.id]);
      // The agent may be quicker.
      await t.host.dockerAny(["network", "connect", own(t), t.id]);
    },
    outcome: "in place",
    says: /network/,
  },
  {
    name: "connected again with an alias of somebody else",
    service: onNetwork(),
    away: true,
    harm: async (t) => {
      await t.host.docker(["network", "disconnect", own(t), t.id]);
      await t.host.docker(["network", "connect", "--alias", t.service, "--alias", "database", own(t), t.id]);
    },
    outcome: "in place",
    says: /aliases/,
  },
  {
    name: "connected again without an alias",
    service: onNetwork({ aliases: ["other"] }),
    away: true,
    harm: async (t) => {
      await t.host.docker(["network", "disconnect", own(t), t.id]);
      await t.host.docker(["network", "connect", "--alias", t.service, own(t), t.id]);
    },
    outcome: "in place",
    says: /aliases/,
  },
  {
    name: "connected again with another address",
    service: { networks: { fixed: { ipv4_address: "172.31.251.10" } } },
    away: true,
    harm: async ({ host, id, service }) => {
      await host.docker(["network", "disconnect", `${STACK}_fixed`, id]);
      await host.docker(["network", "connect", "--alias", service, "--ip", "172.31.251.99", `${STACK}_fixed`, id]);
    },
    outcome: "in place",
    says: /ipv4/,
  },
  {
    name: "a network removed while connected",
    service: onNetwork(),
    harm: async (t) => {
      await t.host.docker(["network", "disconnect", "-f", own(t), t.id]);
      // The agent may be quicker than the second command: then there is nothing left to remove.
      await t.host.dockerAny(["network", "rm", own(t)]);
    },
    outcome: "in place",
    says: /network/,
  },
  {
    name: "somebody else's container in our network",
    service: onNetwork(),
    harm: (t) => foreign(t.host, "guest", "--network", own(t)),
    outcome: "untouched",
    after: ({ host }) => runs(host, "guest"),
  },

  // While the agent is away.
  {
    name: "stopped, with nobody there",
    away: true,
    harm: ({ host, id }) => host.docker(["stop", id]),
    outcome: "in place",
    says: /stopped outside/,
  },
  {
    name: "removed, with nobody there",
    away: true,
    harm: ({ host, id }) => host.docker(["rm", "-f", id]),
    outcome: "replaced",
    says: /removed outside/,
  },
  {
    name: "paused, with nobody there",
    away: true,
    harm: ({ host, id }) => host.docker(["pause", id]),
    outcome: "in place",
    says: /paused outside/,
  },
  {
    name: "renamed, with nobody there",
    away: true,
    harm: ({ host, id }) => host.docker(["rename", id, "renamed-too"]),
    outcome: "in place",
    says: /renamed to renamed-too/,
  },
  {
    name: "a network removed while stopped",
    service: onNetwork(),
    away: true,
    harm: async (t) => {
      await t.host.docker(["stop", t.id]);
      await t.host.docker(["network", "rm", own(t)]);
    },
    outcome: "replaced",
    says: /networks\/drift_r\d+\/id/,
  },
  {
    name: "a network made anew by hand",
    service: onNetwork(),
    away: true,
    harm: async (t) => {
      await t.host.docker(["stop", t.id]);
      await t.host.docker(["network", "rm", own(t)]);
      await t.host.docker(["network", "create", own(t)]);
    },
    outcome: "reported",
    says: /NetworkNotOwned|is not ours/,
    repair: (t) => t.host.docker(["network", "rm", own(t)]),
  },
  {
    name: "a volume removed",
    service: { volumes: ["own:/data"] },
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await t.host.docker(["volume", "rm", own(t)]);
    },
    outcome: "replaced",
    after: async (t) => {
      const labels = await t.host.docker(["volume", "inspect", own(t), "--format", "{{json .Labels}}"]);
      if (!labels.includes("steadfleet.dev/cluster")) throw new Error(`the volume is not ours: ${labels}`);
    },
  },
  {
    name: "a volume made anew by hand",
    service: { volumes: ["own:/data"] },
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await t.host.docker(["volume", "rm", own(t)]);
      await t.host.docker(["volume", "create", own(t)]);
    },
    outcome: "reported",
    says: /VolumeNotOwned|is not ours/,
    repair: (t) => t.host.docker(["volume", "rm", own(t)]),
  },
  {
    name: "somebody else's container with our name",
    away: true,
    harm: async ({ host, id, name }) => {
      await host.docker(["rm", "-f", id]);
      await foreign(host, name);
    },
    outcome: "reported",
    says: /NameConflict|is taken by/,
    repair: async ({ host, name }) => {
      await runs(host, name);
      await host.docker(["rm", "-f", name]);
    },
  },
  {
    name: "somebody else's container on our port",
    service: { ports: ["18190:80"] },
    away: true,
    harm: async ({ host, id }) => {
      await host.docker(["stop", id]);
      await foreign(host, "squatter", "-p", "18190:80");
    },
    outcome: "reported",
    says: /PortConflict|port .*(taken|used|allocated)/,
    repair: async ({ host }) => {
      await runs(host, "squatter");
      await host.docker(["rm", "-f", "squatter"]);
    },
  },
  {
    name: "made anew by hand with more environment",
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await copy(t, t.name, ["-e", "EXTRA=1"]);
    },
    outcome: "replaced",
    says: /\/env\/EXTRA/,
  },
  {
    name: "made anew by hand with the host's process ids",
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await copy(t, t.name, ["--pid", "host"]);
    },
    outcome: "replaced",
    says: /\/pid/,
  },
  {
    name: "made anew by hand with a mount, a device and a capability",
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await copy(t, t.name, ["-v", "/etc:/host:ro", "--device", "/dev/null:/dev/x", "--cap-add", "SYS_TIME"]);
    },
    outcome: "replaced",
    says: /\/capAdd, \/devices, \/mounts/,
  },
  {
    name: "made anew by hand from another image",
    away: true,
    harm: async (t) => {
      await t.host.docker(["rm", "-f", t.id]);
      await copy(t, t.name, [], TEST_IMAGES.web2);
    },
    outcome: "replaced",
    says: /\/image/,
  },
  {
    name: "a second container of the same pod",
    away: true,
    harm: (t) => copy(t, "double"),
    outcome: "untouched",
    after: ({ host }) => gone(host, "double"),
  },
  {
    name: "our labels, of a pod that nobody wants, on somebody else's container",
    harm: ({ host, c }) => {
      const labels = { ...c.Config.Labels, "steadfleet.dev/pod": "nobody", "com.docker.compose.service": "nobody" };
      const flags = Object.entries(labels).flatMap(([k, v]) => ["--label", `${k}=${v}`]);
      // The agent may be quicker than the start.
      return host.dockerAny(["run", "-d", "--name", "pretender", ...flags, TEST_IMAGES.web, "/bin/hold"]);
    },
    // By label it is ours, and an orphan.
    outcome: "untouched",
    after: ({ host }) => gone(host, "pretender"),
  },
  {
    name: "our cluster's label alone on somebody else's container",
    harm: ({ host, c }) => foreign(host, "half", "--label", `steadfleet.dev/cluster=${c.Config.Labels["steadfleet.dev/cluster"]}`),
    outcome: "untouched",
    after: ({ host }) => runs(host, "half"),
  },

  // Images.
  {
    name: "the tag of its image moved",
    service: { image: "steadfleet.local/moved:1" },
    // The container goes on with the bits that it was made from.
    harm: ({ host }) => host.docker(["tag", TEST_IMAGES.web2, "steadfleet.local/moved:1"]),
    outcome: "untouched",
  },
  {
    name: "its image removed",
    service: { image: "steadfleet.local/removed:1" },
    harm: ({ host }) => host.docker(["rmi", "-f", "steadfleet.local/removed:1"]),
    outcome: "untouched",
  },
  {
    name: "its image and then itself removed",
    service: { image: "steadfleet.local/lost:1" },
    harm: async ({ host, id }) => {
      await host.docker(["rmi", "-f", "steadfleet.local/lost:1"]);
      await host.docker(["rm", "-f", id]);
    },
    outcome: "reported",
    says: /Image|[Pp]ull/,
    repair: ({ host }) => host.docker(["tag", TEST_IMAGES.web, "steadfleet.local/lost:1"]),
  },

  // Within.
  {
    name: "files changed inside: not looked at",
    harm: ({ host, id }) => host.docker(["exec", id, "sh", "-c", "echo changed > /www/index.html"]),
    outcome: "untouched",
  },
  {
    name: "unhealthy",
    service: { healthcheck: { test: ["CMD", "test", "!", "-e", "/sick"], interval: "1s", timeout: "5s", retries: 1, start_period: "0s" } },
    harm: ({ host, id }) => host.docker(["exec", id, "touch", "/sick"]),
    outcome: "reported",
    says: /Unhealthy|health check fails/,
    repair: ({ host, id }) => host.docker(["exec", id, "rm", "/sick"]),
  },
  {
    name: "out of memory",
    service: {
      mem_limit: "16m",
      command: ["/bin/sh", "-c", "trap 'exit 0' TERM; while [ ! -e /go ]; do sleep 0.2; done; rm /go; exec tail /dev/zero"],
    },
    harm: ({ host, id }) => host.docker(["exec", id, "touch", "/go"]),
    outcome: "reported",
    says: /"restartCount":[1-9]/,
    repair: async () => {},
  },
];

export const specOf = (rows: readonly Row[]): Record<string, unknown> => {
  const services: Record<string, unknown> = {};
  const networks: Record<string, unknown> = { default: {}, fixed: { ipam: { config: [{ subnet: "172.31.251.0/24" }] } } };
  const volumes: Record<string, unknown> = {};
  for (const [i, row] of rows.entries()) {
    const name = serviceOf(i);
    const service = structuredClone({ ...base, ...row.service }) as Service & { networks?: Record<string, unknown>; volumes?: string[] };
    if (service.networks?.["own"]) {
      const { own: mine, ...others } = service.networks;
      service.networks = { [name]: mine, ...others };
      networks[name] = {};
    }
    if (service.volumes) {
      service.volumes = service.volumes.map((v) => v.replace(/^own:/, `${name}:`));
      volumes[name] = {};
    }
    services[name] = service;
  }
  return { services, networks, volumes };
};
