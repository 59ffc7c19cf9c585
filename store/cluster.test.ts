import { describe, expect, it } from "vitest";
import { ensureCluster } from "./cluster.ts";
import { clusterKey } from "./keys.ts";
import { MemoryKv } from "./memory.ts";
import { ManualEnv } from "./testing/env.ts";

describe("ensureCluster", () => {
  it("gives everyone the same id, whoever comes first and whatever gets lost", async () => {
    const env = new ManualEnv();
    const kv = new MemoryKv(env);
    const ids = await Promise.all([ensureCluster(kv, env), ensureCluster(kv.another(), env), ensureCluster(kv.another(), env)]);
    expect(new Set(ids).size).toBe(1);
    expect(await ensureCluster(kv, env)).toBe(ids[0]);
    expect((await kv.get(clusterKey)).item?.version).toBe(1);
  });
  it("does not go on with a key that holds something else", async () => {
    const env = new ManualEnv();
    const kv = new MemoryKv(env);
    await kv.commit([{ key: clusterKey, value: { name: "x" } }]);
    await expect(ensureCluster(kv, env)).rejects.toThrow(/holds no cluster id/);
  });
});
