// The part of the fake engine that looks into containers: logs with times, and a few programs that containers "have".
import { PassThrough, type Writable } from "node:stream";
import type { Env } from "../../store/env.ts";
import { type ContainerInspect, EngineError } from "../engine.ts";
import type {
  AttachOptions,
  ContainerStats,
  EngineIo,
  EngineStream,
  ExecOptions,
  ExecState,
  LogOptions,
  OutputChunk,
} from "../engine-io.ts";

export interface LogEntry extends OutputChunk {
  /** RFC 3339 with nine digits. */
  time: string;
}
export interface FakeContainer {
  inspect: ContainerInspect;
  logs: string[];
  entries: LogEntry[];
  /** Counters that `stats` shows. */
  used: ContainerStats;
}

/** A process in a container. */
export interface FakeProcess {
  readonly args: readonly string[];
  readonly options: ExecOptions;
  readonly stdin: AsyncIterable<Buffer>;
  out(text: string | Buffer): Promise<void>;
  err(text: string): Promise<void>;
  /** Aborted when it is killed. */
  readonly killed: AbortSignal;
}
/** Answers the exit code. */
export type FakeProgram = (p: FakeProcess) => Promise<number>;

const PROGRAMS: Record<string, FakeProgram> = {
  true: async () => 0,
  false: async () => 1,
  async echo(p) {
    await p.out(`${p.args.join(" ")}\n`);
    return 0;
  },
  async cat(p) {
    for await (const chunk of p.stdin) await p.out(chunk);
    return 0;
  },
  /** Knows one script: where and as whom it runs. */
  async sh(p) {
    const { env, workingDir, user } = p.options;
    await p.out(`${env?.["A"]} ${workingDir} ${user}\n`);
    return 0;
  },
  async ls(p) {
    await p.err(`ls: ${p.args[0]}: No such file or directory\n`);
    return 1;
  },
  async yes(p) {
    const lines = Buffer.from("y\n".repeat(4096));
    while (!p.killed.aborted) await p.out(lines);
    return 129;
  },
  sleep: (p) => new Promise((resolve) => p.killed.addEventListener("abort", () => resolve(129), { once: true })),
};

interface Exec extends ExecState {
  container: string;
  size?: [number, number];
  kill(): void;
}

export abstract class FakeIo implements EngineIo {
  /** By name, besides those there are. */
  readonly programs = new Map<string, FakeProgram>(Object.entries(PROGRAMS));
  readonly execs = new Map<string, Exec>();
  /** Connections that are open. */
  open = 0;
  /** Chunks that were taken from a connection. */
  taken = 0;
  private readonly followers = new Map<string, Set<() => void>>();
  private readonly attached = new Map<string, Set<(chunk: OutputChunk | undefined) => void>>();
  private execCount = 0;

  protected abstract find(container: string): FakeContainer;
  protected abstract enter(operation: string, target?: string): Promise<void>;
  protected abstract clock(): Env;

  /** The container writes a line (or part of one). */
  write(container: string, text: string, from: OutputChunk["from"] = "out"): void {
    const c = this.find(container);
    const time = new Date(this.clock().now()).toISOString().replace("Z", "000000Z");
    const chunk = { from, data: Buffer.from(text) };
    c.entries.push({ ...chunk, time });
    c.logs.push(text.trimEnd());
    this.wake(c.inspect.Id);
    for (const fn of this.attached.get(c.inspect.Id) ?? []) fn(chunk);
  }
  /** The container has ended or is gone: what reads from it ends. */
  protected hangUp(id: string): void {
    this.wake(id);
    for (const fn of this.attached.get(id) ?? []) fn(undefined);
    for (const exec of this.execs.values()) if (exec.container === id) exec.kill();
  }

  async openLogs(container: string, o: LogOptions): Promise<EngineStream> {
    await this.enter("logs");
    const c = this.find(container);
    const within = (e: LogEntry): boolean =>
      (o.since === undefined || padded(e.time) >= padded(o.since)) && (o.until === undefined || padded(e.time) <= padded(o.until));
    const shown = (e: LogEntry): OutputChunk => ({
      from: o.tty ? "out" : e.from,
      data: o.timestamps ? Buffer.concat([Buffer.from(`${e.time} `), e.data]) : e.data,
    });
    const past = c.entries.filter(within);
    let next = c.entries.length;
    const first = o.tail === undefined ? past : past.slice(past.length - Math.min(o.tail, past.length));
    const runs = (): boolean => this.has(c.inspect.Id) && ["running", "paused"].includes(c.inspect.State.Status);
    return this.stream(async function* (this: FakeIo, closed: AbortSignal) {
      for (const e of first) yield shown(e);
      while (o.follow && !closed.aborted) {
        for (; next < c.entries.length; next++) yield shown(c.entries[next]!);
        if (!runs()) return;
        await this.changed(c.inspect.Id, closed);
      }
    });
  }

  async exec(container: string, o: ExecOptions): Promise<{ id: string; stream: EngineStream }> {
    await this.enter("exec");
    const { inspect: i } = this.find(container);
    if (i.State.Status === "paused")
      throw new EngineError("conflict", `Container ${i.Id} is paused, unpause the container before exec`, "exec", { status: 409 });
    if (i.State.Status !== "running") throw new EngineError("conflict", `Container ${i.Id} is not running`, "exec", { status: 409 });
    const id = `exec-${++this.execCount}`;
    const dead = new AbortController();
    const exec: Exec = { container: i.Id, running: true, exitCode: 0, pid: 1000 + this.execCount, kill: () => dead.abort() };
    this.execs.set(id, exec);
    const [name = "", ...args] = o.command;
    const program = this.programs.get(name);
    const stdin = new PassThrough();
    const chunks = new PassThrough({ objectMode: true, highWaterMark: 2 });
    const gone = new Promise<void>((resolve) => {
      dead.signal.addEventListener("abort", () => resolve(), { once: true });
      chunks.once("close", () => resolve());
    });
    const put = async (from: OutputChunk["from"], data: string | Buffer): Promise<void> => {
      if (dead.signal.aborted || chunks.destroyed) return;
      if (chunks.write({ from: o.tty ? "out" : from, data: Buffer.from(data) })) return;
      await Promise.race([new Promise((resolve) => chunks.once("drain", resolve)), gone]);
    };
    const run = async (): Promise<number> => {
      if (!program) {
        exec.pid = 0;
        await put("out", `OCI runtime exec failed: exec failed: exec: "${name}": executable file not found in $PATH: unknown\r\n`);
        return 126;
      }
      return program({ args, options: o, stdin, out: (t) => put("out", t), err: (t) => put("err", t), killed: dead.signal });
    };
    void run().then((code) => {
      Object.assign(exec, { running: false, exitCode: code });
      chunks.end();
    });
    const stream = this.stream(async function* () {
      for await (const chunk of chunks) yield chunk as OutputChunk;
    }, stdin);
    const close = (): void => {
      stream.close();
      stdin.end();
      chunks.destroy();
    };
    return { id, stream: { ...stream, close } };
  }
  async inspectExec(exec: string): Promise<ExecState> {
    await this.enter("inspect exec");
    const { running, exitCode, pid } = this.anExec(exec);
    return { running, exitCode, pid };
  }
  async resizeExec(exec: string, width: number, height: number): Promise<void> {
    await this.enter("resize");
    this.anExec(exec).size = [width, height];
  }

  async attach(container: string, _options: AttachOptions): Promise<EngineStream> {
    await this.enter("attach");
    const { inspect: i } = this.find(container);
    const chunks = new PassThrough({ objectMode: true });
    const listener = (chunk: OutputChunk | undefined): void => void (chunk ? chunks.write(chunk) : chunks.end());
    const listeners = this.attached.get(i.Id) ?? new Set();
    this.attached.set(i.Id, listeners.add(listener));
    chunks.once("close", () => listeners.delete(listener));
    const stream = this.stream(async function* () {
      for await (const chunk of chunks) yield chunk as OutputChunk;
    });
    const close = (): void => {
      stream.close();
      chunks.destroy();
    };
    return { ...stream, close };
  }
  async resize(container: string): Promise<void> {
    await this.enter("resize");
    this.find(container);
  }
  async stats(container: string): Promise<ContainerStats | undefined> {
    await this.enter("stats");
    const { inspect, used } = this.find(container);
    return inspect.State.Status === "running" || inspect.State.Status === "paused" ? { ...used } : undefined;
  }

  private has(id: string): boolean {
    try {
      return this.find(id) !== undefined;
    } catch {
      return false;
    }
  }
  private anExec(id: string): Exec {
    const found = this.execs.get(id);
    if (!found) throw new EngineError("notFound", `No such exec instance: ${id}`, "inspect exec", { status: 404 });
    return found;
  }
  private wake(id: string): void {
    for (const fn of [...(this.followers.get(id) ?? [])]) fn();
  }
  private changed(id: string, signal: AbortSignal): Promise<void> {
    const waiting = this.followers.get(id) ?? new Set();
    this.followers.set(id, waiting);
    return new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
  private stream(
    from: (this: FakeIo, closed: AbortSignal) => AsyncGenerator<OutputChunk>,
    input: Writable = new PassThrough().resume(),
  ): EngineStream {
    const closing = new AbortController();
    let over = false;
    this.open++;
    const end = (): void => {
      if (!over) this.open--;
      over = true;
      closing.abort();
    };
    async function* output(this: FakeIo): AsyncGenerator<OutputChunk> {
      try {
        for await (const chunk of from.call(this, closing.signal)) {
          if (closing.signal.aborted) return;
          this.taken++;
          yield chunk;
        }
      } catch (error) {
        if (!closing.signal.aborted) throw error;
      } finally {
        end();
      }
    }
    return { output: output.call(this), input, close: end };
  }
}

/** Comparable: always nine digits. */
const padded = (time: string): string => {
  const [, second = "", digits = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${second}.${digits.padEnd(9, "0")}`;
};
