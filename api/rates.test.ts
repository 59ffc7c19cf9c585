import { describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { createToken } from "./auth.ts";
import { Rates } from "./rates.ts";
import { STACKS, stack, testApi } from "./testing/server.ts";

const user = (tokenId: string) => ({ name: tokenId, groups: [], tokenId });
const rate = { perSecond: 2, burst: 3 };
const clock = () => {
  let now = 0;
  const env = { ...realEnv, monotonic: () => now };
  const limits = { reads: rate, writes: rate, strangers: rate, watches: 2 };
  return { rates: new Rates(env, limits), pass: (ms: number) => (now += ms) };
};
const times = (n: number, fn: () => void): string =>
  Array.from({ length: n }, () => {
    try {
      fn();
      return "+";
    } catch (e) {
      expect(e).toMatchObject({ code: 429, reason: "TooManyRequests", headers: { "Retry-After": expect.stringMatching(/^[1-9]/) } });
      return "-";
    }
  }).join("");

describe("rates", () => {
  it("let a burst pass, and then so many per second", () => {
    const { rates, pass } = clock();
    expect(times(5, () => rates.admit(user("a"), "get"))).toBe("+++--");
    pass(1_000);
    expect(times(4, () => rates.admit(user("a"), "list"))).toBe("++--");
    pass(3_600_000);
    expect(times(5, () => rates.admit(user("a"), "watch"))).toBe("+++--");
    expect(rates.refused).toEqual({ reads: 6, writes: 0, watches: 0, strangers: 0 });
  });

  it("know each token for itself, and reads from writes", () => {
    const { rates } = clock();
    expect(times(4, () => rates.admit(user("a"), "get"))).toBe("+++-");
    expect(times(4, () => rates.admit(user("a"), "patch"))).toBe("+++-");
    expect(times(4, () => rates.admit(user("b"), "get"))).toBe("+++-");
  });

  it("count watches while they are open", () => {
    const { rates } = clock();
    const end = rates.watch(user("a"));
    rates.watch(user("a"));
    expect(() => rates.watch(user("a"))).toThrow(/TooManyWatches/);
    rates.watch(user("b"));
    end();
    end();
    rates.watch(user("a"));
    expect(() => rates.watch(user("a"))).toThrow(/TooManyWatches/);
  });

  it("remember a bounded number of callers", () => {
    const { rates } = clock();
    for (let i = 0; i < 25_000; i++) rates.unknown(`10.0.0.${i}`);
    expect((rates as unknown as { strangers: { size: number } }).strangers.size).toBe(10_000);
  });
});

describe("the server", () => {
  it("refuses with 429 and Retry-After, each token for itself, and never the probes", async () => {
    const t = await testApi({ limits: { reads: { perSecond: 1, burst: 20 }, watches: 2 } });
    const other = await createToken(t.kv, realEnv, { name: "other", groups: ["system:masters"] });
    const replies = await Promise.all(Array.from({ length: 40 }, () => t.call("GET", STACKS)));
    const refused = replies.filter((r) => r.code === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(replies.length - refused.length).toBeGreaterThanOrEqual(20);
    expect(refused[0]?.body).toMatchObject({ kind: "Status", reason: "TooManyRequests", details: { retryAfterSeconds: 1 } });
    expect(refused[0]?.headers["retry-after"]).toBe("1");
    expect((await t.call("GET", STACKS, { token: other })).code).toBe(200);
    expect((await t.call("POST", STACKS, { body: stack("writes-have-their-own") })).code).toBe(201);
    for (const path of ["/livez", "/readyz", "/healthz", "/version"]) expect((await t.call("GET", path, { token: null })).code).toBe(200);
    expect((await t.call("GET", "/metrics", { token: other })).text).toMatch(/steadfleet_api_refused_total\{lane="reads"\} [1-9]/);

    const watches = [await t.watch(`${STACKS}?watch=true`, { token: other }), await t.watch(`${STACKS}?watch=true`, { token: other })];
    const more = await t.call("GET", `${STACKS}?watch=true`, { token: other });
    expect([more.code, more.body.message]).toEqual([429, expect.stringMatching(/^TooManyWatches/)]);
    watches[0]?.stop();
    await expect
      .poll(async () => {
        const w = await t.watch(`${STACKS}?watch=true&timeoutSeconds=1`, { token: other });
        w.stop();
        return w.code;
      })
      .toBe(200);
    await t[Symbol.asyncDispose]();
  });

  it("does not look up tokens for an address that guesses", async () => {
    const t = await testApi({ limits: { strangers: { perSecond: 1, burst: 10 } } });
    const guess = (i: number) => `steady_${String(i).padStart(16, "0")}_${"0".repeat(64)}`;
    const codes = [];
    for (let i = 0; i < 15; i++) codes.push((await t.call("GET", STACKS, { token: guess(i) })).code);
    expect(codes.slice(0, 10)).toEqual(Array(10).fill(401));
    expect(codes.at(-1)).toBe(429);
    expect((await t.call("GET", "/livez", { token: null })).code).toBe(200);
    await t[Symbol.asyncDispose]();
  });
});
