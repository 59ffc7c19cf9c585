import { describe, expect, it } from "vitest";
import { LeaseClock, leaseMargin } from "./lease-clock.ts";
import { ManualEnv } from "./testing/env.ts";

const setup = (ttlSeconds = 10) => {
  const env = new ManualEnv();
  let expired = 0;
  const clock = new LeaseClock(env, ttlSeconds, () => expired++);
  return { env, clock, expired: () => expired };
};

describe("LeaseClock", () => {
  it("ends a margin before the TTL, counted from when the acknowledged message was sent", async () => {
    const { env, clock, expired } = setup();
    await env.advance(3_000);
    clock.acknowledged(1_000);
    expect(clock.remainingMs()).toBe(1_000 + 10_000 - leaseMargin(10) - 3_000);
    await env.advance(clock.remainingMs() - 1);
    expect([clock.valid(), expired()]).toEqual([true, 0]);
    await env.advance(1);
    expect([clock.valid(), expired()]).toEqual([false, 1]);
  });
  it("takes the latest of answers that come out of order", () => {
    const { clock } = setup();
    clock.acknowledged(5_000);
    const left = clock.remainingMs();
    clock.acknowledged(1_000);
    expect(clock.remainingMs()).toBe(left);
  });
  it("ends when the wall clock has moved on while the monotonic one stood still", async () => {
    const { env, clock, expired } = setup();
    clock.acknowledged(0);
    env.wallOffset += 60_000;
    expect(clock.valid()).toBe(false);
    expect(expired()).toBe(1);
    clock.acknowledged(env.monotonic());
    expect(clock.valid()).toBe(false);
  });
  it("is not fooled by a wall clock that goes back", async () => {
    const { env, clock } = setup();
    clock.acknowledged(0);
    env.wallOffset -= 3_600_000;
    await env.advance(10_000);
    expect(clock.valid()).toBe(false);
  });
});
