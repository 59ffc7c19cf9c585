// Which API server holds which tunnel, so that each can find them all: every server registers itself under a lease, and its
// tunnels under the same lease. What the others wrote comes from the watch cache. An idle fleet writes nothing.
import type { Logger } from "pino";
import { ConflictError, FencedError } from "../../store/errors.ts";
import type { Env } from "../../store/env.ts";
import { claim, type HeldKey } from "../../store/held-key.ts";
import { replicaKey, replicasPrefix, tunnelKey, tunnelsPrefix } from "../../store/keys.ts";
import type { Change, Kv } from "../../store/kv.ts";
import { backoffMs, MAX_CHANGES } from "../../store/rules.ts";
import { linkSignals } from "../../store/signals.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { decide, type ReplicaRecord, type Stored, type TunnelRecord } from "./records.ts";
import type { TunnelFacts } from "./tunnel.ts";

export interface RegistryOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  cache: Pick<WatchCache, "follow">;
  id: string;
  /** This server, as the others shall reach it. Asked at each registration. */
  self(): ReplicaRecord;
  /** What is held here. */
  mine(node: string): TunnelFacts | undefined;
  all(): Iterable<string>;
  /** Nonce of the agent's session now. */
  session(node: string): string | undefined;
  /** The tunnel held here is not the agent's last: it has connected to another server since. */
  onYield(node: string): void;
  /** The node's tunnel elsewhere is gone. */
  onGone(node: string, replica: string): void;
}

/** A server that died is forgotten after so long; by then its agents have long connected elsewhere. Seconds. */
const TTL = 15;
/** Agents that come at once share commits. */
const GATHER_MS = 20;

export class Registry {
  private readonly replicas = new Map<string, ReplicaRecord>();
  private readonly tunnels = new Map<string, Stored>();
  private readonly dirty = new Set<string>();
  private wake = (): void => {};
  private again = new AbortController();
  private markReady = (): void => {};
  /** Resolves when this server stands in etcd for the first time. */
  readonly ready = new Promise<void>((resolve) => (this.markReady = resolve));

  constructor(private readonly o: RegistryOptions) {
    o.cache.follow(below(replicasPrefix), (key, now) => {
      const id = key.slice(replicasPrefix.length);
      if (now) this.replicas.set(id, now.value as ReplicaRecord);
      else this.replicas.delete(id);
    });
    o.cache.follow(below(tunnelsPrefix), (key, now) => this.onTunnel(key.slice(tunnelsPrefix.length), now));
  }

  /** The other server that holds a node's tunnel. */
  holder(node: string): { id: string; replica: ReplicaRecord } | undefined {
    const id = this.tunnels.get(node)?.record.replica;
    const replica = id === undefined || id === this.o.id ? undefined : this.replicas.get(id);
    return id === undefined || replica === undefined ? undefined : { id, replica };
  }

  /** Something about a node's tunnel here may have changed. */
  touch(node: string): void {
    this.dirty.add(node);
    this.wake();
  }

  /** The certificate is another one now. */
  renew(): void {
    this.again.abort();
  }

  /** Until the signal is aborted; takes everything of ours out of etcd then. */
  async run(signal: AbortSignal): Promise<void> {
    const { kv, env, log, id } = this.o;
    for (let failures = 0; !signal.aborted; ) {
      this.again = new AbortController();
      const ended = linkSignals(signal, this.again.signal);
      try {
        const key = replicaKey(id);
        // The id is this process's own: whatever stands there is of an earlier lease of ours.
        const held = await claim({ kv, env, log, key, value: this.o.self(), ttlSeconds: TTL, signal: ended.signal, replaces: () => true });
        failures = 0;
        this.markReady();
        await this.hold(held, ended.signal);
      } catch (err) {
        if (signal.aborted) break;
        if (this.again.signal.aborted) continue;
        const ms = backoffMs(failures++, 100, 5_000, env.random());
        log.warn({ err, retryInMs: Math.round(ms) }, "this server is not registered: others cannot forward to it");
        await env.sleep(ms, signal).catch(() => {});
      } finally {
        ended.release();
      }
    }
  }

  private async hold(held: HeldKey, signal: AbortSignal): Promise<void> {
    const until = linkSignals(signal, held.lost);
    for (const node of this.o.all()) this.dirty.add(node);
    try {
      await this.write(held, until.signal);
    } finally {
      until.release();
      await held.release().catch((err: unknown) => this.o.log.debug({ err }, "lease could not be revoked; it expires by itself"));
    }
  }

  private async write(held: HeldKey, signal: AbortSignal): Promise<void> {
    const { kv, env, log } = this.o;
    signal.addEventListener("abort", () => this.wake(), { once: true });
    for (let failures = 0; ; ) {
      await this.untilDirty(signal);
      if (signal.aborted) return;
      const batch = [...this.dirty].slice(0, MAX_CHANGES);
      for (const node of batch) this.dirty.delete(node);
      const changes = batch.flatMap((node) => this.change(node, held));
      try {
        if (changes.length > 0) await kv.commit(changes, { guard: held.guard, signal });
        failures = 0;
      } catch (err) {
        if (signal.aborted || err instanceof FencedError) return;
        for (const node of batch) this.dirty.add(node);
        // What is known here is late: the watch brings what there is.
        log[err instanceof ConflictError ? "debug" : "warn"](
          { err, tunnels: batch.length },
          "tunnels could not be registered; trying again",
        );
        await env.sleep(backoffMs(failures++, 50, 5_000, env.random()), signal).catch(() => {});
      }
    }
  }

  private change(node: string, held: HeldKey): Change[] {
    const self = { id: this.o.id, term: held.guard.mod ?? 0 };
    const step = decide(self, this.o.mine(node), this.tunnels.get(node), this.o.session(node));
    if (step.type === "yield") this.o.onYield(node);
    if (step.type === "put") return [{ key: tunnelKey(node), mod: step.mod, value: step.record, lease: held.lease }];
    return step.type === "delete" ? [{ key: tunnelKey(node), mod: step.mod, value: null }] : [];
  }

  private async untilDirty(signal: AbortSignal): Promise<void> {
    while (this.dirty.size === 0 && !signal.aborted) await new Promise<void>((resolve) => (this.wake = resolve));
    await this.o.env.sleep(GATHER_MS, signal).catch(() => {});
  }

  private onTunnel(node: string, now: { mod: number; value: unknown } | undefined): void {
    const before = this.tunnels.get(node);
    if (now) this.tunnels.set(node, { mod: now.mod, record: now.value as TunnelRecord });
    else this.tunnels.delete(node);
    if (!now && before && before.record.replica !== this.o.id) this.o.onGone(node, before.record.replica);
    const ours = before?.record.replica === this.o.id || this.tunnels.get(node)?.record.replica === this.o.id;
    if (ours || this.o.mine(node)) this.touch(node);
  }
}

const below =
  (prefix: string) =>
  (key: string): boolean =>
    key.startsWith(prefix);
