// Writes Events: batched, counted, and gone an hour later. Nothing waits for it, and it never fails a reconcile.
import type { Logger } from "pino";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Event } from "../../schemas/types.ts";
import type { Env } from "../../store/env.ts";
import { ConflictError, FencedError } from "../../store/errors.ts";
import { objectKey } from "../../store/keys.ts";
import type { Change, Kv, Lease } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import type { Leadership } from "../leadership.ts";
import { millisOf } from "../times.ts";
import { countEvent, eventName, eventNamespace, type Happening } from "./plan.ts";

/** How long an Event is kept after the ten minutes that its lease is shared for, in milliseconds. */
const KEEP_MS = 3_600_000;
const BUCKET_MS = 600_000;
/** Happenings of so many milliseconds share a commit. */
const GATHER_MS = 200;
const RETRY_MS = 250;
const BATCH = 48;
/** More than this waiting means that etcd is away or a loop is mad: the oldest are dropped, and that is logged. */
const MAX_WAITING = 5_000;

export class Recorder {
  private waiting: Happening[] = [];
  private wake: (() => void) | undefined;
  private running = false;
  private writing = false;
  /** What was written or read lately, so that most happenings cost one write and no read. */
  private readonly known = new Map<string, { event: Event; mod: number; at: number }>();
  /** Keys that turned out to exist though we did not know them (an earlier leader's): read before the next try. Most are new, and not read. */
  private readonly doubted = new Set<string>();
  private readonly buckets = new Map<number, Lease>();
  private readonly timers = new Set<() => void>();

  constructor(private readonly o: { kv: Kv; env: Env; log: Logger }) {}

  /** Returns at once. Before this process leads, nothing is kept: whoever leads says it. */
  record(...happenings: Happening[]): void {
    if (!this.running || happenings.length === 0) return;
    this.waiting.push(...happenings);
    if (this.waiting.length > MAX_WAITING) {
      const dropped = this.waiting.splice(0, this.waiting.length - MAX_WAITING).length;
      this.o.log.warn({ dropped }, "events dropped: too many are waiting");
    }
    this.wake?.();
  }

  /** Writes until leadership ends. */
  async run({ guard, signal }: Leadership): Promise<void> {
    this.known.clear();
    this.running = true;
    signal.addEventListener("abort", () => this.wake?.(), { once: true });
    while (!signal.aborted) {
      if (this.waiting.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
      if (signal.aborted) break;
      await this.o.env.sleep(GATHER_MS, signal).catch(() => undefined);
      if (signal.aborted) break;
      const batch = this.waiting.splice(0, BATCH);
      this.writing = true;
      try {
        await this.write(batch, { guard, signal });
      } catch (err) {
        if (err instanceof FencedError || signal.aborted) {
          this.waiting.unshift(...batch);
          break;
        }
        // Somebody else touched an Event: read again. Otherwise etcd is away: try again, in order.
        for (const h of batch) {
          this.known.delete(this.keyOf(h));
          this.doubted.add(this.keyOf(h));
        }
        this.waiting.unshift(...batch);
        this.o.log.warn({ err, waiting: this.waiting.length }, "events could not be written yet");
        if (!(err instanceof ConflictError)) await this.o.env.sleep(RETRY_MS, signal).catch(() => undefined);
      } finally {
        this.writing = false;
      }
    }
    this.running = false;
    // What is left is told when this process leads again (an etcd that was away, usually), unless nobody would care any more.
    const oldest = millisOf(this.o.env.now() - BUCKET_MS);
    this.waiting = this.waiting.filter((h) => h.at >= oldest);
  }

  /** Resolves when all that was recorded is written, or after `ms`: for a process that is about to give leadership up. */
  async drain(ms: number): Promise<void> {
    const end = this.o.env.monotonic() + ms;
    while (this.running && (this.waiting.length > 0 || this.writing) && this.o.env.monotonic() < end) await this.o.env.sleep(20);
  }

  /** Cancels timers. The Events stay until their leases run out by themselves. */
  close(): void {
    for (const cancel of this.timers) cancel();
    this.timers.clear();
    this.buckets.clear();
  }

  private keyOf(h: Happening): string {
    return objectKey(RESOURCES.events, eventNamespace(h.subject), eventName(h));
  }

  private async write(batch: readonly Happening[], { guard, signal }: Leadership): Promise<void> {
    const changed = new Map<string, { event: Event; mod: number }>();
    for (const h of batch) {
      const key = this.keyOf(h);
      const had = changed.get(key) ?? this.known.get(key) ?? (this.doubted.has(key) ? await this.read(key) : undefined);
      const event = countEvent(had?.event, h, () => this.o.env.uid());
      if (event) changed.set(key, { event, mod: had?.mod ?? 0 });
    }
    if (changed.size === 0) return this.doubted.clear();
    const lease = await this.lease();
    const changes = [...changed].map(([key, { event, mod }]): Change => {
      const { resourceVersion: _, ...metadata } = event.metadata;
      return { key, mod, value: { ...event, metadata }, lease };
    });
    const { revision } = await this.o.kv.commit(changes, { guard, signal });
    this.doubted.clear();
    const at = this.o.env.monotonic();
    for (const [key, { event }] of changed) {
      this.known.delete(key);
      this.known.set(key, { event, mod: revision, at });
    }
    for (const [key, { at: then }] of this.known) {
      if (at - then < KEEP_MS && this.known.size < MAX_WAITING) break;
      this.known.delete(key);
    }
  }

  private async read(key: string): Promise<{ event: Event; mod: number } | undefined> {
    const { item } = await this.o.kv.get(key);
    return item && { event: decodeObject<Event>(item), mod: item.mod };
  }

  /** One lease for the Events of ten minutes. It is kept alive while we are, and revoked when its hour is over. */
  private async lease(): Promise<string> {
    const bucket = Math.floor(this.o.env.now() / BUCKET_MS);
    const had = this.buckets.get(bucket);
    if (had?.valid()) return had.id;
    const lease = await this.o.kv.grant(KEEP_MS / 1000);
    this.buckets.set(bucket, lease);
    const cancel = this.o.env.timer(KEEP_MS + BUCKET_MS, () => {
      this.timers.delete(cancel);
      if (this.buckets.get(bucket) === lease) this.buckets.delete(bucket);
      lease.revoke().catch((err: unknown) => this.o.log.debug({ err }, "lease of old events could not be revoked; it expires by itself"));
    });
    this.timers.add(cancel);
    return lease.id;
  }
}
