import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.ts";
import { formatBytes, formatCpus, parseBytes, parseCpus } from "./quantity.ts";
import { distance, nearest } from "./words.ts";

describe("byte sizes", () => {
  it.each<[string | number, number | undefined]>([
    ["512M", 512 * 1024 ** 2],
    ["1.5g", 1.5 * 1024 ** 3],
    ["64 mb", 64 * 1024 ** 2],
    ["10KiB", 10 * 1024],
    ["300b", 300],
    ["1000", 1000],
    [1000, 1000],
    [-1, undefined],
    [1.5, undefined],
    ["", undefined],
    ["M", undefined],
    ["1.5.1m", undefined],
    ["1e9", undefined],
    ["999999999999999t", undefined],
  ])("%j → %s", (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it("are shown as exact Kubernetes quantities", () => {
    expect([formatBytes(512 * 1024 ** 2), formatBytes(1536), formatBytes(1000)]).toEqual(["512Mi", "1536", "1000"]);
    expect([formatCpus(4), formatCpus(0.5)]).toEqual(["4", "500m"]);
  });
});

describe("cores", () => {
  it.each<[string | number, number | undefined]>([
    ["0.5", 0.5],
    [2, 2],
    [".5", 0.5],
    ["0", undefined],
    [-1, undefined],
    [".", undefined],
    ["half", undefined],
  ])("%j → %s", (text, cores) => expect(parseCpus(text)).toBe(cores));
});

describe("durations", () => {
  it.each<[string, number | undefined]>([
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    ["10us", 0.01],
    ["0", 0],
    ["90", undefined],
    ["", undefined],
    ["-1s", undefined],
    ["1s x", undefined],
    ["1d", 86_400_000],
    ["2w", 1_209_600_000],
    ["1y", undefined],
  ])("%j → %s ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  it("are the same when written out and read again", () => {
    expect(() => fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms))).not.toThrow();
  });
});

describe("guesses", () => {
  it.each([
    ["imgae", "image"],
    ["Image", "image"],
    ["network-mode", "network_mode"],
    ["volume", "volumes"],
    ["environement", "environment"],
    ["foo", undefined],
  ])("%s → %s", (word, guess) => {
    expect(nearest(word, ["image", "volumes", "environment", "network_mode"])).toBe(guess);
  });

  it("count a swap of neighbours as one slip", () => expect(distance("imgae", "image")).toBe(1));
});
