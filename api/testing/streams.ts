// A server, a node in memory, and pods on it that run: for tests of streams.
import type { ObservedPod } from "../../schemas/fleet.ts";
import { aDesired, anObserved } from "../../schemas/testing/pod.ts";
import { desiredKey, observedKey, sessionKey } from "../../store/keys.ts";
import type { MemoryKv } from "../../store/memory.ts";
import { type FakeNode, fakeNode } from "./fake-node.ts";
import { type TestApi, testApi, type TestOptions } from "./server.ts";

export interface StreamWorld extends AsyncDisposable {
  t: TestApi & { kv: MemoryKv };
  node: FakeNode;
  /** A pod `name` of one container `web` on node `n1`; it runs, unless told otherwise. */
  putPod(name: string, seen?: Partial<ObservedPod>): Promise<void>;
  dropPod(name: string): Promise<void>;
}

export async function streamWorld(o: Omit<TestOptions, "kv" | "links"> = {}): Promise<StreamWorld> {
  const node = await fakeNode();
  const t = await testApi({ ...o, links: node.links });
  await t.kv.commit([{ key: sessionKey("n1"), value: { nonce: "x", hostname: "n1", pid: 1, startedAt: "" } }]);
  return {
    t,
    node,
    putPod: async (name, seen) => {
      const desired = aDesired(name, { labels: { app: "shop" } });
      const observed = anObserved(name, { startedAt: "2026-01-01T00:00:01.000Z", containerId: "c".repeat(64), ...seen });
      await t.kv.commit([
        { key: desiredKey("n1", "default", name), value: desired },
        { key: observedKey("n1", "default", name), value: observed },
      ]);
    },
    dropPod: async (name) => {
      await t.kv.commit([
        { key: desiredKey("n1", "default", name), value: null },
        { key: observedKey("n1", "default", name), value: null },
      ]);
    },
    [Symbol.asyncDispose]: async () => {
      await t[Symbol.asyncDispose]();
      await node[Symbol.asyncDispose]();
    },
  };
}
