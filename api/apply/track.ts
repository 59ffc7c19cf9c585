// Managed fields of every write that is no apply: whoever changes a field owns it from then on, and nobody else does.
// Source: k8s.io/apimachinery util/managedfields (fieldmanager.go, skipnonapplied.go); structured-merge-diff merge/update.go (Update).
import type { KubeObject, ManagedFieldsEntry } from "../../schemas/meta.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import type { Kind, Problem } from "../kind.ts";
import { invalid } from "../status.ts";
import { compare } from "./compare.ts";
import { difference, EMPTY, isEmpty, union } from "./field-set.ts";
import { decodeManagers, encodeManagers, isReset, keyOf, type ManagerId, type Managers, storedManagers } from "./managers.ts";
import { scopeOf, strip } from "./scope.ts";
import { typeOfSchema } from "./type.ts";

export interface Writer {
  /** From `managerOf`. */
  manager: string;
  /** `status`, `scale`; absent for the object itself. */
  subresource?: string | undefined;
  /** Milliseconds since the epoch. */
  now: number;
}

/** RFC 3339 in whole seconds. */
export const timestamp = (now: number): string => `${new Date(now).toISOString().slice(0, 19)}Z`;

/**
 * `metadata.managedFields` of `after`, which is what will be stored (defaults and all) in place of `before`; absent before: a create.
 * `requested`: what the request itself says of them, if anything; `[]` and `[{}]` forget all managers. Of an object without managers
 * nothing is known, and a write does not begin to: the first apply does.
 * Hand the answer to the store as `managedFields` of the write.
 * @throws ApiError 422 for a `requested` that makes no sense
 */
export function trackUpdate(
  kind: Pick<Kind, "schema" | "status" | "resource" | "finalizers">,
  before: KubeObject | undefined,
  after: KubeObject,
  writer: Writer,
  requested?: unknown,
): ManagedFieldsEntry[] {
  const stored = before?.metadata.managedFields ?? [];
  const known = before && requested !== undefined && requested !== null ? requestedManagers(kind, before, requested) : undefined;
  const managers = known ?? storedManagers(stored);
  if (before && managers.size === 0) return [];
  const next = updated(kind, before ?? {}, after, managers, writer);
  return known === undefined && next === managers ? stored : encodeManagers(next);
}

/** Undefined where the request says nothing new. */
function requestedManagers(kind: Pick<Kind, "resource">, before: KubeObject, requested: unknown): Managers | undefined {
  if (isReset(requested)) return new Map();
  if (JSON.stringify(requested) === JSON.stringify(before.metadata.managedFields)) return undefined;
  const problems: Problem[] = [];
  const managers = decodeManagers(requested, problems);
  if (problems.length > 0) throw invalid(kind.resource, before.metadata.name, problems);
  return managers.size > 0 ? managers : undefined;
}

/** The very `managers` when nothing changes for any of them. */
export function updated(
  kind: Pick<Kind, "schema" | "status" | "resource" | "finalizers">,
  before: object,
  after: object,
  managers: Managers,
  writer: Writer,
): Managers {
  const scope = scopeOf(kind, writer.subresource);
  const { added, modified, removed } = compare(typeOfSchema(kind.schema), scope.part(before), scope.part(after));
  const taken = strip(union(added, modified), kind);
  const lost = union(taken, removed);
  if (isEmpty(lost)) return managers;
  const next = new Map(
    [...managers].flatMap(([key, m]) => {
      const set = difference(m.set, lost);
      return isEmpty(set) ? [] : [[key, { ...m, set }] as const];
    }),
  );
  if (isEmpty(taken)) return next;
  const id: ManagerId = {
    manager: writer.manager,
    operation: "Update",
    apiVersion: apiVersionOf(kind.resource),
    ...(writer.subresource === undefined ? {} : { subresource: writer.subresource }),
  };
  const old = next.get(keyOf(id))?.set ?? EMPTY;
  return next.set(keyOf(id), { ...id, set: union(old, taken), time: timestamp(writer.now) });
}
