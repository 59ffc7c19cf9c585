// `steady plan`, and the first half of `steady up`: a dry run on the server, and what it means for the containers.
import type { KubeObject } from "../../schemas/meta.ts";
import type { Context } from "../command.ts";
import { EXIT } from "../errors.ts";
import { applyObject } from "../kube/apply.ts";
import { type Connection, withClient } from "../kube/connect.ts";
import { defaultInputs } from "../manifest/files.ts";
import { type Loaded, loadManifests } from "../manifest/load.ts";
import { serviceChanges } from "./changes.ts";
import { normalBody } from "./normal.ts";
import { type ObjectChange, showPlan, type StackChange } from "./show.ts";

export interface Plan {
  stacks: StackChange[];
  objects: ObjectChange[];
  differs: boolean;
}

/** `-f`, else COMPOSE_FILE, else the Compose files of this folder. @throws CliError (exit 2) when there is none */
export const inputsOf = (ctx: Context): readonly string[] => {
  const named = ctx.flags.list("file");
  if (named.length > 0) return named;
  return defaultInputs(ctx.io, ctx.flags.list("env-file"));
};

export const planOf = async (ctx: Context, { client }: Connection, loaded: readonly Loaded[]): Promise<Plan> => {
  const stacks: StackChange[] = [];
  const objects: ObjectChange[] = [];
  for (const l of loaded) {
    const { before, object, result } = await applyObject<KubeObject & { spec?: unknown }>(client, l, {
      dryRun: true,
      signal: ctx.io.signal,
    });
    const action = result === "created" ? "create" : result === "configured" ? "change" : "unchanged";
    const { name, namespace = "" } = l.manifest.metadata;
    if (l.manifest.kind !== "Stack") objects.push({ name: `${l.resource.singular}/${name}`, action });
    else {
      const next = normalBody(object, `the change of ${name}`);
      stacks.push({
        stack: name,
        namespace,
        file: l.file,
        action,
        services: serviceChanges(before === undefined ? undefined : normalBody(before, name), next),
      });
    }
  }
  return { stacks, objects, differs: [...stacks, ...objects].some((c) => c.action !== "unchanged") };
};

export const plan = (ctx: Context): Promise<number> =>
  withClient(ctx, async (connection) => {
    const { flags, io } = ctx;
    const loaded = await loadManifests(io, ctx.err, inputsOf(ctx), {
      namespace: connection.namespace,
      projectName: flags.str("project-name"),
      envFiles: flags.list("env-file"),
      profiles: flags.list("profile"),
    });
    const found = await planOf(ctx, connection, loaded);
    if (flags.str("output") === "json") io.stdout.write(`${JSON.stringify({ v: 1, ...found }, undefined, 2)}\n`);
    else io.stdout.write(showPlan(found.stacks, found.objects, connection.access.context, ctx.out));
    return flags.bool("exit-code") && found.differs ? EXIT.differs : EXIT.ok;
  });
