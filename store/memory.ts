// etcd in memory: the same contract (kv.contract.ts), with faults on demand. For tests and the simulator; a process's
// truth is never kept here. Keys compare by UTF-16 unit, which for ASCII keys is etcd's order.
import type { Env } from "./env.ts";
import { AmbiguousWriteError, UnavailableError } from "./errors.ts";
import type { Change, Guard, Kv, Lease, RangeOptions, RangeResult, WatchEnd, WatchSink } from "./kv.ts";
import { LeaseClock } from "./lease-clock.ts";
import { MemoryServer } from "./memory-server.ts";
import { checkKey, checkPrefix, encodeChanges, isPrefix } from "./rules.ts";

interface OpenWatch {
  end(why: WatchEnd): void;
}

/** One client of a MemoryServer. `new MemoryKv(env)` brings its own server; `another()` is a second client of the same. */
export class MemoryKv implements Kv {
  /** How late watch events arrive, in milliseconds of env time. 0: after the current microtasks. */
  watchDelayMs = 0;
  private readonly watches = new Set<OpenWatch>();
  private readonly leases = new Set<{ end(why: string): void }>();
  private failures: Error[] = [];
  private lost = 0;
  private cutOff = false;
  private closed = false;

  constructor(
    private readonly env: Env,
    readonly server: MemoryServer = new MemoryServer(env),
  ) {}

  /** A second, independent client: faults of one do not touch the other. */
  another(): MemoryKv {
    return new MemoryKv(this.env, this.server);
  }

  // Faults.

  /** Drops the history up to `revision` (default: all of it). */
  compact(revision?: number): void {
    this.server.compact(revision ?? this.server.revision);
  }
  /** All watches of this client end "closed". */
  disconnect(): void {
    for (const w of [...this.watches]) w.end({ reason: "closed", message: "disconnected by the test" });
  }
  /** true: nothing gets through any more, also no lease keep-alive, until false. */
  partition(on: boolean): void {
    this.cutOff = on;
    if (on) this.disconnect();
  }
  /** The next `calls` calls fail, and nothing is written. */
  fail(calls = 1, error: Error = new UnavailableError("injected failure: nothing was written")): void {
    for (let i = 0; i < calls; i++) this.failures.push(error);
  }
  /** The next `commits` commits are applied, but their caller gets an AmbiguousWriteError. */
  loseReplies(commits = 1): void {
    this.lost += commits;
  }

  // Kv.

  async get(key: string, options: { revision?: number; signal?: AbortSignal } = {}) {
    checkKey(key);
    await this.enter(options.signal);
    const revision = this.server.readable(options.revision);
    return { item: this.server.at(key, revision), revision };
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    checkPrefix(prefix);
    await this.enter(options.signal);
    const revision = this.server.readable(options.revision);
    const all = this.server.below(prefix, revision, options.after);
    const items = options.limit === undefined ? all : all.slice(0, options.limit);
    return { items, revision, more: items.length < all.length, count: all.length, clusterId: this.server.clusterId };
  }

  async commit(changes: Change[], options: { guard?: Guard | undefined; signal?: AbortSignal } = {}): Promise<{ revision: number }> {
    const texts = encodeChanges(changes);
    options.guard?.check?.();
    await this.enter(options.signal);
    const revision = this.server.commit(changes, texts, options.guard);
    if (this.lost > 0) {
      this.lost--;
      throw new AmbiguousWriteError(`injected: the reply for ${changes.map((c) => c.key).join(", ")} was lost`);
    }
    return { revision };
  }

  async watch(prefix: string, from: number, sink: WatchSink, signal: AbortSignal): Promise<WatchEnd> {
    (isPrefix(prefix) ? checkPrefix : checkKey)(prefix);
    if (signal.aborted) return { reason: "aborted", message: "aborted" };
    try {
      await this.enter(signal);
    } catch (e) {
      if (signal.aborted) return { reason: "aborted", message: "aborted" };
      return { reason: "closed", message: e instanceof Error ? e.message : String(e) };
    }
    return await new Promise<WatchEnd>((resolve) => {
      let applied = from;
      let over = false;
      let cancelTimer: (() => void) | undefined;
      let cancelProgress: (() => void) | undefined;
      const end = (why: WatchEnd): void => {
        if (over) return;
        over = true;
        this.watches.delete(open);
        unsubscribe();
        cancelTimer?.();
        cancelProgress?.();
        signal.removeEventListener("abort", aborted);
        resolve(why);
      };
      const open: OpenWatch = { end };
      const aborted = (): void => end({ reason: "aborted", message: "aborted" });
      const guarded = (fn: () => void): void => {
        try {
          fn();
        } catch (e) {
          end({ reason: "closed", message: `handler: ${e instanceof Error ? e.message : String(e)}` });
        }
      };
      const deliver = (): void => {
        if (over) return;
        if (applied < this.server.compacted)
          return end({ reason: "compacted", message: `revision ${applied} is compacted (${this.server.compacted})` });
        const events = this.server.eventsAfter(applied, prefix);
        if (events.length > 0) {
          applied = this.server.revision;
          guarded(() => sink.events(events));
        } else if (!over && this.server.revision > applied)
          // As etcd does for a watch that is idle while the store moves on.
          cancelProgress ??= this.env.timer(5_000, () => {
            cancelProgress = undefined;
            if (this.server.eventsAfter(applied, prefix).length > 0) return;
            applied = this.server.revision;
            guarded(() => sink.progress(applied));
          });
      };
      const soon = (): void => {
        if (this.watchDelayMs > 0) {
          cancelTimer?.();
          cancelTimer = this.env.timer(this.watchDelayMs, deliver);
        } else queueMicrotask(deliver);
      };
      const unsubscribe = this.server.onChange(soon);
      this.watches.add(open);
      signal.addEventListener("abort", aborted);
      if (this.server.revision < from)
        return end({ reason: "compacted", message: `the store is at ${this.server.revision}, before ${from}` });
      guarded(() => sink.opened(this.server.revision, this.server.clusterId));
      soon();
    });
  }

  async grant(ttlSeconds: number): Promise<Lease> {
    await this.enter();
    const id = this.server.grant(ttlSeconds);
    const lost = new AbortController();
    let cancelBeat: (() => void) | undefined;
    const end = (why: string): void => {
      this.leases.delete(handle);
      clock.stop();
      cancelBeat?.();
      if (!lost.signal.aborted) lost.abort(new Error(`lease lost: ${why}`));
    };
    const handle = { end };
    const clock = new LeaseClock(this.env, ttlSeconds, () => end("local deadline passed"));
    const beat = (): void => {
      if (lost.signal.aborted) return;
      cancelBeat = this.env.timer(ttlSeconds * 200, beat);
      if (this.cutOff) return;
      if (!this.server.keepAlive(id)) return end("the server let it expire");
      clock.acknowledged(this.env.monotonic());
    };
    this.leases.add(handle);
    beat();
    const revoke = async (): Promise<void> => {
      end("revoked");
      if (!this.cutOff) this.server.revoke(id);
    };
    return {
      id,
      ttlSeconds,
      valid: () => clock.valid(),
      remainingMs: () => clock.remainingMs(),
      lost: lost.signal,
      revoke,
    };
  }

  async status() {
    await this.enter();
    return { clusterId: this.server.clusterId, revision: this.server.revision, version: "memory" };
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const w of [...this.watches]) w.end({ reason: "closed", message: "client closed" });
    for (const l of [...this.leases]) l.end("client closed");
  }

  private async enter(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await Promise.resolve();
    if (this.closed) throw new UnavailableError("the client is closed");
    const failure = this.failures.shift();
    if (failure) throw failure;
    if (this.cutOff) throw new UnavailableError("injected partition: nothing was written");
    this.server.expireLeases();
  }
}
