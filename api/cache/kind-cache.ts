// One kind's objects as they are now, and the last few thousand changes: what watches are served from.
import type { KubeObject } from "../../schemas/meta.ts";

/** One object, before and after one revision. `old` absent: it is new. `new` absent: it is gone. */
export interface Transition {
  revision: number;
  /** `<namespace>/<name>`, or `<name>`. */
  id: string;
  old?: KubeObject;
  new?: KubeObject;
}

export type EventType = "ADDED" | "MODIFIED" | "DELETED";
export interface WatchEvent {
  type: EventType;
  object: KubeObject;
}

export const idOf = (o: KubeObject): string => (o.metadata.namespace ? `${o.metadata.namespace}/${o.metadata.name}` : o.metadata.name);

export const withRevision = <T extends KubeObject>(object: T, revision: number): T =>
  object.metadata.resourceVersion === String(revision)
    ? object
    : { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };

/**
 * What a watcher that sees only what `matches` is told of a change: entering the selection is ADDED, leaving it DELETED.
 * A DELETED carries the last object the watcher knew, with the revision of the change.
 */
export function eventOf(t: Transition, matches: (o: KubeObject) => boolean): WatchEvent | undefined {
  const was = t.old !== undefined && matches(t.old);
  const is = t.new !== undefined && matches(t.new);
  if (is && t.new) return { type: was ? "MODIFIED" : "ADDED", object: t.new };
  if (was && t.old) return { type: "DELETED", object: withRevision(t.old, t.revision) };
  return undefined;
}

/** What readers need of a kind's cache. */
export interface KindView {
  /** By `<namespace>/<name>`, or `<name>`. Of derived kinds it is worked out anew each time: prefer `get` and `ids`. */
  readonly objects: ReadonlyMap<string, KubeObject>;
  get(id: string): KubeObject | undefined;
  /** All of them, in order, which is also etcd's. */
  readonly ids: readonly string[];
  /** Every transition after this revision is known. */
  readonly floor: number;
  /** What happened after `revision`, oldest first; undefined when that is no longer known. */
  since(revision: number): Transition[] | undefined;
  /** Called synchronously, in order of revision. The answer unsubscribes. */
  subscribe(fn: (t: Transition) => void): () => void;
  /** Likewise, for a view that is worked out from this one: it is nobody's open watch. */
  follow(fn: (t: Transition) => void): () => void;
  /** Open watches. */
  readonly watchers: number;
}

export class KindCache implements KindView {
  readonly objects = new Map<string, KubeObject>();
  /** Every transition after this revision is in the ring. */
  floor = 0;
  private ring: Transition[] = [];
  private sorted: readonly string[] | undefined;
  private readonly subscribers = new Set<(t: Transition) => void>();
  private readonly followers = new Set<(t: Transition) => void>();

  constructor(private readonly capacity = 4096) {}

  /** Notes that `id` became `object` (undefined: is gone) at `revision`, and tells the watchers. */
  set(id: string, object: KubeObject | undefined, revision: number): void {
    const old = this.objects.get(id);
    if (!old && !object) return;
    if (!old || !object) this.sorted = undefined;
    if (object) this.objects.set(id, object);
    else this.objects.delete(id);
    // Another object of the same name: two transitions, so that nobody takes the new one for the old one.
    if (old && object && old.metadata.uid !== object.metadata.uid) {
      this.tell({ revision, id, old });
      this.tell({ revision, id, new: object });
    } else this.tell({ revision, id, ...(old ? { old } : {}), ...(object ? { new: object } : {}) });
  }

  get(id: string): KubeObject | undefined {
    return this.objects.get(id);
  }
  get ids(): readonly string[] {
    return (this.sorted ??= [...this.objects.keys()].toSorted());
  }

  /** Before anyone has read it: the same object under another revision. */
  correct(id: string, object: KubeObject): void {
    if (this.objects.has(id)) this.objects.set(id, object);
  }

  /** Forgets history: what came before `revision` cannot be told apart any more. Watchers that are connected stay. */
  forget(revision: number): void {
    this.ring = [];
    this.floor = Math.max(this.floor, revision);
  }

  /** The store went back to `revision`: what was known of later ones is void. */
  reset(revision: number): void {
    this.ring = [];
    this.floor = revision;
  }

  /** What happened after `revision`, oldest first; undefined when that is no longer known. */
  since(revision: number): Transition[] | undefined {
    if (revision < this.floor) return undefined;
    let low = 0;
    for (let high = this.ring.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((this.ring[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.ring.slice(low);
  }

  /** Called synchronously, in order of revision. The answer unsubscribes. */
  subscribe(fn: (t: Transition) => void): () => void {
    this.subscribers.add(fn);
    return () => void this.subscribers.delete(fn);
  }

  follow(fn: (t: Transition) => void): () => void {
    this.followers.add(fn);
    return () => void this.followers.delete(fn);
  }

  get watchers(): number {
    return this.subscribers.size;
  }

  private tell(t: Transition): void {
    this.ring.push(t);
    // Cut in halves rather than one by one; and never within a revision, or a watcher could miss part of one.
    if (this.ring.length > this.capacity * 1.5) {
      let cut = this.ring.length - this.capacity;
      while (cut < this.ring.length && this.ring[cut]?.revision === this.ring[cut - 1]?.revision) cut++;
      this.floor = this.ring[cut - 1]?.revision ?? this.floor;
      this.ring = this.ring.slice(cut);
    }
    for (const fn of [...this.followers, ...this.subscribers]) fn(t);
  }
}
