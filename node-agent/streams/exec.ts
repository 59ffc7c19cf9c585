// Processes in containers: exec runs a new one, attach joins the main one. What the client sends is its input, what it writes goes back.
import type { ServerHttp2Stream } from "node:http2";
import type { Logger } from "pino";
import { OUTCOME_TRAILER, type TunnelOutcome } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import type { Engine } from "../engine.ts";
import type { EngineStream } from "../engine-io.ts";
import type { Reach } from "./reach.ts";
import { badRequest } from "./refusal.ts";
import { finish, GoneError, linger, send } from "./send.ts";
import type { Session, Sessions } from "./sessions.ts";
import { mustRun, type Target } from "./target.ts";

interface Parts {
  engine: Engine;
  env: Env;
  log: Logger;
  reach: Reach;
  sessions: Sessions;
}

/** An open process, whichever way it was opened. */
interface Open {
  io: EngineStream;
  resize(width: number, height: number): Promise<void>;
  /** After its output has ended. */
  outcome(): Promise<TunnelOutcome>;
  /** The client has gone: nobody will read or write any more. */
  abandoned(): Promise<void>;
}

/** The engine notices the end of a process a moment after the end of its output. */
const END = { everyMs: 20, atMostMs: 10_000 };
/** From SIGHUP to SIGKILL for the process of a client that has gone. */
const HANGUP_MS = 5_000;
/** A terminal cannot be resized before its process runs. */
const RESIZE = { everyMs: 50, tries: 40 };

/** @throws Refusal before the head is sent */
export const serveProcess = async (
  parts: Parts,
  target: Target,
  how: "exec" | "attach",
  query: URLSearchParams,
  stream: ServerHttp2Stream,
): Promise<void> => {
  const id = query.get("session") ?? "";
  const session = parts.sessions.begin(id);
  try {
    mustRun(target);
    const open = await (how === "exec" ? openExec(parts, target, query) : openAttach(parts, target, query));
    if (stream.destroyed) return await open.abandoned();
    await run(parts, open, session, query.get("stdin") === "1", stream);
  } finally {
    parts.sessions.over(id);
  }
};

const run = async ({ env, log }: Parts, open: Open, session: Session, stdin: boolean, stream: ServerHttp2Stream): Promise<void> => {
  const { io } = open;
  let outcome: TunnelOutcome = {};
  let gone = false;
  const abandon = (): void => {
    gone = true;
    open.abandoned().catch((err: unknown) => log.warn({ err }, "process of a client that has gone could not be ended"));
  };
  stream.once("close", abandon);
  stream.respond({ ":status": 200, "content-type": "application/octet-stream" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => {
    stream.sendTrailers({ [OUTCOME_TRAILER]: ascii(JSON.stringify(outcome)) });
    linger(stream, env);
  });
  io.input.on("error", (err) => log.debug({ err }, "input of a process"));
  if (stdin) stream.pipe(io.input);
  else stream.resume();
  session.resize = resizing(open, session, env);
  if (session.size) void session.resize().catch((err: unknown) => log.debug({ err }, "terminal could not be resized"));
  try {
    for await (const { from, data } of io.output) await send(from === "out" ? stream : await session.stderrStream(), data);
    outcome = await open.outcome();
  } catch (error) {
    if (gone || error instanceof GoneError) return void stream.destroy();
    log.info({ err: error }, "process was cut off");
    outcome = { error: error instanceof Error ? error.message : String(error) };
  } finally {
    stream.off("close", abandon);
    stream.unpipe(io.input);
    stream.resume();
    io.close();
  }
  session.end();
  await finish(stream);
};

/** Waits for the process to begin; of sizes that come meanwhile the last counts. */
const resizing = (open: Open, session: Session, env: Env) => async (): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const { size } = session;
    try {
      return await open.resize(...(size ?? [80, 24]));
    } catch (error) {
      if (tries >= RESIZE.tries || session.size !== size) throw error;
      await env.sleep(RESIZE.everyMs);
    }
  }
};

const openExec = async ({ engine, env, log, reach }: Parts, { pod, inspect }: Target, query: URLSearchParams): Promise<Open> => {
  const command = query.getAll("command");
  if (command.length === 0) throw badRequest("you must specify at least one command for the container");
  const { id, stream: io } = await engine.exec(inspect.Id, { command, ...standard(query), tty: query.get("tty") === "1" });
  const ended = async (withinMs: number): Promise<number | undefined> => {
    for (const until = env.monotonic() + withinMs; ; ) {
      const { running, exitCode } = await engine.inspectExec(id);
      if (!running) return exitCode;
      if (env.monotonic() >= until) return undefined;
      await env.sleep(END.everyMs);
    }
  };
  return {
    io,
    resize: (width, height) => engine.resizeExec(id, width, height),
    outcome: async () => {
      const exitCode = await ended(END.atMostMs);
      return exitCode === undefined ? { error: "the process has closed its output but runs on" } : { exitCode };
    },
    // Docker ends no exec by itself: a process that does not read its input would stay for ever.
    abandoned: async () => {
      io.close();
      for (const signal of ["SIGHUP", "SIGKILL"] as const) {
        if ((await ended(signal === "SIGKILL" ? HANGUP_MS : 0)) !== undefined) return;
        const { pid } = await engine.inspectExec(id);
        const told = await reach.signal(pid, inspect.Id, signal);
        log.info(
          { pod, signal, told },
          told ? "client of exec has gone, its process was told" : "client of exec has gone, its process is not in reach",
        );
        if (!told) return;
      }
    },
  };
};

const openAttach = async ({ engine }: Parts, { pod, inspect }: Target, query: URLSearchParams): Promise<Open> => {
  const tty = inspect.Config.Tty ?? false;
  if (query.get("tty") === "1" && !tty) throw badRequest(`the container of pod ${pod} has no terminal: attach without -t, or use exec -t`);
  const io = await engine.attach(inspect.Id, { ...standard(query), tty });
  // Attached to a container that has just ended the engine would wait for its next start.
  const now = await engine.inspect(inspect.Id).catch(() => undefined);
  if (now?.State.Status !== "running") io.close();
  return {
    io,
    resize: (width, height) => engine.resize(inspect.Id, width, height),
    // As Kubernetes: that what was attached to has ended, however it did, is how an attach ends well.
    outcome: async () => ({ exitCode: 0 }),
    abandoned: async () => io.close(),
  };
};

const standard = (query: URLSearchParams): { stdin: boolean; stdout: boolean; stderr: boolean } => ({
  stdin: query.get("stdin") === "1",
  stdout: query.get("stdout") === "1",
  stderr: query.get("stderr") === "1",
});

/** Headers and trailers carry no other characters. */
const ascii = (json: string): string => json.replaceAll(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
