import { describe, expect, it } from "vitest";
import { ageOf, humanDuration } from "./duration.ts";

const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;
const Y = 365 * D;

describe("humanDuration says what kubectl says", () => {
  it.each([
    { ms: -2 * S, want: "<invalid>" },
    { ms: -1999, want: "0s" },
    { ms: -1, want: "0s" },
    { ms: 0, want: "0s" },
    { ms: 999, want: "0s" },
    { ms: 1 * S, want: "1s" },
    { ms: 70 * S, want: "70s" },
    { ms: 119 * S, want: "119s" },
    { ms: 2 * M, want: "2m" },
    { ms: 2 * M + 1 * S, want: "2m1s" },
    { ms: 9 * M + 59 * S, want: "9m59s" },
    { ms: 10 * M + 59 * S, want: "10m" },
    { ms: 179 * M + 59 * S, want: "179m" },
    { ms: 3 * H, want: "3h" },
    { ms: 3 * H + 1 * M, want: "3h1m" },
    { ms: 7 * H + 59 * M, want: "7h59m" },
    { ms: 8 * H + 59 * M, want: "8h" },
    { ms: 47 * H + 59 * M, want: "47h" },
    { ms: 2 * D, want: "2d" },
    { ms: 2 * D + 1 * H, want: "2d1h" },
    { ms: 7 * D + 23 * H, want: "7d23h" },
    { ms: 8 * D + 23 * H, want: "8d" },
    { ms: 2 * Y - 1 * H, want: "729d" },
    { ms: 2 * Y, want: "2y" },
    { ms: 2 * Y + 1 * D, want: "2y1d" },
    { ms: 8 * Y - 1 * H, want: "7y364d" },
    { ms: 8 * Y + 300 * D, want: "8y" },
  ])("$ms ms is $want", ({ ms, want }) => {
    expect(humanDuration(ms)).toBe(want);
  });
});

describe("ageOf", () => {
  const now = Date.parse("2026-01-02T00:00:00Z");
  it.each([
    { time: "2026-01-01T23:59:30Z", want: "30s" },
    { time: "2026-01-01T00:00:00.250Z", want: "23h" },
    { time: undefined, want: "<unknown>" },
    { time: "", want: "<unknown>" },
    { time: "soon", want: "<unknown>" },
  ])("of $time is $want", ({ time, want }) => {
    expect(ageOf(time, now)).toBe(want);
  });
});
