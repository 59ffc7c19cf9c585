// What every Kv promises. Run against the memory store (memory.contract.test.ts) and a real etcd (etcd/etcd.real.test.ts).
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AmbiguousWriteError, ConflictError, ExpiredError, FencedError, TooLargeError, UnavailableError } from "./errors.ts";
import type { Item } from "./kv.ts";
import { type World, keyOf, modOf, record, settled } from "./testing/world.ts";

const keys = (items: Item[], prefix: string): string[] => items.map((i) => i.key.slice(prefix.length));
const failure = async (p: Promise<unknown>): Promise<Error> => {
  try {
    await p;
  } catch (e) {
    if (e instanceof Error) return e;
  }
  throw new Error("it did not fail");
};

export const kvContract = (open: () => Promise<World>): void => {
  let w: World;
  let at: (name: string) => string;
  const put = (name: string, value: object = {}, mod?: number) =>
    w.kv.commit([{ key: at(name), value, ...(mod === undefined ? {} : { mod }) }]);

  beforeEach(async () => {
    w = await open();
    at = (name) => w.prefix + name;
  });
  afterEach(() => w.close());

  describe("reads and commits", () => {
    it("gives back what was written, and nothing more", async () => {
      for (const value of [{}, { a: 1 }, { t: 'ä"}\\ €' }, { _w: "mine" }, { nested: { _w: "x" } }, { z: [1, { b: null }] }]) {
        const { revision } = await put("k", value);
        const { item } = await w.kv.get(at("k"));
        expect(item).toMatchObject({ key: at("k"), value: JSON.stringify(value), mod: revision, lease: "0" });
      }
    });

    it("counts versions and keeps the create revision until the key is deleted", async () => {
      const first = await put("k");
      const second = await put("k");
      expect((await w.kv.get(at("k"))).item).toMatchObject({ create: first.revision, mod: second.revision, version: 2 });
      await w.kv.commit([{ key: at("k"), value: null }]);
      expect((await w.kv.get(at("k"))).item).toBeUndefined();
      const again = await put("k");
      expect((await w.kv.get(at("k"))).item).toMatchObject({ create: again.revision, version: 1 });
    });

    it("compares mod revisions and names the key that has changed", async () => {
      const { revision } = await put("k", {}, 0);
      for (const mod of [0, revision - 1, revision + 1]) {
        const e = await failure(put("k", { no: 1 }, mod));
        expect(e).toBeInstanceOf(ConflictError);
        expect((e as ConflictError).key).toBe(at("k"));
      }
      await put("k", { yes: 1 }, revision);
      expect((await w.kv.get(at("k"))).item?.value).toBe('{"yes":1}');
    });

    it("applies all changes of a commit as one revision, or none", async () => {
      const a = await put("a");
      const { revision } = await w.kv.commit([
        { key: at("a"), mod: a.revision, value: { n: 1 } },
        { key: at("b"), mod: 0, value: { n: 1 } },
        { key: at("nothing"), value: null },
      ]);
      expect((await w.kv.range(w.prefix)).items.map((i) => i.mod)).toEqual([revision, revision]);
      const e = await failure(
        w.kv.commit([
          { key: at("a"), value: { n: 2 } },
          { key: at("c"), value: {} },
          { key: at("b"), mod: 1, value: null },
        ]),
      );
      expect(e).toBeInstanceOf(ConflictError);
      expect((e as ConflictError).key).toBe(at("b"));
      expect((await w.kv.range(w.prefix)).items.map((i) => i.value)).toEqual(['{"n":1}', '{"n":1}']);
    });

    it("replaces whatever is there when no revision is given, also when another client wrote last", async () => {
      const other = w.another();
      for (let n = 0; n < 5; n++) {
        await other.commit([{ key: at("k"), value: { other: n } }]);
        await put("k", { n });
        expect((await w.kv.get(at("k"))).item?.value).toBe(JSON.stringify({ n }));
        await other.commit([{ key: at("k"), value: { other: n } }]);
        await w.kv.commit([{ key: at("k"), value: null }]);
        expect((await w.kv.get(at("k"))).item).toBeUndefined();
      }
    });

    it("deletes what does not exist, when no revision is asked for, without a new revision", async () => {
      const { revision } = await put("k");
      expect(await w.kv.commit([{ key: at("none"), value: null }])).toEqual({ revision });
    });

    it("refuses a commit whose guard does not hold", async () => {
      const held = await put("guard");
      const guard = { key: at("guard"), create: held.revision };
      await w.kv.commit([{ key: at("a"), value: {} }], { guard });
      const rewritten = await put("guard", { again: true });
      await w.kv.commit([{ key: at("a"), value: {} }], { guard });
      expect(await failure(w.kv.commit([{ key: at("b"), value: {} }], { guard: { ...guard, mod: held.revision } }))).toBeInstanceOf(
        FencedError,
      );
      await w.kv.commit([{ key: at("a"), value: {} }], { guard: { ...guard, mod: rewritten.revision } });
      await w.kv.commit([{ key: at("guard"), value: null }]);
      expect(await failure(w.kv.commit([{ key: at("b"), value: {} }], { guard }))).toBeInstanceOf(FencedError);
      await put("guard");
      expect(await failure(w.kv.commit([{ key: at("b"), value: {} }], { guard }))).toBeInstanceOf(FencedError);
      expect((await w.kv.get(at("b"))).item).toBeUndefined();
    });

    it("asks the guard's own check before it sends anything", async () => {
      const { revision: create } = await put("guard");
      const check = (): void => {
        throw new FencedError("lost it");
      };
      expect(await failure(w.kv.commit([{ key: at("b"), value: {} }], { guard: { key: at("guard"), create, check } }))).toBeInstanceOf(
        FencedError,
      );
      expect((await w.kv.get(at("b"))).item).toBeUndefined();
    });

    it("refuses malformed requests and what is too large", async () => {
      const big = (bytes: number) => ({ v: "x".repeat(bytes - '{"v":""}'.length) });
      expect(await failure(w.kv.range("/a"))).toBeInstanceOf(TypeError);
      expect(await failure(w.kv.range("/"))).toBeInstanceOf(TypeError);
      expect(await failure(w.kv.get(w.prefix))).toBeInstanceOf(TypeError);
      expect(await failure(w.kv.commit([]))).toBeInstanceOf(TypeError);
      expect(
        await failure(
          w.kv.commit([
            { key: at("a"), value: {} },
            { key: at("a"), value: null },
          ]),
        ),
      ).toBeInstanceOf(TypeError);
      expect(await failure(w.kv.commit([{ key: at("a"), value: [] }]))).toBeInstanceOf(TypeError);
      const many = (n: number) => Array.from({ length: n }, (_, i) => ({ key: at(`m${i}`), mod: 0, value: {} }));
      expect(await failure(w.kv.commit(many(65)))).toBeInstanceOf(TypeError);
      await w.kv.commit(many(64), { guard: { key: at("g"), create: (await put("g")).revision } });
      await put("big", big(1024 * 1024));
      expect(await failure(put("big", big(1024 * 1024 + 1)))).toBeInstanceOf(TooLargeError);
      expect(
        await failure(
          w.kv.commit([
            { key: at("x"), value: big(800_000) },
            { key: at("y"), value: big(800_000) },
          ]),
        ),
      ).toBeInstanceOf(TooLargeError);
    });

    it("ends a read with the reason of its signal", async () => {
      const reason = new Error("stop it");
      expect(await failure(w.kv.get(at("k"), { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect(await failure(w.kv.range(w.prefix, { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect(await failure(w.kv.commit([{ key: at("k"), value: {} }], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    });
  });

  describe("ranges", () => {
    it("ends a prefix where it ends", async () => {
      await w.kv.commit(["n1/a", "n10/a", "n1", "n1-x", "n2"].map((n) => ({ key: at(n), value: {} })));
      expect(keys((await w.kv.range(at("n1/"))).items, w.prefix)).toEqual(["n1/a"]);
      expect(keys((await w.kv.range(w.prefix)).items, w.prefix)).toEqual(["n1", "n1-x", "n1/a", "n10/a", "n2"]);
    });

    it("pages at one revision, whatever is written in between", async () => {
      const names = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, "0")}`);
      const { revision } = await w.kv.commit(names.map((n) => ({ key: at(n), value: {} })));
      const seen: string[] = [];
      let page = await w.kv.range(w.prefix, { limit: 10 });
      expect(page).toMatchObject({ revision, more: true, count: 25 });
      for (;;) {
        seen.push(...keys(page.items, w.prefix));
        if (!page.more) break;
        await w.kv.commit([
          { key: at("k00x"), value: {} },
          { key: at("k24"), value: null },
          { key: at("k30"), value: {} },
        ]);
        page = await w.kv.range(w.prefix, { limit: 10, after: page.items.at(-1)?.key ?? "", revision });
        expect(page.revision).toBe(revision);
      }
      expect(seen).toEqual(names);
      expect(page.count).toBe(5);
    });

    it("reads the past until it is compacted, and never the future", async () => {
      const a = await put("k", { n: 1 });
      const b = await put("k", { n: 2 });
      await w.kv.commit([{ key: at("k"), value: null }]);
      const c = await put("other");
      expect((await w.kv.get(at("k"), { revision: a.revision })).item?.value).toBe('{"n":1}');
      expect((await w.kv.range(w.prefix, { revision: b.revision })).items.map((i) => i.value)).toEqual(['{"n":2}']);
      await w.compact(b.revision);
      expect((await w.kv.get(at("k"), { revision: b.revision })).item?.value).toBe('{"n":2}');
      expect(await failure(w.kv.get(at("k"), { revision: a.revision }))).toBeInstanceOf(ExpiredError);
      expect(await failure(w.kv.range(w.prefix, { revision: a.revision }))).toBeInstanceOf(ExpiredError);
      expect(await failure(w.kv.get(at("k"), { revision: c.revision + 10 }))).toBeInstanceOf(ExpiredError);
    });

    it("tells which cluster answers", async () => {
      const { clusterId } = await w.kv.status();
      expect(clusterId).not.toBe("");
      expect((await w.kv.range(w.prefix)).clusterId).toBe(clusterId);
    });
  });

  describe("watches", () => {
    it("delivers what came after `from`, in order, as written, a commit at a time", async () => {
      const a = await put("a", { n: 1 });
      await put("a", { n: 2 });
      const r = record(w.kv, w.prefix, a.revision);
      await w.wait(() => r.opened !== undefined && r.events.length === 1);
      const both = await w.kv.commit([
        { key: at("b"), value: { n: 3 } },
        { key: at("a"), value: null },
      ]);
      await w.wait(() => r.events.length === 3);
      expect(r.events.slice(1).map(modOf)).toEqual([both.revision, both.revision]);
      expect(r.batches.at(-1)).toBe(2);
      const told = r.events.map((e) => (e.type === "put" ? e.item.value : "deleted"));
      expect(told).toEqual(['{"n":2}', '{"n":3}', "deleted"]);
      r.stop();
      expect(await settled(w, r.done)).toMatchObject({ reason: "aborted" });
    });

    it("watches one whole key, and no key that begins like it", async () => {
      const { revision } = await put("k");
      const r = record(w.kv, at("k"), revision);
      await w.wait(() => r.opened !== undefined);
      await put("k2");
      await put("k/below");
      const last = await put("k", { last: true });
      await w.wait(() => r.events.length > 0);
      expect(r.events.map(modOf)).toEqual([last.revision]);
      r.stop();
    });

    it("repeats nothing and leaves out nothing when resumed from the last event", async () => {
      const start = (await put("start")).revision;
      let applied = start;
      const seen: number[] = [];
      const written: number[] = [];
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 5; i++) written.push((await put(`k${i}`, { round })).revision);
        const r = record(w.kv, w.prefix, applied);
        await w.wait(() => r.events.some((e) => modOf(e) === written.at(-1)));
        w.breakConnections();
        expect(await settled(w, r.done)).toMatchObject({ reason: "closed" });
        seen.push(...r.events.map(modOf));
        applied = seen.at(-1) ?? applied;
      }
      expect(seen).toEqual(written);
    });

    it("says compacted when history behind `from` is gone", async () => {
      const a = await put("a");
      await put("a");
      const c = await put("a");
      await w.compact(c.revision);
      expect(await settled(w, record(w.kv, w.prefix, a.revision).done)).toMatchObject({ reason: "compacted" });
    });

    it("says compacted when the very next event is a deletion that is compacted away", async () => {
      const a = await put("a");
      const gone = await w.kv.commit([{ key: at("a"), value: null }]);
      expect(gone.revision).toBe(a.revision + 1);
      await w.compact(gone.revision);
      expect(await settled(w, record(w.kv, w.prefix, a.revision).done)).toMatchObject({ reason: "compacted" });
    });

    it("goes on from the compacted revision itself", async () => {
      const a = await put("a");
      await w.compact(a.revision);
      const r = record(w.kv, w.prefix, a.revision);
      await w.wait(() => r.opened !== undefined);
      const b = await put("b");
      await w.wait(() => r.events.length > 0);
      expect(r.events.map(modOf)).toEqual([b.revision]);
      r.stop();
    });

    it("says compacted when the store is older than `from`", async () => {
      const { revision } = await put("a");
      expect(await settled(w, record(w.kv, w.prefix, revision + 1000).done)).toMatchObject({ reason: "compacted" });
    });

    it("reports progress to a watch that is idle while others write", async () => {
      const { revision } = await put("a");
      const r = record(w.kv, at("idle/"), revision);
      await w.wait(() => r.opened !== undefined);
      const b = await put("b");
      await w.wait(() => r.progress >= b.revision, 20_000);
      expect(r.events).toEqual([]);
      r.stop();
    });

    it("ends when the handler throws, so that nothing is skipped", async () => {
      const { revision } = await put("a");
      const events = (): void => {
        throw new Error("cannot apply");
      };
      const done = w.kv.watch(w.prefix, revision, { opened: () => {}, progress: () => {}, events }, new AbortController().signal);
      await put("a");
      expect(await settled(w, done)).toMatchObject({ reason: "closed", message: expect.stringContaining("cannot apply") });
    });
  });

  describe("leases", () => {
    it("keeps a key while the holder lives, and lets it go when revoked", async () => {
      const lease = await w.kv.grant(2);
      await w.kv.commit([
        { key: at("k"), value: {}, lease: lease.id },
        { key: at("l"), value: {}, lease: lease.id },
      ]);
      expect((await w.kv.get(at("k"))).item?.lease).toBe(lease.id);
      const until = w.env.monotonic() + 5_000;
      await w.wait(() => w.env.monotonic() > until || !lease.valid());
      expect(lease.valid()).toBe(true);
      const { revision } = await w.kv.get(at("k"));
      await put("l");
      const r = record(w.kv, w.prefix, revision + 1);
      await lease.revoke();
      expect(lease.valid()).toBe(false);
      expect(lease.lost.aborted).toBe(true);
      await w.wait(() => r.events.length > 0);
      expect(r.events.map(keyOf)).toEqual([at("k")]);
      expect((await w.kv.get(at("l"))).item).toBeDefined();
      r.stop();
    });

    it("tells the holder before the server lets it expire", async () => {
      const observer = w.another();
      const lease = await w.kv.grant(2);
      const { revision } = await w.kv.commit([{ key: at("k"), value: {}, lease: lease.id }]);
      const r = record(observer, w.prefix, revision);
      await w.wait(() => r.opened !== undefined);
      w.partition(true);
      await w.wait(() => lease.lost.aborted, 10_000);
      expect(lease.valid()).toBe(false);
      expect(lease.remainingMs()).toBe(0);
      expect((await observer.get(at("k"))).item).toBeDefined();
      await w.wait(() => r.events.length > 0, 20_000);
      expect((await observer.get(at("k"))).item).toBeUndefined();
      w.partition(false);
      r.stop();
    });

    it("refuses a put with a lease that is gone", async () => {
      const lease = await w.kv.grant(5);
      await lease.revoke();
      expect(await failure(w.kv.commit([{ key: at("k"), value: {}, lease: lease.id }]))).toBeInstanceOf(FencedError);
      expect((await w.kv.get(at("k"))).item).toBeUndefined();
    });
  });

  describe("faults", () => {
    it("applies a commit whose reply is lost exactly once", async () => {
      let applied = 0;
      for (let n = 0; n < 5; n++) {
        const { item } = await w.kv.get(at("counter"));
        const before = item ? (JSON.parse(item.value) as { n: number }).n : 0;
        w.loseReply();
        try {
          await settled(w, w.kv.commit([{ key: at("counter"), mod: item?.mod ?? 0, value: { n: before + 1 } }]));
        } catch (e) {
          expect(e).toBeInstanceOf(AmbiguousWriteError);
        }
        applied++;
        expect((await w.kv.get(at("counter"))).item).toMatchObject({ value: JSON.stringify({ n: applied }), version: applied });
      }
    });

    it("ends everything when closed", async () => {
      const { revision } = await put("a");
      const lease = await w.kv.grant(5);
      const r = record(w.kv, w.prefix, revision);
      await w.wait(() => r.opened !== undefined);
      await w.kv.close();
      expect(await settled(w, r.done)).toMatchObject({ reason: "closed" });
      expect(lease.valid()).toBe(false);
      expect(await failure(w.kv.get(at("a")))).toBeInstanceOf(UnavailableError);
      expect(await failure(put("a"))).toBeInstanceOf(UnavailableError);
      expect(await failure(w.kv.grant(5))).toBeInstanceOf(UnavailableError);
    });
  });
};
