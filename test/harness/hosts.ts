// Several Docker hosts on one machine: one network namespace per host on a bridge, one dockerd in each.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Engine, sweepEngine } from "./engine.ts";
import { claimStale, newLair, removeLair, room } from "./lair.ts";
import { run, runAny } from "./run.ts";

const KIND = "hosts";

/** What of a run outlives its process, written down before it is made. */
interface Plot {
  bridge: string;
  hosts: { name: string; netns: string; veth: string; cgroup: string; dir: string }[];
}

export class Host extends Engine {
  constructor(
    options: ConstructorParameters<typeof Engine>[0],
    readonly name: string,
    /** Its address on the bridge, reachable from the machine and from the other hosts. */
    readonly address: string,
  ) {
    super(options);
  }
}

export interface Hosts {
  readonly list: Host[];
  /** By name: "node-1", "node-2", … */
  get(name: string): Host;
  /** The machine's own address on the bridge. */
  readonly gateway: string;
  /** Removes containers, engines, namespaces, the bridge and all files. */
  stop(): Promise<void>;
}

export interface HostsOptions {
  /** Names are `<prefix>1`, `<prefix>2`, … Default "node-". */
  prefix?: string;
  /** Further arguments of every dockerd. */
  args?: string[];
}

/** Starts `count` Docker hosts. Needs root. Runs side by side do not meet: each has a bridge and a /24 of its own. */
export async function startHosts(count: number, options: HostsOptions = {}): Promise<Hosts> {
  if (process.getuid?.() !== 0) throw new Error("Docker hosts need root: run this as root (for example with sudo)");
  await sweepHosts();
  const dir = newLair(KIND);
  const { bridge, subnet } = await newBridge();
  const run6 = dir.slice(-6).toLowerCase();
  const prefix = options.prefix ?? "node-";
  const plot: Plot = {
    bridge,
    hosts: Array.from({ length: count }, (_, i) => ({
      name: `${prefix}${i + 1}`,
      netns: `${bridge}-${i + 1}`,
      veth: `${bridge}v${i + 1}`,
      cgroup: `steady-${run6}-${i + 1}`,
      dir: room(dir, `h${i + 1}`),
    })),
  };
  writeFileSync(join(dir, "plot.json"), JSON.stringify(plot));
  const stop = () => removePlot(dir, plot, list);
  const list: Host[] = [];
  try {
    await run("ip", ["addr", "add", `${subnet}.1/24`, "dev", bridge]);
    await run("ip", ["link", "set", bridge, "up"]);
    for (const [i, host] of plot.hosts.entries()) {
      const address = `${subnet}.${11 + i}`;
      await connect(host, bridge, address, `${subnet}.1`);
      const engine = {
        dir: host.dir,
        name: host.cgroup,
        netns: host.netns,
        bridgeAddress: `172.30.${i + 1}.1/24`,
        // Registries of tests listen on the bridge, without TLS.
        args: ["--insecure-registry", "10.213.0.0/16", ...(options.args ?? [])],
      };
      list.push(new Host(engine, host.name, address));
    }
    await Promise.all(list.map((host) => host.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  const get = (name: string): Host => {
    const host = list.find((one) => one.name === name);
    if (!host) throw new Error(`no host ${name}: there are ${list.map((one) => one.name).join(", ")}`);
    return host;
  };
  return { list, get, gateway: `${subnet}.1`, stop };
}

/** The name of the bridge tells its subnet, and making it is what claims both: the kernel refuses a second one. */
async function newBridge(): Promise<{ bridge: string; subnet: string }> {
  const first = process.pid % 254;
  for (let i = 0; i < 254; i++) {
    const third = ((first + i) % 254) + 1;
    const subnet = `10.213.${third}`;
    const routes = await runAny("ip", ["-4", "route", "show", `${subnet}.0/24`]);
    if (routes.stdout.trim() !== "") continue;
    const made = await runAny("ip", ["link", "add", `stdy${third}`, "type", "bridge"]);
    if (made.code === 0) return { bridge: `stdy${third}`, subnet };
    if (!made.stderr.includes("exists")) throw new Error(`cannot make a network bridge: ${made.stderr.trim()}`);
  }
  throw new Error("no free subnet below 10.213.0.0/16 for the hosts of this run");
}

async function connect(host: Plot["hosts"][number], bridge: string, address: string, gateway: string): Promise<void> {
  await run("ip", ["netns", "add", host.netns]);
  await run("ip", ["link", "add", host.veth, "type", "veth", "peer", "name", "eth0", "netns", host.netns]);
  await run("ip", ["link", "set", host.veth, "master", bridge, "up"]);
  const inside = (...command: string[]) => run("nsenter", [`--net=/run/netns/${host.netns}`, ...command]);
  await inside("ip", "link", "set", "lo", "up");
  await inside("ip", "addr", "add", `${address}/24`, "dev", "eth0");
  await inside("ip", "link", "set", "eth0", "up");
  await inside("ip", "route", "add", "default", "via", gateway);
  await inside("sysctl", "-qw", "net.ipv4.ip_forward=1");
}

async function removePlot(dir: string, plot: Plot, engines: Engine[]): Promise<void> {
  await Promise.all(engines.map((engine) => engine.stop()));
  for (const host of plot.hosts) {
    await sweepEngine(host.dir, host.cgroup);
    await runAny("ip", ["netns", "del", host.netns]);
    await runAny("ip", ["link", "del", host.veth]);
  }
  await runAny("ip", ["link", "del", plot.bridge]);
  removeLair(dir);
}

/** Takes away what runs left behind whose process is gone. */
export async function sweepHosts(): Promise<void> {
  for (const dir of claimStale(KIND)) {
    let plot: Plot = { bridge: "", hosts: [] };
    try {
      plot = JSON.parse(readFileSync(join(dir, "plot.json"), "utf8")) as Plot;
    } catch {
      // It crashed before it had made anything.
    }
    await removePlot(dir, plot, []);
  }
}
