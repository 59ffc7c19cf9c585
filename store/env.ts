// Time, randomness and ids come in as an argument: the simulator and the tests bring their own.
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

export interface Env {
  /** Milliseconds since the epoch (wall clock; may jump). */
  now(): number;
  /** Milliseconds on a clock that never goes back. */
  monotonic(): number;
  /** In [0, 1). */
  random(): number;
  /** A fresh UUID. */
  uid(): string;
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms`; the answer cancels it. Does not keep the process alive. */
  timer(ms: number, fn: () => void): () => void;
}

export const realEnv: Env = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  uid: () => randomUUID(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
  timer: (ms, fn) => {
    const t = setTimeout(fn, ms);
    t.unref();
    return () => clearTimeout(t);
  },
};
