// Requests to delete pods that are not there (any more), or are going already: nobody else would take them away.
import type { Logger } from "pino";
import type { PodDeletion } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import type { Informer } from "../../store/informer.ts";
import type { Kv } from "../../store/kv.ts";
import { WorkQueue } from "../../store/workqueue.ts";
import type { Leadership } from "../leadership.ts";
import type { World } from "../world.ts";

/** A pod that the API has seen may reach us later than the request for it: so long do we wait for it, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Each entry with the mod revision of its key. */
export type RequestRecord = PodDeletion & { mod: number };

export class RequestLoop {
  private readonly queue: WorkQueue;
  private readonly since = new Map<string, number>();

  constructor(private readonly o: { kv: Kv; env: Env; log: Logger; requests: Informer<RequestRecord>; world: World }) {
    this.queue = new WorkQueue({ env: o.env, log: o.log, name: "pod deletion requests" });
    o.requests.subscribe(({ key, new: now }) => {
      if (now) this.queue.add(key);
      else this.since.delete(key);
    });
  }

  async run({ guard, signal }: Leadership): Promise<void> {
    this.since.clear();
    for (const [key] of this.o.requests.entries()) this.queue.add(key);
    await this.queue.run({
      workers: 1,
      signal,
      reconcile: async (key) => {
        const request = this.o.requests.get(key);
        if (!request) return undefined;
        const [namespace = "", pod = ""] = key.split("/").slice(-2);
        const wanted = this.o.world.podsNamed(namespace, pod).find((p) => p.desired.uid === request.uid);
        const now = this.o.env.monotonic();
        const since = this.since.get(key) ?? now;
        this.since.set(key, since);
        // A live pod is the stack loop's: it takes the request away in the commit that marks the pod.
        if (wanted ? wanted.desired.deletionTimestamp === undefined : now - since < PATIENCE_MS) return { afterMs: PATIENCE_MS };
        await this.o.kv.commit([{ key, mod: request.mod, value: null }], { guard, signal });
        return undefined;
      },
    });
  }
}
