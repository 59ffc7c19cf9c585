// What leader terms and agent sessions promise on any Kv.
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Elector, type ElectorOptions, type Leadership } from "./election.ts";
import { FencedError } from "./errors.ts";
import type { Kv } from "./kv.ts";
import { type Session, openSession } from "./session.ts";
import { type World, settled } from "./testing/world.ts";

const log = pino({ level: "silent" });
const TTL = 2;

export const heldKeyContract = (open: () => Promise<World>): void => {
  let w: World;
  let stop: AbortController;
  let running: Promise<void>[];
  beforeEach(async () => {
    w = await open();
    stop = new AbortController();
    running = [];
  });
  afterEach(async () => {
    stop.abort();
    await settled(w, Promise.all(running));
    await w.close();
  });

  describe("election", () => {
    /** Terms in the order in which they began. */
    let terms: { id: string; leadership: Leadership; over: boolean }[];
    const counter = () => `${w.prefix}counter`;
    const elect = (id: string, kv: Kv, more: Pick<ElectorOptions, "stopgap"> = {}): Elector => {
      const elector = new Elector({
        kv,
        env: w.env,
        log,
        key: `${w.prefix}leader`,
        id,
        ttlSeconds: TTL,
        ...more,
        lead: async (leadership) => {
          const term = { id, leadership, over: false };
          terms.push(term);
          await new Promise<void>((resolve) => leadership.signal.addEventListener("abort", () => resolve(), { once: true }));
          term.over = true;
        },
      });
      running.push(elector.run(stop.signal));
      return elector;
    };
    const write = (kv: Kv, l: Leadership) => kv.commit([{ key: counter(), value: { by: l.guard.create } }], { guard: l.guard });
    beforeEach(() => {
      terms = [];
    });

    it("elects one, who can write, and nobody else meanwhile", async () => {
      const a = elect("a", w.kv);
      await w.wait(() => terms.length === 1);
      const b = elect("b", w.another());
      const until = w.env.monotonic() + 3_000;
      await w.wait(() => w.env.monotonic() >= until);
      expect([a.leading, b.leading, terms.length]).toEqual([true, false, 1]);
      const [term] = terms;
      if (term) await write(w.kv, term.leadership);
    });

    it("elects another when the leader is cut off, tells the old one before that, and refuses its writes", async () => {
      elect("a", w.kv);
      await w.wait(() => terms.length === 1);
      const first = terms[0]?.leadership;
      if (!first) throw new Error("no term");
      elect("b", w.another());
      w.partition(true);
      await w.wait(() => terms.length === 2, 60_000);
      // No two guards that both believe: the old leader knew before the new one was elected.
      expect(terms[0]).toMatchObject({ id: "a", over: true });
      expect(first.signal.aborted).toBe(true);
      expect(() => first.guard.check()).toThrow(FencedError);
      const second = terms[1]?.leadership;
      if (!second) throw new Error("no second term");
      expect(second.guard.create).toBeGreaterThan(first.guard.create);
      w.partition(false);
      const observer = w.another();
      await write(observer, second);
      // Even a holder that never looks at its clock is refused by the store itself.
      const blind = { key: first.guard.key, create: first.guard.create };
      await expect(observer.commit([{ key: counter(), value: {} }], { guard: blind })).rejects.toThrow(FencedError);
      expect((await observer.get(counter())).item?.value).toBe(JSON.stringify({ by: second.guard.create }));
    });

    it("hands over at once when the leader stops", async () => {
      const controller = new AbortController();
      const elector = new Elector({
        kv: w.kv,
        env: w.env,
        log,
        key: `${w.prefix}leader`,
        id: "a",
        ttlSeconds: 600,
        lead: () => new Promise((resolve) => controller.signal.addEventListener("abort", () => resolve(), { once: true })),
      });
      const run = elector.run(controller.signal);
      await w.wait(() => elector.leading);
      elect("b", w.another());
      controller.abort();
      await settled(w, run);
      await w.wait(() => terms.length === 1, 20_000);
    });

    it("a stopgap leads when nobody else does for a TTL, gives way at once to another, and cannot write any more", async () => {
      const began = w.env.monotonic();
      const stopgap = elect("stopgap", w.kv, { stopgap: () => true });
      await w.wait(() => terms.length === 1, 20_000);
      expect(w.env.monotonic() - began).toBeGreaterThanOrEqual(TTL * 1000);
      const other = w.another();
      const able = elect("able", other);
      await w.wait(() => terms.length === 2 && terms[0]?.over === true, 20_000);
      const [old, now] = terms;
      if (!old || !now) throw new Error("no terms");
      const { check: _, ...blind } = old.leadership.guard;
      await expect(w.kv.commit([{ key: counter(), value: {} }], { guard: blind })).rejects.toThrow(FencedError);
      await write(other, now.leadership);
      const until = w.env.monotonic() + 2 * TTL * 1000;
      await w.wait(() => w.env.monotonic() >= until, 60_000);
      expect([stopgap.leading, able.leading, terms.length]).toEqual([false, true, 2]);
    });

    it("ends a leadership whose key was deleted by hand", async () => {
      elect("a", w.kv);
      await w.wait(() => terms.length === 1);
      await w.another().commit([{ key: `${w.prefix}leader`, value: null }]);
      await w.wait(() => terms.length === 2, 30_000);
      expect(terms[0]?.over).toBe(true);
    });

    it("goes on after a leader that fails", async () => {
      let runs = 0;
      const elector = new Elector({
        kv: w.kv,
        env: w.env,
        log,
        key: `${w.prefix}leader`,
        id: "a",
        ttlSeconds: TTL,
        lead: async ({ signal }) => {
          if (++runs < 3) throw new Error("bug");
          await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
        },
      });
      running.push(elector.run(stop.signal));
      await w.wait(() => runs === 3, 30_000);
    });
  });

  describe("sessions", () => {
    const key = () => `${w.prefix}session`;
    const begin = (kv: Kv, nonce: string, previousNonce?: string, ttlSeconds = TTL): Promise<Session> =>
      openSession(kv, { env: w.env, log, key: key(), value: { nonce }, ttlSeconds, previousNonce, signal: stop.signal });
    const write = (kv: Kv, s: Session) => kv.commit([{ key: `${w.prefix}observed`, value: {} }], { guard: s.guard });

    it("makes a second agent of one name wait until the first is gone", async () => {
      const a = await settled(w, begin(w.kv, "a"));
      let b: Session | undefined;
      const second = begin(w.another(), "b").then((s) => (b = s));
      const until = w.env.monotonic() + 2 * TTL * 1000;
      await w.wait(() => w.env.monotonic() >= until);
      expect([a.valid(), b]).toEqual([true, undefined]);
      await write(w.kv, a);
      w.partition(true);
      await settled(w, second, 60_000);
      expect(a.lost.aborted).toBe(true);
      w.partition(false);
      await expect(write(w.another(), { ...a, guard: { ...a.guard, check: () => {} } })).rejects.toThrow(FencedError);
      if (b) await write(w.another(), b);
      await b?.close();
    });

    it("lets the same identity take over at once, and fences the old process", async () => {
      const a = await settled(w, begin(w.kv, "a", undefined, 600));
      const other = w.another();
      const b = await settled(w, begin(other, "b", "a", 600), 5_000);
      await expect(w.kv.commit([{ key: `${w.prefix}observed`, value: {} }], { guard: { ...a.guard, check: () => {} } })).rejects.toThrow(
        FencedError,
      );
      await write(other, b);
      await w.wait(() => a.lost.aborted);
      expect(() => a.guard.check()).toThrow(FencedError);
      // The end of the old one's lease takes nothing away from the new one.
      await a.close();
      expect((await other.get(key())).item?.value).toContain('"b"');
      expect(b.valid()).toBe(true);
      await write(other, b);
      await b.close();
      expect((await other.get(key())).item).toBeUndefined();
    });

    it("waits for the store to come back", async () => {
      w.cut(true);
      let session: Session | undefined;
      const opening = begin(w.kv, "a").then((s) => (session = s));
      const until = w.env.monotonic() + 1_000;
      await w.wait(() => w.env.monotonic() >= until);
      expect(session).toBeUndefined();
      w.cut(false);
      await settled(w, opening, 60_000);
      if (session) await write(w.kv, session);
      await session?.close();
    });

    it("is lost when its key is deleted by hand", async () => {
      const a = await settled(w, begin(w.kv, "a"));
      await w.another().commit([{ key: key(), value: null }]);
      await w.wait(() => a.lost.aborted);
      expect(a.valid()).toBe(false);
      await expect(write(w.kv, a)).rejects.toThrow(FencedError);
    });

    it("opens with the reason of its signal", async () => {
      const a = await settled(w, begin(w.kv, "a"));
      const controller = new AbortController();
      const opening = openSession(w.another(), {
        env: w.env,
        log,
        key: key(),
        value: { nonce: "b" },
        ttlSeconds: TTL,
        signal: controller.signal,
      });
      const reason = new Error("stopped");
      controller.abort(reason);
      await expect(settled(w, opening)).rejects.toBe(reason);
      await a.close();
    });
  });
};
