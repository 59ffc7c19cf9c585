import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reconnectMs } from "./backoff.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failures = fc.nat({ max: 10_000 });

describe("when an agent dials again", () => {
  it.each([
    [0, 1_000],
    [1, 2_000],
    [2, 4_000],
    [6, 64_000],
    [7, 120_000],
    [50, 120_000],
  ])("after %i failures at the latest after %i ms", (n, ms) => expect(reconnectMs(n, 1)).toBe(ms));

  it("is never before now, and never later than two minutes", () => {
    fc.assert(
      fc.property(failures, random, (n, r) => {
        const ms = reconnectMs(n, r);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(120_000);
      }),
    );
  });

  it("is anywhere in its range, as chance will have it: a fleet comes back spread out", () => {
    fc.assert(fc.property(failures, random, (n, r) => Math.abs(reconnectMs(n, r) - r * reconnectMs(n, 1)) < 1e-6));
  });

  it("comes later with each failure, until the cap", () => {
    fc.assert(fc.property(failures, random, (n, r) => reconnectMs(n + 1, r) >= reconnectMs(n, r)));
  });
});
