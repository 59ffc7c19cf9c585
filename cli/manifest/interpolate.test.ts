import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpolate, variablesIn } from "./interpolate.ts";

const VARS: Record<string, string> = { A: "a", B: "b", EMPTY: "", VAR: "value", NAME: "VAR" };
const lookup = (name: string): string | undefined => (Object.hasOwn(VARS, name) ? VARS[name] : undefined);

describe("interpolate", () => {
  // The first rows are the examples of the Compose specification.
  const rows: [text: string, want: string, problem?: string][] = [
    ["$VAR", "value"],
    ["${VAR}", "value"],
    ["${VAR:-default}", "value"],
    ["${EMPTY:-default}", "default"],
    ["${EMPTY-default}", ""],
    ["${NOPE:-default}", "default"],
    ["${NOPE-default}", "default"],
    ["${VAR:?error}", "value"],
    ["${EMPTY:?error}", "", "required: error"],
    ["${EMPTY?error}", ""],
    ["${NOPE?error}", "", "required: error"],
    ["${NOPE:?}", "", "required: variable NOPE is not set"],
    ["${EMPTY:?}", "", "required: variable EMPTY is empty"],
    ["${VAR:+replacement}", "replacement"],
    ["${EMPTY:+replacement}", ""],
    ["${EMPTY+replacement}", "replacement"],
    ["${NOPE+replacement}", ""],
    ["${NOPE:-${FOO}}", "", "unset: variable FOO is not set"],
    ["${NOPE:-${FOO:-${VAR}}}", "value"],
    ["${VAR:-${FOO:?never asked}}", "value"],
    ["${NOPE?${A} needed}", "", "required: a needed"],
    ["${NOPE:-default${VAR}end}", "defaultvalueend"],
    ["$$VAR", "$VAR"],
    ["$${VAR}", "${VAR}"],
    ["$$$VAR", "$value"],
    ["price: 5$$", "price: 5$"],
    ["", ""],
    ["no variables", "no variables"],
    ["$A$B", "ab"],
    ["${A}${B}", "ab"],
    ["$A-$B", "a-b"],
    ["$VARX", "", "unset: variable VARX is not set"],
    ["${NOPE}", "", "unset: variable NOPE is not set"],
    ["${NOPE:-a:b}", "a:b"],
    ["${NOPE:-http://x/?q=1}", "http://x/?q=1"],
    ["${NOPE:-}", ""],
    ["${NOPE:-a b  c}", "a b  c"],
    ["${NOPE:-$$x}", "$x"],
    ["{${A}}", "{a}"],
    ["${NOPE:-}}", "}"],
    ["a } b", "a } b"],
    ["$", "$", 'syntax: a "$" that starts no variable; write "$$" for a dollar sign'],
    ["$1", "$1", 'syntax: a "$" that starts no variable; write "$$" for a dollar sign'],
    ["${", "${", 'syntax: "${" must be followed by a variable name; write "$${" for the characters'],
    ["${}", "${}", 'syntax: "${" must be followed by a variable name; write "$${" for the characters'],
    ["${A", "${A", 'syntax: "${A" is not closed'],
    ["${A:-x", "${A:-x", 'syntax: "${A" is not closed'],
    ["${A!x}", "${A!x}", 'syntax: ${A is followed by "!"; expected "}", "-", ":-", "?", ":?", "+" or ":+"'],
    ["${A:x}", "${A:x}", 'syntax: ${A is followed by ":"; expected "}", "-", ":-", "?", ":?", "+" or ":+"'],
    ["line\n${A}\nline", "line\na\nline"],
    ["ü${A}é", "üaé"],
  ];
  it.each(rows)("%s", (text, want, problem) => {
    const result = interpolate(text, lookup);
    expect(result.text).toBe(want);
    expect(result.problems.map((p) => `${p.kind}: ${p.message}`)).toEqual(problem === undefined ? [] : [problem]);
  });

  it("says where", () => {
    expect(interpolate("ab ${NOPE} ${ALSO:?why}", lookup).problems).toEqual([
      { kind: "unset", message: "variable NOPE is not set", variable: "NOPE", offset: 3 },
      { kind: "required", message: "why", variable: "ALSO", offset: 11 },
    ]);
  });

  it("asks nothing in a branch that is not taken", () => {
    const asked: string[] = [];
    interpolate("${A:-${B}} ${NOPE:+${C}}", (name) => {
      asked.push(name);
      return lookup(name);
    });
    expect(asked).toEqual(["A", "NOPE"]);
  });

  it("answers for any text, and leaves text without a dollar sign alone", () => {
    const piece = fc.oneof(fc.constantFrom("$", "{", "}", ":", "-", "?", "+", "A", "_", "${", "$$", "${A:-"), fc.string({ maxLength: 4 }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join("");
        const result = interpolate(text, lookup);
        expect(typeof result.text).toBe("string");
        if (!text.includes("$")) expect(result).toEqual({ text, problems: [] });
        for (const p of result.problems) expect(p.offset).toBeLessThan(text.length);
      }),
      { numRuns: 500 },
    );
  });

  it("a doubled dollar sign brings any text through unchanged", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(interpolate(text.replaceAll("$", "$$$$"), lookup)).toEqual({ text, problems: [] });
      }),
    );
  });

  it("nesting without end is a problem, not a crash", () => {
    const result = interpolate("${A:-".repeat(100_000), () => undefined);
    expect(result.problems.length).toBeGreaterThan(0);
  });

  it("lists the names that a text mentions", () => {
    expect(variablesIn("$A ${B:-${C}} ${D:+${E}} $$F")).toEqual(["A", "B", "C", "D", "E"]);
  });
});
