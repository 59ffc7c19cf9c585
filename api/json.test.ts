import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";

const safeKey = fc.string().filter((k) => !["__proto__", "constructor", "prototype"].includes(k));
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 6 },
    fc.constant(null),
    fc.boolean(),
    fc.string(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.array(tie("any"), { maxLength: 6 }),
    fc.dictionary(safeKey, tie("any"), { maxKeys: 6, noNullPrototype: true }),
  ),
})).any;

describe("strict JSON", () => {
  it("reads what JSON.parse reads, pretty or not", () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (v, indent) => {
        // Doubles beyond 2^53 print as integers: those we refuse, and JSON.parse does not.
        const text = JSON.stringify(v, (_k, x: unknown) => (typeof x === "number" && Math.abs(x) > 2 ** 53 ? 0.5 : x), indent);
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("refuses whatever JSON.parse refuses", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('[]{},:"\\0123.eE+-ntrufalse \t')) }), (text) => {
        let theirs: unknown;
        try {
          theirs = JSON.parse(text);
        } catch {
          expect(() => parseJson(text)).toThrow();
          return;
        }
        try {
          expect(parseJson(text)).toEqual(theirs);
        } catch (e) {
          expect(String(e)).toMatch(/DuplicateKey|UnsafeInteger/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["nesting without end", "[".repeat(100_000), /TooDeep.*64/],
    ["65 levels", `${"[".repeat(65)}${"]".repeat(65)}`, /TooDeep/],
    ["a flood of values", `[${"0,".repeat(60_000)}0]`, /TooManyNodes/],
    ["a key given twice", '{"a":1,"b":{"c":1,"c":2}}', /DuplicateKey.*"c".*\$\.b/],
    ["a key given twice in another spelling", '{"a":1,"\\u0061":2}', /DuplicateKey/],
    ["__proto__", '{"__proto__":{"isAdmin":true}}', /ForbiddenKey/],
    ["an escaped __proto__", '{"\\u005f_proto__":{}}', /ForbiddenKey/],
    ["constructor.prototype", '{"constructor":{"prototype":{}}}', /ForbiddenKey/],
    ["an integer that would lose digits", '{"n":9007199254740993}', /UnsafeInteger.*\$\.n/],
    ["infinity in disguise", "1e999", /UnsafeInteger/],
    ["nothing", "", /Malformed/],
    ["two documents", "{} {}", /Malformed/],
    ["a trailing comma", "[1,]", /Malformed/],
    ["a bare control character", '"a\nb"', /Malformed/],
  ])("refuses %s", (_name, text, error) => {
    expect(() => parseJson(text)).toThrow(error);
  });

  it("takes 64 levels", () => {
    expect(() => parseJson(`${"[".repeat(64)}${"]".repeat(64)}`)).not.toThrow();
  });
});
