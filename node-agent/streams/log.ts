// The log of a pod's container. The agent replaces containers and Docker starts the same one again, so the log is that of one
// container through all its runs, and follows it from run to run until it is gone.
import type { ServerHttp2Stream } from "node:http2";
import type { Env } from "../../store/env.ts";
import { type ContainerInspect, type Engine, isEngineError } from "../engine.ts";
import type { LogOptions } from "../engine-io.ts";
import { after, LogText } from "./log-text.ts";
import { badRequest } from "./refusal.ts";
import { finish, send } from "./send.ts";
import type { Target } from "./target.ts";

/** Of a container that has ended and that Docker or the agent will start again. Docker waits at most a minute between two tries. */
const NEXT_RUN = { everyMs: 500, atMostMs: 300_000 };
const NEVER = "0001-01-01T00:00:00Z";

interface Parts {
  engine: Engine;
  env: Env;
}

/** @throws Refusal before the head is sent */
export const serveLog = async (
  { engine, env }: Parts,
  target: Target,
  query: URLSearchParams,
  stream: ServerHttp2Stream,
): Promise<void> => {
  const { inspect } = target;
  const tty = inspect.Config.Tty ?? false;
  const flag = (name: string): boolean => query.get(name) === "1";
  const timestamps = flag("timestamps");
  let left = whole(query, "limitBytes") ?? Infinity;
  const period = flag("previous") ? previousRun(inspect) : {};
  const sinceTime = time(query, "sinceTime");
  const since = [sinceTime, period.since].filter((t) => t !== undefined).toSorted((a, b) => Date.parse(b) - Date.parse(a))[0];
  const follow = flag("follow") && !flag("previous");
  const first: LogOptions = {
    tty,
    follow,
    // To go on behind the last message when the container starts again, and to tell the parts of a line.
    timestamps: follow || timestamps,
    ...defined({ tail: whole(query, "tail"), since, until: period.until }),
  };
  const text = new LogText({ timestamps, tty });
  const gone = new AbortController();
  stream.once("close", () => gone.abort(new Error("the reader went away")));

  const run = async (options: LogOptions, opened: () => void): Promise<void> => {
    const log = await engine.openLogs(inspect.Id, options);
    const close = (): void => log.close();
    if (stream.destroyed) close();
    stream.once("close", close);
    try {
      opened();
      for await (const chunk of log.output) await put(text.add(chunk));
      await put(text.flush());
    } finally {
      stream.off("close", close);
      close();
    }
  };
  const put = async (data: Buffer): Promise<void> => {
    if (data.length === 0) return;
    await send(stream, data.length > left ? data.subarray(0, left) : data);
    left -= Math.min(left, data.length);
    if (left === 0) throw new LimitReached();
  };
  /** An engine that goes away while its log is followed comes back: nextRun waits for it. */
  const throughRestarts = async (running: Promise<void>): Promise<void> => {
    try {
      await running;
    } catch (error) {
      if (!follow || !stream.headersSent || !isEngineError(error, "unavailable", "timeout")) throw error;
    }
  };
  const opened = (): void => {
    if (!stream.headersSent) stream.respond({ ":status": 200, "content-type": "text/plain" });
  };

  try {
    await throughRestarts(run(first, opened));
    let { StartedAt: startedAt } = inspect.State;
    const openedAt = new Date(env.now()).toISOString();
    while (follow && !gone.signal.aborted) {
      const next = await nextRun({ engine, env }, inspect.Id, startedAt, gone.signal);
      if (next === undefined) break;
      // The same run: the connection broke, or the engine has not noticed the end yet. Then not at once again.
      if (next === startedAt) await env.sleep(NEXT_RUN.everyMs, gone.signal).catch(() => {});
      const whereNothingCame = next === startedAt ? openedAt : beginOf(next);
      startedAt = next;
      await throughRestarts(run({ tty, follow, timestamps: true, since: text.last ? after(text.last) : whereNothingCame }, opened));
    }
  } catch (error) {
    if (!(error instanceof LimitReached)) throw error;
  }
  await finish(stream);
};

class LimitReached extends Error {}

/**
 * When the container's next run started; undefined when there is none to come: it is gone, or has ended for good. While it still
 * runs (the connection broke, or Docker has not noticed its end yet) its present run counts.
 */
const nextRun = async ({ engine, env }: Parts, id: string, startedAt: string, signal: AbortSignal): Promise<string | undefined> => {
  const until = env.monotonic() + NEXT_RUN.atMostMs;
  while (!signal.aborted && env.monotonic() < until) {
    try {
      const { State, HostConfig } = await engine.inspect(id);
      if (State.Status === "running" || State.Status === "paused" || State.StartedAt !== startedAt) return State.StartedAt;
      const { Name: policy = "no" } = HostConfig.RestartPolicy ?? {};
      const stays = policy === "no" || policy === "" || (policy === "on-failure" && State.ExitCode === 0);
      if (State.Status !== "restarting" && (stays || State.Status === "removing" || State.Status === "dead")) return undefined;
    } catch (error) {
      if (isEngineError(error, "notFound")) return undefined;
      // A busy or restarting engine: look again.
      if (!isEngineError(error, "unavailable", "timeout")) throw error;
    }
    await env.sleep(NEXT_RUN.everyMs, signal).catch(() => {});
  }
  return undefined;
};

/** Docker notes the start of a run when it has started, and waits at least so long between two runs. */
const BETWEEN_RUNS_MS = 100;
const beginOf = (startedAt: string): string => new Date(Date.parse(startedAt) - BETWEEN_RUNS_MS).toISOString();

/**
 * The container's run before: of one that has ended its last run, as kubectl shows it while a container waits to be started again;
 * of one that runs everything before that (Docker keeps no earlier times). What a run says at its very beginning and end may be a
 * moment outside its times: so the runs part in the middle between them. @throws Refusal 400
 */
const previousRun = ({ State, Name }: ContainerInspect): { since?: string; until?: string } => {
  const { StartedAt, FinishedAt, Status } = State;
  if (Status !== "running" && Status !== "paused" && StartedAt !== NEVER) return { since: beginOf(StartedAt) };
  if (FinishedAt === NEVER || StartedAt === NEVER)
    throw badRequest(
      `previous terminated container not found: ${Name.slice(1)} has not been started again since it was created (a container that was replaced took its log with it)`,
    );
  return { until: new Date((Date.parse(FinishedAt) + Date.parse(StartedAt)) / 2).toISOString() };
};

const whole = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} must be a whole number; got ${JSON.stringify(text.slice(0, 40))}`);
  return Number(text);
};
const time = (query: URLSearchParams, name: string): string | undefined => {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) || Number.isNaN(Date.parse(text)))
    throw badRequest(`${name} must be a time as in RFC 3339; got ${JSON.stringify(text.slice(0, 40))}`);
  if (text.endsWith("Z")) return text;
  return new Date(Date.parse(text)).toISOString();
};
const defined = <T extends object>(o: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined)) as { [K in keyof T]?: Exclude<T[K], undefined> };
