// The state behind MemoryKv: every version of every key since the last compaction, as etcd keeps it.
import type { Env } from "./env.ts";
import { ConflictError, ExpiredError, FencedError } from "./errors.ts";
import type { Change, Guard, Item, KvEvent } from "./kv.ts";
import { isPrefix } from "./rules.ts";

interface ServerLease {
  ttlSeconds: number;
  deadline: number;
  keys: Set<string>;
  disarm(): void;
}

export class MemoryServer {
  /** An empty etcd is at revision 1. */
  revision = 1;
  /** Reads before this revision, and watches from before it, are refused. */
  compacted = 0;
  clusterId: string;
  /** Versions of a key in order of `mod`; null marks a deletion. */
  private readonly history = new Map<string, { mod: number; item: Item | null }[]>();
  private log: KvEvent[] = [];
  private keys: string[] = [];
  private readonly leases = new Map<string, ServerLease>();
  private readonly listeners = new Set<() => void>();
  private nextLease = 1;

  constructor(private readonly env: Env) {
    this.clusterId = env.uid();
  }

  /** The revision to read at. @throws ExpiredError */
  readable(revision?: number): number {
    if (revision === undefined) return this.revision;
    if (revision < this.compacted) throw new ExpiredError(`revision ${revision} is compacted (${this.compacted})`);
    if (revision > this.revision) throw new ExpiredError(`revision ${revision} is not reached yet (${this.revision})`);
    return revision;
  }

  at(key: string, revision = this.revision): Item | undefined {
    const versions = this.history.get(key);
    for (let i = (versions?.length ?? 0) - 1; i >= 0; i--) {
      const v = versions?.[i];
      if (v && v.mod <= revision) return v.item ?? undefined;
    }
    return undefined;
  }

  below(prefix: string, revision: number, after?: string): Item[] {
    const items: Item[] = [];
    for (let i = this.position(after ?? prefix); i < this.keys.length; i++) {
      const key = this.keys[i];
      if (key === undefined || !key.startsWith(prefix)) break;
      const item = key === after ? undefined : this.at(key, revision);
      if (item) items.push(item);
    }
    return items;
  }

  /** All or nothing. @throws ConflictError, FencedError */
  commit(changes: Change[], texts: (string | undefined)[], guard?: Guard): number {
    if (guard) {
      const held = this.at(guard.key);
      if (held?.create !== guard.create || (guard.mod !== undefined && held.mod !== guard.mod))
        throw new FencedError(`${guard.key} is no longer held: nothing was written`);
    }
    for (const c of changes) if (c.mod !== undefined && c.mod !== (this.at(c.key)?.mod ?? 0)) throw new ConflictError(c.key);
    for (const c of changes)
      if (c.lease !== undefined && !this.leases.has(c.lease)) throw new FencedError(`lease ${c.lease} is gone: nothing was written`);
    const mod = this.revision + 1;
    const events = changes.flatMap((c, i): KvEvent[] => {
      const old = this.at(c.key);
      const value = texts[i];
      if (value === undefined) return old ? [{ type: "delete", key: c.key, mod }] : [];
      const item = { key: c.key, value, mod, create: old?.create ?? mod, version: (old?.version ?? 0) + 1, lease: c.lease ?? "0" };
      return [{ type: "put", item }];
    });
    this.apply(events);
    return this.revision;
  }

  /** Events after a revision, below a prefix or of one key. */
  eventsAfter(revision: number, prefix: string): KvEvent[] {
    const matches = isPrefix(prefix) ? (k: string) => k.startsWith(prefix) : (k: string) => k === prefix;
    const events: KvEvent[] = [];
    for (let i = this.log.length - 1; i >= 0; i--) {
      const e = this.log[i];
      if (!e || modOf(e) <= revision) break;
      if (matches(keyOf(e))) events.push(e);
    }
    return events.toReversed();
  }

  onChange(fn: () => void): () => void {
    this.listeners.add(fn);
    return () => void this.listeners.delete(fn);
  }

  /** Keeps the newest version of each key up to `revision`, and all after it; tombstones up to it go. */
  compact(revision: number): void {
    if (revision <= this.compacted) return;
    if (revision > this.revision) throw new ExpiredError(`revision ${revision} is not reached yet (${this.revision})`);
    this.compacted = revision;
    this.log = this.log.filter((e) => modOf(e) > revision);
    for (const [key, versions] of this.history) {
      const current = versions.findLastIndex((v) => v.mod <= revision);
      const kept = versions.slice(Math.max(0, current));
      if (current >= 0 && kept[0]?.item === null) kept.shift();
      if (kept.length > 0) this.history.set(key, kept);
      else {
        this.history.delete(key);
        this.keys.splice(this.position(key), 1);
      }
    }
    this.notify();
  }

  grant(ttlSeconds: number): string {
    const id = String(this.nextLease++);
    this.leases.set(id, { ttlSeconds, deadline: this.env.monotonic() + ttlSeconds * 1000, keys: new Set(), disarm: () => {} });
    this.armLease(id);
    return id;
  }

  /** False: the lease is gone. */
  keepAlive(id: string): boolean {
    this.expireLeases();
    const lease = this.leases.get(id);
    if (!lease) return false;
    lease.deadline = this.env.monotonic() + lease.ttlSeconds * 1000;
    return true;
  }

  /** Its keys go with it, in one revision. */
  revoke(id: string): void {
    const lease = this.leases.get(id);
    if (!lease) return;
    this.leases.delete(id);
    lease.disarm();
    const mod = this.revision + 1;
    this.apply([...lease.keys].toSorted().map((key) => ({ type: "delete", key, mod })));
  }

  expireLeases(): void {
    for (const [id, lease] of this.leases) if (lease.deadline <= this.env.monotonic()) this.revoke(id);
  }

  private armLease(id: string): void {
    const lease = this.leases.get(id);
    if (!lease) return;
    lease.disarm = this.env.timer(Math.max(1, lease.deadline - this.env.monotonic()), () => {
      this.expireLeases();
      this.armLease(id);
    });
  }

  private apply(events: KvEvent[]): void {
    if (events.length === 0) return;
    this.revision++;
    for (const e of events) {
      const key = keyOf(e);
      this.attach(key, e.type === "put" ? e.item.lease : "0");
      const versions = this.history.get(key);
      const version = { mod: this.revision, item: e.type === "put" ? e.item : null };
      if (versions) versions.push(version);
      else {
        this.history.set(key, [version]);
        this.keys.splice(this.position(key), 0, key);
      }
      this.log.push(e);
    }
    this.notify();
  }

  /** A put without a lease takes the key off its lease, as in etcd. */
  private attach(key: string, lease: string): void {
    const before = this.history.get(key)?.at(-1)?.item?.lease;
    if (before) this.leases.get(before)?.keys.delete(key);
    this.leases.get(lease)?.keys.add(key);
  }

  /** Index of the first key that is not before `key`. */
  private position(key: string): number {
    let low = 0;
    let high = this.keys.length;
    while (low < high) {
      const mid = (low + high) >>> 1;
      if ((this.keys[mid] ?? "") < key) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private notify(): void {
    for (const fn of [...this.listeners]) fn();
  }
}

const keyOf = (e: KvEvent): string => (e.type === "put" ? e.item.key : e.key);
const modOf = (e: KvEvent): number => (e.type === "put" ? e.item.mod : e.mod);
