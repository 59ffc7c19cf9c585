import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columns, cut, elapsed, harmless, pad, style, wantsColor, width } from "./style.ts";

describe("colour", () => {
  const rows: [mode: "auto" | "always" | "never", env: Record<string, string>, isTTY: boolean, want: boolean][] = [
    ["auto", {}, true, true],
    ["auto", {}, false, false],
    ["auto", { NO_COLOR: "1" }, true, false],
    ["auto", { NO_COLOR: "" }, true, true],
    ["auto", { TERM: "dumb" }, true, false],
    ["auto", { CLICOLOR_FORCE: "1" }, false, true],
    ["auto", { CLICOLOR_FORCE: "0" }, false, false],
    ["auto", { NO_COLOR: "1", CLICOLOR_FORCE: "1" }, true, false],
    ["always", { NO_COLOR: "1", TERM: "dumb" }, false, true],
    ["never", { CLICOLOR_FORCE: "1" }, true, false],
  ];
  it.each(rows)("--color %s, %o, terminal: %s → %s", (mode, env, isTTY, want) => expect(wantsColor(mode, env, { isTTY })).toBe(want));
});

describe("text on a terminal", () => {
  it("counts columns, not characters", () => {
    expect(width("✔ web")).toBe(5);
    expect(width(style(true).red("web"))).toBe(3);
    expect(width("日本")).toBe(4);
    expect(pad("日", 4)).toBe("日  ");
  });

  it("never cuts wider than asked, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 20 }), (s, n) => {
        expect(width(cut(s, n))).toBeLessThanOrEqual(n);
      }),
    );
    expect(cut("abcdef", 4)).toBe("abc…");
    expect(width(cut(style(true).red("abcdef"), 4))).toBe(4);
  });

  it("lets no text move the cursor", () => {
    expect(harmless("a\u001b[2Jb\rc\u0007\u009bd\n\te")).toBe("ab\ufffdc\ufffd\ufffdd\n\te");
  });

  it("lays out columns", () => {
    expect(
      columns(
        [
          ["NAME", "AGE"],
          ["web", "3s"],
        ],
        "  ",
      ),
    ).toEqual(["  NAME  AGE", "  web   3s"]);
  });

  it.each([
    [0, "0s"],
    [59_999, "59s"],
    [61_000, "1m01s"],
    [3_600_000, "1h00m"],
    [90_000_000, "1d"],
    [-5, "0s"],
  ])("%d ms is %s", (ms, want) => expect(elapsed(ms)).toBe(want));
});
