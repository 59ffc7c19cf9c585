// A kind as it is now, or as it was at a revision that its history still reaches back to: what lists are made of. Nothing is
// kept for a client between two pages of a list; the past is the present without the changes since.
import type { KubeObject } from "../../schemas/meta.ts";
import type { KindView } from "./kind-cache.ts";

/** A part of a kind. */
export interface Scope {
  namespace?: string | undefined;
  /** One object; of a namespaced kind without a namespace, one in each. */
  name?: string | undefined;
}

export interface Snapshot {
  /** In order. */
  ids: readonly string[];
  /** To be asked before anything is awaited: a moment later it answers for another revision. */
  object(id: string): KubeObject | undefined;
}

/** Index of the first that is not before `id`. */
const bound = (ids: readonly string[], id: string): number => {
  let low = 0;
  for (let high = ids.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? "") < id) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * What lies in `scope`, behind `after`. `revision` undefined: now; else as it was then.
 * @returns undefined when the history does not reach back so far
 */
export function snapshotOf(view: KindView, namespaced: boolean, scope: Scope, after?: string, revision?: number): Snapshot | undefined {
  const since = revision === undefined ? [] : view.since(revision);
  if (!since) return undefined;
  // The first change of an object since then tells what it was then.
  const before = new Map<string, KubeObject | undefined>();
  for (const t of since) if (!before.has(t.id)) before.set(t.id, t.old);
  const object = (id: string): KubeObject | undefined => (before.has(id) ? before.get(id) : view.get(id));
  const gone = [...before].filter(([, old]) => old !== undefined).map(([id]) => id);
  const ids = within(view.ids, gone, namespaced, scope, after);
  // What did not exist then is not counted either.
  return { ids: before.size === 0 ? ids : ids.filter((id) => !before.has(id) || before.get(id) !== undefined), object };
}

/** `ids` in order, and `more`, some of which are among them. */
function within(ids: readonly string[], more: readonly string[], namespaced: boolean, scope: Scope, after?: string): readonly string[] {
  const { namespace, name } = scope;
  if (name !== undefined && (namespace !== undefined || !namespaced)) {
    const id = namespaced ? `${namespace}/${name}` : name;
    return after === undefined || id > after ? [id] : [];
  }
  const prefix = namespaced && namespace !== undefined ? `${namespace}/` : "";
  const fits = (id: string): boolean =>
    id.startsWith(prefix) && (name === undefined || id.endsWith(`/${name}`)) && (after === undefined || id > after);
  const found: string[] = [];
  for (let i = bound(ids, after !== undefined && after > prefix ? after : prefix); i < ids.length; i++) {
    const id = ids[i] ?? "";
    if (!id.startsWith(prefix)) break;
    if (fits(id)) found.push(id);
  }
  const known = new Set(more.length > 0 ? found : []);
  const added = more.filter((id) => fits(id) && !known.has(id));
  return added.length === 0 ? found : [...found, ...added].toSorted();
}
