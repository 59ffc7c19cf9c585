import { describe, expect, it } from "vitest";
import { observed, pod, service } from "../testing/builders.ts";
import { newNotes } from "./notes.ts";
import { countEvent, eventName, type Happening } from "./plan.ts";

const subject = { apiVersion: "v1", kind: "Pod", namespace: "default", name: "shop-web-0-abcde", uid: "u1" };
const healed = (at: string, seq = 1): Happening => ({
  subject,
  type: "Normal",
  reason: "Healed",
  message: "created again",
  at,
  seq,
  host: "n1",
});
const T = (s: number): string => `2026-01-01T00:00:0${s}.123Z`;

describe("events", () => {
  it("are one per object, reason and message, and counted", () => {
    const one = countEvent(undefined, healed(T(1)), () => "uid");
    const two = countEvent(one, healed(T(3), 2), () => "never");
    expect(two).toMatchObject({
      count: 2,
      firstTimestamp: "2026-01-01T00:00:01Z",
      lastTimestamp: "2026-01-01T00:00:03Z",
      metadata: { uid: "uid" },
      source: { host: "n1" },
    });
    expect(eventName(healed(T(1)))).toBe(eventName(healed(T(9), 7)));
    expect(eventName({ ...healed(T(1)), message: "another" })).not.toBe(eventName(healed(T(1))));
  });

  it("hear of the same thing twice, and change nothing: after a restart, or from a new leader", () => {
    const two = countEvent(
      countEvent(undefined, healed(T(1)), () => "uid"),
      healed(T(3), 2),
      () => "",
    );
    expect(countEvent(two, healed(T(1)), () => "")).toBeUndefined();
    expect(countEvent(two, healed(T(3), 2), () => "")).toBeUndefined();
    expect(countEvent(two, healed(T(3), 3), () => "")?.count).toBe(3);
  });

  it("come from notes that were not there before, of this pod only", () => {
    const note = (seq: number) => ({ seq, at: T(seq), type: "Normal" as const, reason: "Healed", message: `${seq}` });
    const before = pod(service("web"), "0", "n1", { answer: { notes: [note(1), note(2)] } });
    const after = { ...before, observed: { ...observed(before.desired.uid), notes: [note(2), note(3), note(4)] } };
    expect(newNotes(after, before.observed).map((h) => h.message)).toEqual(["3", "4"]);
    expect(newNotes(after, { ...after.observed, uid: "another" }).map((h) => h.message)).toEqual(["2", "3", "4"]);
  });
});
