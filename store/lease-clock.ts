// When a lease's holder must stop believing in it: always before the server lets it go.
import type { Env } from "./env.ts";

/** What the holder gives up early: clocks drift, and a decision takes time to act on. Milliseconds. */
export const leaseMargin = (ttlSeconds: number): number => Math.min(Math.max(500, ttlSeconds * 100), ttlSeconds * 500);

/** Counts from the moment a keep-alive was *sent*, since the server counts from some moment after that. */
export class LeaseClock {
  private until = 0;
  private untilWall = 0;
  private disarm = (): void => {};
  private over = false;
  constructor(
    private readonly env: Env,
    private readonly ttlSeconds: number,
    private readonly onExpired: () => void,
  ) {}

  /** A keep-alive (or the grant) that was sent at `sentAt` (monotonic) was acknowledged with this TTL. */
  acknowledged(sentAt: number, ttlSeconds = this.ttlSeconds): void {
    const until = sentAt + ttlSeconds * 1000 - leaseMargin(ttlSeconds);
    if (this.over || until <= this.until) return;
    this.until = until;
    // The wall clock too: the monotonic one stands still while a laptop or a virtual machine is suspended.
    this.untilWall = this.env.now() + (until - this.env.monotonic()) + 250;
    this.arm();
  }

  /** To be asked at the point of use: right even if the process was frozen and no timer has run yet. */
  valid(): boolean {
    return this.remainingMs() > 0;
  }
  remainingMs(): number {
    if (this.over) return 0;
    const left = Math.min(this.until - this.env.monotonic(), this.untilWall - this.env.now());
    if (left > 0) return left;
    this.stop();
    this.onExpired();
    return 0;
  }
  stop(): void {
    this.over = true;
    this.disarm();
  }
  private arm(): void {
    this.disarm();
    this.disarm = this.env.timer(Math.max(1, this.until - this.env.monotonic()), () => {
      if (this.valid()) this.arm();
    });
  }
}
