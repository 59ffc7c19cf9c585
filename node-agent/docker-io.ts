// Connections to Docker that stay open: logs, exec, attach. Plain HTTP and upgrades over the engine's socket, each on a connection
// of its own, because docker-modem reads hijacked connections without flow control and cannot close one direction.
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { type Readable, Writable } from "node:stream";
import type { Env } from "../store/env.ts";
import { classify } from "./docker-errors.ts";
import { deframed, statsOf } from "./docker-wire.ts";
import { EngineError } from "./engine.ts";
import type { AttachOptions, EngineIo, EngineStream, ExecOptions, LogOptions, OutputChunk } from "./engine-io.ts";
import { lane } from "./lanes.ts";

export interface DockerIoOptions {
  socketPath: string;
  env: Env;
  /** The version of the Engine API both sides speak. */
  api: () => Promise<string>;
}

/** Until the head of an answer is there. */
const DEADLINE_MS = 10_000;
/** An exec starts a process: on a busy machine that takes seconds. */
const EXEC_DEADLINE_MS = 60_000;
const MAX_ANSWER = 1 << 22;
/** No sequence of keys is to end a session: these are keys that hardly any keyboard sends. An empty text would mean ctrl-p,ctrl-q. */
const NO_DETACH = "ctrl-@,ctrl-^,ctrl-@,ctrl-^,ctrl-@";

interface Ask {
  operation: string;
  method: "GET" | "POST";
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: object;
  upgrade?: boolean;
  deadlineMs?: number;
}
type Opened = { type: "answer"; answer: IncomingMessage } | { type: "upgraded"; socket: Readable & Writable; head: Buffer };

export const dockerIo = ({ socketPath, env, api }: DockerIoOptions): EngineIo => {
  const reads = lane(16);
  const samples = lane(8);

  const dial = async (ask: Ask): Promise<Opened> => {
    const { operation } = ask;
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(ask.query ?? {}))
      if (value !== undefined) query.set(key, typeof value === "boolean" ? String(Number(value)) : String(value));
    const path = `/v${await api()}${ask.path}?${query.toString()}`;
    const body = ask.body && JSON.stringify(ask.body);
    const headers = {
      ...(body === undefined ? {} : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
      ...(ask.upgrade ? { Connection: "Upgrade", Upgrade: "tcp" } : {}),
    };
    const deadlineMs = ask.deadlineMs ?? DEADLINE_MS;
    let cancel = (): void => {};
    try {
      return await new Promise<Opened>((resolve, reject) => {
        const req: ClientRequest = request({ socketPath, method: ask.method, path, headers, agent: false });
        cancel = env.timer(deadlineMs, () =>
          req.destroy(new EngineError("timeout", `no answer from the engine within ${deadlineMs / 1000} s`, operation)),
        );
        req.on("error", reject);
        req.on("upgrade", (_, socket, head) => resolve({ type: "upgraded", socket, head }));
        req.on("response", (answer) => {
          const status = answer.statusCode ?? 0;
          if (status < 300) resolve({ type: "answer", answer });
          else text(answer).then((said) => reject(Object.assign(new Error(said), { statusCode: status, json: parsed(said) })), reject);
        });
        req.end(body);
      });
    } catch (error) {
      throw classify(error, operation);
    } finally {
      cancel();
    }
  };

  const json = async <T>(ask: Ask): Promise<T> => {
    const opened = await dial(ask);
    if (opened.type !== "answer") throw new EngineError("failed", "the engine changed protocols unasked", ask.operation);
    const said = await text(opened.answer).catch((error: unknown) => {
      throw classify(error, ask.operation);
    });
    return (parsed(said) ?? {}) as T;
  };

  const upgrade = async (ask: Ask, tty: boolean): Promise<EngineStream> => {
    const opened = await dial({ ...ask, upgrade: true });
    if (opened.type === "answer") {
      opened.answer.destroy();
      throw new EngineError("failed", "the engine did not open a connection of its own", ask.operation);
    }
    const { socket, head } = opened;
    if (head.length > 0) socket.unshift(head);
    return engineStream(socket, socket, tty, ask.operation);
  };

  return {
    async openLogs(container: string, o: LogOptions) {
      const operation = "logs";
      const opened = await dial({
        operation,
        method: "GET",
        path: `/containers/${encodeURIComponent(container)}/logs`,
        query: {
          stdout: true,
          stderr: true,
          follow: o.follow,
          timestamps: o.timestamps,
          tail: o.tail,
          since: o.since && seconds(o.since),
          until: o.until && seconds(o.until),
        },
      });
      if (opened.type !== "answer") throw new EngineError("failed", "the engine changed protocols unasked", operation);
      return engineStream(opened.answer, nowhere(), o.tty, operation);
    },

    async exec(container: string, o: ExecOptions) {
      const operation = "exec";
      const { Id: id } = await reads(() =>
        json<{ Id: string }>({
          operation,
          method: "POST",
          path: `/containers/${encodeURIComponent(container)}/exec`,
          body: {
            AttachStdin: o.stdin,
            AttachStdout: o.stdout,
            AttachStderr: o.stderr && !o.tty,
            Tty: o.tty,
            Cmd: o.command,
            DetachKeys: NO_DETACH,
            ...(o.user === undefined ? {} : { User: o.user }),
            ...(o.workingDir === undefined ? {} : { WorkingDir: o.workingDir }),
            ...(o.privileged ? { Privileged: true } : {}),
            ...(o.env ? { Env: Object.entries(o.env).map(([k, v]) => `${k}=${v}`) } : {}),
          },
        }),
      );
      const start = { Detach: false, Tty: o.tty };
      const path = `/exec/${encodeURIComponent(id)}/start`;
      return { id, stream: await upgrade({ operation, method: "POST", path, body: start, deadlineMs: EXEC_DEADLINE_MS }, o.tty) };
    },
    async inspectExec(exec) {
      const { Running, ExitCode, Pid } = await reads(() =>
        json<{ Running: boolean; ExitCode: number | null; Pid: number }>({
          operation: "inspect exec",
          method: "GET",
          path: `/exec/${encodeURIComponent(exec)}/json`,
        }),
      );
      // Between its creation and its start an exec is not running and has no exit code.
      return { running: Running || ExitCode === null, exitCode: ExitCode ?? 0, pid: Pid };
    },
    async resizeExec(exec, width, height) {
      const path = `/exec/${encodeURIComponent(exec)}/resize`;
      await json({ operation: "resize", method: "POST", path, query: { w: width, h: height } });
    },

    attach(container: string, o: AttachOptions) {
      const query = { stream: true, stdin: o.stdin, stdout: o.stdout, stderr: o.stderr, detachKeys: NO_DETACH };
      return upgrade(
        { operation: "attach", method: "POST", path: `/containers/${encodeURIComponent(container)}/attach`, query, body: {} },
        o.tty,
      );
    },
    async resize(container, width, height) {
      const path = `/containers/${encodeURIComponent(container)}/resize`;
      await json({ operation: "resize", method: "POST", path, query: { w: width, h: height } });
    },

    stats: (container) =>
      samples(async () =>
        statsOf(
          await json({
            operation: "stats",
            method: "GET",
            path: `/containers/${encodeURIComponent(container)}/stats`,
            // Otherwise the engine takes two samples, a second apart.
            query: { stream: "false", "one-shot": "true" },
          }),
        ),
      ),
  };
};

const engineStream = (source: Readable, input: Writable, tty: boolean, operation: string): EngineStream => {
  let closed = false;
  // The reader sees it, too; without this the process would end of it when nobody reads.
  source.on("error", () => {});
  async function* output(): AsyncGenerator<OutputChunk> {
    try {
      if (tty) for await (const data of source) yield { from: "out", data: data as Buffer };
      else yield* deframed(source as AsyncIterable<Buffer>);
    } catch (error) {
      if (!closed) throw classify(error, operation);
    }
  }
  return {
    output: output(),
    input,
    close: () => {
      closed = true;
      source.destroy();
    },
  };
};

const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() });

/** `1732190143.123456789`: the engine takes nanoseconds in no other form. */
const seconds = (time: string): string => {
  const digits = /\.(\d{1,9})/.exec(time)?.[1] ?? "";
  return `${Math.floor(Date.parse(time) / 1000)}.${digits.padEnd(9, "0")}`;
};

const text = async (answer: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer) {
    length += (part as Buffer).length;
    if (length > MAX_ANSWER) throw new Error(`the engine's answer is longer than ${MAX_ANSWER} bytes`);
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString("utf8");
};

const parsed = (said: string): unknown => {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
};
