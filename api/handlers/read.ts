// get and list: from the watch cache, once it is not older than what was asked for; from etcd where it is late, or forgot.
import type { KubeObject } from "../../schemas/meta.ts";
import { ExpiredError } from "../../store/errors.ts";
import { idOf } from "../cache/kind-cache.ts";
import { snapshotOf } from "../cache/snapshot.ts";
import type { Answer, Call, Deps } from "../call.ts";
import { encodePosition } from "../continue.ts";
import type { Kind } from "../kind.ts";
import { expired, expiredContinue, notFound, tooNew } from "../status.ts";
import { type At, type ListOptions, listOptionsOf, revisionOf, type Selection } from "./select.ts";

/** How long a client that names a version waits for the cache to have it. */
export const CATCH_UP_MS = 3_000;

/** One object of a call's own, to read and to change; not older than the call. @throws NotFoundError or ApiError 404, UnavailableError */
export async function readOne(
  deps: Deps,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  signal?: AbortSignal,
): Promise<KubeObject> {
  if (kind.reads !== "stored") return seen(deps, kind, namespace, name, { type: "newest" }, signal);
  const object = await deps.store.get<KubeObject>(kind.resource, namespace, name);
  return kind.present?.(object) ?? object;
}

export async function get(deps: Deps, call: Call): Promise<Answer> {
  const revision = revisionOf(call);
  const at: At = revision === undefined ? { type: "newest" } : revision === 0 ? { type: "any" } : { type: "notOlder", revision };
  return { type: "object", code: 200, object: await seen(deps, call.kind, call.namespace, call.name, at, call.signal) };
}

/** Shared with all readers: not to be changed. */
async function seen(
  deps: Deps,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  at: At,
  signal?: AbortSignal,
): Promise<KubeObject> {
  const { cache } = deps;
  const object = (await cached(deps, at, signal))
    ? cache.of(kind).get(kind.resource.namespaced ? `${namespace}/${name}` : name)
    : await cache.store.one(kind, { namespace, name }, signal);
  if (!object) throw notFound(kind.resource, name);
  return object;
}

/** Whether the cache may answer. @throws ApiError 504 for a version that does not exist yet, UnavailableError */
async function cached(deps: Deps, at: At, signal?: AbortSignal): Promise<boolean> {
  const { cache } = deps;
  if (at.type === "any" && cache.ready) return true;
  if (at.type === "any" || at.type === "newest") return cache.fresh(signal);
  if (cache.ready && cache.revision >= at.revision) return true;
  const current = await cache.current();
  if (at.revision > current) throw tooNew(at.revision, current);
  return cache.ready && (await cache.reaches(at.revision, CATCH_UP_MS, signal));
}

type List = Extract<Answer, { type: "list" }>;

/** Takes objects in order until the page is full. */
class Picker {
  readonly items: KubeObject[] = [];
  /** Objects behind the page, those without a match included; undefined while the page is not full. */
  rest: number | undefined;

  constructor(
    private readonly selection: Selection,
    private readonly limit: number | undefined,
  ) {}

  /** `following`: how many come after these. @returns true when no more are needed */
  take<T>(from: readonly T[], object: (of: T) => KubeObject | undefined, following: number): boolean {
    for (const [i, of] of from.entries()) {
      const o = object(of);
      if (!o || !this.selection.matches(o)) continue;
      if (this.items.length === this.limit) {
        this.rest = from.length - i + following;
        return true;
      }
      this.items.push(o);
    }
    return false;
  }
}

/** A list is of one revision, all pages of it, for every kind. @throws ApiError 400, 410, 422, 504, UnavailableError */
export async function list(deps: Deps, call: Call): Promise<List> {
  const o = listOptionsOf(call);
  const pinned = o.at.type === "exact" ? o.at.revision : undefined;
  const picker = new Picker(o.selection, o.limit);
  if (await cached(deps, o.at, call.signal)) {
    // Nothing waits from here to the answer, so that all of it is of one moment.
    const { revision } = deps.cache;
    const at = pinned === revision ? undefined : pinned;
    const snapshot = snapshotOf(deps.cache.of(call.kind), call.kind.resource.namespaced, o.selection.scope, o.after, at);
    if (snapshot) {
      picker.take(snapshot.ids, (id) => snapshot.object(id), 0);
      return answer(o, picker, pinned ?? revision);
    }
  }
  return answer(o, picker, await fromStore(deps, call, o, picker, pinned));
}

/** @returns the revision */
async function fromStore(deps: Deps, call: Call, o: ListOptions, picker: Picker, pinned: number | undefined): Promise<number> {
  const { kind, signal } = call;
  const pageSize = o.limit === undefined ? undefined : Math.max(o.limit + 1, 500);
  const read = { scope: o.selection.scope, after: o.after, revision: pinned, pageSize, signal };
  let revision = pinned ?? 0;
  try {
    for await (const page of deps.cache.store.pages(kind, read)) {
      revision = page.revision;
      if (picker.take(page.objects, (object) => object, page.rest)) break;
    }
  } catch (e) {
    if (!(e instanceof ExpiredError)) throw e;
    if (o.after !== undefined) throw expiredContinue(encodePosition({ revision: undefined, after: o.after }), e);
    throw expired(undefined, e);
  }
  return revision;
}

function answer(o: ListOptions, picker: Picker, revision: number): List {
  const { items, rest } = picker;
  const last = items.at(-1);
  const resourceVersion = String(revision);
  if (rest === undefined || !last) return { type: "list", items, metadata: { resourceVersion } };
  const token = encodePosition({ revision, after: idOf(last) });
  // With a selector nobody knows how many of the rest would match.
  return {
    type: "list",
    items,
    metadata: { resourceVersion, continue: token, ...(o.selection.partial ? {} : { remainingItemCount: rest }) },
  };
}
