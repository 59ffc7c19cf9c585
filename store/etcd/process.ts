// An etcd of our own: one member, a child of this process, on loopback, restarted when it dies.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Env } from "../env.ts";
import { StoreError } from "../errors.ts";
import { makeClient } from "./client.ts";
import { etcdFlags, parseVersion } from "./flags.ts";
import { freePort, portAnswers } from "./ports.ts";

export interface StartOptions {
  /** Ours alone; made if missing. Holds `data/`, `etcd.log`, `etcd.pid` and `name`. */
  dataDir: string;
  /** Loopback. Absent: a free one. */
  clientPort?: number;
  peerPort?: number;
  env: Env;
  log: Logger;
  /** Default: `etcd` on PATH. */
  bin?: string;
  /** Start it again when it dies. Default true. */
  supervise?: boolean;
  /** Default 30,000. */
  readyTimeoutMs?: number;
  extraFlags?: string[];
}

const BACKOFF = { firstMs: 200, maxMs: 10_000, resetAfterMs: 30_000 };
const MAX_LOG_BYTES = 16 * 1024 * 1024;

/**
 * Starts it and waits until it serves.
 * @throws StoreError: no binary, too old a version, a port or the data directory in use, not ready in time (with the end of its log)
 */
export const startEtcd = async (o: StartOptions): Promise<EtcdProcess> => {
  const bin = o.bin ?? "etcd";
  const asked = spawnSync(bin, ["--version"], { encoding: "utf8" });
  if (asked.error)
    throw new StoreError(
      `cannot run ${bin} (${asked.error.message}): install etcd 3.4 or newer (Debian: apt-get install etcd-server) or give the path`,
    );
  const version = parseVersion(asked.stdout);
  mkdirSync(o.dataDir, { recursive: true, mode: 0o700 });
  const name = memberName(o.dataDir, o.env);
  await refuseForeignOwner(o);
  for (const port of [o.clientPort, o.peerPort])
    if (port !== undefined && (await portAnswers(port)))
      throw new StoreError(`port ${port} of 127.0.0.1 is in use already: stop what serves there, or choose another port for etcd`);
  const process = new EtcdProcess(o, bin, version.text, name, {
    client: o.clientPort ?? (await freePort()),
    peer: o.peerPort ?? (await freePort()),
  });
  await process.start();
  return process;
};

export class EtcdProcess {
  readonly endpoint: string;
  restarts = 0;
  private child: ChildProcess | undefined;
  private exited: Promise<void> = Promise.resolve();
  private stopping = false;
  private backoffMs = BACKOFF.firstMs;
  private cancelRestart = (): void => {};
  /** Where the present child's part of the log begins, in bytes. */
  private logStart = 0;
  private readonly pidFile: string;
  readonly logFile: string;

  /** @internal Use `startEtcd`. */
  constructor(
    private readonly o: StartOptions,
    private readonly bin: string,
    readonly version: string,
    private readonly name: string,
    private readonly ports: { client: number; peer: number },
  ) {
    this.endpoint = `http://127.0.0.1:${ports.client}`;
    this.pidFile = join(o.dataDir, "etcd.pid");
    this.logFile = join(o.dataDir, "etcd.log");
  }

  /** Of the running child. */
  get pid(): number | undefined {
    return this.child?.pid;
  }
  kill(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }
  /** Resolves when the present child has ended. */
  get exit(): Promise<void> {
    return this.exited;
  }

  /** Starts the child unless it runs, and waits until it serves. */
  async start(): Promise<void> {
    this.stopping = false;
    this.cancelRestart();
    if (!this.child) this.launch();
    try {
      await this.ready();
    } catch (e) {
      await this.stop();
      throw e;
    }
  }

  /** SIGTERM, and SIGKILL after 10 s. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.cancelRestart();
    if (!this.child) return;
    this.kill("SIGCONT");
    this.kill("SIGTERM");
    const cancel = this.o.env.timer(10_000, () => this.kill("SIGKILL"));
    await this.exited;
    cancel();
  }

  /** Waits until our own child (not whatever else may answer on that port) serves linearizable reads. */
  async ready(): Promise<void> {
    const { env } = this.o;
    const end = env.monotonic() + (this.o.readyTimeoutMs ?? 30_000);
    const client = makeClient({ hosts: [this.endpoint], callTimeoutMs: 1_000 });
    try {
      for (let why: unknown; ; ) {
        if (!this.child && (this.o.supervise === false || env.monotonic() > end)) throw this.failure("etcd has ended", why);
        try {
          const { header, members } = await client.cluster.memberList({});
          const own = members.find((m) => m.ID === header.member_id);
          // The name is random and kept in our data directory, so nobody else has it.
          if (own?.name === this.name) {
            await client.kv.range({ key: Buffer.from("/") });
            return;
          }
          if (own?.name) throw new StoreError(`another etcd (${own.name}) answers at ${this.endpoint}`);
        } catch (e) {
          if (e instanceof StoreError) throw this.failure(e.message, e);
          why = e;
        }
        if (env.monotonic() > end) throw this.failure("etcd did not become ready in time", why);
        await env.sleep(25);
      }
    } finally {
      client.close();
    }
  }

  private launch(): void {
    rotate(this.logFile);
    this.logStart = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
    const out = openSync(this.logFile, "a", 0o600);
    const flags = etcdFlags({ version: parseVersion(this.version), name: this.name, dataDir: join(this.o.dataDir, "data"), ...this.ports });
    const command = [this.bin, ...flags, ...(this.o.extraFlags ?? [])];
    // The kernel ends the child when we die without a chance to. Linux only; elsewhere `etcd.pid` tells of a left-over.
    const wrapper = hasSetpriv() ? ["setpriv", "--pdeathsig", "SIGTERM"] : [];
    const [program = this.bin, ...args] = [...wrapper, ...command];
    // A process group of its own: Ctrl-C at the terminal is for us, and we stop etcd last.
    const child = spawn(program, args, { stdio: ["ignore", out, out], detached: true });
    closeSync(out);
    this.child = child;
    if (child.pid) writeFileSync(this.pidFile, `${child.pid}\n`, { mode: 0o600 });
    const began = this.o.env.monotonic();
    this.exited = new Promise((resolve) => {
      const ended = (cause: object): void => {
        if (this.child !== child) return;
        this.child = undefined;
        rmSync(this.pidFile, { force: true });
        resolve();
        if (this.stopping || this.o.supervise === false) return;
        if (this.o.env.monotonic() - began > BACKOFF.resetAfterMs) this.backoffMs = BACKOFF.firstMs;
        this.o.log.error({ ...cause, logFile: this.logFile, restartInMs: this.backoffMs }, "etcd ended; starting it again");
        this.cancelRestart = this.o.env.timer(this.backoffMs, () => {
          this.restarts++;
          this.launch();
        });
        this.backoffMs = Math.min(this.backoffMs * 2, BACKOFF.maxMs);
      };
      child.once("exit", (code, signal) => ended({ code, signal }));
      child.once("error", (err) => ended({ err }));
    });
    this.o.log.info({ pid: child.pid, endpoint: this.endpoint, version: this.version }, "etcd started");
  }

  private failure(what: string, cause: unknown): StoreError {
    const lines = existsSync(this.logFile) ? readFileSync(this.logFile).subarray(this.logStart).toString().trim().split("\n") : [];
    // A wrong flag is told first, and followed by pages of usage; most other things are told last.
    const excerpt = lines.length > 8 ? [...lines.slice(0, 3), "…", ...lines.slice(-4)] : lines;
    return new StoreError([`${what} (${this.endpoint}, log ${this.logFile})`, ...excerpt].join("\n"), { cause });
  }
}

/** Random, chosen once per data directory: it is how we know our child, and it makes the cluster id one of its own. */
const memberName = (dataDir: string, env: Env): string => {
  const file = join(dataDir, "name");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const name = `steadfleet-${env.uid()}`;
  writeFileSync(file, `${name}\n`, { mode: 0o600 });
  return name;
};

/** A second etcd on one data directory would wait for the lock in silence, for ever. One whose parent just died may need a moment. */
const refuseForeignOwner = async (o: StartOptions): Promise<void> => {
  const end = o.env.monotonic() + 3_000;
  for (;;) {
    const pid = ownerOf(o.dataDir);
    if (pid === undefined) return;
    if (o.env.monotonic() > end)
      throw new StoreError(
        `etcd with pid ${pid} uses ${o.dataDir} already: stop the process that started it, or choose another data directory`,
      );
    await o.env.sleep(50);
  }
};

const ownerOf = (dataDir: string): number | undefined => {
  const file = join(dataDir, "etcd.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, "utf8"));
  // A pid is used again after a while: only a process that names this directory counts.
  try {
    const proc = `/proc/${pid}/cmdline`;
    if (existsSync("/proc/self/cmdline")) return readFileSync(proc, "utf8").includes(join(dataDir, "data")) ? pid : undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
};

const hasSetpriv = (): boolean => spawnSync("setpriv", ["--pdeathsig", "SIGTERM", "true"]).status === 0;

const rotate = (file: string): void => {
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
};
