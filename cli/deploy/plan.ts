// `steady plan`, and the first half of `steady up`: a dry run on the server, and what it means for the containers.
import { API_VERSION, CLI } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { PlannedContent, StackPlan, StackPlanStatus } from "../../schemas/types.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, usage } from "../errors.ts";
import { type Applied, applyObject } from "../kube/apply.ts";
import { type Client, pathOf } from "../kube/client.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { defaultInputs } from "../manifest/files.ts";
import { type Loaded, loadManifests } from "../manifest/load.ts";
import { contentOf, writePlanFile } from "./plan-file.ts";
import { readSet } from "./set.ts";
import { type ObjectChange, showPlan, type StackChange } from "./show.ts";

export interface Plan {
  stacks: StackChange[];
  objects: ObjectChange[];
  differs: boolean;
}

/** One object as it is and as it would be. */
export interface Foreseen {
  loaded: Loaded;
  result: Applied<KubeObject>["result"];
  before: KubeObject | undefined;
  object: KubeObject;
  /** Of a Stack. */
  plan?: StackPlanStatus;
}

/** `-f`, else COMPOSE_FILE, else the Compose files of this folder. @throws CliError (exit 2) when there is none */
export const inputsOf = (ctx: Context): readonly string[] => {
  const named = ctx.flags.list("file");
  if (named.length > 0) return named;
  return defaultInputs(ctx.io, ctx.flags.list("env-file"));
};

/** Asks the API about each object in a dry run, and about each Stack what its containers would go through. */
export const foresee = async (ctx: Context, { client }: Connection, loaded: readonly Loaded[]): Promise<Foreseen[]> => {
  const { signal } = ctx.io;
  const seen: Foreseen[] = [];
  for (const l of loaded) {
    const applied = await applyObject<KubeObject>(client, l, { dryRun: true, signal });
    const { before, object } = applied;
    // `stringData` is never there when it is read: only the values tell.
    const same = l.manifest.kind === "Secret" && before !== undefined && contentOf(before) === contentOf(object);
    const result = same ? "unchanged" : applied.result;
    seen.push({ loaded: l, result, before, object });
  }
  // Wherever they stand in the files: they are applied first.
  for (const one of seen) {
    if (one.loaded.manifest.kind !== "Stack") continue;
    const { namespace } = one.object.metadata;
    const contents = seen.filter((s) => s.object.metadata.namespace === namespace && s.result !== "unchanged").flatMap(contentsOf);
    one.plan = await planStack(client, one.before, one.object, contents, signal);
  }
  return seen;
};

type Content = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string> };

/** Which keys a ConfigMap or Secret would have, and which of them with other content: what a plan needs to know, without the content. */
const contentsOf = ({ before, object }: Foreseen): PlannedContent[] => {
  const { kind } = object;
  if (kind !== "ConfigMap" && kind !== "Secret") return [];
  const of = (o: Content | undefined): Record<string, string> => ({ ...o?.binaryData, ...o?.data });
  const [was, is] = [of(before), of(object)];
  const keys = Object.keys(is);
  return [{ kind, name: object.metadata.name, keys, changed: keys.filter((k) => was[k] !== is[k]) }];
};

/** @throws ApiError, CliError when the server knows no plans */
export const planStack = async (
  client: Client,
  before: KubeObject | undefined,
  object: KubeObject & { spec?: unknown },
  contents: readonly PlannedContent[],
  signal: AbortSignal,
): Promise<StackPlanStatus> => {
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(before ? { resourceVersion: before.metadata.resourceVersion } : {}),
  };
  const stack = { apiVersion: object.apiVersion, kind: object.kind, metadata, spec: object.spec };
  const body = {
    apiVersion: API_VERSION,
    kind: "StackPlan",
    metadata: { name },
    spec: { stack, ...(contents.length > 0 ? { contents } : {}) },
  };
  for (let tries = 1; ; tries++)
    try {
      const answer = await client.http.json<StackPlan>("POST", pathOf(RESOURCES.stacks, namespace, name, "plan"), { body, signal });
      if (answer.status) return answer.status;
      throw new CliError(EXIT.failed, `the API answered no plan of ${name}`);
    } catch (error) {
      // Its status was written meanwhile: what is asked does not depend on it.
      if (!(error instanceof ApiError && error.reason === "Conflict") || tries >= 5) throw error;
      const now = await client.find(RESOURCES.stacks, namespace, name, signal);
      if (!now || now.metadata.generation !== before?.metadata.generation) throw error;
      metadata.resourceVersion = now.metadata.resourceVersion;
    }
};

export const planFrom = (seen: readonly Foreseen[]): Plan => {
  const stacks: StackChange[] = [];
  const objects: ObjectChange[] = [];
  for (const { loaded, result, plan } of seen) {
    const action = result === "created" ? "create" : result === "configured" ? "change" : "unchanged";
    const { name, namespace = "" } = loaded.manifest.metadata;
    if (plan) stacks.push({ stack: name, namespace, file: loaded.file, action, ...plan });
    else objects.push({ name: `${loaded.resource.singular}/${name}`, action });
  }
  const differs =
    [...stacks, ...objects].some((c) => c.action !== "unchanged") || stacks.some((s) => s.services.some((c) => c.effect !== "unchanged"));
  return { stacks, objects, differs };
};

export const planOf = async (ctx: Context, connection: Connection, loaded: readonly Loaded[]): Promise<Plan> =>
  planFrom(await foresee(ctx, connection, loaded));

export const plan = (ctx: Context): Promise<number> =>
  withClient(ctx, async (connection) => {
    const { flags, io } = ctx;
    const loaded = await loadManifests(io, ctx.err, inputsOf(ctx), {
      namespace: connection.namespace,
      projectName: flags.str("project-name"),
      envFiles: flags.list("env-file"),
      profiles: flags.list("profile"),
    });
    const out = flags.str("out");
    const set = flags.str("set");
    if (out !== undefined && set !== undefined)
      throw usage("--out and --set cannot be mixed", "apply the set as it is: --prune shows what would go");
    if (flags.bool("prune") && set === undefined) throw usage("--prune needs --set NAME");
    const sets = set === undefined ? undefined : await readSet(connection.client, set, connection.namespace, loaded, io.signal);
    const seen = await foresee(ctx, connection, sets?.loaded ?? loaded);
    const found = planFrom(seen);
    if (sets && flags.bool("prune") && sets.set.doomed.length > 0) {
      found.objects.push(
        ...sets.set.doomed.map(({ resource, object }) => ({
          name: `${resource.singular}/${object.metadata.name}`,
          action: "delete" as const,
        })),
      );
      found.differs = true;
    }
    if (out !== undefined) writePlanFile(io.cwd, out, connection.access.server, seen);
    if (flags.str("output") === "json") io.stdout.write(`${JSON.stringify({ v: 1, ...found }, undefined, 2)}\n`);
    else io.stdout.write(showPlan(found.stacks, found.objects, connection.access.context, ctx.out));
    if (out !== undefined) io.stderr.write(`Kept in ${out}. Next: ${CLI} apply ${out}\n`);
    return flags.bool("exit-code") && found.differs ? EXIT.differs : EXIT.ok;
  });
