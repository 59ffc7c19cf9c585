// What Informer promises on any Kv.
import { pino } from "pino";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Informer, type InformerChange } from "./informer.ts";
import type { Item } from "./kv.ts";
import { type World, settled } from "./testing/world.ts";

interface Value {
  n: number;
  mod: number;
}
const decode = (item: Item): Value => {
  const { n } = JSON.parse(item.value) as { n?: unknown };
  if (typeof n !== "number") throw new TypeError("n is missing");
  return { n, mod: item.mod };
};

export const informerContract = (open: () => Promise<World>): void => {
  let w: World;
  let stop: AbortController;
  let informer: Informer<Value>;
  let changes: InformerChange<Value>[];
  let states: { synced: boolean; reason?: string }[];
  const put = (name: string, n: number) => w.another().commit([{ key: w.prefix + name, value: { n } }]);
  const remove = (name: string) => w.another().commit([{ key: w.prefix + name, value: null }]);
  const cache = () => Object.fromEntries([...informer.entries()].map(([k, v]) => [k.slice(w.prefix.length), v.n]));
  /** What the changes amount to when carried out one by one: must always be the cache. */
  const replayed = () => {
    const m = new Map<string, number>();
    for (const c of changes) {
      const name = c.key.slice(w.prefix.length);
      expect(c.old?.n).toBe(m.get(name));
      if (c.new) m.set(name, c.new.n);
      else m.delete(name);
    }
    return Object.fromEntries(m);
  };
  const start = async (): Promise<void> => {
    informer.start(stop.signal);
    await settled(w, informer.waitSynced());
  };

  beforeEach(async () => {
    w = await open();
    stop = new AbortController();
    changes = [];
    states = [];
    informer = new Informer({ kv: w.kv, env: w.env, log: pino({ level: "silent" }), prefix: w.prefix, decode, pageSize: 3 });
    informer.subscribe((c) => changes.push(c));
    informer.onState((s) => states.push(s));
  });
  afterEach(async () => {
    stop.abort();
    await settled(w, informer.stopped);
    expect(informer.synced).toBe(false);
    await w.close();
  });

  it("lists what is there, page by page, and follows what comes", async () => {
    for (let i = 0; i < 8; i++) await put(`k${i}`, i);
    await start();
    expect(cache()).toEqual({ k0: 0, k1: 1, k2: 2, k3: 3, k4: 4, k5: 5, k6: 6, k7: 7 });
    const { revision } = await put("k0", 10);
    await w.wait(() => informer.revision >= revision);
    expect(informer.get(`${w.prefix}k0`)).toEqual({ n: 10, mod: revision });
    expect(changes.at(-1)).toEqual({
      key: `${w.prefix}k0`,
      old: expect.objectContaining({ n: 0 }),
      new: { n: 10, mod: revision },
      revision,
    });
    await remove("k1");
    await w.wait(() => informer.get(`${w.prefix}k1`) === undefined);
    expect(replayed()).toEqual(cache());
    expect(informer.size).toBe(7);
  });

  it("tells every single state, across a broken connection too", async () => {
    await start();
    for (let n = 1; n <= 20; n++) {
      await put("k", n);
      if (n % 5 === 0) {
        await w.wait(() => informer.get(`${w.prefix}k`)?.n === n);
        w.breakConnections();
      }
    }
    await w.wait(() => informer.synced && informer.get(`${w.prefix}k`)?.n === 20);
    expect(changes.map((c) => c.new?.n)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(states.some((s) => !s.synced && s.reason !== undefined)).toBe(true);
  });

  it("is not synced while the connection is down, and has missed nothing when it is again", async () => {
    await put("stays", 1);
    await put("goes", 1);
    await start();
    w.partition(true);
    await w.wait(() => !informer.synced, 60_000);
    await remove("goes");
    const { revision } = await put("comes", 1);
    expect(cache()).toEqual({ stays: 1, goes: 1 });
    const atSync: unknown[] = [];
    informer.onState((s) => {
      if (s.synced) atSync.push(cache());
    });
    w.partition(false);
    await w.wait(() => informer.synced, 60_000);
    expect(informer.revision).toBeGreaterThanOrEqual(revision);
    // Whoever acts on what is not there (and removes orphans) acts the moment it says so.
    expect(atSync[0]).toEqual({ stays: 1, comes: 1 });
    expect(cache()).toEqual({ stays: 1, comes: 1 });
    expect(replayed()).toEqual(cache());
  });

  it("is synced again soon when nothing of its own happened meanwhile", async () => {
    await put("a", 1);
    await start();
    w.breakConnections();
    await w.wait(() => !informer.synced);
    await w.another().commit([{ key: `/elsewhere${w.prefix}x`, value: {} }]);
    await settled(w, informer.waitSynced(), 5_000);
    expect(changes).toHaveLength(1);
  });

  it("lists again when history was compacted meanwhile, and tells the deletions", async () => {
    for (const k of ["a", "b", "c"]) await put(k, 1);
    await start();
    const { lists } = { ...informer.stats };
    w.cut(true);
    await w.wait(() => !informer.synced, 60_000);
    await put("a", 2);
    await remove("b");
    await remove("c");
    const { revision } = await put("c", 3);
    await w.compact(revision);
    w.cut(false);
    await w.wait(() => informer.synced, 60_000);
    expect(cache()).toEqual({ a: 2, c: 3 });
    expect(replayed()).toEqual(cache());
    expect(changes.slice(3).map((c) => [c.key.slice(w.prefix.length), c.new?.n])).toEqual([
      ["b", undefined],
      ["a", 2],
      // Deleted and made again: another object, so two changes.
      ["c", undefined],
      ["c", 3],
    ]);
    expect(informer.stats.lists).toBeGreaterThan(lists);
  });

  it("sees a deletion that was compacted away at its very revision", async () => {
    await put("a", 1);
    await start();
    w.cut(true);
    await w.wait(() => !informer.synced, 60_000);
    const { revision } = await remove("a");
    await w.compact(revision);
    w.cut(false);
    await w.wait(() => informer.synced, 60_000);
    expect(cache()).toEqual({});
    expect(replayed()).toEqual({});
  });

  it("keeps the last good value of a key that cannot be read, and says so", async () => {
    await put("a", 1);
    await start();
    await w.another().commit([
      { key: `${w.prefix}a`, value: { broken: true } },
      { key: `${w.prefix}b`, value: { broken: true } },
    ]);
    await w.wait(() => informer.undecodable.size === 2);
    expect(cache()).toEqual({ a: 1 });
    expect(informer.undecodable.get(`${w.prefix}b`)).toContain("n is missing");
    await put("a", 2);
    await remove("b");
    await w.wait(() => informer.undecodable.size === 0);
    expect(cache()).toEqual({ a: 2 });
    expect(replayed()).toEqual(cache());
  });

  it("costs the other listeners nothing when one of them fails", async () => {
    const late: InformerChange<Value>[] = [];
    informer.subscribe(() => {
      throw new Error("bug");
    });
    const off = informer.subscribe((c) => late.push(c));
    await start();
    await put("a", 1);
    await w.wait(() => changes.length === 1);
    expect(late).toEqual(changes);
    off();
    await put("a", 2);
    await w.wait(() => changes.length === 2);
    expect(late).toHaveLength(1);
  });

  it("gives waiters their signal's reason", async () => {
    const reason = new Error("enough");
    await expect(informer.waitSynced(AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const waiting = informer.waitSynced(controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });
};
