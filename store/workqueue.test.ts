import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { TerminalError } from "./errors.ts";
import { ManualEnv } from "./testing/env.ts";
import { WorkQueue } from "./workqueue.ts";

const log = pino({ level: "silent" });
type Reconcile = (key: string, signal: AbortSignal) => Promise<{ afterMs?: number } | void>;

const setup = (reconcile: Reconcile, o: { workers?: number; seed?: number; maxMs?: number } = {}) => {
  const env = new ManualEnv({ seed: o.seed ?? 1 });
  const queue = new WorkQueue({ env, log, name: "test", baseMs: 100, maxMs: o.maxMs ?? 1_000 });
  const stop = new AbortController();
  const done = queue.run({ workers: o.workers ?? 2, signal: stop.signal, reconcile });
  const end = async (): Promise<void> => {
    stop.abort();
    await env.advance(60_000);
    await done;
  };
  return { env, queue, end, stop };
};

describe("WorkQueue", () => {
  it("works on a waiting key once, however often it was added", async () => {
    const runs: string[] = [];
    const { env, queue, end } = setup(async (k) => void runs.push(k), { workers: 1 });
    for (const k of ["a", "b", "a", "c", "b", "a"]) queue.add(k);
    await env.advance(0);
    expect(runs).toEqual(["a", "b", "c"]);
    expect(queue.idle).toBe(true);
    await end();
  });

  it("works on a key again that was added during its work, and not before that ends", async () => {
    const order: string[] = [];
    const { env, queue, end } = setup(async (k) => {
      order.push(`begin ${k} ${env.monotonic()}`);
      await env.sleep(100);
      order.push(`end ${k} ${env.monotonic()}`);
    });
    queue.add("a");
    await env.advance(50);
    queue.add("a");
    queue.add("a");
    await env.advance(1_000);
    expect(order).toEqual(["begin a 0", "end a 100", "begin a 100", "end a 200"]);
    await end();
  });

  it("lets one slow key hold up nobody but itself", async () => {
    const runs: string[] = [];
    const { env, queue, end } = setup(async (k) => {
      if (k === "slow") await env.sleep(10_000);
      runs.push(k);
    });
    for (const k of ["slow", "a", "b", "c"]) queue.add(k);
    await env.advance(1);
    expect(runs).toEqual(["a", "b", "c"]);
    await end();
  });

  it("backs off with jitter, capped, and never gives up", async () => {
    const times: number[] = [];
    const { env, queue, end } = setup(async () => {
      times.push(env.monotonic());
      throw new Error("no");
    });
    queue.add("a");
    await env.advance(20_000);
    const gaps = times.slice(1).map((t, i) => t - (times[i] ?? 0));
    gaps.forEach((gap, i) => {
      const full = Math.min(1_000, 100 * 2 ** i);
      expect(gap).toBeGreaterThanOrEqual(full / 2);
      expect(gap).toBeLessThanOrEqual(full);
    });
    expect(gaps.length).toBeGreaterThan(20);
    expect(new Set(gaps).size).toBeGreaterThan(20);
    expect(queue.retries("a")).toBe(times.length);
    await end();
  });

  it("starts the back-off anew after a success, or when told to forget", async () => {
    let fail = true;
    const { env, queue, end } = setup(async () => {
      if (fail) throw new Error("no");
    });
    queue.add("a");
    await env.advance(5_000);
    expect(queue.retries("a")).toBeGreaterThan(3);
    expect(queue.dueAt("a")).toBeDefined();
    queue.forget("a");
    expect([queue.retries("a"), queue.dueAt("a")]).toEqual([0, undefined]);
    queue.add("a");
    await env.advance(0);
    expect(queue.retries("a")).toBe(1);
    fail = false;
    await env.advance(5_000);
    expect([queue.retries("a"), queue.idle]).toEqual([0, true]);
    await end();
  });

  it("leaves a terminal error alone until the key is added again", async () => {
    let runs = 0;
    const { env, queue, end } = setup(async () => {
      runs++;
      throw new TerminalError("broken spec");
    });
    queue.add("a");
    await env.advance(3_600_000);
    expect(runs).toBe(1);
    queue.add("a");
    await env.advance(0);
    expect(runs).toBe(2);
    await end();
  });

  it("looks again when asked to, and an add in between replaces that", async () => {
    const times: number[] = [];
    const { env, queue, end } = setup(async () => {
      times.push(env.monotonic());
      return { afterMs: 1_000 };
    });
    queue.add("a");
    await env.advance(400);
    queue.add("a");
    await env.advance(2_000);
    expect(times).toEqual([0, 400, 1_400, 2_400]);
    await end();
  });

  it("keeps the earliest of several delayed adds, whatever runs before", async () => {
    const times: number[] = [];
    const { env, queue, end } = setup(async () => void times.push(env.monotonic()));
    queue.addAfter("a", 500);
    queue.addAfter("a", 300);
    queue.addAfter("a", 900);
    await env.advance(100);
    queue.add("a");
    await env.advance(2_000);
    expect(times).toEqual([100, 300]);
    queue.addAfter("a", -1);
    await env.advance(0);
    expect(times).toHaveLength(3);
    await end();
  });

  it("ends when its running work has ended, and keeps what was cut short for the next run", async () => {
    const seen: string[] = [];
    const { env, queue, stop, end } = setup(async (k, signal) => {
      seen.push(k);
      await env.sleep(1_000, signal);
    });
    queue.add("a");
    await env.advance(10);
    stop.abort(new Error("stop"));
    await end();
    expect([seen, queue.depth]).toEqual([["a"], 1]);
  });

  /** One step of a script: add a key, let time pass, or add with a delay. */
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), key: fc.constantFrom("a", "b", "c") }),
    fc.record({ do: fc.constant("after" as const), key: fc.constantFrom("a", "b", "c"), ms: fc.nat(300) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.nat(400) }),
  );
  const work = fc.record({ ms: fc.nat(200), outcome: fc.constantFrom("ok", "ok", "fail", "again") });

  it("never runs a key twice at once, loses no add, and sees the latest world last", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(work, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        async (script, works, workers) => {
          const running = new Set<string>();
          // Gathered, since the queue would take a failed expectation for a failed reconcile.
          const wrong: string[] = [];
          const wanted = new Map<string, number>();
          const seen = new Map<string, number>();
          let run = 0;
          const { env, queue, end } = setup(
            async (key) => {
              if (running.has(key)) wrong.push(`${key} runs twice at once`);
              if (running.size >= workers) wrong.push("more workers than allowed");
              running.add(key);
              const world = wanted.get(key) ?? 0;
              const { ms, outcome } = works[run++ % works.length] ?? { ms: 0, outcome: "ok" };
              await env.sleep(ms);
              running.delete(key);
              if (outcome === "fail" && run < 200) throw new Error("no");
              seen.set(key, world);
              if (outcome === "again" && run < 200) return { afterMs: 50 };
              return undefined;
            },
            { workers },
          );
          let version = 0;
          for (const s of script) {
            if (s.do === "pass") await env.advance(s.ms);
            else if (s.do === "add") {
              wanted.set(s.key, ++version);
              queue.add(s.key);
            } else {
              // The world changes when the delay is over at the latest.
              wanted.set(s.key, ++version);
              queue.addAfter(s.key, s.ms);
            }
          }
          await env.until(() => env.pending === 0 && queue.idle);
          expect(wrong).toEqual([]);
          expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(wanted));
          await end();
        },
      ),
      { numRuns: 200 },
    );
  });

  it("does the same again given the same world", async () => {
    const trace = async (): Promise<string[]> => {
      const runs: string[] = [];
      const { env, queue, end } = setup(
        async (k) => {
          runs.push(`${k}@${env.monotonic()}`);
          await env.sleep(env.random() * 100);
          if (env.random() < 0.5) throw new Error("no");
        },
        { seed: 42 },
      );
      for (let i = 0; i < 30; i++) {
        queue.add(`k${i % 5}`);
        await env.advance(37);
      }
      await end();
      return runs;
    };
    expect(await trace()).toEqual(await trace());
  });
});
