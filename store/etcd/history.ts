// What happened to one key after a revision: a one-shot watch that knows when it has seen everything.
import type { Etcd3, IEvent } from "etcd3";
import type { Env } from "../env.ts";
import { isTransient, classify, toStoreError, ambiguous } from "./client.ts";
import { watchRaw } from "./watch.ts";

/** etcd sends a backlog in batches of so many revisions. */
const BATCH = 1_000;

export interface HistoryOptions {
  env: Env;
  key: string;
  after: number;
  /** On the monotonic clock. */
  deadline: number;
  what: string;
}

/**
 * The first event that `pick` calls "found"; undefined when there is none up to now, or `pick` said "stop" before.
 * @throws AmbiguousWriteError when the history is compacted or the deadline passes
 */
export const readHistory = async (
  client: Etcd3,
  o: HistoryOptions,
  pick: (e: IEvent) => "found" | "next" | "stop",
): Promise<IEvent | undefined> => {
  const key = Buffer.from(o.key);
  for (;;) {
    try {
      const r = await client.kv.range({ key, keys_only: true });
      const now = r.kvs[0];
      // It stands where it stood: nothing has happened to it.
      if (now && Number(now.mod_revision) <= o.after) return undefined;
      const done = await replay(client, o, key, { revision: Number(r.header.revision), mod: now?.mod_revision }, pick);
      if (done.complete) return done.found;
      if (done.compacted) throw ambiguous(o.what, new Error("the history is compacted"));
    } catch (e) {
      if (!isTransient(classify(e))) throw toStoreError(e, o.what);
    }
    if (o.env.monotonic() > o.deadline) throw ambiguous(o.what, new Error("the history could not be read in time"));
    await o.env.sleep(50 + o.env.random() * 100);
  }
};

const replay = async (
  client: Etcd3,
  o: HistoryOptions,
  key: Buffer,
  now: { revision: number; mod: string | undefined },
  pick: (e: IEvent) => "found" | "next" | "stop",
): Promise<{ complete: boolean; compacted?: boolean; found?: IEvent }> => {
  const stop = new AbortController();
  let complete = false;
  let found: IEvent | undefined;
  const finish = (hit?: IEvent): void => {
    complete = true;
    found = hit;
    stop.abort();
  };
  const cancel = o.env.timer(Math.max(1, Math.min(o.deadline - o.env.monotonic(), 7_000)), () => stop.abort());
  const end = await watchRaw(client, {
    key,
    from: o.after,
    env: o.env,
    signal: stop.signal,
    events: (events) => {
      for (const e of events) {
        if (complete) return;
        const verdict = pick(e);
        if (verdict !== "next") return finish(verdict === "found" ? e : undefined);
        if (e.type === "Put" && e.kv.mod_revision === now.mod) return finish();
      }
      // The key is gone, and this was the last batch.
      if (now.mod === undefined && events.length < BATCH && events.at(-1)?.type === "Delete") finish();
    },
    // Silence can mean that nothing happened, or that the backlog is late; progress tells.
    progress: (revision) => {
      if (revision >= now.revision) finish();
    },
  });
  cancel();
  return { complete, compacted: end.reason === "compacted", ...(found ? { found } : {}) };
};
