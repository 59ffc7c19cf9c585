// A keyed queue: a key that is waiting is not added twice, a key that is being worked on is not worked on twice at once, and
// an add during the work is never lost. Source: client-go util/workqueue (dirty and processing sets).
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import { TerminalError } from "./errors.ts";
import { backoffMs } from "./rules.ts";

export interface WorkQueueOptions {
  env: Env;
  log: Logger;
  name: string;
  /** First delay after an error. Default 100. */
  baseMs?: number;
  /** Longest delay after an error. Default 60,000. Never final. */
  maxMs?: number;
}
export interface RunOptions {
  workers: number;
  signal: AbortSignal;
  /** Level-triggered: gets a key and looks the rest up. `afterMs`: look again then, unless something else comes first. */
  reconcile(key: string, signal: AbortSignal): Promise<{ afterMs?: number } | void>;
}
interface Delayed {
  due: number;
  cancel(): void;
}

export class WorkQueue {
  /** Waiting to be worked on, in order. */
  private readonly ready: string[] = [];
  /** To be worked on: those in `ready`, and those added while being worked on. */
  private readonly dirty = new Set<string>();
  private readonly processing = new Set<string>();
  private readonly failures = new Map<string, number>();
  /** Asked for by `addAfter`: the earliest wins. */
  private readonly delayed = new Map<string, Delayed>();
  /** Set by the queue itself after a run (back-off, `afterMs`): every run replaces the one before. */
  private readonly again = new Map<string, Delayed>();
  private wake: (() => void)[] = [];
  private running = false;

  constructor(private readonly o: WorkQueueOptions) {}

  /** Work on the key soon, also if it waits for a retry. */
  add(key: string): void {
    if (this.dirty.has(key)) return;
    this.dirty.add(key);
    if (this.processing.has(key)) return;
    this.push(key);
  }

  /** Work on the key in `ms` at the latest. */
  addAfter(key: string, ms: number): void {
    if (ms <= 0) return this.add(key);
    const due = this.o.env.monotonic() + ms;
    const before = this.delayed.get(key);
    if (before && before.due <= due) return;
    this.schedule(this.delayed, key, ms);
  }

  /** Failures in a row. */
  retries(key: string): number {
    return this.failures.get(key) ?? 0;
  }
  /** Forget failures and a pending retry: for a new generation, or a key that is gone. */
  forget(key: string): void {
    this.failures.delete(key);
    this.unschedule(this.again, key);
  }
  /** Keys waiting now, without those that are due later. */
  get depth(): number {
    return this.ready.length;
  }
  /** Nothing is waiting and nothing is being worked on; delayed keys may be left. */
  get idle(): boolean {
    return this.dirty.size === 0 && this.processing.size === 0;
  }
  /** When the key is tried again, on the monotonic clock in milliseconds; undefined when nothing is planned. */
  dueAt(key: string): number | undefined {
    const due = [this.delayed.get(key)?.due, this.again.get(key)?.due].filter((d) => d !== undefined);
    return due.length > 0 ? Math.min(...due) : undefined;
  }

  /** Resolves when the signal is aborted and every reconcile has returned. A queue can be run again afterwards. */
  async run(o: RunOptions): Promise<void> {
    if (this.running) throw new TypeError(`queue ${this.o.name} is running already`);
    this.running = true;
    const wakeAll = (): void => {
      for (const w of this.wake.splice(0)) w();
    };
    o.signal.addEventListener("abort", wakeAll);
    try {
      await Promise.all(Array.from({ length: o.workers }, () => this.work(o)));
    } finally {
      o.signal.removeEventListener("abort", wakeAll);
      this.running = false;
    }
  }

  private async work(o: RunOptions): Promise<void> {
    while (!o.signal.aborted) {
      const key = this.ready.shift();
      if (key === undefined) {
        await new Promise<void>((resolve) => this.wake.push(resolve));
        continue;
      }
      this.dirty.delete(key);
      this.processing.add(key);
      this.unschedule(this.again, key);
      try {
        const result = await o.reconcile(key, o.signal);
        this.failures.delete(key);
        if (result?.afterMs !== undefined) this.schedule(this.again, key, Math.max(0, result.afterMs));
      } catch (err) {
        this.failed(key, err, o.signal);
      } finally {
        this.processing.delete(key);
        if (this.dirty.has(key)) this.push(key);
      }
    }
  }

  private failed(key: string, err: unknown, signal: AbortSignal): void {
    if (signal.aborted) {
      // Stopped in the middle: whoever runs the queue next starts with it.
      this.add(key);
      return;
    }
    if (err instanceof TerminalError) {
      this.failures.delete(key);
      this.o.log.warn({ queue: this.o.name, key, err }, "given up until it changes");
      return;
    }
    const attempt = this.failures.get(key) ?? 0;
    this.failures.set(key, attempt + 1);
    const ms = backoffMs(attempt, this.o.baseMs ?? 100, this.o.maxMs ?? 60_000, this.o.env.random());
    this.o.log.warn({ queue: this.o.name, key, err, attempt: attempt + 1, retryInMs: Math.round(ms) }, "reconcile failed");
    this.schedule(this.again, key, ms);
  }

  private push(key: string): void {
    this.ready.push(key);
    this.wake.shift()?.();
  }
  private schedule(timers: Map<string, Delayed>, key: string, ms: number): void {
    this.unschedule(timers, key);
    const entry: Delayed = {
      due: this.o.env.monotonic() + ms,
      cancel: this.o.env.timer(ms, () => {
        timers.delete(key);
        this.add(key);
      }),
    };
    timers.set(key, entry);
  }
  private unschedule(timers: Map<string, Delayed>, key: string): void {
    timers.get(key)?.cancel();
    timers.delete(key);
  }
}
