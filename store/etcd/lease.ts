// A lease whose holder knows of its end before the server lets it go. etcd3's own Lease reports the loss one whole TTL too late.
import type { Etcd3, IDuplexStream, ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from "etcd3";
import type { Env } from "../env.ts";
import type { Lease } from "../kv.ts";
import { LeaseClock } from "../lease-clock.ts";
import { retry } from "./client.ts";

type Stream = IDuplexStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>;

export class EtcdLease implements Lease {
  readonly lost: AbortSignal;
  private readonly ended = new AbortController();
  private readonly clock: LeaseClock;
  private stream: Stream | undefined;
  /** When the keep-alives that are not answered yet were sent, on the monotonic clock. The answers come in order. */
  private sent: number[] = [];
  private lastAnswer: number;
  private opening = false;
  private cancelBeat = (): void => {};

  private constructor(
    private readonly client: Etcd3,
    private readonly env: Env,
    readonly id: string,
    readonly ttlSeconds: number,
    grantedAt: number,
  ) {
    this.lost = this.ended.signal;
    this.lastAnswer = grantedAt;
    this.clock = new LeaseClock(env, ttlSeconds, () => this.end("the local deadline passed without an answer"));
    this.clock.acknowledged(grantedAt);
    this.beat();
  }

  static async grant(client: Etcd3, env: Env, ttlSeconds: number, budgetMs: number): Promise<EtcdLease> {
    let sentAt = 0;
    // A lost reply leaves a lease behind that nobody keeps alive: it is gone after one TTL.
    const r = await retry(
      () => {
        sentAt = env.monotonic();
        return client.leaseClient.leaseGrant({ TTL: ttlSeconds });
      },
      { env, budgetMs, what: "lease grant" },
    );
    return new EtcdLease(client, env, r.ID, Number(r.TTL), sentAt);
  }

  valid(): boolean {
    return this.clock.valid();
  }
  remainingMs(): number {
    return this.clock.remainingMs();
  }
  async revoke(): Promise<void> {
    this.end("revoked");
    // Best effort: without it the keys stay until the TTL ends.
    await this.client.leaseClient.leaseRevoke({ ID: this.id }).catch(() => {});
  }
  /** Stops keeping it alive. */
  end(why: string): void {
    if (this.lost.aborted) return;
    this.clock.stop();
    this.cancelBeat();
    this.drop();
    this.ended.abort(new Error(`lease ${this.id} lost: ${why}`));
  }

  private get intervalMs(): number {
    return this.ttlSeconds * 200;
  }
  private again(ms: number): void {
    this.cancelBeat();
    if (!this.lost.aborted) this.cancelBeat = this.env.timer(ms, () => this.beat());
  }

  private beat(): void {
    if (!this.valid()) return;
    this.again(this.intervalMs);
    if (this.opening) return;
    // A stream that has gone silent may sit in a black hole: another one may get through.
    if (this.stream && this.env.monotonic() - this.lastAnswer > this.intervalMs * 2.5) this.drop();
    if (this.stream) return this.send(this.stream);
    this.opening = true;
    this.client.leaseClient.leaseKeepAlive().then(
      (stream) => {
        this.opening = false;
        const broken = (): void => {
          if (stream !== this.stream) return;
          this.drop();
          this.again(50 + this.env.random() * 100);
        };
        stream.on("error", broken);
        stream.on("end", broken);
        stream.on("data", (m) => this.answered(stream, m));
        if (this.lost.aborted) return stream.cancel();
        this.stream = stream;
        this.sent = [];
        this.lastAnswer = this.env.monotonic();
        this.send(stream);
      },
      () => {
        this.opening = false;
        this.again(100 + this.env.random() * 100);
      },
    );
  }
  private send(stream: Stream): void {
    this.sent.push(this.env.monotonic());
    stream.write({ ID: this.id });
  }
  private answered(stream: Stream, m: ILeaseKeepAliveResponse): void {
    if (stream !== this.stream) return;
    this.lastAnswer = this.env.monotonic();
    const sentAt = this.sent.shift();
    if (Number(m.TTL) <= 0) return this.end("the server let it expire");
    if (sentAt !== undefined) this.clock.acknowledged(sentAt, Number(m.TTL));
  }
  private drop(): void {
    const stream = this.stream;
    this.stream = undefined;
    this.sent = [];
    stream?.cancel();
  }
}
