// One dockerd of our own: its data, socket, pid file and cgroups lie apart from any other engine's.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { endChild, run, runAny, type RunOptions, type RunResult, searchPath, startTime, which } from "./run.ts";
import { room } from "./lair.ts";
import { until } from "./until.ts";

export interface EngineOptions {
  /** Everything of this engine lies below here. At most about 80 characters long. */
  dir: string;
  /** Names its cgroup; unique on the machine. */
  name: string;
  /** Name of the network namespace it runs in; absent: the machine's own. */
  netns?: string;
  /** Address of docker0, e.g. "172.30.1.1/24". */
  bridgeAddress?: string;
  /** Where subnets of new networks come from. Default: 172.31.0.0/16 in pieces of /24. */
  addressPool?: string;
  /** Further arguments of dockerd. */
  args?: string[];
}

export class Engine {
  readonly socketPath: string;
  #child: ChildProcess | undefined;

  constructor(readonly options: EngineOptions) {
    this.socketPath = join(options.dir, "docker.sock");
    if (this.socketPath.length > 100) throw new Error(`${this.socketPath}: too long for a Unix socket`);
  }

  /** For `docker -H` and DOCKER_HOST. */
  get url(): string {
    return `unix://${this.socketPath}`;
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`dockerd ${this.options.name} is not running`);
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts dockerd and waits until it answers. */
  async start(): Promise<void> {
    if (this.running) return;
    const { dir, name, netns, bridgeAddress, addressPool, args = [] } = this.options;
    const dockerd = which("dockerd");
    if (!dockerd) throw new Error("dockerd is missing: run `npm run setup` as root");
    room(dir, "data");
    const flags = [
      ["--data-root", join(dir, "data")],
      ["--exec-root", join(dir, "exec")],
      ["--host", this.url],
      ["--pidfile", join(dir, "docker.pid")],
      ["--cgroup-parent", `/${name}`],
      // The systemd driver refuses such a cgroup parent, and is the default on cgroup v2.
      ["--exec-opt", "native.cgroupdriver=cgroupfs"],
      ["--default-address-pool", addressPool ?? "base=172.31.0.0/16,size=24"],
      ["--shutdown-timeout", "3"],
      ["--config-file", join(dir, "daemon.json")],
      ...(bridgeAddress ? [["--bip", bridgeAddress]] : []),
    ].flat();
    // nsenter --net, not `ip netns exec`: that one mounts /sys anew and hides the cgroups.
    const [program, argv] = netns ? ["nsenter", [`--net=/run/netns/${netns}`, dockerd, ...flags, ...args]] : [dockerd, [...flags, ...args]];
    // An empty configuration of its own: /etc/docker/daemon.json is for the machine's engine.
    writeFileSync(join(dir, "daemon.json"), "{}\n");
    const log = openSync(join(dir, "dockerd.log"), "a");
    const env = { ...process.env, PATH: searchPath(), DOCKER_SERVICE_PREFER_OFFLINE_IMAGE: "1" };
    const child = spawn(program, argv, { stdio: ["ignore", log, log], env });
    closeSync(log);
    this.#child = child;
    let failed: Error | undefined;
    child.once("error", (error) => {
      failed = error;
    });
    await until(
      async () => {
        if (failed || !this.running) return "dead";
        return (await this.ping()) ? "up" : undefined;
      },
      { deadlineMs: 60_000, everyMs: 25, what: `dockerd ${name} to answer`, show: () => this.logTail() },
    );
    if (failed || !this.running) throw new Error(`dockerd ${name} ended at its start: ${failed?.message ?? this.logTail()}`);
  }

  /** Runs the docker command on this engine; @throws RunError unless the exit code is 0. Answers with trimmed stdout. */
  async docker(args: string[], options: RunOptions = {}): Promise<string> {
    return (await run("docker", ["-H", this.url, ...args], this.#cli(options))).stdout.trim();
  }

  /** The same, but any exit code is fine. */
  dockerAny(args: string[], options: RunOptions = {}): Promise<RunResult> {
    return runAny("docker", ["-H", this.url, ...args], this.#cli(options));
  }

  #cli(options: RunOptions): RunOptions {
    // The user's own docker configuration (contexts, credentials, proxies) stays out of it.
    return { timeoutMs: 60_000, ...options, env: { DOCKER_CONFIG: join(this.options.dir, "cli"), ...options.env } };
  }

  /** Whether it answers within `timeoutMs`. */
  ping(timeoutMs = 1000): Promise<boolean> {
    return new Promise((resolve) => {
      const call = request({ socketPath: this.socketPath, path: "/_ping", timeout: timeoutMs }, (answer) => {
        answer.resume();
        resolve(answer.statusCode === 200);
      });
      call.once("timeout", () => call.destroy(new Error("timeout")));
      call.once("error", () => resolve(false));
      call.end();
    });
  }

  logTail(lines = 15): string {
    const file = join(this.options.dir, "dockerd.log");
    return existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n") : "(no log)";
  }

  /** SIGTERM, then start: containers are stopped by the engine; those with a restart policy come back. */
  async restart(): Promise<void> {
    await this.#end("SIGTERM");
    await this.start();
  }

  /** kill -9. Containers die with the engine's next start, as without live-restore. Start it again with `start`. */
  async kill9(): Promise<void> {
    await this.#end("SIGKILL");
    // Its containerd dies a moment later. A dockerd that starts within that moment takes the pid file at its word and waits for a socket for ever.
    const file = join(this.options.dir, "exec/containerd/containerd.pid");
    if (!existsSync(file)) return;
    const pid = Number(readFileSync(file, "utf8"));
    await until(() => startTime(pid) === undefined, { what: "containerd to end" });
    rmSync(file, { force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (!this.#child) return;
    if (this.running) this.#child.kill("SIGCONT");
    await endChild(this.#child, signal, 30_000);
    this.#child = undefined;
  }

  /** A hung engine: it accepts connections and never answers. */
  async pause(): Promise<void> {
    const { pid } = this;
    process.kill(pid, "SIGSTOP");
    await until(() => readdirSync(`/proc/${pid}/task`).every((task) => stateOf(`/proc/${pid}/task/${task}/stat`) === "T"), {
      everyMs: 5,
      what: "all threads to stop",
    });
  }

  resume(): void {
    process.kill(this.pid, "SIGCONT");
  }

  /** Removes all containers and the engine with everything that it started. Does not remove `dir`. */
  async stop(): Promise<void> {
    if (this.running) {
      this.resume();
      if (await this.ping(3000)) await this.removeContainers();
    }
    await this.#end("SIGTERM");
    await sweepEngine(this.options.dir, this.options.name);
  }

  /** One by one: engine 20.10 can lock up for good when containers of one network go many at a time (moby/moby#46661). */
  async removeContainers(): Promise<void> {
    const { stdout } = await this.dockerAny(["ps", "-aq"], { timeoutMs: 10_000 });
    for (const id of stdout.split("\n").filter(Boolean)) {
      const { code } = await this.dockerAny(["rm", "-f", "-v", id], { timeoutMs: 20_000 });
      if (code === 124) return; // it hangs: what is left goes with the cgroup
    }
  }
}

/** Ends what an engine left behind: the daemon of a crashed run, shims and containers (by cgroup), mounts, cgroups. */
export async function sweepEngine(dir: string, name: string): Promise<void> {
  const pids = processesOf(dir, name);
  for (const pid of pids) kill(pid, "SIGKILL");
  await until(() => processesOf(dir, name).every((pid) => !kill(pid, "SIGKILL")), {
    deadlineMs: 10_000,
    what: `processes of ${name} to end`,
  });
  await until(
    async () => {
      const mounts = readFileSync("/proc/self/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[1] ?? "")
        .filter((path) => path.startsWith(`${dir}/`))
        .toSorted()
        .toReversed();
      for (const path of mounts) await runAny("umount", ["-l", path]);
      return mounts.length === 0;
    },
    { deadlineMs: 10_000, what: `mounts below ${dir} to go` },
  );
  for (const path of cgroups(name)) {
    try {
      rmdirSync(path);
    } catch {
      // Still in use by a process that is just ending; an empty cgroup costs nothing.
    }
  }
}

/** dockerd, containerd and shims by the directory they were started for; containers by their cgroup. */
function processesOf(dir: string, name: string): number[] {
  const pids = new Set<number>();
  for (const path of cgroups(name)) {
    const file = join(path, "cgroup.procs");
    if (!existsSync(file)) continue;
    for (const pid of readFileSync(file, "utf8").split("\n").filter(Boolean)) pids.add(Number(pid));
  }
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      const program = argv[0]?.split("/").at(-1) ?? "";
      const daemon = program.startsWith("containerd") || program === "dockerd" || program === "docker-proxy";
      if (daemon && argv.some((arg) => arg === dir || arg.includes(`${dir}/`))) pids.add(Number(entry));
    } catch {
      // ended meanwhile
    }
  }
  return [...pids];
}

/** Cgroups below /<name> in every hierarchy (v1) or the one (v2), children before parents. */
function cgroups(name: string): string[] {
  const root = "/sys/fs/cgroup";
  if (!existsSync(root)) return [];
  const tops = [join(root, name), ...readdirSync(root).map((hierarchy) => join(root, hierarchy, name))];
  const below = (path: string): string[] => {
    const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...children.flatMap((child) => below(join(path, child.name))), path];
  };
  return tops.filter((path) => existsSync(path) && statSync(path).isDirectory()).flatMap(below);
}

const stateOf = (statFile: string): string => {
  const stat = readFileSync(statFile, "utf8");
  return stat.charAt(stat.lastIndexOf(")") + 2);
};

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
