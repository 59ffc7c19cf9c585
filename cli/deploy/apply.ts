// `steady apply` and the second half of `steady up`: send what differs, then wait until it is so.
import type { Context } from "../command.ts";
import { printObjects } from "../see/print.ts";
import { ApiError, CliError, EXIT } from "../errors.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import type { Resource } from "../../schemas/resources.ts";
import { type Applied, applyObject } from "../kube/apply.ts";
import type { Client } from "../kube/client.ts";
import type { Connection } from "../kube/connect.ts";
import type { Loaded } from "../manifest/load.ts";
import type { ProgressMode } from "../rollout/progress.ts";
import { waitForStacks } from "../rollout/wait.ts";

/** What must be there before what: namespaces first, then what Stacks use. */
const ORDER = ["Namespace", "Node", "Secret", "ConfigMap", "Stack"];

export const nameOf = (r: Resource, name: string): string => `${r.group ? `${r.singular}.${r.group}` : r.singular}/${name}`;

/** What was made of a Compose file's configs and secrets goes with its Stack. */
const ownMade = async (ctx: Context, client: Client, applied: readonly (Applied<KubeObject> & { loaded: Loaded })[]): Promise<void> => {
  for (const { loaded: l, object } of applied) {
    const stack = applied.find(
      (a) =>
        a.loaded.manifest.kind === "Stack" &&
        a.object.metadata.name === l.madeFor &&
        a.object.metadata.namespace === object.metadata.namespace,
    );
    const { ownerReferences: owners = [], name, namespace } = object.metadata;
    if (!stack || owners.some((o) => o.uid === stack.object.metadata.uid)) continue;
    const { apiVersion, kind } = stack.loaded.manifest;
    const owner = { apiVersion, kind, name: stack.object.metadata.name, uid: stack.object.metadata.uid ?? "" };
    await client.patch(l.resource, namespace, name, { metadata: { ownerReferences: [owner] } }, { signal: ctx.io.signal });
  }
};

export interface ApplyOptions {
  /** Asked of each object just before it is written: throws when it is not what it should be. */
  expect?: (loaded: Loaded) => (live: KubeObject | undefined) => void;
  /** Once all are applied, before anything is waited for. Not when one was refused. */
  applied?: () => Promise<void>;
}

/**
 * Applies all, tells each result on stdout (`stack.steadfleet.dev/shop created`; `-o json` and `-o name` likewise) and waits for the Stacks.
 * One object that is refused does not keep the others from being applied; the first refusal decides the exit code.
 */
export const applyAll = async (
  ctx: Context,
  { client }: Connection,
  loaded: readonly Loaded[],
  output: string | undefined,
  o: ApplyOptions = {},
): Promise<number> => {
  const dryRun = ctx.flags.bool("dry-run");
  const applied: (Applied<KubeObject> & { loaded: Loaded })[] = [];
  let refused: unknown;
  for (const l of loaded.toSorted((a, b) => ORDER.indexOf(a.manifest.kind) - ORDER.indexOf(b.manifest.kind)))
    try {
      const result = await applyObject(client, l, { dryRun, signal: ctx.io.signal, ...(o.expect ? { expect: o.expect(l) } : {}) });
      applied.push({ ...result, loaded: l });
      const name = nameOf(l.resource, l.manifest.metadata.name);
      if (output === "name") ctx.io.stdout.write(`${name}\n`);
      else if (output === undefined) ctx.io.stdout.write(`${name} ${result.result}${dryRun ? " (server dry run)" : ""}\n`);
    } catch (error) {
      if (!(error instanceof ApiError) || loaded.length === 1 || error.code === 401) throw error;
      ctx.io.stderr.write(`error: ${nameOf(l.resource, l.manifest.metadata.name)}: ${error.message}\n`);
      refused ??= new CliError(
        error.code === 409 ? EXIT.conflict : error.code === 403 ? EXIT.unreachable : EXIT.usage,
        `${l.file}: not everything was applied`,
      );
    }
  if (!dryRun) await ownMade(ctx, client, applied);
  if (refused === undefined) await o.applied?.();
  let code: number = EXIT.ok;
  const stacks = applied.filter((a) => a.loaded.manifest.kind === "Stack");
  if (stacks.length > 0 && !dryRun && !ctx.flags.bool("detach"))
    code = await waitForStacks(
      client,
      ctx.io,
      stacks.map(({ object: { metadata } }) => ({
        namespace: metadata.namespace ?? "default",
        name: metadata.name,
        generation: metadata.generation ?? 1,
      })),
      { mode: (ctx.flags.str("progress") ?? "auto") as ProgressMode, style: ctx.err, timeoutMs: ctx.flags.duration("timeout") },
    );
  // As the API has them now accepted; the state after the wait is what `steady get` shows.
  if (output === "json" || output === "yaml") {
    const [first, ...more] = applied.map((a) => a.object);
    await printObjects(ctx, output, first && more.length === 0 ? first : { several: applied.map((a) => a.object) });
  }
  if (refused !== undefined) throw refused;
  return code;
};
