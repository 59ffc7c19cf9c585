// stacks/plan: what applying a Stack would do to each container. The controller's planner says it; nothing is written.
import { decodeContent, type Objects, withFiles } from "../../controller/files/compile.ts";
import { forecast, OTHER, type Snapshot, UNKNOWN } from "../../controller/forecast/plan.ts";
import { compileStack } from "../../controller/stacks/compile.ts";
import type { Compiled } from "../../controller/stacks/plan.ts";
import { API_VERSION } from "../../schemas/constants.ts";
import type { DesiredPod, NodeInfo, NodeSession, ObservedPod, PodDeletion } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf, RESOURCES } from "../../schemas/resources.ts";
import type { Node, PlannedContent, Stack } from "../../schemas/types.ts";
import { NotFoundError } from "../../store/errors.ts";
import { nodesPrefix, objectPrefix, parseNodeKey, podDeletionsPrefix } from "../../store/keys.ts";
import type { Item, Kv } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { addressed, admit } from "../admission.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { badRequest, conflict, invalid } from "../status.ts";
import { checkAmong } from "./commit.ts";

const PAGE = 5_000;

/** The body is a StackPlan with the Stack in its spec; there need be no such Stack yet. @throws ApiError 400, 409, 422 */
export async function planStack(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace = "", name, signal } = call;
  dryRunOf("CreateOptions", call.query.all("dryRun"));
  const asked = await readObject(call.req);
  const { kind: named = "StackPlan", apiVersion = API_VERSION } = asked;
  const { stack: given, contents: foreseen = [] } = (asked["spec"] ?? {}) as { stack?: unknown; contents?: unknown };
  if (named !== "StackPlan" || apiVersion !== API_VERSION || typeof given !== "object" || given === null || Array.isArray(given))
    throw badRequest(`the body must be a StackPlan of ${API_VERSION} with the Stack in spec.stack`);
  if (!areContents(foreseen)) throw badRequest("spec.contents must be a list of {kind: ConfigMap | Secret, name, keys: […], changed: […]}");

  const stored = await deps.store.get<Stack & KubeObject>(kind.resource, namespace, name).catch((e: unknown) => {
    if (e instanceof NotFoundError) return undefined;
    throw e;
  });
  const body = addressed(kind, given as { [key: string]: unknown }, { apiVersion: apiVersionOf(kind.resource), namespace, name });
  const { resourceVersion } = body["metadata"] as { resourceVersion?: unknown };
  if (resourceVersion && resourceVersion !== stored?.metadata.resourceVersion) throw conflict(kind.resource, name);
  const { object, warnings } = admit(kind, body, { fieldValidation: "Strict", ...(stored ? { old: stored } : {}) });
  await checkAmong(deps, kind, object, stored);
  for (const warning of warnings) call.warn(warning);

  const { world, revisions, deletions, revision } = await lookAround(deps.kv, namespace, name, signal);
  const contents = await contentsOf(deps, namespace, revision, foreseen, signal);
  const compile = (stack: Stack): Compiled => withFiles(compileStack(stack), namespace, contents);
  const status = forecast({ next: object as unknown as Stack, stored, world, revisions, deletions, nowMs: deps.env.now(), compile });
  if ("invalid" in status)
    throw invalid(
      kind.resource,
      name,
      status.invalid.map((message) => ({ field: "spec", message })),
    );
  const metadata = { name, namespace, creationTimestamp: null } as never;
  return { type: "object", code: 200, object: { apiVersion: API_VERSION, kind: "StackPlan", metadata, status } as KubeObject };
}

/** Everything that a plan looks at, as of one revision. */
async function lookAround(
  kv: Kv,
  namespace: string,
  stack: string,
  signal: AbortSignal,
): Promise<{ world: Snapshot; revisions: Item[]; deletions: Set<string>; revision: number }> {
  const records = await all(kv, nodesPrefix, undefined, signal);
  const { revision } = records;
  const objects = await all(kv, objectPrefix(RESOURCES.nodes), revision, signal);
  const history = objectPrefix(RESOURCES.stackrevisions, namespace);
  // They are called `<stack>-<number>`, and ten are kept.
  const revisions = await kv.range(history, { after: `${history}${stack}-`, limit: 100, revision, signal });
  const requests = await all(kv, `${podDeletionsPrefix}${namespace}/`, revision, signal);
  return {
    world: snapshotOf(records.items, objects.items),
    revisions: revisions.items.filter((i) => i.key.startsWith(`${history}${stack}-`)),
    revision,
    deletions: new Set(requests.items.map((i) => (JSON.parse(i.value) as PodDeletion).uid)),
  };
}

function areContents(given: unknown): given is PlannedContent[] {
  const words = (list: unknown): boolean => Array.isArray(list) && list.every((w) => typeof w === "string");
  return (
    Array.isArray(given) &&
    given.every((c: Partial<PlannedContent> | null) => {
      const known = c?.kind === "ConfigMap" || c?.kind === "Secret";
      return known && typeof c.name === "string" && words(c.keys) && words(c.changed);
    })
  );
}

/** Stands for a content that is not sent, and is another than what is stored. */
const FORESEEN = new Uint8Array();

/**
 * ConfigMaps and Secrets of the namespace: what is in them decides which containers are replaced. No value of them is answered.
 * @param foreseen those that would be applied before the Stack
 */
async function contentsOf(
  deps: Deps,
  namespace: string,
  revision: number,
  foreseen: readonly PlannedContent[],
  signal: AbortSignal,
): Promise<Objects> {
  const found = new Map<string, ReturnType<Objects["find"]>>();
  for (const kind of ["ConfigMap", "Secret"] as const) {
    const prefix = objectPrefix(kind === "Secret" ? RESOURCES.secrets : RESOURCES.configmaps, namespace);
    const decode = decodeContent(kind);
    for (const item of (await all(deps.kv, prefix, revision, signal)).items) {
      const id = `${kind}/${item.key.slice(prefix.length)}`;
      try {
        found.set(id, decode(item).items);
      } catch (e) {
        found.set(id, { unreadable: e instanceof Error ? e.message : String(e) });
      }
    }
  }
  for (const { kind, name, keys, changed } of foreseen) {
    const now = found.get(`${kind}/${name}`);
    const stored = now === undefined || "unreadable" in now ? new Map<string, Uint8Array>() : now;
    const then = keys.map((key): [string, Uint8Array] => [key, changed.includes(key) ? FORESEEN : (stored.get(key) ?? FORESEEN)]);
    found.set(`${kind}/${name}`, new Map(then));
  }
  return {
    find: (kind, name) => found.get(`${kind}/${name}`),
    hash: (about, content) => {
      if (content === FORESEEN) return OTHER;
      try {
        if (deps.contentHash) return deps.contentHash(about, content);
      } catch {
        // Said by whoever asks for the Secret itself; another server, which has the key, leads.
      }
      return UNKNOWN;
    },
  };
}

async function all(
  kv: Kv,
  prefix: string,
  revision: number | undefined,
  signal: AbortSignal,
): Promise<{ items: Item[]; revision: number }> {
  const items: Item[] = [];
  let at = revision;
  for (;;) {
    const after = items.at(-1)?.key;
    const page = await kv.range(prefix, {
      limit: PAGE,
      signal,
      ...(at === undefined ? {} : { revision: at }),
      ...(after ? { after } : {}),
    });
    items.push(...page.items);
    at ??= page.revision;
    if (!page.more) return { items, revision: at };
  }
}

function snapshotOf(records: readonly Item[], objects: readonly Item[]): Snapshot {
  const nodes = new Map<
    string,
    { object?: Node; info?: { value: NodeInfo; mod: number }; session?: { value: NodeSession; mod: number } }
  >();
  const part = (node: string): NonNullable<ReturnType<typeof nodes.get>> => nodes.get(node) ?? nodes.set(node, {}).get(node) ?? {};
  const observed = new Map<string, ObservedPod>();
  const desired: { id: string; node: string; value: DesiredPod; mod: number }[] = [];
  for (const { key, value, mod } of records) {
    const where = parseNodeKey(key);
    if (!where) continue;
    if (!("pod" in where)) {
      if (where.kind === "info") part(where.node).info = { value: JSON.parse(value) as NodeInfo, mod };
      else part(where.node).session = { value: JSON.parse(value) as NodeSession, mod };
    } else {
      const id = `${where.node}/${where.namespace}/${where.pod}`;
      if (where.kind === "observed") observed.set(id, JSON.parse(value) as ObservedPod);
      else desired.push({ id, node: where.node, value: JSON.parse(value) as DesiredPod, mod });
    }
  }
  for (const item of objects) {
    const object = decodeObject<Node & KubeObject>(item);
    part(object.metadata.name).object = object;
  }
  const pods = desired.map(({ id, node, value, mod }) => {
    const answer = observed.get(id);
    return { node, desired: value, mod, ...(answer?.uid === value.uid ? { observed: answer } : {}) };
  });
  return { nodes, pods };
}
