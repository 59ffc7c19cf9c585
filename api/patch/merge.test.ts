import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../json.ts";
import { mergePatch } from "./merge.ts";

const key = fc.constantFrom("a", "b", "c", "toString", "length");
const json = fc.letrec<{ any: Json; object: { [key: string]: Json } }>((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, fc.constant(null), fc.integer(), fc.string(), fc.array(tie("any"), { maxLength: 3 }), tie("object")),
  object: fc.dictionary(key, tie("any"), { maxKeys: 4, noNullPrototype: true }),
}));

/** The RFC's pseudo code, word for word. */
const model = (target: Json | undefined, patch: Json): Json => {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const t: { [key: string]: Json } = typeof target === "object" && target !== null && !Array.isArray(target) ? structuredClone(target) : {};
  for (const name of Object.keys(patch)) {
    const value = patch[name] as Json;
    if (value === null) delete t[name];
    else t[name] = model(Object.hasOwn(t, name) ? t[name] : undefined, value);
  }
  return t;
};

describe("merge patch", () => {
  it("does what the RFC says, and changes neither argument", () => {
    fc.assert(
      fc.property(json.any, json.any, (target, patch) => {
        const before = structuredClone([target, patch]);
        expect(mergePatch(target, patch)).toEqual(model(target, patch));
        expect([target, patch]).toEqual(before);
      }),
    );
  });
  it("is idempotent, and the empty patch of an object changes nothing", () => {
    fc.assert(
      fc.property(json.object, json.object, (target, patch) => {
        const once = mergePatch(target, patch);
        expect(mergePatch(once, patch)).toEqual(once);
        expect(mergePatch(target, {})).toEqual(target);
      }),
    );
  });
  it("takes what lies on the prototype for nothing", () => {
    expect(mergePatch({}, { toString: { a: 1 } })).toEqual({ toString: { a: 1 } });
  });
});
