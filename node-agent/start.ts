// How an agent begins while etcd may be away.
import type { Logger } from "pino";
import { ensureCluster } from "../store/cluster.ts";
import type { Env } from "../store/env.ts";
import type { Informer } from "../store/informer.ts";
import type { Kv } from "../store/kv.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** So long the first sync may take before the agent goes by its checkpoint. */
const OFFLINE_AFTER_MS = 3_000;

/** The cluster's id: etcd's answer, or the checkpoint's when it does not come; waits when neither knows. */
export const clusterOf = async (
  o: { kv: Kv; env: Env; log: Logger },
  checkpoint: Checkpoint | undefined,
  signal: AbortSignal,
): Promise<string | undefined> => {
  for (let told = false; !signal.aborted; ) {
    const late = new AbortController();
    const cancel = o.env.timer(OFFLINE_AFTER_MS, () => late.abort());
    try {
      const timeout = new Promise<never>((_, reject) => {
        late.signal.addEventListener("abort", () => reject(new Error("etcd does not answer")), { once: true });
        signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
      });
      return await Promise.race([ensureCluster(o.kv, o.env), timeout]);
    } catch (error) {
      if (checkpoint) return checkpoint.clusterId;
      if (!told) o.log.warn({ err: error }, "waiting for etcd: without it and without a checkpoint there is nothing to go by");
      told = true;
      await o.env.sleep(1_000, signal).catch(() => {});
    } finally {
      cancel();
    }
  }
  return undefined;
};

/** Waits for desired state, but not for long. */
export const online = async (informer: Pick<Informer<unknown>, "waitSynced">, env: Env, signal: AbortSignal): Promise<void> => {
  const late = new AbortController();
  const cancel = env.timer(OFFLINE_AFTER_MS, () => late.abort());
  await informer.waitSynced(AbortSignal.any([signal, late.signal])).catch(() => {});
  cancel();
};
