import { describe, expect, it } from "vitest";
import type { Sample } from "./cases.ts";
import { median, report, type Run } from "./report.ts";

const sample = (ms: number): Sample => ({ "submit-to-running": ms, "no-op": ms, "heal-rm": ms, "heal-kill": ms, delete: ms });
const run = (peer: Run["peer"], variant: string, ms: number): Run => ({ peer, variant, size: 1, sample: sample(ms) });

describe("report", () => {
  it("takes the middle value, or the mean of the two in the middle", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  it("lets raw compete with its best concurrency and says which that was", () => {
    const [first] = report([run("ours", "", 100), run("raw", "1", 90), run("raw", "2", 80), run("raw", "2", 82)]);
    expect(first?.raw).toMatchObject({ medianMs: 81, concurrency: "2", timesOurs: 0.81 });
  });

  it("leaves out peers that did not run", () => {
    const [first] = report([run("ours", "", 100)]);
    expect(first).toEqual({ name: "submit-to-running", size: 1, ours: { medianMs: 100, minMs: 100, maxMs: 100, runs: 1 } });
  });
});
