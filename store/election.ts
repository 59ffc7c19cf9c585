// One leader among many processes. The term is the key's create revision; every write of a leader carries it as a guard, so
// that a deposed leader that does not know it yet cannot write. etcd3's own Election gives two leaders for about one TTL.
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import { claim } from "./held-key.ts";
import type { Guard, Item, Kv } from "./kv.ts";
import { linkSignals } from "./signals.ts";

export interface Leadership {
  /** Give it to every write. */
  guard: Guard & { check: () => void };
  /** Aborted when leadership is lost (before another can get it) or the elector is stopped. */
  signal: AbortSignal;
}
export interface ElectorOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  key: string;
  /** Of this process; for people. */
  id: string;
  /** 10–15 are sensible: failover takes about so long, and one more after an etcd restart. */
  ttlSeconds: number;
  /** Runs while this process leads. Must return soon after the signal. Returning or throwing gives the leadership up. */
  lead(leadership: Leadership): Promise<void>;
  /** True: this process can do less than others. It leads only when nobody else does for a TTL, and gives way as soon as somebody can. */
  stopgap?(): boolean;
  /** Told who leads, when it is someone else. */
  onHolder?(id: string): void;
}

const SLOW_EXIT_MS = 10_000;

export class Elector {
  private current: Leadership | undefined;
  constructor(private readonly o: ElectorOptions) {}

  /** True between the start of `lead` and the end of its signal. */
  get leading(): boolean {
    return this.current !== undefined && !this.current.signal.aborted;
  }

  /** Campaigns and leads by turns until aborted; then resolves after `lead` has returned and the key is given up. */
  async run(signal: AbortSignal): Promise<void> {
    const { env, log } = this.o;
    while (!signal.aborted) {
      try {
        await this.term(signal);
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, "campaign failed; trying again");
      }
      await env.sleep(200 + env.random() * 300, signal).catch(() => {});
    }
  }

  private async term(signal: AbortSignal): Promise<void> {
    const { kv, env, log, key, id, ttlSeconds } = this.o;
    const stopgap = this.o.stopgap?.() ?? false;
    const held = await claim({
      kv,
      env,
      log,
      key,
      ttlSeconds,
      signal,
      value: { id, since: new Date(env.now()).toISOString(), ...(stopgap ? { stopgap } : {}) },
      ...(stopgap
        ? { patienceMs: ttlSeconds * 1000 }
        : { replaces: (item: Item) => (JSON.parse(item.value) as { stopgap?: unknown }).stopgap === true }),
      onHeld: (item) => {
        const holder = (JSON.parse(item.value) as { id?: unknown }).id;
        if (typeof holder === "string") this.o.onHolder?.(holder);
      },
    });
    const linked = linkSignals(signal, held.lost);
    const leadership: Leadership = { guard: held.guard, signal: linked.signal };
    this.current = leadership;
    let cancelWarning: (() => void) | undefined;
    const ending = (): void => {
      log.info({ key, id, term: held.guard.create, reason: String(leadership.signal.reason) }, "leadership ends");
      cancelWarning = env.timer(SLOW_EXIT_MS, () => log.error({ key, id, afterMs: SLOW_EXIT_MS }, "leader has not stopped yet"));
    };
    try {
      log.info({ key, id, term: held.guard.create, ...(stopgap ? { stopgap } : {}) }, "elected");
      if (leadership.signal.aborted) return;
      leadership.signal.addEventListener("abort", ending, { once: true });
      await this.o.lead(leadership);
    } catch (err) {
      if (!leadership.signal.aborted) log.error({ key, id, err }, "leader failed");
    } finally {
      leadership.signal.removeEventListener("abort", ending);
      cancelWarning?.();
      linked.release();
      this.current = undefined;
      await held.release();
    }
  }
}
