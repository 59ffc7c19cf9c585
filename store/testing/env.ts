// An Env whose time moves only when told: for unit tests and the simulator.
import type { Env } from "../env.ts";

interface Timer {
  due: number;
  seq: number;
  fn(): void;
}

/** Timers run in order of their time, then of their making. Microtasks run between any two of them. */
export class ManualEnv implements Env {
  private clock: number;
  private seq = 0;
  private ids = 0;
  private state: number;
  private readonly timers = new Set<Timer>();
  /** What the wall clock shows more than the monotonic one, in milliseconds. Change it to make the wall clock jump. */
  wallOffset: number;

  constructor(o: { seed?: number; startMs?: number } = {}) {
    this.clock = 0;
    this.wallOffset = o.startMs ?? Date.UTC(2026, 0, 1);
    this.state = (o.seed ?? 1) >>> 0;
  }
  now(): number {
    return this.clock + this.wallOffset;
  }
  monotonic(): number {
    return this.clock;
  }
  /** mulberry32: small, seeded, good enough for jitter. */
  random(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  uid(): string {
    return `00000000-0000-4000-8000-${String(++this.ids).padStart(12, "0")}`;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const aborted = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = this.timer(ms, () => {
        signal?.removeEventListener("abort", aborted);
        resolve();
      });
      signal?.addEventListener("abort", aborted, { once: true });
    });
  }
  timer(ms: number, fn: () => void): () => void {
    const timer = { due: this.clock + Math.max(0, ms), seq: this.seq++, fn };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Timers that have not run yet. */
  get pending(): number {
    return this.timers.size;
  }
  /** Lets everything happen that is due within `ms`. */
  async advance(ms: number): Promise<void> {
    const end = this.clock + ms;
    await settle();
    for (;;) {
      const next = [...this.timers].filter((t) => t.due <= end).toSorted((a, b) => a.due - b.due || a.seq - b.seq)[0];
      if (!next) break;
      this.timers.delete(next);
      this.clock = Math.max(this.clock, next.due);
      next.fn();
      await settle();
    }
    this.clock = end;
  }
  /** Advances until the condition holds; fails after `limitMs` of this clock. */
  async until(condition: () => boolean, limitMs = 600_000): Promise<void> {
    const end = this.clock + limitMs;
    await settle();
    while (!condition()) {
      const due = Math.min(...[...this.timers].map((t) => t.due));
      if (due > end) throw new Error(`condition does not hold after ${limitMs} ms`);
      await this.advance(due - this.clock);
    }
  }
}

/** Runs what is already settled, to the end: one turn of the event loop drains all microtasks. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
