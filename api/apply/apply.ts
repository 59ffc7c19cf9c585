// Server-side apply, decided: what is there and a configuration → the object as it should be and who owns what, or who is in the way.
// Source: Kubernetes, "Server-Side Apply"; structured-merge-diff merge/update.go (Apply); apimachinery util/managedfields.
import { isDeepStrictEqual } from "node:util";
import type { KubeObject, ManagedFieldsEntry } from "../../schemas/meta.ts";
import { apiVersionOf } from "../../schemas/resources.ts";
import type { Json } from "../json.ts";
import type { Kind } from "../kind.ts";
import { compare } from "./compare.ts";
import { type Conflict, ConflictsError } from "./conflicts.ts";
import { difference, EMPTY, equal, type FieldSet, intersection, isEmpty, pathsOf, union } from "./field-set.ts";
import { explained, KUBECTL, withLastApplied } from "./last-applied.ts";
import { BEFORE_FIRST_APPLY, encodeManagers, keyOf, type Manager, type ManagerId, type Managers, storedManagers } from "./managers.ts";
import { merge } from "./merge.ts";
import { type ListProblem, occupied } from "./owned.ts";
import { prune } from "./prune.ts";
import { type Scope, scopeOf, strip } from "./scope.ts";
import { timestamp, updated, type Writer } from "./track.ts";
import { type Type, typeOfSchema } from "./type.ts";

type Fields = { [key: string]: Json };

export interface Applying {
  kind: Pick<Kind, "schema" | "status" | "resource" | "finalizers">;
  /** The whole object that is there; absent: it is to be created. */
  live?: KubeObject | undefined;
  /** What the manager wants: `config` of config.ts. */
  config: Fields;
  writer: Writer;
  /** Takes fields from those who own them. */
  force: boolean;
}

export interface Applied {
  /** Not yet held against the schema; metadata that the server decides is that of `live`. */
  object: Fields;
  managedFields: ManagedFieldsEntry[];
  /** What keeps items of lists in the configuration from being told apart; then nothing else counts. */
  problems: ListProblem[];
}

/** @throws ConflictsError */
export function applyConfig(a: Applying): Applied {
  const { kind, live, writer } = a;
  const scope = scopeOf(kind, writer.subresource);
  const wanted = occupied(typeOfSchema(kind.schema), scope.part(a.config));
  if (wanted.problems.length > 0) return { object: a.config, managedFields: [], problems: wanted.problems };
  const set = strip(wanted.set, kind);
  const stored = live?.metadata.managedFields;
  let known = storedManagers(stored);
  if (live && known.size === 0) known = updated(kind, {}, live, known, { ...writer, manager: BEFORE_FIRST_APPLY });
  const attempt = (force: boolean): Decided => decide({ ...a, force }, scope, known, set);
  let decided: Decided;
  try {
    decided = attempt(a.force);
  } catch (e) {
    if (!(e instanceof ConflictsError) || writer.manager !== KUBECTL || !live) throw e;
    // What kubectl applied itself, from its own side, it may go on to own.
    const left = explained(kind, e.conflicts, live, scope);
    if (left.length > 0) throw new ConflictsError(left);
    decided = attempt(true);
  }
  const { part, managers } = decided;
  const object = scope.whole(live ?? a.config, part);
  return {
    object: writer.manager === KUBECTL ? withLastApplied(object, a.config) : object,
    managedFields: stored && sameManagers(storedManagers(stored), managers) ? [...stored] : encodeManagers(managers),
    problems: [],
  };
}

interface Decided {
  part: Fields;
  managers: Managers;
}

function decide(a: Applying, scope: Scope, known: Managers, set: FieldSet): Decided {
  const { kind, writer } = a;
  const type: Type = typeOfSchema(kind.schema);
  const id: ManagerId = {
    manager: writer.manager,
    operation: "Apply",
    apiVersion: apiVersionOf(kind.resource),
    ...(writer.subresource === undefined ? {} : { subresource: writer.subresource }),
  };
  const key = keyOf(id);
  const last = known.get(key);
  const before = a.live ? scope.part(a.live) : {};
  const config = scope.part(a.config);
  const merged = merge(type, before, config) as Json;
  const others = [...known].filter(([k]) => k !== key);
  // Merged again: a place that is left empty is as the configuration says it (`volumes: {data: }`).
  const part = last ? merge(type, prune(type, merged, last.set, [set, ...others.map(([, m]) => m.set)]), config) : merged;
  const { added, modified, removed } = compare(type, before, part);
  const taken = union(added, modified);
  if (!a.force) refuse(others, taken);
  const lost = union(taken, removed);
  const changed = !isDeepStrictEqual(before, part) || !last || !equal(last.set, set);
  const mine: Manager = { ...id, set, ...(changed ? { time: timestamp(writer.now) } : last.time === undefined ? {} : { time: last.time }) };
  const next = others.map(([k, m]): [string, Manager] => [k, { ...m, set: difference(m.set, lost) }]);
  return { part: part as Fields, managers: new Map([...next, [key, mine] as const].filter(([, m]) => !isEmpty(m.set))) };
}

function refuse(others: readonly [string, Manager][], taken: FieldSet): void {
  const conflicts = others.flatMap(([, m]): Conflict[] => [...pathsOf(intersection(m.set, taken))].map((path) => ({ ...idOf(m), path })));
  if (conflicts.length > 0) throw new ConflictsError(conflicts);
}

const idOf = ({ manager, operation, apiVersion, subresource }: Manager): ManagerId => ({
  manager,
  operation,
  apiVersion,
  ...(subresource === undefined ? {} : { subresource }),
});

const sameManagers = (a: Managers, b: Managers): boolean =>
  a.size === b.size && [...a].every(([key, m]) => m.time === b.get(key)?.time && equal(m.set, b.get(key)?.set ?? EMPTY));
