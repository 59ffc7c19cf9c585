// Who owns whom, by `metadata.ownerReferences`: all that a garbage collector needs to know of an object, and an index of it.
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../../schemas/constants.ts";
import type { KubeObject, OwnerReference } from "../../schemas/meta.ts";
import { apiVersionOf, COLLECTED, type Resource } from "../../schemas/resources.ts";
import { objectKey, parseObjectKey } from "../../store/keys.ts";
import type { Item } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";

/** An object without its content: what it says stays in etcd. Members that would be empty are absent. */
export interface Owned {
  uid: string;
  deleting?: true;
  /** Only the collector's own two. */
  finalizers?: readonly string[];
  owners?: readonly OwnerReference[];
}

const OURS: readonly string[] = [FOREGROUND_FINALIZER, ORPHAN_FINALIZER];

export const ownedOf = ({ metadata: m }: KubeObject): Owned => {
  const finalizers = m.finalizers?.filter((f) => OURS.includes(f)) ?? [];
  const owners = m.ownerReferences ?? [];
  return {
    uid: m.uid,
    ...(m.deletionTimestamp === undefined ? {} : { deleting: true }),
    ...(finalizers.length > 0 ? { finalizers } : {}),
    ...(owners.length > 0 ? { owners } : {}),
  };
};
/** @throws SyntaxError or TypeError on what is no object of ours */
export const decodeOwned = (item: Item): Owned => ownedOf(decodeObject<KubeObject>(item));

/** What the planner looks at. */
export interface OwnerView {
  get(key: string): Owned | undefined;
  /** Where the object with this uid lies. */
  keyOf(uid: string): string | undefined;
  /** Keys of all that name this uid as an owner. */
  naming(uid: string): Iterable<string>;
}

const BY_KIND = new Map<string, Resource>(COLLECTED.map((r) => [`${apiVersionOf(r)} ${r.kind}`, r]));

/** `unknown`: of a kind that is not stored here, so that nobody can say whether it exists. `misplaced`: where no owner may be. */
export type OwnerPlace = { key: string } | "unknown" | "misplaced";

/** Where the owner of the object at `key` must lie: in the same namespace, or in cluster scope. */
export const ownerPlace = (key: string, ref: OwnerReference): OwnerPlace => {
  const resource = BY_KIND.get(`${ref.apiVersion} ${ref.kind}`);
  if (!resource || ref.name === "" || ref.name.includes("/")) return "unknown";
  const namespace = parseObjectKey(key)?.namespace;
  if (!resource.namespaced) return { key: objectKey(resource, undefined, ref.name) };
  return namespace === undefined ? "misplaced" : { key: objectKey(resource, namespace, ref.name) };
};

/** Does the collector have anything to look at? */
export const concerns = (object: Owned): boolean =>
  object.owners !== undefined || (object.deleting === true && object.finalizers !== undefined);

export class OwnerGraph implements OwnerView {
  private readonly objects = new Map<string, Owned>();
  private readonly byUid = new Map<string, string>();
  private readonly byOwner = new Map<string, Set<string>>();

  get(key: string): Owned | undefined {
    return this.objects.get(key);
  }
  keyOf(uid: string): string | undefined {
    return this.byUid.get(uid);
  }
  naming(uid: string): Iterable<string> {
    return this.byOwner.get(uid) ?? [];
  }
  keys(): IterableIterator<string> {
    return this.objects.keys();
  }

  /** @returns keys of the objects that should be looked at again */
  set(key: string, now: Owned | undefined): Set<string> {
    const before = this.objects.get(key);
    const touched = new Set<string>();
    if (before) {
      if (this.byUid.get(before.uid) === key) this.byUid.delete(before.uid);
      for (const { uid } of before.owners ?? []) this.unname(uid, key);
    }
    if (now) {
      this.objects.set(key, now);
      this.byUid.set(now.uid, key);
      for (const { uid } of now.owners ?? []) this.byOwner.set(uid, (this.byOwner.get(uid) ?? new Set<string>()).add(key));
      if (concerns(now)) touched.add(key);
    } else this.objects.delete(key);
    if (fate(before) !== fate(now))
      for (const uid of new Set([before?.uid, now?.uid])) if (uid !== undefined) for (const k of this.naming(uid)) touched.add(k);
    // Owners that wait for it to go, or to let go of them; and those that wait for them in turn, when it is a circle.
    for (const { uid } of before?.owners ?? []) {
      const owner = this.keyOf(uid);
      if (owner !== undefined && this.get(owner)?.deleting) touched.add(owner);
    }
    for (const { uid } of now?.owners ?? []) {
      const owner = this.keyOf(uid);
      if (owner !== undefined && this.get(owner)?.deleting) touched.add(owner);
    }
    return touched;
  }

  private unname(uid: string, key: string): void {
    const keys = this.byOwner.get(uid);
    keys?.delete(key);
    if (keys?.size === 0) this.byOwner.delete(uid);
  }
}

/** What those that it owns have to know of it. */
const fate = (o: Owned | undefined): string => (o ? `${o.uid} ${o.deleting ?? ""} ${o.finalizers?.join() ?? ""}` : "");
