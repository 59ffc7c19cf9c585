import { describe, expect, it } from "vitest";
import type { ObservedPod } from "../schemas/fleet.ts";
import { Memory } from "./memory.ts";
import type { ContainerFacts } from "./observe.ts";

const T = (s: number): string => `2026-01-01T00:00:0${s}.000Z`;
type Look = [state: string, count: number, started: number | undefined];

/** Restarts told after each look. */
const told = (looks: Look[]): number[] => {
  const memory = new Memory();
  return looks.map(([state, restartCount, started]) => {
    const facts = { id: "c1", state, restartCount, ...(started === undefined ? {} : { startedAt: T(started) }) } as ContainerFacts;
    const restarts = memory.countRestarts(facts);
    memory.observed = { restarts, ...(facts.startedAt ? { startedAt: facts.startedAt } : {}) } as ObservedPod;
    return restarts;
  });
};

describe("restarts", () => {
  it.each<[string, Look[], number[]]>([
    [
      "of the engine, seen while it waits and when it has started",
      [
        ["running", 0, 1],
        ["restarting", 1, 1],
        ["exited", 1, 3],
      ],
      [0, 1, 1],
    ],
    [
      "of the engine, first seen while it waits",
      [
        ["restarting", 1, 1],
        ["exited", 1, 3],
      ],
      [1, 1],
    ],
    [
      "of the engine, seen when it has started",
      [
        ["running", 0, 1],
        ["running", 1, 3],
      ],
      [0, 1],
    ],
    [
      "of the engine, one after the other",
      [
        ["restarting", 1, 1],
        ["restarting", 2, 3],
        ["restarting", 3, 5],
        ["exited", 3, 7],
      ],
      [1, 2, 3, 3],
    ],
    [
      "of others, which the engine does not count",
      [
        ["running", 0, 1],
        ["running", 0, 3],
        ["running", 0, 3],
      ],
      [0, 1, 1],
    ],
  ])("%s, count once each", (_name, looks, want) => expect(told(looks)).toEqual(want));
});

const why = { reason: "PortConflict", message: "", lastError: "" };

describe("trying again before the time, on a hint", () => {
  const failing = (): { memory: Memory; fail: (now: number) => number } => {
    const memory = new Memory();
    return { memory, fail: (now) => memory.fail(why, undefined, now, (n) => 10_000 * n) };
  };

  it("does not make the waiting time longer when the hint was none", () => {
    const { memory, fail } = failing();
    expect(fail(0)).toBe(10_000);
    for (const now of [2_000, 4_000, 6_000]) {
      expect(memory.tryNow(now)).toBe(true);
      expect(memory.retryInMs(now)).toBe(0);
      expect(fail(now)).toBe(10_000);
    }
    expect(fail(20_000)).toBe(20_000);
  });

  it("a hint within a second of the last one is not lost: it is tried when the second is over", () => {
    const { memory, fail } = failing();
    fail(0);
    expect(memory.tryNow(100)).toBe(true);
    fail(150);
    expect(memory.tryNow(300)).toBe(true);
    expect(memory.retryInMs(300)).toBe(800);
    expect(memory.tryNow(400)).toBe(false);
    fail(1_100);
    expect(memory.retryInMs(1_100)).toBe(10_000);
  });

  it("nothing is tried earlier that is tried now anyway", () => {
    const { memory } = failing();
    expect(memory.tryNow(5_000)).toBe(false);
  });
});
