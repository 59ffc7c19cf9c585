import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cronProblem, latestTime, nextTime, timeZoneProblem } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const shown = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

describe("schedules", () => {
  it.each<[string, RegExp | undefined]>([
    ["0 3 * * *", undefined],
    ["*/5 8-18 * * MON-FRI", undefined],
    ["@daily", undefined],
    ["0 0 L * *", undefined],
    ["0 3 * *", /is no schedule: it has five fields/],
    ["* * * * * *", /is no schedule: it has five fields/],
    ["", /is no schedule/],
    ["61 * * * *", /61/],
    ["@reboot", /@reboot/],
    ["0 0 30 2 *", /never comes/],
    ["TZ=UTC 0 3 * * *", /has a time zone/],
  ])("%j", (cron, told) => {
    const problem = cronProblem(cron);
    if (told) expect(problem?.message).toMatch(told);
    else expect(problem).toBeUndefined();
  });

  it("know their time zones", () => {
    expect(timeZoneProblem("Europe/Berlin")).toBeUndefined();
    expect(timeZoneProblem("Mars/Olympus")).toBe('"Mars/Olympus" is no time zone, such as UTC or Europe/Berlin');
  });

  it.each<[string, string, string, string]>([
    ["UTC", "0 3 * * *", "2026-11-21T02:59:59.999Z", "2026-11-21T03:00:00.000Z"],
    ["UTC", "0 3 * * *", "2026-11-21T03:00:00Z", "2026-11-22T03:00:00.000Z"],
    ["Europe/Berlin", "0 3 * * *", "2026-07-01T12:00:00Z", "2026-07-02T01:00:00.000Z"],
    // The night in which 02:30 does not come, and the one in which it comes twice.
    ["Europe/Berlin", "30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00.000Z"],
    ["Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
  ])("in %s %j comes after %s at %s", (timeZone, cron, now, next) => {
    expect(shown(nextTime({ cron, timeZone }, at(now)))).toBe(next);
  });

  it("tell the latest time that has come, and not one that was seen to", () => {
    const when = { cron: "0 3 * * *", timeZone: "UTC" };
    const now = at("2026-11-21T03:00:00Z");
    expect(shown(latestTime(when, 0, now))).toBe("2026-11-21T03:00:00.000Z");
    expect(shown(latestTime(when, 0, now - 1))).toBe("2026-11-20T03:00:00.000Z");
    expect(latestTime(when, now, now)).toBeUndefined();
  });

  it("agree with each other", () => {
    const crons = fc.constantFrom("0 3 * * *", "*/7 * * * *", "15 10 1 * *", "0 0 * * SUN");
    const zones = fc.constantFrom("UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York");
    fc.assert(
      fc.property(crons, zones, fc.integer({ min: at("2025-01-01T00:00:00Z"), max: at("2028-01-01T00:00:00Z") }), (cron, timeZone, now) => {
        const when = { cron, timeZone };
        const last = latestTime(when, 0, now);
        const next = nextTime(when, now);
        expect(last).toBeLessThanOrEqual(now);
        expect(next).toBeGreaterThan(now);
        // Nothing comes between the two, and each is where the other expects it.
        expect(nextTime(when, last ?? 0)).toBe(next);
        expect(latestTime(when, 0, next ?? 0)).toBe(next);
      }),
      { numRuns: 200 },
    );
  });
});
