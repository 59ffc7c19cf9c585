// `steady apply` in its forms: manifests, a plan that was kept, and sets that lose what is no longer in them.
import type { KubeObject } from "../../schemas/meta.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { type Loaded, loadManifests } from "../manifest/load.ts";
import { applyAll, nameOf } from "./apply.ts";
import { baseOf, loadedOf, readPlanFile, staleness } from "./plan-file.ts";
import { foresee } from "./plan.ts";
import { type ApplySet, guardDeletion, readSet, writeSet } from "./set.ts";

export const runApply = (ctx: Context, args: readonly string[]): Promise<number> =>
  withClient(ctx, async (connection) => {
    const { flags } = ctx;
    const [path] = args;
    const files = flags.list("file");
    const set = flags.str("set");
    if (path !== undefined && set !== undefined) throw usage("a plan and --set cannot be mixed");
    if (flags.bool("prune") && set === undefined)
      throw usage("--prune needs --set NAME: only what was applied with that set before may go");
    const loaded = path !== undefined && files.length === 0 ? [] : await load(ctx, connection, files);
    if (path !== undefined) return applyPlan(ctx, connection, path, loaded);
    if (loaded.length === 0) return EXIT.ok;
    return set === undefined ? applyAll(ctx, connection, loaded, flags.str("output")) : applySet(ctx, connection, set, loaded);
  });

const load = ({ io, err, flags }: Context, { namespace }: Connection, files: readonly string[]): Promise<Loaded[]> =>
  loadManifests(io, err, files, {
    namespace,
    projectName: flags.str("project-name"),
    envFiles: flags.list("env-file"),
    profiles: flags.list("profile"),
  });

/** I13: exactly what was planned, or nothing. */
const applyPlan = async (ctx: Context, connection: Connection, path: string, given: readonly Loaded[]): Promise<number> => {
  const { io, flags } = ctx;
  const { client, access } = connection;
  const file = readPlanFile(io.cwd, path);
  if (file.server !== access.server)
    throw new CliError(EXIT.conflict, `the plan was made for ${file.server}, and the context ${access.context} is ${access.server}`);
  const loaded = loadedOf(file, given);
  const left = new Map<string, KubeObject | undefined>();
  for (const o of file.objects)
    if (o.kind === "Secret" && o.action === "unchanged") {
      const live = await client.find(
        { group: "", version: "v1", resource: "secrets", kind: "Secret", namespaced: true },
        o.namespace,
        o.name,
        io.signal,
      );
      left.set(`${o.namespace ?? ""}/${o.name}`, live);
    }
  const seen = await foresee(ctx, connection, loaded);
  const why = staleness(file, seen, left);
  const stale = (lines: readonly string[]): CliError =>
    new CliError(EXIT.conflict, `the plan ${path} is stale, and nothing was done: ${lines.join("; ")}`, { help: "plan again" });
  if (why.length > 0) throw stale(why);
  return applyAll(ctx, connection, loaded, flags.str("output"), {
    expect: (l) => {
      const before = seen.find((s) => s.loaded === l)?.before;
      return (live) => {
        const same = live && before ? live.metadata.uid === before.metadata.uid && baseOf(live) === baseOf(before) : live === before;
        if (!same) throw stale([`${l.manifest.kind} ${l.manifest.metadata.name} was changed just now`]);
      };
    },
  });
};

const applySet = async (ctx: Context, connection: Connection, name: string, given: readonly Loaded[]): Promise<number> => {
  const { io, flags } = ctx;
  const { client, namespace } = connection;
  const { set, loaded } = await readSet(client, name, namespace, given, io.signal);
  const prune = flags.bool("prune");
  const dryRun = flags.bool("dry-run");
  if (prune) guardDeletion(set, flags.int("yes-delete", 0, 100_000));
  if (!dryRun) await writeSet(client, set, loaded, true, io.signal);
  return applyAll(
    ctx,
    connection,
    loaded,
    flags.str("output"),
    prune ? { applied: () => pruneSet(ctx, connection, set, loaded, dryRun) } : {},
  );
};

const pruneSet = async (ctx: Context, { client }: Connection, set: ApplySet, loaded: readonly Loaded[], dryRun: boolean): Promise<void> => {
  const { io, flags } = ctx;
  const output = flags.str("output");
  for (const { resource, object } of set.doomed) {
    const { name, namespace, uid } = object.metadata;
    try {
      // As it was seen: what was made anew meanwhile is somebody's wish.
      await client.delete(resource, namespace, name, { uid, dryRun, signal: io.signal });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    }
    if (output === "name") io.stdout.write(`${nameOf(resource, name)}\n`);
    else if (output === undefined) io.stdout.write(`${nameOf(resource, name)} pruned${dryRun ? " (server dry run)" : ""}\n`);
  }
  if (!dryRun) await writeSet(client, set, loaded, false, io.signal);
};
