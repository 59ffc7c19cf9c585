// Reports on their way to etcd: only the latest of each key, many in one commit, fenced by the session, off everybody's critical path.
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";
import { FencedError, TooLargeError } from "../store/errors.ts";
import type { Change, Guard, Kv } from "../store/kv.ts";

export interface StatusWriterOptions {
  kv: Kv;
  env: Env;
  log: Logger;
}

/** Small enough for etcd's 1.5 MiB a request with reports of a few KiB each. */
const BATCH = 32;
/** So long a first change waits for others to share its commit. */
const COALESCE_MS = 15;
/** Between two commits: whoever starts fifty containers does not make etcd sync its disk, which is often Docker's too, fifty times. */
const INTERVAL_MS = 200;

export class StatusWriter {
  private readonly pending = new Map<string, object | null>();
  /** Keys that exist in etcd: others need no deletion. */
  private readonly stored = new Set<string>();
  private wake: () => void = () => {};

  constructor(private readonly o: StatusWriterOptions) {}

  /** null deletes. */
  put(key: string, value: object | null): void {
    if (value === null && !this.stored.has(key) && !this.pending.has(key)) return;
    this.pending.set(key, value);
    this.wake();
  }
  /** A key that was found in etcd. */
  exists(key: string): void {
    this.stored.add(key);
  }
  get idle(): boolean {
    return this.pending.size === 0;
  }

  /** Writes under this session until the signal is aborted or the session is fenced (then it throws FencedError). */
  async run(guard: Guard, signal: AbortSignal): Promise<void> {
    const { env, log, kv } = this.o;
    let failures = 0;
    let writtenAt = -Infinity;
    while (!signal.aborted) {
      if (this.pending.size === 0) {
        await this.idleUntilWoken(signal);
        continue;
      }
      try {
        await env.sleep(Math.max(COALESCE_MS, writtenAt + INTERVAL_MS - env.monotonic()), signal);
      } catch {
        return;
      }
      const batch = [...this.pending].slice(0, BATCH);
      try {
        await kv.commit(
          batch.map(([key, value]): Change => ({ key, value })),
          { guard, signal },
        );
        failures = 0;
        // More than fits into one commit goes out at once.
        writtenAt = batch.length === BATCH ? -Infinity : env.monotonic();
        this.written(batch);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof FencedError) throw error;
        if (error instanceof TooLargeError && batch.length === 1) {
          log.error({ key: batch[0]?.[0], err: error }, "report is too large to be kept, and dropped");
          this.written(batch);
          continue;
        }
        failures++;
        log.warn({ err: error, keys: this.pending.size, failures }, "reports wait for etcd");
        try {
          await env.sleep(Math.min(100 * 2 ** Math.min(failures, 10), 5_000) * (0.8 + 0.4 * env.random()), signal);
        } catch {
          return;
        }
      }
    }
  }

  private written(batch: [string, object | null][]): void {
    for (const [key, value] of batch) {
      if (value === null) this.stored.delete(key);
      else this.stored.add(key);
      // Something newer may have come in the meantime.
      if (this.pending.get(key) === value) this.pending.delete(key);
    }
  }

  private async idleUntilWoken(signal: AbortSignal): Promise<void> {
    let end: () => void = () => {};
    await new Promise<void>((resolve) => {
      end = resolve;
      this.wake = resolve;
      signal.addEventListener("abort", end);
    });
    signal.removeEventListener("abort", end);
  }
}
