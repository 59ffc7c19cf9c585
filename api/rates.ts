// How much one caller may ask for, so that none of them takes the server from the others: token buckets in memory, one lane for
// reads and one for writes, a number of watches; and for strangers, who have no token, a bucket per address.
import type { Env } from "../store/env.ts";
import type { User } from "./auth.ts";
import { READ_VERBS, type Verb } from "./kind.ts";
import { tooManyRequests } from "./status.ts";

/** So many per second in the long run, and so many at once after a pause. */
export interface Rate {
  perSecond: number;
  burst: number;
}

export interface ApiLimits {
  /** Of one token. kubectl and Argo CD hold themselves to 50 per second, so these stop what has gone wrong, not what is busy. */
  reads: Rate;
  writes: Rate;
  /** Open at a time, of one token. */
  watches: number;
  /** Requests of one address whose token is none. */
  strangers: Rate;
}

export const LIMITS: ApiLimits = {
  reads: { perSecond: 400, burst: 2_000 },
  writes: { perSecond: 200, burst: 1_000 },
  watches: 2_000,
  strangers: { perSecond: 100, burst: 1_000 },
};

/** Callers remembered at a time. Whoever was not seen for longest is forgotten, which fills the bucket again. */
const CALLERS = 10_000;
const WATCH_RETRY_SECONDS = 5;

class Buckets {
  private readonly levels = new Map<string, { left: number; at: number }>();

  constructor(
    private readonly env: Env,
    private readonly rate: Rate,
  ) {}

  /** Takes `n` (0: only looks). @returns 0 when there was enough, else the seconds until there is one */
  take(who: string, n: number): number {
    const { perSecond, burst } = this.rate;
    const now = this.env.monotonic();
    const known = this.levels.get(who);
    const left = known ? Math.min(burst, known.left + ((now - known.at) / 1000) * perSecond) : burst;
    const enough = left >= 1;
    this.levels.delete(who);
    if (this.levels.size >= CALLERS) this.levels.delete(this.levels.keys().next().value ?? "");
    this.levels.set(who, { left: enough ? left - n : left, at: now });
    return enough ? 0 : Math.max(1, Math.ceil((1 - left) / perSecond));
  }
  get size(): number {
    return this.levels.size;
  }
}

export class Rates {
  private readonly reads: Buckets;
  private readonly writes: Buckets;
  private readonly strangers: Buckets;
  private readonly watches = new Map<string, number>();
  /** Refusals so far. */
  readonly refused = { reads: 0, writes: 0, watches: 0, strangers: 0 };

  constructor(
    env: Env,
    private readonly limits: ApiLimits = LIMITS,
  ) {
    this.reads = new Buckets(env, limits.reads);
    this.writes = new Buckets(env, limits.writes);
    this.strangers = new Buckets(env, limits.strangers);
  }

  /** Counts a request. @throws ApiError 429 with the seconds after which to come back; client-go does so by itself */
  admit(user: User, verb: Verb): void {
    const lane = READ_VERBS.includes(verb) ? "reads" : "writes";
    const seconds = this[lane].take(user.tokenId, 1);
    if (seconds === 0) return;
    this.refused[lane]++;
    const { perSecond } = this.limits[lane];
    throw tooManyRequests(
      "TooManyRequests",
      `more than ${perSecond} ${lane} per second with this token; try again in ${seconds} s`,
      seconds,
    );
  }

  /** Counts a watch until the answer is called. @throws ApiError 429 */
  watch(user: User): () => void {
    const open = this.watches.get(user.tokenId) ?? 0;
    if (open >= this.limits.watches) {
      this.refused.watches++;
      throw tooManyRequests(
        "TooManyWatches",
        `${open} watches are open with this token, which is as many as it may have`,
        WATCH_RETRY_SECONDS,
      );
    }
    this.watches.set(user.tokenId, open + 1);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const left = (this.watches.get(user.tokenId) ?? 1) - 1;
      if (left > 0) this.watches.set(user.tokenId, left);
      else this.watches.delete(user.tokenId);
    };
  }

  /** Before a token is looked up. @throws ApiError 429 for an address that sent too many that are none */
  stranger(address: string): void {
    const seconds = this.strangers.take(address, 0);
    if (seconds === 0) return;
    this.refused.strangers++;
    throw tooManyRequests(
      "TooManyRequests",
      `too many requests without a valid token came from this address; try again in ${seconds} s`,
      seconds,
    );
  }

  /** A token was none. */
  unknown(address: string): void {
    this.strangers.take(address, 1);
  }
}
