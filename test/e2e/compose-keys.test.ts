// Every key that 1 % of real Compose files use, on a real engine: what Steadfleet makes of a file, against what docker-compose 1.29 makes of it.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newLair, removeLair } from "../harness/lair.ts";
import { Fleet } from "../harness/fleet.ts";
import type { Host } from "../harness/hosts.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { run } from "../harness/run.ts";

const PROJECT = "keys";

/** One service for each handful of keys. The key that a service is there for stands in its name, or in a comment. */
const FILE = `
services:
  plain:            # image, command, and every default
    image: &image ${TEST_IMAGES.web}
    command: /bin/hold
  commands:         # command and entrypoint as lists, working_dir, user, hostname, domainname
    image: *image
    entrypoint: ["/bin/sh", "-c"]
    command: ["trap 'exit 0' TERM; sleep 1000000 & wait $$!"]
    working_dir: /tmp
    user: "1000:1000"
    hostname: commander
    domainname: shop.test
  environ:          # environment, env_file, labels as maps
    image: *image
    command: ["/bin/hold"]
    environment: {A: "1", B: "two words", EMPTY: ""}
    env_file: [values.env]
    labels: {team: a, "traefik.http.routers.x.rule": "Host(\`x\`)"}
  listed:           # environment and labels as lists
    image: *image
    command: ["/bin/hold"]
    environment: ["A=b=c", "D="]
    labels: ["team=b", "flag"]
  names:            # container_name, restart
    image: *image
    command: ["/bin/hold"]
    container_name: my-names
    restart: unless-stopped
  again:            # restart: always
    image: *image
    command: ["/bin/hold"]
    restart: always
  failing:          # restart: on-failure:3
    image: *image
    command: ["/bin/hold"]
    restart: on-failure:3
  never:            # restart: no
    image: *image
    command: ["/bin/hold"]
    restart: "no"
  ported:           # ports in the short form, expose
    image: *image
    command: ["/bin/hold"]
    ports: ["18090:80", "127.0.0.1:18091:81/tcp", "18092:82/udp", "83"]
    expose: ["9000", "9001"]
  longports:        # ports in the long form
    image: *image
    command: ["/bin/hold"]
    ports: [{target: 80, published: 18093, protocol: tcp, mode: host}]
  mounted:          # volumes in the short form: named, absolute, relative, read-only, anonymous
    image: *image
    command: ["/bin/hold"]
    volumes: ["data:/data", "/usr/share:/host:ro", "./files:/files", "/anonymous", "shared:/shared:ro"]
  longmounts:       # volumes in the long form, tmpfs
    image: *image
    command: ["/bin/hold"]
    volumes:
      - {type: volume, source: data, target: /data, volume: {nocopy: true}}
      - {type: bind, source: /usr/lib, target: /lib2, read_only: true}
      - {type: tmpfs, target: /scratch, tmpfs: {size: 65536}}
    tmpfs: /tmp
  checked:          # healthcheck
    image: *image
    command: ["/bin/hold"]
    healthcheck: {test: ["CMD-SHELL", "true"], interval: 2s, timeout: 3s, retries: 5, start_period: 1s}
  unchecked:        # healthcheck: disable; depends_on, long
    image: *image
    command: ["/bin/hold"]
    healthcheck: {disable: true}
    depends_on: {checked: {condition: service_healthy}, plain: {condition: service_started}}
  after:            # depends_on, short; links
    image: *image
    command: ["/bin/hold"]
    depends_on: [plain]
    links: ["plain:simple"]
  joined:           # networks: aliases, static address, several
    image: *image
    command: ["/bin/hold"]
    networks:
      back: {aliases: [backend, api], ipv4_address: 172.31.250.10}
      front:
  hidden:           # networks as a list, internal
    image: *image
    command: ["/bin/hold"]
    networks: [secret]
  limited:          # deploy.resources
    image: *image
    command: ["/bin/hold"]
    deploy: {resources: {limits: {cpus: "0.5", memory: 64M}, reservations: {memory: 32M}}}
  oldlimits:        # mem_limit, cpus, cpu_shares, pids_limit, mem_reservation, memswap_limit, cpuset
    image: *image
    command: ["/bin/hold"]
    mem_limit: 64m
    memswap_limit: 128m
    mem_reservation: 32m
    cpus: 0.5
    cpu_shares: 512
    pids_limit: 100
    cpuset: "0"
  caps:             # cap_add, cap_drop, security_opt, group_add, read_only
    image: *image
    command: ["/bin/hold"]
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    security_opt: ["no-new-privileges:true"]
    group_add: ["20"]
    read_only: true
  kernel:           # ulimits, sysctls, shm_size, init, devices, device_cgroup_rules
    image: *image
    command: ["/bin/hold"]
    ulimits: {nofile: {soft: 1024, hard: 2048}, nproc: 512}
    sysctls: {net.core.somaxconn: "1024"}
    shm_size: 128m
    init: true
    devices: ["/dev/null:/dev/nought:rw"]
    device_cgroup_rules: ["c 1:3 rwm"]
  logged:           # logging
    image: *image
    command: ["/bin/hold"]
    logging: {driver: json-file, options: {max-size: 1m, max-file: "3"}}
  terminal:         # tty, stdin_open, stop_signal, stop_grace_period
    image: *image
    command: ["/bin/hold"]
    tty: true
    stdin_open: true
    stop_signal: SIGINT
    stop_grace_period: 1m30s
  resolver:         # dns, dns_search, dns_opt, extra_hosts
    image: *image
    command: ["/bin/hold"]
    dns: [9.9.9.9, 1.1.1.1]
    dns_search: shop.test
    dns_opt: [ndots:2]
    extra_hosts: ["db:10.0.0.9", "host.docker.internal:host-gateway"]
  hosted:           # network_mode: host, pid, ipc, userns_mode
    image: *image
    command: ["/bin/hold"]
    network_mode: host
    pid: host
    ipc: host
    userns_mode: host
  alone:            # network_mode: none, platform
    image: *image
    command: ["/bin/hold"]
    network_mode: none
    platform: linux/amd64
  beside:           # network_mode: service, volumes_from
    image: *image
    command: ["/bin/hold"]
    network_mode: service:plain
    volumes_from: ["mounted:ro"]
  super:            # privileged
    image: *image
    command: ["/bin/hold"]
    privileged: true
    restart: "no"
  profiled:         # profiles: not started
    image: *image
    profiles: [debug]
volumes:
  data: {}
  shared: {labels: {team: a}}
networks:
  default: {}
  front: {}
  secret: {internal: true, labels: {team: a}}
  back: {driver: bridge, ipam: {config: [{subnet: 172.31.250.0/24}]}}
`;

interface Inspected {
  Id: string;
  Name: string;
  Config: Record<string, unknown> & { Labels: Record<string, string>; Hostname: string };
  HostConfig: Record<string, unknown> & { NetworkMode: string };
  Mounts: { Type: string; Name?: string; Source: string; Destination: string; RW: boolean; Propagation: string }[];
  NetworkSettings: {
    Networks: Record<string, { Aliases: string[] | null; IPAMConfig: object | null; Links: string[] | null; DriverOpts: object | null }>;
  };
}

/** Path → value; nothing, in any of its forms, is absent. */
type Flat = Record<string, unknown>;

const isNothing = (v: unknown): boolean =>
  v === null ||
  v === undefined ||
  v === "" ||
  v === false ||
  v === 0 ||
  (Array.isArray(v) ? v.length === 0 : typeof v === "object" && Object.values(v).every(isNothing));

const flatten = (path: string, value: unknown, into: Flat): Flat => {
  if (isNothing(value)) return into;
  if (typeof value === "object" && !Array.isArray(value))
    for (const [key, inner] of Object.entries(value as object)) flatten(`${path}.${key}`, inner, into);
  else into[path] = Array.isArray(value) ? JSON.stringify(value.map((v) => JSON.stringify(v)).toSorted()) : value;
  return into;
};

/** `names`: ids of containers → their services, as ids differ. */
const flat = (c: Inspected, names: Map<string, string>): Flat => {
  const { Labels, Hostname, ...config } = c.Config;
  const { Binds: _, Mounts: __, ...host } = c.HostConfig;
  const named = (text: string): string =>
    [...names].reduce((said, [id, name]) => said.replaceAll(id, `<${name}>`).replaceAll(id.slice(0, 12), `<${name}>`), text);
  const into: Flat = {};
  flatten("Config", { ...config, Hostname: named(Hostname) }, into);
  flatten("HostConfig", JSON.parse(named(JSON.stringify(host))), into);
  for (const [key, value] of Object.entries(Labels))
    if (!key.startsWith("com.docker.compose.") && !key.startsWith("steadfleet.dev/")) into[`Config.Labels.${key}`] = value || "(empty)";
  for (const m of c.Mounts) {
    const source = m.Type === "volume" && /^[0-9a-f]{64}$/.test(m.Name ?? "") ? "<anonymous>" : (m.Name ?? m.Source);
    into[`Mounts.${m.Destination}`] = [m.Type, source, m.RW ? "rw" : "ro", m.Propagation].join(" ");
  }
  for (const [name, n] of Object.entries(c.NetworkSettings.Networks))
    into[`Networks.${name}`] = named(
      JSON.stringify({
        // The engine adds the short id by itself when the container runs.
        aliases: [...new Set(n.Aliases ?? [])].filter((a) => a !== c.Id.slice(0, 12)).toSorted(),
        ipam: isNothing(n.IPAMConfig) ? {} : n.IPAMConfig,
        links: n.Links,
      }),
    );
  return into;
};

interface Known {
  /** Of `service path`. */
  at: RegExp;
  why: string;
}

/** Where the two are meant to differ. A row that nothing matches is an error, too. */
const KNOWN: Known[] = [
  { at: /Config\.StopTimeout$/, why: "the grace period is always said: 10 s, the default of both" },
  {
    at: /HostConfig\.RestartPolicy\.Name$/,
    why: "services run on unless they say otherwise: restart defaults to unless-stopped, as a Stack is what shall run, not what ran once",
  },
  { at: /^longmounts (HostConfig\.Tmpfs|Mounts)\.\/tmp$/, why: "a short tmpfs is asked for as a mount: the same to the container" },
  { at: /^caps HostConfig\.SecurityOpt$/, why: "no-new-privileges:true is said in the engine's own short form" },
  {
    at: /^(after|plain) Networks\.keys_default$/,
    why: "a link is an alias in the network, which everybody there sees: the engine's own links do not follow a container that is made anew",
  },
  { at: /^network keys_\w+\.Attachable$/, why: "docker-compose 1.29 says attachable, which means nothing outside Swarm" },
];

describe("the keys of Compose, against docker-compose", () => {
  const dir = newLair("compose");
  let fleet: Fleet;
  let host: Host;
  let theirs: Map<string, Flat>;
  let ours: Map<string, Flat>;
  const settings: { theirs: Flat; ours: Flat } = { theirs: {}, ours: {} };

  const inspectAll = async (): Promise<Map<string, Flat>> => {
    const ids = (await host.docker(["ps", "-aq", "--no-trunc", "--filter", `label=com.docker.compose.project=${PROJECT}`])).split("\n");
    const all = JSON.parse(await host.docker(["inspect", ...ids])) as Inspected[];
    const names = new Map(all.map((c) => [c.Id, c.Config.Labels["com.docker.compose.service"] ?? ""]));
    return new Map(all.map((c) => [names.get(c.Id) ?? "", flat(c, names)]));
  };
  /** How networks and volumes were made. */
  const inspectSettings = async (): Promise<Flat> => {
    const into: Flat = {};
    for (const kind of ["network", "volume"] as const) {
      const ids = (await host.docker([kind, "ls", "-q", "--filter", `label=com.docker.compose.project=${PROJECT}`]))
        .split("\n")
        .filter(Boolean);
      for (const one of JSON.parse(await host.docker([kind, "inspect", ...ids])) as Record<string, unknown>[]) {
        const labels = Object.entries((one["Labels"] ?? {}) as Record<string, string>).filter(
          ([k]) => !/^(com\.docker|steadfleet)/.test(k),
        );
        const ipam = one["IPAM"] as { Driver?: string; Config?: { Subnet?: string }[] } | undefined;
        // Subnets that the engine chooses differ.
        const subnet = ipam?.Config?.[0]?.Subnet?.startsWith("172.31.250.") ? ipam.Config[0].Subnet : "";
        const { Driver, Internal, Attachable, EnableIPv6, Options } = one;
        flatten(`${kind} ${String(one["Name"])}`, { Driver, Internal, Attachable, EnableIPv6, Options, subnet, labels }, into);
      }
    }
    return into;
  };

  beforeAll(async () => {
    mkdirSync(join(dir, "files"));
    writeFileSync(join(dir, "compose.yaml"), FILE);
    writeFileSync(join(dir, "values.env"), 'FROM_FILE=yes\nQUOTED="two words"\n# a comment\n');
    fleet = await Fleet.start({ nodes: 1, images: ["web"] });
    host = fleet.member("node-1").host;
    const compose = (...args: string[]) =>
      run("docker-compose", ["-p", PROJECT, "-f", join(dir, "compose.yaml"), ...args], {
        env: { DOCKER_HOST: host.url },
        timeoutMs: 120_000,
      });
    const { stdout: version } = await run("docker-compose", ["version", "--short"]);
    if (!version.startsWith("1.29."))
      throw new Error(`docker-compose 1.29 is what is compared with (Debian 12's package), this is ${version}`);
    // Not every machine that runs tests may start a privileged container: that one is only created.
    await compose("up", "-d", "--scale", "super=0");
    await compose("up", "--no-start", "super");
    theirs = await inspectAll();
    settings.theirs = await inspectSettings();
    // Engine 20.10 may keep endpoints of containers that are removed at the same time: one after the other, and again.
    const ids = await host.docker(["ps", "-aq", "--filter", `label=com.docker.compose.project=${PROJECT}`]);
    for (const id of ids.split("\n").filter(Boolean)) await host.docker(["rm", "-f", "-v", id]);
    const down = () =>
      compose("down", "-v", "-t", "0").then(
        () => true,
        () => false,
      );
    await fleet.until("docker-compose to take the rest away", down, 60_000);

    const up = await fleet.steady(["up", "-f", join(dir, "compose.yaml"), "-p", PROJECT, "--yes", "--detach"]);
    if (up.code !== 0) throw new Error(`steady up: ${up.stdout}\n${up.stderr}`);
    await fleet.until(
      "all containers to be made",
      async () => {
        const running = (await fleet.containers("node-1", PROJECT)).filter((c) => c.State.Running);
        return running.length === theirs.size - 1 && (await inspectAll()).size === theirs.size;
      },
      90_000,
    );
    ours = await inspectAll();
    settings.ours = await inspectSettings();
  }, 240_000);
  afterAll(async () => {
    await fleet?.stop();
    removeLair(dir);
  });

  const used = new Set<Known>();
  const surprises = (what: string, mine: Flat, other: Flat): string[] =>
    [...new Set([...Object.keys(mine), ...Object.keys(other)])].flatMap((path) => {
      if (mine[path] === other[path]) return [];
      const known = KNOWN.find((k) => k.at.test(what + path));
      if (known) used.add(known);
      return known ? [] : [`${what}${path}: ours ${String(mine[path])}, docker-compose ${String(other[path])}`];
    });

  it("makes the same containers, but for the known differences", () => {
    expect([...ours.keys()].toSorted()).toEqual([...theirs.keys()].toSorted());
    expect([...ours].flatMap(([service, mine]) => surprises(`${service} `, mine, theirs.get(service) ?? {})).toSorted()).toEqual([]);
  });

  it("makes the same networks and volumes", () => {
    expect(surprises("", settings.ours, settings.theirs)).toEqual([]);
  });

  it("knows no difference that is none", () => {
    expect(KNOWN.filter((k) => !used.has(k)).map((k) => `${k.at.source}: ${k.why}`)).toEqual([]);
  });
});
