// A shared, typed, live view of everything below a prefix.
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import type { Item, Kv } from "./kv.ts";
import { type Delta, Reflector } from "./reflector.ts";

export interface InformerOptions<T> {
  kv: Kv;
  env: Env;
  log: Logger;
  /** Ends in "/". */
  prefix: string;
  /** Throws on what it cannot read; such a key keeps its last good value and is listed in `undecodable`. */
  decode(item: Item): T;
  pageSize?: number;
}
/** `revision` is that of the change, or of the list that revealed it. */
export type InformerChange<T> = Delta<T>;
export interface InformerState {
  synced: boolean;
  reason?: string;
}

/** Values are shared between all readers: treat them as immutable. */
export class Informer<T> {
  private readonly subscribers = new Set<(change: InformerChange<T>) => void>();
  private readonly watchers = new Set<(state: InformerState) => void>();
  private readonly reflector: Reflector<T>;
  private running: Promise<void> | undefined;

  constructor(private readonly o: InformerOptions<T>) {
    this.reflector = new Reflector({
      ...o,
      onDeltas: (deltas) => {
        for (const d of deltas) this.tell(this.subscribers, d);
      },
      onState: (state) => {
        o.log.debug({ prefix: o.prefix, ...state }, "informer state");
        this.tell(this.watchers, state);
      },
    });
  }

  /** Once. Ends with the signal; `stopped` tells when. */
  start(signal: AbortSignal): void {
    if (this.running) throw new TypeError(`informer of ${this.o.prefix} was started before`);
    this.running = this.reflector.run(signal);
  }
  /** Resolves when everything has ended after the signal given to `start`. */
  get stopped(): Promise<void> {
    return this.running ?? Promise.resolve();
  }

  get(key: string): T | undefined {
    return this.reflector.cache.get(key)?.value;
  }
  *entries(): IterableIterator<[string, T]> {
    for (const [key, entry] of this.reflector.cache) yield [key, entry.value];
  }
  get size(): number {
    return this.reflector.cache.size;
  }
  /** False while the connection is down, and until the cache is known to be complete again. */
  get synced(): boolean {
    return this.reflector.synced;
  }
  /** The cache equals the store at this revision. */
  get revision(): number {
    return this.reflector.revision;
  }
  /** Keys whose present value `decode` refused, with its message. */
  get undecodable(): ReadonlyMap<string, string> {
    return this.reflector.undecodable;
  }
  get stats(): Readonly<Reflector<T>["stats"]> {
    return this.reflector.stats;
  }

  /** Resolves as soon as `synced` is true (at once if it is). Rejects with the signal's reason. */
  async waitSynced(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.synced) return;
    await new Promise<void>((resolve, reject) => {
      const done = (then: () => void): void => {
        off();
        signal?.removeEventListener("abort", aborted);
        then();
      };
      const aborted = (): void => done(() => reject(signal?.reason));
      const off = this.onState((s) => {
        if (s.synced) done(resolve);
      });
      signal?.addEventListener("abort", aborted);
    });
  }

  /** Called synchronously for each change, in order of revision, after the whole batch is in the cache. The answer unsubscribes. */
  subscribe(fn: (change: InformerChange<T>) => void): () => void {
    this.subscribers.add(fn);
    return () => void this.subscribers.delete(fn);
  }
  onState(fn: (state: InformerState) => void): () => void {
    this.watchers.add(fn);
    return () => void this.watchers.delete(fn);
  }

  /** One listener's bug must not cost the others a change. */
  private tell<E>(listeners: Set<(e: E) => void>, e: E): void {
    for (const fn of [...listeners]) {
      try {
        fn(e);
      } catch (err) {
        this.o.log.error({ prefix: this.o.prefix, err }, "listener of the informer failed");
      }
    }
  }
}
