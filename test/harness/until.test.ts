import { describe, expect, it } from "vitest";
import { until } from "./until.ts";

describe("until", () => {
  it("answers the first truthy value", async () => {
    let n = 0;
    expect(await until(() => (++n >= 3 ? `look ${n}` : undefined), { everyMs: 1 })).toBe("look 3");
  });

  it("says what it waited for and what it saw last", async () => {
    await expect(until(() => false, { deadlineMs: 5, everyMs: 1, what: "pigs to fly" })).rejects.toThrow(
      /for pigs to fly; last seen: false/,
    );
  });

  it("takes an error for not yet, and reports the last one", async () => {
    await expect(until(() => JSON.parse("{wings") as never, { deadlineMs: 5, everyMs: 1, what: "it" })).rejects.toThrow(/SyntaxError: /);
  });
});
