// One watch on one gRPC stream of its own. etcd3's Watcher resumes at revisions it has not seen and loses events; this one
// never resumes: whoever calls it knows how far they are.
import type { Etcd3, IEvent, IWatchResponse } from "etcd3";
import type { Env } from "../env.ts";
import type { WatchEnd } from "../kv.ts";

export interface RawWatch {
  key: Buffer;
  /** Absent: just that key. */
  end?: Buffer;
  /** Events with a mod revision above this. */
  from: number;
  signal: AbortSignal;
  env: Env;
  /** How long the server may take to accept. Default 10,000. */
  openTimeoutMs?: number;
  opened?(revision: number, clusterId: string): void;
  /** Whole revisions, in order. */
  events(events: IEvent[]): void;
  progress?(revision: number): void;
}

/** Never rejects: whatever goes wrong ends the watch. */
export const watchRaw = async (client: Etcd3, o: RawWatch): Promise<WatchEnd> => {
  const aborted: WatchEnd = { reason: "aborted", message: "aborted" };
  if (o.signal.aborted) return aborted;
  return await new Promise<WatchEnd>((resolve) => {
    let over = false;
    let cancelStream: (() => void) | undefined;
    const finish = (end: WatchEnd): void => {
      if (over) return;
      over = true;
      cancelTimer();
      o.signal.removeEventListener("abort", onAbort);
      cancelStream?.();
      resolve(end);
    };
    const closed = (message: string): void => finish({ reason: "closed", message });
    const onAbort = (): void => finish(aborted);
    const cancelTimer = o.env.timer(o.openTimeoutMs ?? 10_000, () => closed("the server did not accept the watch in time"));
    o.signal.addEventListener("abort", onAbort);

    let created = false;
    let fragments: IEvent[] = [];
    const onData = (m: IWatchResponse): void => {
      if (over) return; // late messages of a cancelled stream
      if (m.canceled) {
        if (Number(m.compact_revision) > 0)
          return finish({ reason: "compacted", message: `revision ${o.from} is compacted (${m.compact_revision})` });
        return closed(`cancelled by the server: ${m.cancel_reason || "no reason given"}`);
      }
      const revision = Number(m.header.revision);
      if (m.created) {
        created = true;
        cancelTimer();
        if (revision < o.from)
          return finish({ reason: "compacted", message: `the store is at ${revision}, before ${o.from}: it was restored` });
        o.opened?.(revision, m.header.cluster_id);
        return;
      }
      if (!created) return;
      // Parts of one batch: a cut in their midst discards what came of it.
      if (m.fragment) {
        fragments = [...fragments, ...m.events];
        return;
      }
      const events = fragments.length > 0 ? [...fragments, ...m.events] : m.events;
      fragments = [];
      // Only an empty message tells progress. The revision in the header of any other is the store's, and may be far ahead of us.
      if (events.length === 0) return o.progress?.(revision);
      const fresh = events.filter((e) => Number(e.kv.mod_revision) > o.from);
      if (fresh.length > 0) o.events(fresh);
    };

    client.watchClient.watch().then(
      (stream) => {
        cancelStream = () => stream.cancel();
        stream.on("error", (e: Error) => closed(`stream: ${e.message}`));
        stream.on("end", () => closed("stream: ended by the server"));
        stream.on("data", (m: IWatchResponse) => {
          try {
            onData(m);
          } catch (e) {
            closed(`handler: ${e instanceof Error ? e.message : String(e)}`);
          }
        });
        if (over) return stream.cancel();
        stream.write({
          create_request: {
            key: o.key,
            ...(o.end ? { range_end: o.end } : {}),
            // AT `from`, not after it: a tombstone compacted just after it would be lost in silence. 0 would mean "from now on".
            start_revision: String(Math.max(1, o.from)),
            progress_notify: true,
            prev_kv: false,
            fragment: true,
          },
        });
      },
      (e: unknown) => closed(`stream: ${e instanceof Error ? e.message : String(e)}`),
    );
  });
};
