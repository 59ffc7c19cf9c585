// Kv over a real etcd.
import type { Etcd3 } from "etcd3";
import { type Env, realEnv } from "../env.ts";
import { UnavailableError } from "../errors.ts";
import type { Change, Guard, Kv, Lease, RangeOptions, RangeResult, WatchEnd, WatchSink } from "../kv.ts";
import { checkKey, checkPrefix, isPrefix } from "../rules.ts";
import { linkSignals } from "../signals.ts";
import { type ClientOptions, makeClient, retry } from "./client.ts";
import { Commit } from "./commit.ts";
import { prefixEnd, toEvent, toItem } from "./encoding.ts";
import { EtcdLease } from "./lease.ts";
import { watchRaw } from "./watch.ts";

export interface ConnectOptions extends ClientOptions {
  /** For all attempts of one operation together. Default 15,000. */
  budgetMs?: number;
  env?: Env;
}

/** Well below the 10 minutes of history that our own etcd keeps. */
const RECENT_MS = 60_000;

interface Header {
  revision: string;
  cluster_id: string;
}

export class EtcdKv implements Kv {
  private readonly client: Etcd3;
  private readonly env: Env;
  private readonly budgetMs: number;
  private readonly ended = new AbortController();
  private readonly leases = new Set<EtcdLease>();
  /** The latest revision that any answer told: nothing sent from now on can be applied at or before it. */
  private seen: { revision: number; clusterId: string; at: number } | undefined;

  constructor(o: ConnectOptions) {
    this.client = makeClient(o);
    this.env = o.env ?? realEnv;
    this.budgetMs = o.budgetMs ?? 15_000;
  }

  async get(key: string, options: { revision?: number; signal?: AbortSignal } = {}) {
    checkKey(key);
    const r = await this.read(`get ${key}`, options.signal, () =>
      this.client.kv.range({ key: Buffer.from(key), ...(options.revision ? { revision: String(options.revision) } : {}) }),
    );
    const kv = r.kvs[0];
    return { item: kv ? toItem(kv) : undefined, revision: options.revision ?? Number(r.header.revision) };
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    checkPrefix(prefix);
    // The key right behind another one in byte order.
    const start = options.after === undefined ? Buffer.from(prefix) : Buffer.from(`${options.after}\0`);
    const r = await this.read(`list ${prefix}`, options.signal, () =>
      this.client.kv.range({
        key: start,
        range_end: prefixEnd(prefix),
        ...(options.limit ? { limit: options.limit } : {}),
        ...(options.revision ? { revision: String(options.revision) } : {}),
      }),
    );
    return {
      items: r.kvs.map(toItem),
      // The header of a later page tells the store's present revision, not that of the page.
      revision: options.revision ?? Number(r.header.revision),
      more: r.more,
      count: Number(r.count),
      clusterId: r.header.cluster_id,
    };
  }

  async commit(changes: Change[], options: { guard?: Guard | undefined; signal?: AbortSignal } = {}): Promise<{ revision: number }> {
    this.assertOpen();
    const commit = new Commit(this.client, this.env, changes, options.guard, { budgetMs: this.budgetMs, signal: options.signal });
    return await commit.run({
      base: () => this.recent(options.signal),
      saw: (header) => void this.learn(header),
    });
  }

  async watch(prefix: string, from: number, sink: WatchSink, signal: AbortSignal): Promise<WatchEnd> {
    (isPrefix(prefix) ? checkPrefix : checkKey)(prefix);
    if (this.ended.signal.aborted) return { reason: "closed", message: "the client is closed" };
    const either = linkSignals(signal, this.ended.signal);
    const end = await watchRaw(this.client, {
      key: Buffer.from(prefix),
      ...(isPrefix(prefix) ? { end: prefixEnd(prefix) } : {}),
      from,
      env: this.env,
      signal: either.signal,
      opened: (revision, clusterId) => sink.opened(revision, clusterId),
      events: (events) => sink.events(events.map(toEvent)),
      progress: (revision) => sink.progress(revision),
    });
    either.release();
    if (end.reason === "aborted" && !signal.aborted) return { reason: "closed", message: "the client was closed" };
    return end;
  }

  async grant(ttlSeconds: number): Promise<Lease> {
    this.assertOpen();
    const lease = await EtcdLease.grant(this.client, this.env, ttlSeconds, this.budgetMs);
    this.leases.add(lease);
    lease.lost.addEventListener("abort", () => this.leases.delete(lease), { once: true });
    return lease;
  }

  async status() {
    const { header, version } = await this.statusCall();
    return { clusterId: header.cluster_id, revision: Number(header.revision), version };
  }

  async close(): Promise<void> {
    if (this.ended.signal.aborted) return;
    // Open streams outlive the client unless they are ended first.
    this.ended.abort(new UnavailableError("the client is closed"));
    for (const lease of [...this.leases]) lease.end("the client was closed");
    this.client.close();
  }

  private statusCall(signal?: AbortSignal) {
    return this.read("status", signal, () => this.client.maintenance.status());
  }
  private async read<R extends { header: Header }>(what: string, signal: AbortSignal | undefined, call: () => Promise<R>): Promise<R> {
    this.assertOpen();
    const either = linkSignals(signal, this.ended.signal);
    try {
      const r = await retry(call, { env: this.env, budgetMs: this.budgetMs, what, signal: either.signal });
      this.learn(r.header);
      return r;
    } finally {
      either.release();
    }
  }
  private learn({ revision, cluster_id: clusterId }: Header) {
    const before = this.seen?.clusterId === clusterId ? this.seen.revision : 0;
    this.seen = { revision: Math.max(before, Number(revision)), clusterId, at: this.env.monotonic() };
    return this.seen;
  }
  /** Not so old that its history might be compacted when we need it. */
  private async recent(signal?: AbortSignal): Promise<{ revision: number }> {
    if (this.seen && this.env.monotonic() - this.seen.at < RECENT_MS) return this.seen;
    return this.learn((await this.statusCall(signal)).header);
  }
  private assertOpen(): void {
    if (this.ended.signal.aborted) throw new UnavailableError("the client is closed");
  }
}
