// `steady convert`: Compose files become Stacks, Stacks become Compose files.
import { CLI } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import { withClient } from "../kube/connect.ts";
import { inputsOf } from "../deploy/plan.ts";
import { type Loaded, loadManifests } from "../manifest/load.ts";
import { composeOf } from "./to-compose.ts";

export const convert = async (ctx: Context, args: readonly string[]): Promise<number> => {
  const [name] = args;
  if (name === undefined) return convertFiles(ctx);
  if (ctx.flags.list("file").length > 0) throw usage("a name and -f cannot be mixed");
  return withClient(ctx, async ({ client, namespace }) => {
    const stack = await client.find<KubeObject & { spec?: unknown }>(RESOURCES.stacks, namespace, name, ctx.io.signal);
    if (!stack)
      throw new CliError(EXIT.failed, `no stack ${JSON.stringify(name)} in namespace ${namespace}`, { help: `${CLI} get stacks` });
    return printCompose(ctx, [stack]);
  });
};

const convertFiles = async (ctx: Context): Promise<number> => {
  const loaded = await loadManifests(ctx.io, ctx.err, inputsOf(ctx), {
    namespace: ctx.flags.str("namespace") ?? "default",
    projectName: ctx.flags.str("project-name"),
    envFiles: ctx.flags.list("env-file"),
    profiles: ctx.flags.list("profile"),
  });
  const compose = loaded.filter((l) => l.compose).length;
  if (compose > 0 && compose < loaded.length)
    throw usage("Compose files and Stacks cannot be converted together", "convert them one by one");
  if (compose > 0) return printManifests(ctx, loaded);
  const stacks = loaded.filter((l) => l.manifest.kind === "Stack").map((l) => l.manifest as unknown as KubeObject);
  if (stacks.length === 0) throw usage("there is no Stack in it: only Stacks become Compose files");
  return printCompose(ctx, stacks);
};

/** YAML that tools of either version of the language read alike: `no` and `22:22` are quoted. */
const yamlOf = async (value: unknown): Promise<string> =>
  (await import("yaml")).stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });

const printManifests = async (ctx: Context, loaded: readonly Loaded[]): Promise<number> => {
  const explicit = ctx.flags.has("namespace");
  for (const [i, { manifest }] of loaded.entries()) {
    const { namespace: _here, ...metadata } = manifest.metadata;
    // Where it goes is for whoever applies it to say, unless it was said.
    const shown = explicit ? manifest : { ...manifest, metadata };
    ctx.io.stdout.write(`${i > 0 ? "---\n" : ""}${await yamlOf(shown)}`);
  }
  if (loaded.some((l) => l.manifest.kind === "Secret"))
    ctx.io.stderr.write("note: the output holds the values of secrets; keep it as you keep them\n");
  return EXIT.ok;
};

const printCompose = async (ctx: Context, stacks: readonly (KubeObject & { spec?: unknown })[]): Promise<number> => {
  if (stacks.length > 1)
    throw usage(`a Compose file is one Stack, and these are ${stacks.length}: ${stacks.map((s) => s.metadata.name).join(", ")}`);
  for (const stack of stacks) {
    const { body, external } = composeOf(stack);
    ctx.io.stdout.write(await yamlOf(body));
    if (external.length > 0)
      ctx.io.stderr.write(
        `note: ${external.join(", ")} ${external.length === 1 ? "is" : "are"} kept in the cluster; for docker compose, write \`file: …\` in their place\n`,
      );
  }
  return EXIT.ok;
};
