// One key that lives by one lease: whoever holds it may write, and everyone else's writes are refused by etcd. Leader terms and
// agent sessions are both this.
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import { AmbiguousWriteError, ConflictError, FencedError } from "./errors.ts";
import type { Guard, Item, Kv, Lease } from "./kv.ts";
import { linkSignals } from "./signals.ts";

export interface HeldKey {
  /** To be given to every write: etcd then refuses it once the key is no longer ours. */
  readonly guard: Guard & { check: () => void };
  /** For other keys that shall go when this one goes. */
  readonly lease: string;
  /** Aborted when the key is lost or released, and always before the server lets it go. */
  readonly lost: AbortSignal;
  /** To be asked at the point of use for effects outside etcd. */
  valid(): boolean;
  /** Gives the key up at once, so that nobody has to wait for the TTL. */
  release(): Promise<void>;
}
export interface ClaimOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  key: string;
  value: object;
  ttlSeconds: number;
  signal: AbortSignal;
  /** Takes the key over from this holder at once, in one commit. Default: never. */
  replaces?(held: Item): boolean;
  /** Told of each holder that we wait for. */
  onHeld?(held: Item): void;
  /** A key that is free is left free for so long, in milliseconds, for whoever can do more with it. Default: not at all. */
  patienceMs?: number;
}

/** A watch can miss an end in theory; looking again now and then costs next to nothing. */
const POLL_MS = 5_000;

/** Waits until the key is free, then takes it. @throws UnavailableError and whatever else `Kv` throws; the signal's reason */
export const claim = async (o: ClaimOptions): Promise<HeldKey> => {
  const { kv, key, patienceMs = 0 } = o;
  let waited = false;
  for (;;) {
    o.signal.throwIfAborted();
    const { item, revision } = await kv.get(key, { signal: o.signal });
    if (item && !o.replaces?.(item)) {
      o.onHeld?.(item);
      await untilChanged(kv, o.env, key, revision, o.signal);
      waited = false;
      continue;
    }
    if (patienceMs > 0 && !waited) {
      await o.env.sleep(patienceMs, o.signal);
      waited = true;
      continue;
    }
    const lease = await kv.grant(o.ttlSeconds);
    try {
      const committed = await kv.commit([{ key, mod: item?.mod ?? 0, value: o.value, lease: lease.id }]);
      return hold(o, lease, item?.create ?? committed.revision, committed.revision);
    } catch (e) {
      // Also takes the key back, if the commit was applied after all.
      await lease.revoke();
      if (!(e instanceof ConflictError || e instanceof FencedError || e instanceof AmbiguousWriteError)) throw e;
    }
  }
};

const hold = (o: ClaimOptions, lease: Lease, create: number, mod: number): HeldKey => {
  const { kv, env, key } = o;
  const ended = new AbortController();
  const end = (why: string): void => {
    if (!ended.signal.aborted) ended.abort(new FencedError(`${key} is lost: ${why}`));
  };
  const leaseLost = (): void => end(lease.lost.reason instanceof Error ? lease.lost.reason.message : "its lease is gone");
  lease.lost.addEventListener("abort", leaseLost, { once: true });
  if (lease.lost.aborted) leaseLost();
  const valid = (): boolean => !ended.signal.aborted && lease.valid();
  // The lease may live on while the key is gone or another's: taken over, or deleted by hand.
  const guardKey = async (): Promise<void> => {
    let revision = mod;
    while (!ended.signal.aborted) {
      try {
        await untilChanged(kv, env, key, revision, ended.signal);
        const now = await kv.get(key, { signal: ended.signal });
        revision = now.revision;
        if (now.item?.mod !== mod) return end(now.item ? "another holder took it over" : "it was deleted");
      } catch {
        // No answer is no news: as long as the lease is valid the key is there.
        await env.sleep(500, ended.signal).catch(() => {});
      }
    }
  };
  void guardKey();
  return {
    guard: {
      key,
      create,
      mod,
      check: () => {
        if (!valid())
          throw ended.signal.reason instanceof FencedError ? ended.signal.reason : new FencedError(`${key} is lost: its lease is gone`);
      },
    },
    lease: lease.id,
    lost: ended.signal,
    valid,
    release: async () => {
      end("released");
      await lease.revoke();
    },
  };
};

/** Resolves after something happened to the key, on any doubt, and after a while; the caller looks again. Rejects when aborted. */
const untilChanged = async (kv: Kv, env: Env, key: string, from: number, signal: AbortSignal): Promise<void> => {
  const stop = linkSignals(signal);
  const cancel = env.timer(POLL_MS, () => stop.abort());
  const end = await kv.watch(key, from, { opened: () => {}, progress: () => {}, events: () => stop.abort() }, stop.signal);
  cancel();
  stop.release();
  signal.throwIfAborted();
  // A watch that cannot be had must not make a busy loop.
  if (end.reason !== "aborted") await env.sleep(100 + env.random() * 200, signal);
};
