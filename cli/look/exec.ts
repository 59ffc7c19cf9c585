// `steady exec`: which pod, and what of this terminal goes there. The protocol is in command-socket.ts.
import { LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import { pathOf } from "../kube/client.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { describe, replicaOf } from "../rollout/replica.ts";
import type { PodObject } from "../rollout/types.ts";
import { COMMAND_PROTOCOL, commandSocket } from "./command-socket.ts";
import { podsOf, type Target, targetOf } from "./target.ts";

export const exec = (ctx: Context, [text, ...command]: readonly string[]): Promise<number> =>
  withClient(ctx, async (c) => {
    const { io, flags } = ctx;
    const stdin = flags.bool("stdin");
    let tty = flags.bool("tty");
    if (tty && stdin && !io.input.isTTY) {
      io.stderr.write(`${ctx.err.dim("standard input is no terminal: going on without one (leave -t out)")}\n`);
      tty = false;
    }
    const pod = await podOf(ctx, c, await targetOf(c, text, io.signal));
    const query = new URLSearchParams({ stdout: "true" });
    // A terminal has one output.
    for (const [name, on] of Object.entries({ stdin, tty, stderr: !tty })) if (on) query.set(name, "true");
    const container = flags.str("container");
    if (container !== undefined) query.set("container", container);
    for (const word of command) query.append("command", word);
    const path = pathOf(RESOURCES.pods, pod.metadata.namespace, pod.metadata.name, "exec");
    const ws = await c.client.http.socket(path, query, COMMAND_PROTOCOL, io.signal).catch((error: unknown) => {
      // Not a matter of flags: what is asked for cannot be had (now).
      if (error instanceof ApiError && error.code === 400) throw new CliError(EXIT.failed, error.message);
      throw error;
    });
    const ended = await commandSocket(ws, io, { stdin, tty });
    if (io.signal.aborted) return EXIT.interrupted;
    if ("exitCode" in ended) return ended.exitCode;
    throw new CliError(EXIT.failed, `${command[0]} in ${replicaOf(pod).name}: ${ended.error}`);
  });

/** The first ready one, or the first that runs. @throws CliError exit 2 (which service?), 5 (none runs) */
const podOf = async (ctx: Context, c: Connection, target: Target): Promise<PodObject> => {
  const pods = await podsOf(c, target, ctx.io.signal);
  const services = [...new Set(pods.map((p) => p.metadata.labels?.[LABELS.service] ?? ""))];
  if (services.length > 1)
    throw usage(`${target.words} has ${services.length} services: which one?`, [services.map((s) => `${target.words}/${s}`).join(", ")]);
  const ready = pods.filter((p) => replicaOf(p).state === "ready");
  const able = ready.length > 0 ? ready : pods.filter((p) => p.status?.containerStatuses?.[0]?.state?.running !== undefined);
  const [first] = able;
  // A pod that was named is asked in any case: the server says what it lacks.
  if (!first && target.pod !== undefined && pods[0]) return pods[0];
  if (!first)
    throw new CliError(EXIT.failed, `no replica of ${target.words} runs in namespace ${c.namespace}`, {
      help: pods.map(replicaOf).map((r) => `${r.name}: ${describe(r)}`),
    });
  if (able.length > 1) {
    const { name, node } = replicaOf(first);
    const words = `in ${name} on ${node}, one of ${able.length} ${ready.length > 0 ? "that are ready" : "that run"}`;
    ctx.io.stderr.write(`${ctx.err.dim(words)}\n`);
  }
  return first;
};
