// `steady logs`: the logs of all pods of a target, merged by time; with --follow they go on in follow.ts.
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import { parseDuration } from "../flags.ts";
import { pathOf } from "../kube/client.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import type { PodObject } from "../rollout/types.ts";
import { follow } from "./follow.ts";
import { cutLines, type Line, lineOf, merged } from "./lines.ts";
import { Printer } from "./printer.ts";
import { podsOf, type Target, targetOf } from "./target.ts";

export interface LogOptions {
  tail?: number;
  /** How far back, in milliseconds, or from when. */
  since?: number | string;
  previous: boolean;
}

/** What the commands below work with. */
export interface Reading {
  ctx: Context;
  c: Connection;
  target: Target;
  o: LogOptions;
  printer: Printer;
  /** A line on stderr about a pod. */
  note: (pod: PodObject, message: string) => void;
}

export const logs = (ctx: Context, [text]: readonly string[]): Promise<number> =>
  withClient(ctx, async (c) => {
    const { flags, io } = ctx;
    const o = optionsOf(ctx);
    if (o.previous && flags.bool("follow")) throw usage("--previous has an end: leave --follow out");
    const target = await targetOf(c, text, io.signal);
    const printer = new Printer({
      out: io.stdout,
      style: ctx.out,
      timestamps: flags.bool("timestamps"),
      prefix: !flags.bool("no-prefix"),
      stacks: target.words === "",
    });
    const note = (pod: PodObject, message: string): void => {
      printer.flush();
      io.stderr.write(`${ctx.err.dim(`${printer.nameOf(pod)}: ${message}`)}\n`);
    };
    try {
      const reading: Reading = { ctx, c, target, o, printer, note };
      return await (flags.bool("follow") ? follow(reading) : readOnce(reading));
    } finally {
      printer.flush();
    }
  });

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

const optionsOf = ({ flags }: Context): LogOptions => {
  const tail = flags.str("tail") === "all" ? undefined : flags.int("tail", 0, 1_000_000_000);
  const text = flags.str("since");
  const ms = text === undefined ? undefined : parseDuration(text);
  if (text !== undefined && ms === undefined && (!RFC3339.test(text) || Number.isNaN(Date.parse(text))))
    throw usage(
      `--since: expected a duration such as 90s, 5m or 1h30m, or a time such as 2026-01-31T12:00:00Z; got ${JSON.stringify(text)}`,
    );
  const since = ms ?? text?.toUpperCase();
  return { ...(tail === undefined ? {} : { tail }), ...(since === undefined ? {} : { since }), previous: flags.bool("previous") };
};

type Query = Record<string, string | undefined>;

/** `elapsedMs`: how much later than the command this is, for what counts back from its start. */
export const queryOf = (o: LogOptions, elapsedMs = 0): Query => ({
  tailLines: o.tail?.toString(),
  ...(typeof o.since === "number"
    ? { sinceSeconds: String(Math.max(1, Math.ceil((o.since + elapsedMs) / 1000))) }
    : { sinceTime: o.since }),
  previous: o.previous ? "true" : undefined,
});

/** A pod's log, line by line with times. @throws ApiError, CliError exit 3 (no answer, or it broke off) */
export async function* readLog(c: Connection, pod: PodObject, query: Query, signal: AbortSignal): AsyncGenerator<Line, void> {
  const path = pathOf(RESOURCES.pods, pod.metadata.namespace, pod.metadata.name, "log");
  const chunks = c.client.http.bytes(path, { query: { ...query, timestamps: "true" }, signal });
  for await (const line of cutLines(chunks)) yield lineOf(line);
}

const readOnce = async ({ ctx, c, target, o, printer, note }: Reading): Promise<number> => {
  const { signal } = ctx.io;
  const pods = await podsOf(c, target, signal);
  if (pods.length === 0) {
    ctx.io.stderr.write(`No replicas${target.words ? ` of ${target.words}` : ""} in namespace ${c.namespace}.\n`);
    return EXIT.ok;
  }
  for (const pod of pods) printer.expect(pod);
  const [only, ...others] = pods;
  if (only && others.length === 0) {
    try {
      for await (const line of readLog(c, only, queryOf(o), signal)) printer.print(only, line);
    } catch (error) {
      // Not a matter of flags: there is no such log (yet).
      if (error instanceof ApiError && error.code === 400) throw new CliError(EXIT.failed, error.message);
      throw error;
    }
    return EXIT.ok;
  }
  let read = 0;
  let broken = false;
  const logOf = async function* (pod: PodObject): AsyncGenerator<Line & { pod: PodObject }, void> {
    try {
      for await (const line of readLog(c, pod, queryOf(o), signal)) yield { ...line, pod };
      read++;
    } catch (error) {
      if (signal.aborted || !isOne(error)) throw error;
      note(pod, error.message);
      broken ||= !(error instanceof ApiError && (error.code === 400 || error.code === 404));
    }
  };
  for await (const line of merged(pods.map(logOf))) printer.print(line.pod, line);
  return broken || read === 0 ? EXIT.failed : EXIT.ok;
};

/** Of one pod or its node, so that the others can be read all the same. */
const isOne = (error: unknown): error is ApiError | CliError =>
  (error instanceof ApiError && ![401, 403, 422].includes(error.code)) || error instanceof CliError;
