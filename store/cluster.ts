// The cluster's identity.
import type { Env } from "./env.ts";
import { ConflictError } from "./errors.ts";
import { clusterKey } from "./keys.ts";
import type { Kv } from "./kv.ts";

/** The cluster's id; makes one if there is none. Whoever comes first decides, all others get the same answer. */
export const ensureCluster = async (kv: Kv, env: Env): Promise<string> => {
  for (;;) {
    const { item } = await kv.get(clusterKey);
    if (item) {
      const { id } = JSON.parse(item.value) as { id?: unknown };
      if (typeof id !== "string" || id === "") throw new TypeError(`${clusterKey} holds no cluster id: ${item.value}`);
      return id;
    }
    const id = env.uid();
    try {
      await kv.commit([{ key: clusterKey, mod: 0, value: { id, createdAt: new Date(env.now()).toISOString() } }]);
      return id;
    } catch (e) {
      if (!(e instanceof ConflictError)) throw e;
    }
  }
};
