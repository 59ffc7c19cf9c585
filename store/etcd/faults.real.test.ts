// What a real etcd and a bad network do to commits and watches.
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { realEnv } from "../env.ts";
import { AmbiguousWriteError, ConflictError, UnavailableError } from "../errors.ts";
import { Informer } from "../informer.ts";
import type { Item, Kv, KvEvent } from "../kv.ts";
import { ObjectStore } from "../objects.ts";
import { type TestEtcd, startTestEtcd } from "../testing/etcd.ts";
import { type EtcdWorld, etcdWorld, wait } from "../testing/etcd-world.ts";
import { keyOf, modOf, record } from "../testing/world.ts";
import { EtcdKv } from "./kv.ts";

let etcd: TestEtcd;
let w: EtcdWorld;
beforeAll(async () => {
  etcd = await startTestEtcd();
});
afterAll(() => etcd?.stop());
beforeEach(async () => {
  w = await etcdWorld(etcd);
});
afterEach(() => w.close());

const number = (item: Item | undefined): number => (item ? (JSON.parse(item.value) as { n: number }).n : 0);

/** Counts up by compare-and-swap until told to stop. `unknown`: the store could not tell whether that one counted. */
const countUp = async (kv: Kv, key: string, going: () => boolean): Promise<{ acknowledged: number; unknown: number }> => {
  const result = { acknowledged: 0, unknown: 0 };
  while (going()) {
    try {
      const { item } = await kv.get(key);
      await kv.commit([
        { key, mod: item?.mod ?? 0, value: { n: number(item) + 1 } },
        { key: `${key}-twin`, value: { n: number(item) + 1 } },
      ]);
      result.acknowledged++;
    } catch (e) {
      if (e instanceof AmbiguousWriteError) result.unknown++;
      else if (!(e instanceof ConflictError || e instanceof UnavailableError)) throw e;
    }
  }
  return result;
};

describe("commits", () => {
  it("count exactly, with four writers and replies that get lost", async () => {
    w.proxy.swallow = () => Math.random() < 0.1;
    const until = realEnv.monotonic() + 12_000;
    const kvs = Array.from({ length: 4 }, () => new EtcdKv({ hosts: [w.proxy.endpoint], callTimeoutMs: 2_000 }));
    const results = await Promise.all(kvs.map((kv) => countUp(kv, `${w.prefix}counter`, () => realEnv.monotonic() < until)));
    for (const kv of kvs) await kv.close();
    const acknowledged = results.reduce((sum, r) => sum + r.acknowledged, 0);
    const unknown = results.reduce((sum, r) => sum + r.unknown, 0);
    const { items } = await w.another().range(w.prefix);
    expect(w.proxy.swallowed).toBeGreaterThan(20);
    expect(acknowledged).toBeGreaterThan(50);
    expect(items.map((i) => i.version)).toEqual([number(items[0]), number(items[0])]);
    expect(unknown).toBe(0);
    expect(number(items[0])).toBe(acknowledged);
  });

  it("count exactly while etcd is killed and started again", async () => {
    let going = true;
    const counting = Promise.all([
      countUp(w.kv, `${w.prefix}counter`, () => going),
      countUp(w.another(), `${w.prefix}counter`, () => going),
    ]);
    for (let i = 0; i < 4; i++) {
      await realEnv.sleep(300 + Math.random() * 300);
      await etcd.kill9();
      await etcd.restart();
    }
    await realEnv.sleep(500);
    going = false;
    const results = await counting;
    const acknowledged = results.reduce((sum, r) => sum + r.acknowledged, 0);
    const unknown = results.reduce((sum, r) => sum + r.unknown, 0);
    const { item } = await w.another().get(`${w.prefix}counter`);
    expect(number(item)).toBeGreaterThanOrEqual(acknowledged);
    expect(number(item)).toBeLessThanOrEqual(acknowledged + unknown);
    expect(item?.version).toBe(number(item));
  });

  it("find a write again that was applied, then overwritten by someone else", async () => {
    const key = `${w.prefix}k`;
    const { revision } = await w.kv.commit([{ key, value: { n: 1 } }]);
    const other = w.another();
    w.proxy.resetBeforeReplies(1);
    const done = w.kv.commit([{ key, mod: revision, value: { n: 2 } }]);
    // No new attempt gets through until the other has written.
    await wait(() => w.proxy.swallowed === 1);
    w.proxy.refuse(true);
    const seen = await other.get(key);
    expect(seen.item?.value).toBe('{"n":2}');
    await other.commit([{ key, value: { n: 3 } }]);
    w.proxy.refuse(false);
    expect(await done).toEqual({ revision: seen.item?.mod });
    expect((await other.get(key)).item).toMatchObject({ value: '{"n":3}', version: 3 });
  });

  it("find again a deletion, a several-key write, and one without comparison", async () => {
    const key = (n: string) => w.prefix + n;
    const other = w.another();
    const { revision } = await w.kv.commit(["a", "b", "c"].map((n) => ({ key: key(n), value: {} })));
    const meanwhile = async (start: () => Promise<{ revision: number }>, then: () => Promise<unknown>) => {
      const swallowed = w.proxy.swallowed;
      w.proxy.resetBeforeReplies(1);
      const done = start();
      await wait(() => w.proxy.swallowed > swallowed);
      w.proxy.refuse(true);
      const at = (await other.status()).revision;
      await then();
      w.proxy.refuse(false);
      expect((await done).revision).toBe(at);
    };
    await meanwhile(
      () =>
        w.kv.commit([
          { key: key("a"), mod: revision, value: null },
          { key: key("b"), mod: revision, value: null },
        ]),
      () => other.commit([{ key: key("a"), value: { new: true } }]),
    );
    expect((await other.range(w.prefix)).items.map((i) => i.value)).toEqual(['{"new":true}', "{}"]);
    await meanwhile(
      () =>
        w.kv.commit([
          { key: key("c"), value: { n: 1 } },
          { key: key("d"), value: { n: 1 } },
        ]),
      () => other.commit([{ key: key("c"), value: { n: 2 } }]),
    );
    expect((await other.range(w.prefix)).items.map((i) => i.value)).toEqual(['{"new":true}', '{"n":2}', '{"n":1}']);
  });

  it("admit that they do not know when the history is gone", async () => {
    const key = `${w.prefix}k`;
    await w.kv.commit([{ key, value: { n: 1 } }]);
    const { item } = await w.kv.get(key);
    const other = w.another();
    w.proxy.resetBeforeReplies(1);
    const done = w.kv.commit([{ key, mod: item?.mod ?? 0, value: { n: 2 } }]);
    done.catch(() => {});
    await wait(() => w.proxy.swallowed === 1);
    w.proxy.refuse(true);
    const { revision } = await other.commit([{ key, value: { n: 3 } }]);
    await etcd.compact(revision);
    w.proxy.refuse(false);
    await expect(done).rejects.toThrow(AmbiguousWriteError);
  });

  it("say unavailable when nothing was sent, within their budget", async () => {
    w.proxy.refuse(true);
    const kv = new EtcdKv({ hosts: [w.proxy.endpoint], budgetMs: 1_000, callTimeoutMs: 500 });
    await expect(kv.commit([{ key: `${w.prefix}k`, value: {} }])).rejects.toThrow(UnavailableError);
    await expect(kv.get(`${w.prefix}k`)).rejects.toThrow(UnavailableError);
    w.proxy.refuse(false);
    await kv.close();
    expect((await w.another().get(`${w.prefix}k`)).item).toBeUndefined();
  });

  it("end within their budget in a black hole", async () => {
    const kv = new EtcdKv({ hosts: [w.proxy.endpoint], budgetMs: 2_000, callTimeoutMs: 500 });
    await kv.status();
    w.proxy.blackHole(true);
    await expect(kv.get(`${w.prefix}k`)).rejects.toThrow(UnavailableError);
    await expect(kv.commit([{ key: `${w.prefix}k`, value: {} }])).rejects.toThrow(AmbiguousWriteError);
    await kv.close();
  });
});

describe("watches", () => {
  it("go on where they were after etcd is killed -9 and started again", async () => {
    const informer = new Informer({ kv: w.kv, env: realEnv, log: pino({ level: "silent" }), prefix: w.prefix, decode: number });
    const seen: (number | undefined)[] = [];
    informer.subscribe((c) => seen.push(c.new));
    const stop = new AbortController();
    informer.start(stop.signal);
    await informer.waitSynced();
    const other = w.another();
    let n = 0;
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) await other.commit([{ key: `${w.prefix}k`, value: { n: ++n } }]);
      await etcd.kill9();
      await wait(() => !informer.synced);
      await etcd.restart();
    }
    await informer.waitSynced();
    await other.commit([{ key: `${w.prefix}k`, value: { n: ++n } }]);
    await wait(() => informer.get(`${w.prefix}k`) === n);
    stop.abort();
    await informer.stopped;
    expect(seen).toEqual(Array.from({ length: n }, (_, i) => i + 1));
  });

  it("deliver a backlog of more than 4 MiB, every event of it, with no commit torn", async () => {
    const other = w.another();
    const { revision } = await other.commit([{ key: `${w.prefix}start`, value: {} }]);
    const text = "x".repeat(600_000);
    const written: number[] = [];
    for (let i = 0; i < 20; i++)
      written.push(
        (
          await other.commit([
            { key: `${w.prefix}a`, value: { text } },
            { key: `${w.prefix}b`, value: { text } },
          ])
        ).revision,
      );
    const r = record(w.kv, w.prefix, revision);
    const batches: KvEvent[][] = [];
    await wait(() => r.events.length === 40);
    for (let i = 0, from = 0; i < r.batches.length; from += r.batches[i++] ?? 0)
      batches.push(r.events.slice(from, from + (r.batches[i] ?? 0)));
    expect(r.events.map(modOf)).toEqual(written.flatMap((x) => [x, x]));
    // Both keys of a commit lie in one batch.
    for (const b of batches) expect(b.filter((e) => keyOf(e).endsWith("a"))).toHaveLength(b.length / 2);
    r.stop();
  });

  it("notice a black hole, and end", async () => {
    const { revision } = await w.kv.status();
    const r = record(w.kv, w.prefix, revision);
    await wait(() => r.opened !== undefined);
    w.proxy.blackHole(true);
    await wait(() => r.end !== undefined, 40_000);
    expect(r.end?.reason).toBe("closed");
  });
});

describe("lists", () => {
  it("page through 10,000 keys at one revision while others write", async () => {
    const things = { group: "", resource: "pages", namespaced: false };
    const store = new ObjectStore(w.kv, realEnv);
    const names = Array.from({ length: 10_000 }, (_, i) => `p${String(i).padStart(5, "0")}`);
    for (let i = 0; i < names.length; i += 50)
      await w.kv.commit(
        names.slice(i, i + 50).map((name) => ({ key: `/steadfleet/objects/core/pages/_/${name}`, mod: 0, value: { metadata: { name } } })),
      );
    let going = true;
    const noise = (async () => {
      const other = w.another();
      for (let i = 0; going; i++)
        await other.commit([
          { key: `/steadfleet/objects/core/pages/_/${names[(i * 37) % 10_000]}`, value: null },
          { key: `/steadfleet/objects/core/pages/_/new${i}`, value: { metadata: { name: `new${i}` } } },
        ]);
    })();
    const seen: string[] = [];
    let revision: string | undefined;
    for (let token: string | undefined; ; ) {
      const page = await store.list(things, { limit: 700, continue: token });
      revision ??= page.resourceVersion;
      expect(page.resourceVersion).toBe(revision);
      expect(page.items.length + (page.remaining ?? 0)).toBe(
        Math.max(0, (await w.kv.range("/steadfleet/objects/core/pages/_/", { limit: 1, revision: Number(revision) })).count - seen.length),
      );
      seen.push(...page.items.map((i) => i.metadata.name));
      token = page.continue;
      if (!token) break;
    }
    going = false;
    await noise;
    const whole = await w.kv.range("/steadfleet/objects/core/pages/_/", { revision: Number(revision) });
    expect(seen).toEqual(whole.items.map((i) => i.key.split("/").at(-1)));
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThanOrEqual(9_900);
  });
});
