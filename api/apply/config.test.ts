import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stacks } from "../kinds/stacks.ts";
import { ApiError } from "../status.ts";
import { applyConfig } from "./apply.ts";
import { configOf, parseConfig } from "./config.ts";
import { ConflictsError } from "./conflicts.ts";
import { decodeFields } from "./decode-fields.ts";
import { decodeManagers, encodeManagers } from "./managers.ts";
import type { Problem } from "../kind.ts";

const bits = fc.constantFrom(
  "a",
  ": ",
  "\n",
  "  ",
  "- ",
  "{",
  "}",
  "[",
  "]",
  ",",
  '"',
  "'",
  "&a",
  "*a",
  "<<",
  "#",
  "|",
  ">",
  "!!x",
  "%",
  "\t",
  "\u0000",
  "é",
  "---\n",
  "1e999",
  "~",
  "__proto__",
);
const texts = fc.oneof(
  fc.array(bits, { maxLength: 40 }).map((b) => b.join("")),
  fc.string(),
  fc.json(),
);

describe("hostile bodies", () => {
  it("are read, or refused with 400", () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (text, envelope) => {
        try {
          parseConfig(Buffer.from(envelope ? `apiVersion: steadfleet.dev/v1\nkind: Stack\nspec: ${text}` : text));
        } catch (e) {
          if (!(e instanceof ApiError) || e.code !== 400) throw e;
        }
      }),
      { numRuns: 500 },
    );
    expect(() => parseConfig(Buffer.from([0xff, 0xfe]))).toThrow(/not UTF-8/);
  });

  it("of any shape are merged without harm", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.jsonValue({ maxDepth: 4 }), (spec, metadata) => {
        const body = JSON.parse(JSON.stringify({ apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata, spec })) as object;
        const live = {
          apiVersion: "steadfleet.dev/v1",
          kind: "Stack",
          metadata: { name: "a", uid: "u" },
          spec: { services: { web: { image: "x" } } },
        };
        try {
          applyConfig({
            kind: stacks,
            live: live as never,
            config: configOf(stacks, body, undefined),
            writer: { manager: "a", now: 0 },
            force: true,
          });
        } catch (e) {
          if (!(e instanceof ConflictsError)) throw e;
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("managed fields of a request", () => {
  it("of any shape are read, or refused as problems", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const problems: Problem[] = [];
        const managers = decodeManagers(value, problems);
        if (problems.length === 0) expect(encodeManagers(managers).length).toBeLessThanOrEqual(Array.isArray(value) ? value.length : 0);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    { fields: { "f:a": 1 }, says: "consists of maps" },
    { fields: { a: {} }, says: '"a" is no step' },
    { fields: { "k:[]": {} }, says: "is no step" },
    { fields: { "k:{": {} }, says: "does not go on with JSON" },
    { fields: { "i:-1": {} }, says: "is no step" },
    { fields: { 'v:{"__proto__":1}': {} }, says: "does not go on with JSON" },
  ])("$fields", ({ fields, says }) => {
    expect(() => decodeFields(fields)).toThrow(says);
  });

  it("nest only so deep", () => {
    let deep: object = {};
    for (let i = 0; i < 100; i++) deep = { "f:a": deep };
    expect(() => decodeFields(deep)).toThrow(/nested deeper than 64/);
  });
});
