// list@R, then watch from R, for ever: a cache that equals the store at `revision`, whatever happens to the connection.
// Measured rules that carry the weight (each has a test that fails without it):
//  - progress is the revision of the last event applied, never the store's revision that a message happens to mention;
//  - resume AT that revision and drop what is not newer: at revision+1 a tombstone compacted just there would be lost
//    (etcd issue 18089); at revision the server says "compacted" and we list again;
//  - another cluster id, or a store older than we are, means a restored backup: list again;
//  - a list is compared with the cache and told as ordinary changes, so that consumers see one continuous stream.
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import type { Item, Kv, KvEvent, WatchEnd } from "./kv.ts";
import { linkSignals } from "./signals.ts";

export interface Entry<T> {
  value: T;
  mod: number;
  create: number;
}
/** `old` absent: new key. `new` absent: deleted. `revision`: of the change, or of the list that revealed it. */
export interface Delta<T> {
  key: string;
  old?: T;
  new?: T;
  revision: number;
}
export interface ReflectorOptions<T> {
  kv: Kv;
  env: Env;
  log: Logger;
  /** Ends in "/". */
  prefix: string;
  /** Must throw on what it cannot read: the key then keeps its last good value, and shows up in `undecodable`. */
  decode(item: Item): T;
  /** Whole revisions, in order; the cache is already updated. After a list: how it differs, perhaps in nothing. */
  onDeltas(deltas: Delta<T>[], source: "list" | "watch"): void;
  onState(state: { synced: boolean; reason?: string }): void;
  /** Keys per page of a list. etcd scans the rest of the range for every page, so small pages are slow. */
  pageSize?: number;
}

const PAGE_SIZE = 5_000;
const BACKOFF = { baseMs: 50, maxMs: 2_000, resetAfterMs: 1_000 };

export class Reflector<T> {
  readonly cache = new Map<string, Entry<T>>();
  /** Every change up to this revision is in the cache, and none after it. */
  revision = 0;
  /** The cache was complete when the present connection was made, and that connection stands. */
  synced = false;
  readonly undecodable = new Map<string, string>();
  readonly stats = { lists: 0, watches: 0, events: 0, repeats: 0 };
  private clusterId = "";
  private mustList = true;

  constructor(private readonly o: ReflectorOptions<T>) {}

  /** Runs until aborted. Never throws: whatever fails is tried again, with back-off. */
  async run(signal: AbortSignal): Promise<void> {
    const { env, log } = this.o;
    let attempt = 0;
    while (!signal.aborted) {
      const began = env.monotonic();
      let reason: string;
      try {
        const fresh = this.mustList;
        if (fresh) await this.list(signal);
        reason = await this.watchOnce(fresh, signal);
      } catch (e) {
        // Also permission and other lasting errors: a person may repair them, and then we go on by ourselves.
        reason = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
      }
      if (signal.aborted) break;
      this.setSynced(false, reason);
      if (env.monotonic() - began > BACKOFF.resetAfterMs) attempt = 0;
      const ms = Math.min(BACKOFF.maxMs, BACKOFF.baseMs * 2 ** attempt++) * env.random();
      log.debug({ reason, relist: this.mustList, retryInMs: Math.round(ms) }, "watch ended");
      await env.sleep(ms, signal).catch(() => {});
    }
    this.setSynced(false, "stopped");
  }

  /** Reads all pages at one revision and replaces the cache, unless events have carried it further meanwhile. */
  private async list(signal: AbortSignal): Promise<void> {
    this.stats.lists++;
    const found = new Map<string, Item>();
    let first: { revision: number; clusterId: string } | undefined;
    for (let after: string | undefined; ; ) {
      const page = await this.o.kv.range(this.o.prefix, {
        limit: this.o.pageSize ?? PAGE_SIZE,
        signal,
        ...(after === undefined ? {} : { after }),
        ...(first ? { revision: first.revision } : {}),
      });
      first ??= page;
      if (page.clusterId !== first.clusterId) throw new Error("the cluster changed during a list");
      for (const item of page.items) found.set(item.key, item);
      after = page.items.at(-1)?.key;
      if (!page.more || after === undefined) break;
    }
    if (!this.mustList && this.revision >= first.revision) return;
    const deltas: Delta<T>[] = [];
    for (const key of [...this.cache.keys()]) if (!found.has(key)) this.remove(key, first.revision, deltas);
    for (const key of [...this.undecodable.keys()]) if (!found.has(key)) this.undecodable.delete(key);
    for (const [key, item] of found) {
      const old = this.cache.get(key);
      if (old?.mod === item.mod && old.create === item.create && this.clusterId === first.clusterId) continue;
      // Deleted and made again while we were away: two objects, so two changes.
      if (old && old.create !== item.create) this.remove(key, first.revision, deltas);
      this.put(item, deltas);
    }
    this.revision = first.revision;
    this.clusterId = first.clusterId;
    this.mustList = false;
    // Also where nothing differs: what came and went meanwhile was not seen.
    this.o.onDeltas(deltas, "list");
  }

  /** @returns why the watch is over. */
  private async watchOnce(fresh: boolean, signal: AbortSignal): Promise<string> {
    this.stats.watches++;
    const stop = linkSignals(signal);
    let relist: string | undefined;
    let target = 0;
    let confirming: Promise<void> = Promise.resolve();
    const caughtUp = (): void => {
      if (target > 0 && this.revision >= target) this.setSynced(true);
    };
    let end: WatchEnd;
    try {
      end = await this.o.kv.watch(
        this.o.prefix,
        this.revision,
        {
          opened: (revision, clusterId) => {
            if (clusterId !== this.clusterId) relist = "the cluster is another one";
            else if (revision < this.revision) relist = `the store went back to ${revision} from ${this.revision}`;
            if (relist) return stop.abort();
            // After a list the cache is complete by itself. After a break it is complete once it has what was missed.
            target = fresh ? this.revision : revision;
            caughtUp();
            if (!this.synced) confirming = this.confirm(target, stop.signal, caughtUp, () => stop.abort());
          },
          events: (events) => {
            this.apply(events);
            caughtUp();
          },
          progress: (revision) => {
            this.revision = Math.max(this.revision, revision);
            caughtUp();
          },
        },
        stop.signal,
      );
    } finally {
      stop.abort();
      await confirming;
    }
    if (end.reason === "compacted") relist = `compacted: ${end.message}`;
    if (relist) this.mustList = true;
    return relist ?? `${end.reason}: ${end.message}`;
  }

  /**
   * A resumed watch is silent when nothing below our prefix changed meanwhile, and just as silent when its catch-up is late.
   * To know which, we list, but not before the missed events had time to arrive one by one.
   */
  private async confirm(target: number, signal: AbortSignal, caughtUp: () => void, failed: () => void): Promise<void> {
    try {
      let before: number;
      do {
        before = this.revision;
        await this.o.env.sleep(200 + this.o.env.random() * 200, signal);
      } while (this.revision < target && this.revision > before);
      if (this.revision < target) await this.list(signal);
      caughtUp();
    } catch (e) {
      if (signal.aborted) return;
      this.o.log.debug({ err: e }, "list after reconnect failed");
      failed();
    }
  }

  private apply(events: KvEvent[]): void {
    const deltas: Delta<T>[] = [];
    let highest = this.revision;
    for (const e of events) {
      const mod = e.type === "put" ? e.item.mod : e.mod;
      if (mod <= this.revision) {
        this.stats.repeats++;
        continue;
      }
      if (e.type === "put") this.put(e.item, deltas);
      else {
        this.undecodable.delete(e.key);
        this.remove(e.key, mod, deltas);
      }
      highest = Math.max(highest, mod);
    }
    this.stats.events += deltas.length;
    this.revision = highest;
    if (deltas.length > 0) this.o.onDeltas(deltas, "watch");
  }

  private put(item: Item, deltas: Delta<T>[]): void {
    const old = this.cache.get(item.key);
    let value: T;
    try {
      value = this.o.decode(item);
      this.undecodable.delete(item.key);
    } catch (e) {
      const message = e instanceof Error ? e.message : String(e);
      this.undecodable.set(item.key, message);
      this.o.log.error({ key: item.key, revision: item.mod, err: e }, "value cannot be read; keeping the last good one");
      return;
    }
    this.cache.set(item.key, { value, mod: item.mod, create: item.create });
    deltas.push({ key: item.key, new: value, revision: item.mod, ...(old ? { old: old.value } : {}) });
  }

  private remove(key: string, revision: number, deltas: Delta<T>[]): void {
    const old = this.cache.get(key);
    if (!old) return;
    this.cache.delete(key);
    deltas.push({ key, old: old.value, revision });
  }

  private setSynced(synced: boolean, reason?: string): void {
    if (synced === this.synced) return;
    this.synced = synced;
    this.o.onState({ synced, ...(reason === undefined ? {} : { reason }) });
  }
}
