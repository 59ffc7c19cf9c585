// Events go by themselves: each hangs on a lease that ends an hour later. Those of ten minutes share one.
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";
import type { Kv, Lease } from "../store/kv.ts";

const BUCKET_MS = 600_000;
const KEEP_MS = 3_600_000;

export class EventLeases {
  private bucket = -1;
  private current: Promise<Lease> | undefined;
  private readonly timers = new Set<() => void>();

  constructor(
    private readonly kv: Kv,
    private readonly env: Env,
    private readonly log: Logger,
  ) {}

  /** Id of the lease for an Event made now. @throws UnavailableError */
  async id(): Promise<string> {
    const bucket = Math.floor(this.env.monotonic() / BUCKET_MS);
    if (bucket !== this.bucket || !this.current) {
      this.bucket = bucket;
      this.current = this.grant();
    }
    const mine = this.current;
    try {
      const lease = await mine;
      if (lease.valid()) return lease.id;
    } catch (e) {
      if (this.current === mine) this.current = undefined;
      throw e;
    }
    if (this.current === mine) this.current = undefined;
    return this.id();
  }

  /** The Events stay until their leases run out by themselves. */
  stop(): void {
    for (const cancel of this.timers) cancel();
    this.timers.clear();
  }

  private async grant(): Promise<Lease> {
    const lease = await this.kv.grant(KEEP_MS / 1000);
    const cancel = this.env.timer(KEEP_MS + BUCKET_MS, () => {
      this.timers.delete(cancel);
      lease.revoke().catch((err: unknown) => this.log.debug({ err }, "lease of old events could not be revoked; it expires by itself"));
    });
    this.timers.add(cancel);
    return lease;
  }
}
