// `steady delete`: asks where it matters, deletes, and waits until the last container is gone.
import { CLI, EXTENSION, LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { loadManifests } from "../manifest/load.ts";
import { describe, replicaOf } from "../rollout/replica.ts";
import type { PodObject, StackObject } from "../rollout/types.ts";
import { elapsed } from "../text/style.ts";
import { nearest as suggest } from "../../schemas/words.ts";
import { type Wanted, wantedOf } from "../see/kinds.ts";
import type { Resource } from "../../schemas/resources.ts";

interface Doomed {
  resource: Resource;
  namespace: string | undefined;
  name: string;
  /** Goes with its Stack, and may be gone already. */
  made?: true;
}

export const deleteObjects = (ctx: Context, args: readonly string[]): Promise<number> =>
  withClient(ctx, async (connection) => {
    const doomed = await chosen(ctx, connection, args);
    const volumes = ctx.flags.bool("volumes");
    await consent(ctx, connection, doomed, volumes);
    const waiting: (Doomed & { uid: string | undefined })[] = [];
    let missing = 0;
    for (const d of doomed) {
      if (volumes && d.resource === RESOURCES.stacks) await reclaim(connection, d);
      try {
        const { uid } = await connection.client.delete(d.resource, d.namespace, d.name, { signal: ctx.io.signal });
        waiting.push({ ...d, uid });
      } catch (error) {
        if (!(error instanceof ApiError && error.code === 404)) throw error;
        if (d.made || ctx.flags.bool("ignore-not-found")) continue;
        missing++;
        ctx.io.stderr.write(`error: no ${d.resource.singular} ${JSON.stringify(d.name)}${await nearby(connection, d)}\n`);
      }
    }
    const timeoutMs = ctx.flags.duration("timeout") ?? 600_000;
    const until = timeoutMs > 0 ? ctx.io.clock.monotonic() + timeoutMs : Number.POSITIVE_INFINITY;
    for (const w of waiting) {
      const name = `${w.resource.group ? `${w.resource.singular}.${w.resource.group}` : w.resource.singular}/${w.name}`;
      if (ctx.flags.bool("detach")) {
        ctx.io.stdout.write(`${name} is being deleted\n`);
        continue;
      }
      const code = await gone(ctx, connection, w, until);
      if (code !== EXIT.ok) return code;
      ctx.io.stdout.write(`${name} deleted\n`);
    }
    return missing > 0 ? EXIT.failed : EXIT.ok;
  });

const chosen = async (ctx: Context, c: Connection, args: readonly string[]): Promise<Doomed[]> => {
  const files = ctx.flags.list("file");
  if (files.length > 0) {
    if (args.length > 0) throw usage("names and -f cannot be mixed");
    const loaded = await loadManifests(ctx.io, ctx.err, files, {
      namespace: c.namespace,
      projectName: ctx.flags.str("project-name"),
      envFiles: ctx.flags.list("env-file"),
      profiles: ctx.flags.list("profile"),
    });
    // What was made first goes last.
    return loaded.toReversed().map(({ resource, manifest, madeFor }) => ({
      resource,
      namespace: manifest.metadata.namespace,
      name: manifest.metadata.name,
      ...(madeFor === undefined ? {} : { made: true }),
    }));
  }
  if (args.length === 0)
    throw usage("delete: which one?", [`${CLI} delete shop`, `${CLI} delete shop --volumes`, `${CLI} delete pod/shop-web-0-x7k2q`]);
  return wanted(args).flatMap(({ resource, names }) =>
    names.map((name) => ({ resource, namespace: resource.namespaced ? c.namespace : undefined, name })),
  );
};

/** Bare words are Stacks: `delete shop`; `delete pod x` and `delete pod/x` name another kind. */
const wanted = (args: readonly string[]): Wanted[] => {
  const kinds: readonly Resource[] = Object.values(RESOURCES);
  const first = args[0] ?? "";
  const isKind = kinds.some((r) => [r.resource, r.singular, ...r.shortNames].includes(first));
  if (first.includes("/") || (isKind && args.length > 1)) return wantedOf(args);
  if (args.some((a) => a.includes("/"))) throw usage("KIND/NAME and names of stacks cannot be mixed");
  return [{ resource: RESOURCES.stacks, names: [...args] }];
};

/** Asks on a terminal; volumes hold data, so elsewhere the word --yes is needed. */
const consent = async (ctx: Context, c: Connection, doomed: readonly Doomed[], volumes: boolean): Promise<void> => {
  if (ctx.flags.bool("yes")) return;
  const names = doomed.map((d) => `${d.resource.singular} ${d.name}`).join(", ");
  const what = `${names}${volumes ? " AND ITS VOLUMES WITH ALL THEIR DATA" : ""}`;
  const answer = await ctx.io.ask(`Delete ${what}? (context ${c.access.context}) [y/N] `);
  if (answer === undefined) {
    if (volumes) throw usage("--volumes deletes data: say --yes where nobody can be asked");
    return;
  }
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.conflict, "nothing was deleted");
};

/** I2: volumes go only with consent, which is written into the manifest first. */
const reclaim = async (c: Connection, d: Doomed): Promise<void> => {
  try {
    await c.client.patch(d.resource, d.namespace, d.name, { spec: { [EXTENSION]: { reclaim: "Delete" } } });
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 404)) throw error;
  }
};

const nearby = async (c: Connection, d: Doomed): Promise<string> => {
  const names = (await c.client.list(d.resource, { namespace: d.namespace })).items.map((o) => o.metadata.name);
  const near = suggest(d.name, names);
  return `${d.namespace === undefined ? "" : ` in namespace ${d.namespace}`}${near ? `. Did you mean: ${near}?` : ""}`;
};

/** Until nothing of that uid is left. Says every 10 s what it is waiting for. */
const gone = async (ctx: Context, c: Connection, w: Doomed & { uid: string | undefined }, until: number): Promise<number> => {
  const { clock, signal, stderr } = ctx.io;
  const startedAt = clock.monotonic();
  let saidAt = startedAt;
  let pauseMs = 50;
  for (;;) {
    const live = await c.client.find<StackObject>(w.resource, w.namespace, w.name, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (signal.aborted) {
      stderr.write(`Deletion of ${w.name} continues.\n`);
      return EXIT.interrupted;
    }
    if (!live || (w.uid !== undefined && live.metadata.uid !== w.uid)) return EXIT.ok;
    const now = clock.monotonic();
    if (now >= until) {
      stderr.write(`! ${w.name} is still being deleted after ${elapsed(now - startedAt)}; nothing was cancelled\n${await holders(c, w)}`);
      return EXIT.timeout;
    }
    if (now - saidAt >= 10_000 && ctx.flags.str("progress") !== "quiet") {
      saidAt = now;
      stderr.write(`waiting for ${w.name} (${elapsed(now - startedAt)})\n${await holders(c, w)}`);
    }
    await clock.sleep(Math.min(pauseMs, until - now), signal).catch(() => {});
    pauseMs = Math.min(500, pauseMs * 1.5);
  }
};

const holders = async (c: Connection, w: Doomed): Promise<string> => {
  if (w.resource !== RESOURCES.stacks) return "";
  const pods = await c.client.list<PodObject>(RESOURCES.pods, { namespace: w.namespace, labelSelector: `${LABELS.stack}=${w.name}` });
  return pods.items
    .map(replicaOf)
    .map((r) => `  ${r.name} on ${r.node || "no node"}: ${describe(r)}\n`)
    .join("");
};
