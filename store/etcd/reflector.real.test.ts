// A reflector under every fault we know, checked at random instants: the cache equals the store at the reflector's revision.
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { realEnv } from "../env.ts";
import { ExpiredError } from "../errors.ts";
import type { Change, Item } from "../kv.ts";
import { Reflector } from "../reflector.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { wait } from "../testing/etcd-world.ts";
import { type FaultProxy, startProxy } from "../testing/proxy.ts";
import { ManualEnv } from "../testing/env.ts";
import { EtcdKv } from "./kv.ts";

const RUN_MS = 50_000;
const PREFIX = "/torture/";
let etcd: TestEtcd;
let proxy: FaultProxy;
let writer: EtcdKv;
let reader: EtcdKv;
beforeAll(async () => {
  etcd = await startTestEtcd();
  proxy = await startProxy(etcd.endpoint);
  writer = new EtcdKv({ hosts: [etcd.endpoint], callTimeoutMs: 2_000 });
  reader = new EtcdKv({ hosts: [proxy.endpoint], callTimeoutMs: 2_000 });
});
afterAll(async () => {
  await reader?.close();
  await writer?.close();
  await proxy?.close();
  await etcd?.stop();
});

it("never shows a state that the store was not in, whatever happens", async () => {
  const random = new ManualEnv({ seed: 20 });
  const dice = (n: number): number => Math.floor(random.random() * n);
  const key = (n: number): string => `${PREFIX}k${n}`;
  const stop = new AbortController();
  const wrong: string[] = [];
  /** The changes told, carried out one by one. */
  const replay = new Map<string, Item>();
  const reflector: Reflector<Item> = new Reflector({
    kv: reader,
    env: realEnv,
    log: pino({ level: "silent" }),
    prefix: PREFIX,
    decode: (item) => item,
    pageSize: 7,
    onState: () => {},
    onDeltas: (deltas, source) => {
      for (const d of deltas) {
        const old = replay.get(d.key);
        if (old?.mod !== d.old?.mod) wrong.push(`${d.key}: told to change ${d.old?.mod}, but ${old?.mod} was told before`);
        if (d.new && old && d.new.mod <= old.mod) wrong.push(`${d.key} went back from ${old.mod} to ${d.new.mod}`);
        // A watch shows each single version of a key.
        if (source === "watch" && d.new && old && d.new.create === old.create && d.new.version !== old.version + 1)
          wrong.push(`${d.key}: version ${old.version} was followed by ${d.new.version}`);
        if (d.new) replay.set(d.key, d.new);
        else replay.delete(d.key);
      }
    },
  });
  const running = reflector.run(stop.signal);

  let going = true;
  const writing = (async () => {
    for (let n = 0; going; n++) {
      const [a, b, kind] = [dice(20), dice(20), dice(10)];
      const big = kind === 0 ? "x".repeat(300_000 + dice(500_000)) : "";
      const changes: Change[] = [{ key: key(a), value: kind < 6 ? { n, big } : null }];
      if (kind >= 8) changes.push({ key: `${PREFIX}left`, value: { n } }, { key: `${PREFIX}right`, value: { n } });
      if (kind === 9 && a !== b) changes.push({ key: key(b), value: { n } });
      // etcd is down at times, and history compacted; what counts is what the store says afterwards.
      await writer.commit(changes).catch(() => {});
      await realEnv.sleep(dice(8));
    }
  })();

  const faults: (() => Promise<unknown>)[] = [
    async () => {
      await etcd.kill9();
      await etcd.restart();
    },
    async () => {
      proxy.refuse(true);
      await realEnv.sleep(100);
      await etcd.kill9();
      await etcd.restart();
      await etcd.compact((await writer.status()).revision);
      proxy.refuse(false);
    },
    async () => proxy.reset(),
    async () => {
      for (let i = 0; i < 6; i++) {
        proxy.reset();
        await realEnv.sleep(dice(120));
      }
    },
    // A long backlog, cut twice while it is being delivered.
    async () => {
      proxy.refuse(true);
      for (let i = 0; i < 300; i++)
        await writer.commit([{ key: key(dice(20)), value: { i, text: "y".repeat(i % 50 === 0 ? 900_000 : 10) } }]);
      proxy.refuse(false);
      await realEnv.sleep(60 + dice(150));
      proxy.reset();
      await realEnv.sleep(60 + dice(150));
      proxy.reset();
    },
    async () => etcd.compact((await writer.status()).revision),
    // The very next revision after what the reader has seen is a deletion, and is compacted away.
    async () => {
      proxy.refuse(true);
      const { revision } = await writer.commit([
        { key: key(dice(20)), value: { here: true } },
        { key: `${PREFIX}victim`, value: {} },
      ]);
      proxy.refuse(false);
      await wait(() => reflector.revision >= revision);
      proxy.refuse(true);
      const gone = await writer.commit([{ key: `${PREFIX}victim`, value: null }]);
      await etcd.compact(gone.revision);
      proxy.refuse(false);
    },
    async () => {
      const { pid } = etcd;
      if (pid === undefined) return;
      process.kill(pid, "SIGSTOP");
      await realEnv.sleep(1_200);
      process.kill(pid, "SIGCONT");
    },
    async () => {
      proxy.blackHole(true);
      await realEnv.sleep(700);
      proxy.blackHole(false);
    },
  ];

  let checks = 0;
  const check = async (): Promise<void> => {
    const at = reflector.revision;
    const cached = [...reflector.cache.values()].map((e) => e.value).toSorted((x, y) => (x.key < y.key ? -1 : 1));
    if (at === 0) return;
    try {
      const { items } = await writer.range(PREFIX, { revision: at });
      checks++;
      const brief = (list: Item[]) => list.map((i) => `${i.key}@${i.mod}`);
      if (JSON.stringify(brief(cached)) !== JSON.stringify(brief(items)))
        wrong.push(`at ${at}: ${brief(cached).join()} is not ${brief(items).join()}`);
      else if (cached.some((c, i) => c.value !== items[i]?.value)) wrong.push(`at ${at}: a value differs`);
      const n = (name: string) => cached.find((c) => c.key === PREFIX + name)?.value;
      if (n("left") !== n("right")) wrong.push(`at ${at}: a commit is torn`);
    } catch (e) {
      // Compacted since, or etcd is down just now.
      if (!(e instanceof ExpiredError)) await realEnv.sleep(50);
    }
  };
  const checking = (async () => {
    while (going) {
      await check();
      await realEnv.sleep(dice(150));
    }
  })();

  const end = realEnv.monotonic() + RUN_MS;
  let injected = 0;
  for (let i = 0; realEnv.monotonic() < end; i++) {
    // Each once, then any.
    await faults[i < faults.length ? i : dice(faults.length)]?.();
    injected++;
    await realEnv.sleep(200 + dice(1_500));
  }
  going = false;
  await Promise.all([writing, checking]);

  const final = await writer.range(PREFIX);
  await wait(() => reflector.synced && reflector.revision >= Math.max(...final.items.map((i) => i.mod)), 20_000);
  expect([...reflector.cache.keys()].toSorted((a, b) => (a < b ? -1 : 1))).toEqual(final.items.map((i) => i.key));
  expect([...replay.entries()].every(([k, v]) => reflector.cache.get(k)?.mod === v.mod)).toBe(true);
  expect(replay.size).toBe(reflector.cache.size);
  expect(wrong).toEqual([]);
  expect(injected).toBeGreaterThanOrEqual(faults.length);
  expect(checks).toBeGreaterThan(30);
  expect(reflector.stats.events).toBeGreaterThan(500);
  stop.abort();
  await running;
  process.stdout.write(`reflector: ${injected} faults, ${checks} checks, ${JSON.stringify(reflector.stats)}\n`);
}, 180_000);
