// What becomes of one object, given its owners and what it owns. Pure. Source: Kubernetes, "Garbage Collection" and "Owners and Dependents".
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../../schemas/constants.ts";
import type { OwnerReference } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { objectKey, parseObjectKey } from "../../store/keys.ts";
import { type Owned, ownerPlace, type OwnerView } from "./owners.ts";

export type GarbageStep =
  /** `foreground`: what it owns goes first, since its own owner waits for all of that. */
  | { type: "delete"; foreground: boolean; owners: readonly OwnerReference[] }
  /** Take the references to these owners away. */
  | { type: "release"; owners: readonly OwnerReference[] }
  /** All is done that the finalizer asked for. */
  | { type: "finish"; finalizer: string };

export interface GarbagePlan {
  step?: GarbageStep;
  /** Owners named that exist, but not where an owner of this object may be. It is left alone. */
  misplaced: readonly OwnerReference[];
}

/**
 * What is known of an owner. `gone`: no object of that uid at its place; another one of its name does not count.
 * `waiting`: it is being deleted, after all that it owns. `orphaning`: it is being deleted, and what it owns stays.
 */
type OwnerState = "living" | "gone" | "waiting" | "orphaning" | "unknown" | "misplaced";

const stateOf = (view: OwnerView, key: string, ref: OwnerReference): OwnerState => {
  const place = ownerPlace(key, ref);
  if (typeof place === "string") return place;
  const owner = view.get(place.key);
  if (owner?.uid !== ref.uid) return view.keyOf(ref.uid) === undefined ? "gone" : "misplaced";
  if (has(owner, ORPHAN_FINALIZER)) return "orphaning";
  return has(owner, FOREGROUND_FINALIZER) ? "waiting" : "living";
};

export const planObject = (view: OwnerView, key: string): GarbagePlan => {
  const object = view.get(key);
  if (!object) return { misplaced: [] };
  const owners = (object.owners ?? []).map((ref) => ({ ref, state: stateOf(view, key, ref) }));
  const refs = (...states: OwnerState[]): OwnerReference[] => owners.filter((o) => states.includes(o.state)).map((o) => o.ref);
  const misplaced = refs("misplaced");
  const plan = (step?: GarbageStep): GarbagePlan => ({ misplaced, ...(step ? { step } : {}) });

  const orphaned = refs("orphaning");
  if (orphaned.length > 0) return plan({ type: "release", owners: orphaned });
  if (object.deleting) {
    if (has(object, ORPHAN_FINALIZER))
      return plan(dependents(view, key, object).length === 0 ? { type: "finish", finalizer: ORPHAN_FINALIZER } : undefined);
    if (has(object, FOREGROUND_FINALIZER) && !blockers(view, key, object).some((b) => !leadsTo(view, b, key)))
      return plan({ type: "finish", finalizer: FOREGROUND_FINALIZER });
    return plan();
  }
  const lost = refs("gone", "waiting");
  if (lost.length === 0) return plan();
  // Of an owner that nobody here can see, nobody here can say that it is gone.
  if (lost.length < owners.length || protects(key)) return plan({ type: "release", owners: lost });
  if (terminating(view, key)) return plan();
  const foreground = refs("waiting").length > 0 && !object.finalizers?.includes(ORPHAN_FINALIZER);
  return plan({ type: "delete", foreground: foreground && dependents(view, key, object).length > 0, owners: lost });
};

/** Of all objects, by key; those of which nothing is to be done are absent. */
export const planGarbage = (view: OwnerView, keys: Iterable<string>): Map<string, GarbageStep> => {
  const steps = new Map<string, GarbageStep>();
  for (const key of keys) {
    const { step } = planObject(view, key);
    if (step) steps.set(key, step);
  }
  return steps;
};

const has = (o: Owned, finalizer: string): boolean => o.deleting === true && o.finalizers?.includes(finalizer) === true;

/** What names the object as its owner, from where it may. An object that owns itself holds up nobody. */
const dependents = (view: OwnerView, key: string, { uid }: Owned, which: (ref: OwnerReference) => boolean = () => true): string[] =>
  [...view.naming(uid)].filter((k) => k !== key && view.get(k)?.owners?.some((ref) => ref.uid === uid && which(ref) && at(k, ref) === key));
const at = (key: string, ref: OwnerReference): string | undefined => {
  const place = ownerPlace(key, ref);
  return typeof place === "string" ? undefined : place.key;
};
const blockers = (view: OwnerView, key: string, object: Owned): string[] =>
  dependents(view, key, object, (ref) => ref.blockOwnerDeletion === true);

/** Does `from` itself wait, over however many others, for `target`? Then neither holds the other up, or both would stay for ever. */
const leadsTo = (view: OwnerView, from: string, target: string): boolean => {
  const seen = new Set<string>();
  const next = [from];
  for (let key = next.pop(); key !== undefined; key = next.pop()) {
    if (key === target) return true;
    const object = view.get(key);
    if (seen.has(key) || !object || !has(object, FOREGROUND_FINALIZER)) continue;
    seen.add(key);
    next.push(...blockers(view, key, object));
  }
  return false;
};

const DEFAULT_NAMESPACE = objectKey(RESOURCES.namespaces, undefined, "default");
/** What the API would not delete either. */
const protects = (key: string): boolean => key === DEFAULT_NAMESPACE;

/** The namespace loop deletes all that is in it. */
const terminating = (view: OwnerView, key: string): boolean => {
  const namespace = parseObjectKey(key)?.namespace;
  return namespace !== undefined && view.get(objectKey(RESOURCES.namespaces, undefined, namespace))?.deleting === true;
};
