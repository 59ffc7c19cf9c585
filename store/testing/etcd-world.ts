// A contract world on a real etcd, with `kv` behind a proxy of its own.
import { realEnv } from "../env.ts";
import { EtcdKv } from "../etcd/kv.ts";
import type { TestEtcd } from "./etcd.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";
import type { World } from "./world.ts";

export interface EtcdWorld extends World {
  proxy: FaultProxy;
}

let worlds = 0;
export const etcdWorld = async (etcd: TestEtcd): Promise<EtcdWorld> => {
  const proxy = await startProxy(etcd.endpoint);
  const kv = new EtcdKv({ hosts: [proxy.endpoint], callTimeoutMs: 2_000 });
  const clients = [kv];
  return {
    kv,
    env: realEnv,
    proxy,
    prefix: `/world-${++worlds}/`,
    another() {
      const client = new EtcdKv({ hosts: [etcd.endpoint] });
      clients.push(client);
      return client;
    },
    compact: (revision) => etcd.compact(revision),
    breakConnections: () => proxy.reset(),
    cut: (on) => proxy.refuse(on),
    partition: (on) => proxy.blackHole(on),
    loseReply: () => proxy.resetBeforeReplies(1),
    wait,
    async close() {
      for (const c of clients) await c.close();
      await proxy.close();
    },
  };
};

/** Real time passes until the condition holds. */
export const wait = async (condition: () => boolean, limitMs = 30_000): Promise<void> => {
  const end = realEnv.monotonic() + limitMs;
  while (!condition()) {
    if (realEnv.monotonic() > end) throw new Error(`condition does not hold after ${limitMs} ms`);
    await realEnv.sleep(5);
  }
};
