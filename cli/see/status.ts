// `steady status`: each Stack as a tree; again whenever something changes with --watch.
import { LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT } from "../errors.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { Painter } from "../rollout/painter.ts";
import { replicaOf } from "../rollout/replica.ts";
import type { PodObject, StackObject } from "../rollout/types.ts";
import { cut } from "../text/style.ts";
import { nearest as suggest } from "../../schemas/words.ts";
import { stackTree } from "./tree.ts";

export const status = (ctx: Context, [name]: readonly string[]): Promise<number> =>
  withClient(ctx, async (c) => {
    const namespace = ctx.flags.bool("all-namespaces") ? undefined : c.namespace;
    if (!ctx.flags.bool("watch")) {
      const { text, healthy } = await look(ctx, c, namespace, name);
      ctx.io.stdout.write(text);
      return ctx.flags.bool("exit-code") && !healthy ? EXIT.differs : EXIT.ok;
    }
    const { stdout, clock, signal } = ctx.io;
    const painter = stdout.isTTY ? new Painter(stdout) : undefined;
    let before = "";
    try {
      while (!signal.aborted) {
        const { text } = await look(ctx, c, namespace, name);
        if (painter)
          painter.draw(
            text
              .split("\n")
              .slice(0, Math.max(1, stdout.rows - 1))
              .map((line) => cut(line, stdout.columns - 1)),
          );
        else if (ages(text) !== ages(before)) stdout.write(`${before ? "\n" : ""}${text}`);
        before = text;
        await clock.sleep(1000, signal).catch(() => {});
      }
    } finally {
      painter?.end(true);
    }
    return EXIT.interrupted;
  });

/** Without the numbers that change by themselves. */
const ages = (text: string): string => text.replace(/\b\d+(s|m\d\ds|h\d\dm|d)\b/g, "");

const look = async (
  ctx: Context,
  c: Connection,
  namespace: string | undefined,
  name: string | undefined,
): Promise<{ text: string; healthy: boolean }> => {
  const { signal } = ctx.io;
  const stacks = await find(c, namespace, name, signal);
  const labelSelector = name === undefined ? undefined : `${LABELS.stack}=${name}`;
  const pods = stacks.length === 0 ? [] : (await c.client.list<PodObject>(RESOURCES.pods, { namespace, labelSelector }, signal)).items;
  if (ctx.flags.str("output") === "json")
    return {
      text: `${JSON.stringify(
        stacks.map((s) => ({
          stack: s.metadata.name,
          namespace: s.metadata.namespace,
          status: s.status ?? {},
          pods: of(pods, s).map(replicaOf),
        })),
        undefined,
        2,
      )}\n`,
      healthy: healthy(stacks),
    };
  if (stacks.length === 0) return { text: `No stacks${namespace === undefined ? "" : ` in namespace ${namespace}`}.\n`, healthy: true };
  const o = { style: ctx.out, now: ctx.io.clock.now(), all: ctx.flags.bool("all") || name !== undefined };
  const trees = stacks.map((s) => stackTree(s, of(pods, s).map(replicaOf), o));
  return { text: trees.join("\n"), healthy: healthy(stacks) };
};

const of = (pods: readonly PodObject[], s: StackObject): PodObject[] =>
  pods.filter((p) => p.metadata.namespace === s.metadata.namespace && p.metadata.labels?.[LABELS.stack] === s.metadata.name);

const healthy = (stacks: readonly StackObject[]): boolean =>
  stacks.every((s) => s.status?.health === "Healthy" && (s.status.observedGeneration ?? 0) >= (s.metadata.generation ?? 0));

const find = async (
  c: Connection,
  namespace: string | undefined,
  name: string | undefined,
  signal: AbortSignal,
): Promise<StackObject[]> => {
  if (name === undefined) return (await c.client.list<StackObject>(RESOURCES.stacks, { namespace }, signal)).items;
  const stack = await c.client.find<StackObject>(RESOURCES.stacks, namespace ?? c.namespace, name, signal);
  if (stack) return [stack];
  const all = (await c.client.list<StackObject>(RESOURCES.stacks, {}, signal)).items;
  const here = all.filter((s) => s.metadata.namespace === c.namespace).map((s) => s.metadata.name);
  const near = suggest(name, here);
  const elsewhere = all.filter((s) => s.metadata.name === name && s.metadata.namespace !== c.namespace).map((s) => s.metadata.namespace);
  const hint = near ? `. Did you mean: ${near}?` : elsewhere.length > 0 ? `; there is one in ${elsewhere.join(", ")}` : "";
  throw new CliError(EXIT.failed, `no stack ${JSON.stringify(name)} in namespace ${c.namespace}${hint}`);
};
