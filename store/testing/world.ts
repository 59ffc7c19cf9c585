// What a contract suite needs of a store besides Kv: other clients, faults, and a way to let time pass.
import type { Env } from "../env.ts";
import type { Kv, KvEvent, WatchEnd } from "../kv.ts";
import { MemoryKv } from "../memory.ts";
import { ManualEnv } from "./env.ts";

export interface World {
  kv: Kv;
  env: Env;
  /** Fresh for this world; ends in "/". */
  prefix: string;
  /** An independent client of the same store: faults of `kv` do not touch it. */
  another(): Kv;
  compact(revision: number): Promise<void>;
  /** Every connection of `kv` breaks; new ones can be made at once. */
  breakConnections(): void;
  /** Connections of `kv` break and are refused until `false`. */
  cut(on: boolean): void;
  /** Nothing gets through between `kv` and the store, nor is anything refused, until `false`. */
  partition(on: boolean): void;
  /** The next commit of `kv` is applied, but its reply does not arrive. */
  loseReply(): void;
  /** Lets time pass until the condition holds; fails when it does not within the limit. */
  wait(condition: () => boolean, limitMs?: number): Promise<void>;
  close(): Promise<void>;
}

/** Lets time pass until the promise is settled, and gives its outcome. */
export const settled = async <T>(world: World, promise: Promise<T>, limitMs?: number): Promise<T> => {
  let done = false;
  const mark = (): void => void (done = true);
  promise.then(mark, mark);
  await world.wait(() => done, limitMs);
  return await promise;
};

export interface Recorded {
  events: KvEvent[];
  /** Sizes of the batches, in order. */
  batches: number[];
  opened: { revision: number; clusterId: string } | undefined;
  progress: number;
  end: WatchEnd | undefined;
  stop(): void;
  done: Promise<WatchEnd>;
}
/** A watch whose doings are written down. */
export const record = (kv: Kv, prefix: string, from: number): Recorded => {
  const controller = new AbortController();
  const r: Recorded = {
    events: [],
    batches: [],
    opened: undefined,
    progress: 0,
    end: undefined,
    stop: () => controller.abort(),
    done: Promise.resolve({ reason: "closed", message: "" }),
  };
  r.done = kv
    .watch(
      prefix,
      from,
      {
        opened: (revision, clusterId) => void (r.opened = { revision, clusterId }),
        events: (events) => {
          r.events.push(...events);
          r.batches.push(events.length);
        },
        progress: (revision) => void (r.progress = revision),
      },
      controller.signal,
    )
    .then((end) => (r.end = end));
  return r;
};

export const modOf = (e: KvEvent): number => (e.type === "put" ? e.item.mod : e.mod);
export const keyOf = (e: KvEvent): string => (e.type === "put" ? e.item.key : e.key);

export interface MemoryWorld extends World {
  kv: MemoryKv;
  env: ManualEnv;
}
let worlds = 0;
export const memoryWorld = (seed = 1): MemoryWorld => {
  const env = new ManualEnv({ seed });
  const kv = new MemoryKv(env);
  const clients: Kv[] = [kv];
  return {
    kv,
    env,
    prefix: `/world-${++worlds}/`,
    another() {
      const client = kv.another();
      clients.push(client);
      return client;
    },
    async compact(revision) {
      kv.compact(revision);
    },
    breakConnections: () => kv.disconnect(),
    cut: (on) => kv.partition(on),
    partition: (on) => kv.partition(on),
    loseReply: () => kv.loseReplies(1),
    wait: (condition, limitMs) => env.until(condition, limitMs),
    async close() {
      for (const c of clients) await c.close();
    },
  };
};
