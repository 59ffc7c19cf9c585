// The one watch of this process on etcd, shared by every reader: all watches, and all reads of joined kinds.
// One stream over the whole root, because only then do Nodes and Pods, which are joined from several prefixes, change in
// the order of revisions; and because then the cache's revision is the store's, so that a reader can wait for it.
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { KubeObject } from "../../schemas/meta.ts";
import type { Env } from "../../store/env.ts";
import { clusterKey, nodesPrefix, objectPrefix, rootPrefix, tokensPrefix } from "../../store/keys.ts";
import type { Item, Kv } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { type Delta, Reflector } from "../../store/reflector.ts";
import type { Kind } from "../kind.ts";
import { DerivedCache } from "./derived.ts";
import { GroupedCache } from "./grouped.ts";
import { Joins, type Touched } from "./joins.ts";
import { KindCache, type KindView, withRevision } from "./kind-cache.ts";
import { type Decoded, StoreReader } from "./store-reader.ts";

export interface WatchCacheOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  kinds: readonly Kind[];
  /** Transitions kept per kind. */
  history?: number;
}

/** Keys that somebody wants to hear of, besides those that objects are made of. */
interface Follower {
  matches(key: string): boolean;
  fn(key: string, now: Decoded | undefined): void;
}

/** How long a read waits for the cache before etcd answers instead; */
const FRESH_MS = 200;
/** and how long after one has waited in vain, until the cache keeps up again. */
const LATE_MS = 20;

export class WatchCache {
  private readonly caches = new Map<Kind, KindCache>();
  private readonly derived = new Map<Kind, KindView>();
  /** Prefix in etcd → kind, of stored ones. */
  private readonly stored: { prefix: string; kind: Kind }[];
  private readonly joins = new Joins();
  private readonly reflector: Reflector<Decoded>;
  private readonly keyListeners = new Set<(key: string) => void>();
  private readonly followers = new Set<Follower>();
  private readonly resetListeners = new Set<() => void>();
  private highest = 0;
  private loaded = false;
  private running: Promise<void> | undefined;
  private asking: Promise<number> | undefined;
  private asked: Promise<number> | undefined;
  private patience = FRESH_MS;
  private text: { object: KubeObject; text: string } | undefined;
  /** Answers what the cache cannot. */
  readonly store: StoreReader;

  constructor(private readonly o: WatchCacheOptions) {
    for (const kind of o.kinds)
      if (kind.reads === "stored" || kind.reads === "nodes" || kind.reads === "pods") this.caches.set(kind, new KindCache(o.history));
    for (const kind of o.kinds)
      if (kind.derived) {
        const failed = (err: unknown, { metadata: { namespace, name } }: KubeObject): void =>
          o.log.error({ err, resource: kind.resource.resource, namespace, name }, "object cannot be shown as this kind");
        const { from, beside, views } = kind.derived;
        const view = beside
          ? new GroupedCache(this.own(from), views, { view: this.own(beside.kind), belongsTo: beside.belongsTo }, failed)
          : new DerivedCache(this.own(from), (source) => views(source, []), failed);
        this.derived.set(kind, view);
      }
    this.store = new StoreReader(
      o.kv,
      (item) => this.decode(item),
      (kind, id, view, revision) => this.versioned(kind, id, view, revision),
    );
    this.stored = o.kinds.filter((k) => k.reads === "stored").map((kind) => ({ prefix: objectPrefix(kind.resource), kind }));
    this.reflector = new Reflector<Decoded>({
      kv: o.kv,
      env: o.env,
      log: o.log.child({ cache: "api" }),
      prefix: rootPrefix,
      decode: (item) => this.decode(item),
      onDeltas: (deltas, source) => this.apply(deltas, source),
      onState: (state) => {
        if (state.synced && !this.loaded) {
          // Also where the first list was empty, and so told nothing: what came before it is unknown.
          for (const cache of this.caches.values()) cache.forget(this.reflector.revision);
          this.settleVersions(this.reflector.revision);
          this.loaded = true;
        }
        o.log.info({ revision: this.reflector.revision, ...state }, "watch cache state");
      },
    });
  }

  start(signal: AbortSignal): void {
    this.running = this.reflector.run(signal);
  }
  get stopped(): Promise<void> {
    return this.running ?? Promise.resolve();
  }

  /** Everything up to this revision is known here. */
  get revision(): number {
    return this.reflector.revision;
  }
  /** Was complete once: what is served is consistent, if perhaps late. */
  get ready(): boolean {
    return this.loaded;
  }
  /** Complete, and connected. */
  get synced(): boolean {
    return this.reflector.synced;
  }

  of(kind: Kind): KindView {
    return this.derived.get(kind) ?? this.own(kind);
  }

  /** Keys of this stored kind whose present value cannot be read, each with why. They are not in the cache. */
  unreadable(kind: Kind): [key: string, why: string][] {
    const prefix = objectPrefix(kind.resource);
    return [...this.reflector.undecodable].filter(([key]) => key.startsWith(prefix));
  }

  private own(kind: Kind): KindCache {
    const cache = this.caches.get(kind);
    if (!cache) throw new TypeError(`${kind.resource.resource} is not in the cache`);
    return cache;
  }

  /** Told of each key below the tokens' prefix that changed. */
  onToken(fn: (key: string) => void): () => void {
    this.keyListeners.add(fn);
    return () => void this.keyListeners.delete(fn);
  }

  /** Told of each change of a key that matches: its value (parsed) and revision, or undefined for gone. Call it before `start`. */
  follow(matches: (key: string) => boolean, fn: (key: string, now: { mod: number; value: unknown } | undefined) => void): void {
    this.followers.add({ matches, fn });
  }

  /** Told when the store went back in time (a restored backup): revisions that clients hold mean nothing any more. */
  onReset(fn: () => void): () => void {
    this.resetListeners.add(fn);
    return () => void this.resetListeners.delete(fn);
  }

  /**
   * Waits until the cache has reached `revision`.
   * @returns false when it has not in time: the stream is late, or others write to this etcd outside our root
   */
  async reaches(revision: number, withinMs = FRESH_MS, signal?: AbortSignal): Promise<boolean> {
    const until = this.o.env.monotonic() + withinMs;
    while (this.revision < revision) {
      if (this.o.env.monotonic() >= until) return false;
      await this.o.env.sleep(2, signal);
    }
    return true;
  }

  /**
   * The store's revision now: a read at it sees all that was written before this call. Callers share: however many ask at
   * once, one question is on its way and one waits, for an answer that was on its way before may be too old.
   * @throws UnavailableError
   */
  current(): Promise<number> {
    const ask = (): Promise<number> => {
      const asking = this.o.kv.get(clusterKey).then((r) => r.revision);
      this.asking = asking;
      const over = (): void => {
        if (this.asking === asking) this.asking = undefined;
      };
      asking.then(over, over);
      return asking;
    };
    if (!this.asking) return ask();
    const next = (): Promise<number> => {
      this.asked = undefined;
      return ask();
    };
    return (this.asked ??= this.asking.then(next, next));
  }

  /** Waits until the cache is not older than this call. @returns false when it is late: ask `store`. @throws UnavailableError */
  async fresh(signal?: AbortSignal): Promise<boolean> {
    const current = await this.current();
    signal?.throwIfAborted();
    if (!this.ready) return false;
    const kept = await this.reaches(current, this.patience, signal);
    this.patience = kept ? FRESH_MS : LATE_MS;
    return kept;
  }

  /** JSON text of an object. Watchers are told the same one after the other, so that the last is kept. */
  textOf(object: KubeObject): string {
    if (this.text?.object !== object) this.text = { object, text: JSON.stringify(object) };
    return this.text.text;
  }

  private decode(item: Item): Decoded {
    if (item.key.startsWith(tokensPrefix)) return { mod: item.mod, value: undefined };
    const stored = this.stored.find((s) => item.key.startsWith(s.prefix));
    if (stored) {
      const object = decodeObject(item);
      return { mod: item.mod, value: stored.kind.present?.(object) ?? object };
    }
    if (!Joins.owns(item.key)) {
      const followed = [...this.followers].some((f) => f.matches(item.key));
      return { mod: item.mod, value: followed ? JSON.parse(item.value) : undefined };
    }
    return { mod: item.mod, value: item.key.startsWith(nodesPrefix) ? JSON.parse(item.value) : decodeObject(item) };
  }

  /** One revision at a time: a commit that touches two parts of a Pod is one change of the Pod. */
  private apply(deltas: Delta<Decoded>[], source: "list" | "watch"): void {
    for (let from = 0; from < deltas.length; ) {
      const revision = deltas[from]?.revision ?? 0;
      const touched = new Map<string, Touched>();
      for (; from < deltas.length && deltas[from]?.revision === revision; from++) {
        const d = deltas[from];
        if (d) this.applyOne(d, touched);
      }
      for (const t of touched.values()) this.refresh(t, revision);
    }
    if (this.reflector.revision < this.highest) {
      for (const cache of this.caches.values()) cache.reset(this.reflector.revision);
      for (const fn of this.resetListeners) fn();
    }
    this.highest = this.reflector.revision;
    // History before a list is not whole: what happened between was not seen.
    if (source === "list") for (const cache of this.caches.values()) cache.forget(this.reflector.revision);
  }

  private applyOne(d: Delta<Decoded>, touched: Map<string, Touched>): void {
    for (const f of this.followers) if (f.matches(d.key)) f.fn(d.key, d.new);
    const stored = this.stored.find((s) => d.key.startsWith(s.prefix));
    if (stored) {
      this.own(stored.kind).set(d.key.slice(stored.prefix.length), d.new?.value as KubeObject | undefined, d.revision);
      return;
    }
    if (d.key.startsWith(tokensPrefix)) {
      for (const fn of this.keyListeners) fn(d.key);
      return;
    }
    for (const t of this.joins.set(d.key, d.new)) touched.set(`${t.kind} ${t.id}`, t);
  }

  /**
   * A view's version may not go back, though the largest part of it may have gone (a session that ended): what changes now
   * is of this revision. Before the first list is told, nobody has seen a version, and the parts decide.
   */
  private refresh(t: Touched, revision: number): void {
    const kind = this.o.kinds.find((k) => k.reads === t.kind);
    if (!kind) return;
    const cache = this.own(kind);
    const old = cache.objects.get(t.id);
    const view = this.joins.view(t);
    if (!view) return cache.set(t.id, undefined, revision);
    const version = this.loaded ? Math.max(revision, Number(view.metadata.resourceVersion)) : Number(view.metadata.resourceVersion);
    if (old && isDeepStrictEqual(withRevision(old, version), withRevision(view, version))) return;
    cache.set(t.id, withRevision(view, version), revision);
  }

  /**
   * After the first list: what a session left behind has no part that tells when it ended, and somebody may have seen that
   * version from us before a restart. It was not after the list.
   */
  private settleVersions(revision: number): void {
    for (const t of this.joins.disconnected()) {
      const kind = this.o.kinds.find((k) => k.reads === t.kind);
      const view = kind && this.own(kind).get(t.id);
      if (kind && view) this.own(kind).correct(t.id, withRevision(view, revision));
    }
  }

  /** The version of a join that was read past this cache: as here, if it looks as here; and never one that we shall take back. */
  private versioned(reads: "pods" | "nodes", id: string, view: KubeObject, revision: number): KubeObject {
    const kind = this.o.kinds.find((k) => k.reads === reads);
    const known = kind && this.own(kind).get(id);
    const parts = Number(view.metadata.resourceVersion);
    if (!known || Number(known.metadata.resourceVersion) > revision) return view;
    const version = Math.max(parts, Number(known.metadata.resourceVersion));
    if (isDeepStrictEqual(withRevision(known, version), withRevision(view, version))) return withRevision(view, version);
    return withRevision(view, Math.max(version, Math.min(revision, this.revision + 1)));
  }
}
