// pods/eviction: a deletion that waits until the service can do without the pod. `kubectl drain` asks for nothing else.
// Source: Kubernetes, "API-initiated Eviction"; the answers are those that drain knows.
import { replicasOf } from "../../schemas/compose/replicas.ts";
import { sharesNode } from "../../schemas/compose/tied.ts";
import { LABELS } from "../../schemas/constants.ts";
import type { DesiredPod, PodDeletion } from "../../schemas/fleet.ts";
import { checkShape } from "../../schemas/parse.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Eviction, Node, Pod, Stack } from "../../schemas/types.ts";
import { isGlobal, isJob } from "../../schemas/views/template.ts";
import { ConflictError, FencedError, NotFoundError } from "../../store/errors.ts";
import { desiredKey, podDeletionKey, podDeletionsPrefix } from "../../store/keys.ts";
import type { Guard } from "../../store/kv.ts";
import { problemOf } from "../admission.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf, Query } from "../call.ts";
import type { Json } from "../json.ts";
import { ApiError, badRequest, conflict, invalid } from "../status.ts";
import { askForDeletion, checkPreconditions, optionsOf } from "./delete.ts";
import { list, readOne } from "./read.ts";

/** Every attempt that is lost means that another pod of the service went just then. */
const ATTEMPTS = 10;
/** kubectl before 1.22 says v1beta1, for the same thing. */
const VERSIONS: readonly unknown[] = ["policy/v1", "policy/v1beta1"];

const isReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && (pod.status?.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");

export interface Budget {
  /** The pods of the service, the one to evict among them. */
  pods: readonly Pod[];
  /** Uids of pods whose deletion was asked for, but not yet begun. */
  leaving: ReadonlySet<string>;
  /** Undefined: its Stack is gone. */
  stack: Pick<Stack, "spec"> | undefined;
  service: string;
  /** The pods must share a node, and theirs takes no new ones: another can be made elsewhere only when all have left, so that waiting is in vain. */
  together?: boolean;
}

/**
 * Whether the service can do without `pod`, or must: it has but one replica, the pod serves nobody, all must leave together, or another one is ready. Pure.
 * `needs`: the pod that takes over, if it takes one.
 */
export function mayEvict(pod: Pod, { pods, leaving, stack, service, together }: Budget): { allowed: boolean; needs?: Pod } {
  if (!stack || together || !isReady(pod)) return { allowed: true };
  const written = stack.spec.services?.[service] ?? {};
  // Another node runs it anew, to its end.
  if (isJob(written)) return { allowed: true };
  const wanted = isGlobal(written) ? pods.length : replicasOf(written);
  if (wanted <= 1) return { allowed: true };
  const [needs] = pods
    .filter((p) => p.metadata.uid !== pod.metadata.uid && isReady(p) && !leaving.has(p.metadata.uid))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return needs ? { allowed: true, needs } : { allowed: false };
}

const evicted: Answer = {
  type: "status",
  code: 201,
  status: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 },
};

/** No Retry-After: with it, clients try again by themselves and tell nobody why they wait. drain says the message and tries every 5 s. */
const tooMany = (pod: Pod, service: string): ApiError => {
  const stack = pod.metadata.labels?.[LABELS.stack] ?? "";
  const why = `no other pod of the service "${service}" of the Stack "${stack}" is ready, and it has more than one replica`;
  return new ApiError(
    429,
    "TooManyRequests",
    `Cannot evict pod "${pod.metadata.name}" for now: ${why}; it may go when another one is ready`,
    {
      causes: [{ reason: "DisruptionBudget", message: why }],
    },
  );
};

/** The Eviction of the request. @throws ApiError 400, 422 */
async function evictionOf(call: Call): Promise<Eviction> {
  const { apiVersion = "policy/v1", kind = "Eviction", metadata = {}, ...rest } = await readObject(call.req);
  if (!VERSIONS.includes(apiVersion) || kind !== "Eviction")
    throw badRequest(`the body must be an Eviction of policy/v1; got ${JSON.stringify([kind, apiVersion]).slice(0, 100)}`);
  const { value, problems } = checkShape("eviction", { ...rest, apiVersion: "policy/v1", kind, metadata });
  if (problems.length > 0) throw invalid(call.kind.resource, call.name, problems.map(problemOf));
  const eviction = value as Eviction;
  if (eviction.metadata.name && eviction.metadata.name !== call.name)
    throw badRequest(`name in URL does not match name in Eviction object: ${JSON.stringify(eviction.metadata.name)}`);
  return eviction;
}

export async function evict(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace = "", name } = call;
  dryRunOf("CreateOptions", call.query.all("dryRun"));
  const { deleteOptions = {} } = await evictionOf(call);
  const options = optionsOf(call, deleteOptions as { [key: string]: Json });
  for (let attempt = 1; ; attempt++) {
    // Requests first: one that was answered meanwhile shows as a pod that is being deleted.
    const { items: requests } = await deps.kv.range(`${podDeletionsPrefix}${namespace}/`, { signal: call.signal });
    const leaving = new Set(requests.map((r) => (JSON.parse(r.value) as PodDeletion).uid));
    const pod = (await readOne(deps, kind, namespace, name, call.signal)) as Pod;
    checkPreconditions(call, pod, options);
    if (pod.metadata.deletionTimestamp) return evicted;
    const { [LABELS.stack]: owner = "", [LABELS.service]: service = "" } = pod.metadata.labels ?? {};
    const pods = await podsOf(deps, call, owner, service);
    const stack = await deps.store.get<Stack>(RESOURCES.stacks, namespace, owner).catch((e: unknown) => {
      if (e instanceof NotFoundError) return undefined;
      throw e;
    });
    const together = stack !== undefined && sharesNode(stack, service) && (await takesNoMore(deps, pod));
    const { allowed, needs } = mayEvict(pod, { pods, leaving, stack, service, together });
    if (!allowed) throw tooMany(pod, service);
    try {
      const only = needs ? await staying(deps, needs) : {};
      if (only) {
        await askForDeletion(deps, call, pod, options, only);
        return evicted;
      }
    } catch (e) {
      if (!(e instanceof ConflictError || e instanceof FencedError)) throw e;
    }
    if (attempt >= ATTEMPTS) throw conflict(kind.resource, name, "other pods of the service come and go; try again");
  }
}

/** Cordoned, or tainted so that no new pods come. */
async function takesNoMore(deps: Deps, pod: Pod): Promise<boolean> {
  const node = await deps.store.get<Node>(RESOURCES.nodes, undefined, pod.spec?.nodeName ?? "").catch((e: unknown) => {
    if (e instanceof NotFoundError) return undefined;
    throw e;
  });
  return node?.spec?.unschedulable === true || (node?.spec?.taints ?? []).some((t) => t.effect !== "PreferNoSchedule");
}

async function podsOf(deps: Deps, call: Call, stack: string, service: string): Promise<Pod[]> {
  const labelSelector = `${LABELS.stack}=${stack},${LABELS.service}=${service}`;
  const found = await list(deps, { ...call, name: "", query: new Query(new URLSearchParams({ labelSelector })) });
  return found.type === "list" ? (found.items as Pod[]) : [];
}

/**
 * What must hold in etcd so that two evictions at once do not count on each other: nobody has asked for this pod to go, and
 * the controller has not touched it. Undefined: it is going already.
 */
async function staying(
  deps: Deps,
  { metadata: { name, namespace = "", uid }, spec }: Pod,
): Promise<{ unchanged: { key: string; mod: number; value: null }[]; guard: Guard } | undefined> {
  const key = desiredKey(spec?.nodeName ?? "", namespace, name);
  const { item } = await deps.kv.get(key);
  const desired = item ? (JSON.parse(item.value) as DesiredPod) : undefined;
  if (!item || desired?.uid !== uid || desired.deletionTimestamp !== undefined) return undefined;
  return {
    unchanged: [{ key: podDeletionKey(namespace, name), mod: 0, value: null }],
    guard: { key, create: item.create, mod: item.mod },
  };
}
