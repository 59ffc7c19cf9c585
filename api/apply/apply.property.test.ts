// What must hold of every apply, whatever is applied to whatever.
import * as fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { isObject, type Json } from "../json.ts";
import { compare } from "./compare.ts";
import { decodeFields } from "./decode-fields.ts";
import { difference, encodeFields, equal, type FieldSet, has, intersection, isEmpty, pathsOf, setOf, union } from "./field-set.ts";
import { encodeManagers, storedManagers } from "./managers.ts";
import { merge } from "./merge.ts";
import { occupied } from "./owned.ts";
import { scopeOf, strip } from "./scope.ts";
import { stacks } from "../kinds/stacks.ts";
import { type Fields, parts, World } from "./testing/model.ts";
import { typeOfSchema } from "./type.ts";
import { fieldStep, type Path } from "./steps.ts";

const TYPE = typeOfSchema("stack");
const SCOPE = scopeOf(stacks, undefined);
const RUNS = { numRuns: 100 };

const write = fc.record({
  how: fc.constantFrom("apply", "apply", "force", "update"),
  who: fc.constantFrom("a", "b", "c"),
  part: parts(),
});
const history = fc.array(write, { maxLength: 6 });

/** Some world, with a past. */
const worlds = history.map((writes) => {
  const w = new World();
  for (const { how, who, part } of writes) {
    if (how === "update") w.update(who, part);
    else w.apply(who, part, { force: how === "force" });
  }
  return w;
});

const partOf = (w: World): Fields => (w.object ? SCOPE.part(w.object) : {});
const setFor = (w: World, who: string): FieldSet =>
  [...storedManagers(w.entries).values()].find((m) => m.manager === who && m.operation === "Apply")?.set ?? setOf();
/** Every place of the object, each that has something inside as well. */
const places = (w: World): FieldSet => {
  const part = partOf(w);
  const { added } = compare(TYPE, undefined, part);
  return union(union(added, occupied(TYPE, part).set), setOf([fieldStep("metadata")]));
};

describe("an apply", () => {
  it("said twice is said once", () => {
    fc.assert(
      fc.property(worlds, parts(), (w, part) => {
        w.apply("a", part, { force: true });
        const once = structuredClone(w.object);
        expect(w.apply("a", part)).toEqual([]);
        expect(w.object).toEqual(once);
      }),
      RUNS,
    );
  });

  it("leaves an object that is as the configuration says", () => {
    fc.assert(
      fc.property(worlds, parts(), (w, part) => {
        w.apply("a", part, { force: true });
        const { modified, added } = compare(TYPE, partOf(w), merge(TYPE, partOf(w), part));
        expect(isEmpty(union(modified, added))).toBe(true);
      }),
      RUNS,
    );
  });

  it("that is refused changes nothing", () => {
    fc.assert(
      fc.property(worlds, parts(), (w, part) => {
        const before = structuredClone(w.object);
        if (w.apply("a", part).length > 0) expect(w.object).toEqual(before);
      }),
      RUNS,
    );
  });

  it("by force leaves no conflict", () => {
    fc.assert(
      fc.property(worlds, parts(), (w, part) => {
        expect(w.apply("a", part, { force: true })).toEqual([]);
        // Whoever wants something else there now meets its new owner.
        const mine = setFor(w, "a");
        expect(equal(mine, strip(occupied(TYPE, part).set, stacks))).toBe(true);
        expect(w.apply("a", part)).toEqual([]);
      }),
      RUNS,
    );
  });

  it("of other fields than another's is in no conflict, and the result is both", () => {
    fc.assert(
      fc.property(parts(), parts(), (a, b) => {
        const w = new World();
        w.apply("a", a);
        const mine = occupied(TYPE, a).set;
        const changed = compare(TYPE, a, merge(TYPE, a, b));
        const touched = intersection(mine, union(changed.added, changed.modified));
        const conflicts = w.apply("b", b);
        expect(conflicts.length === 0).toBe(isEmpty(touched));
        if (conflicts.length > 0) return;
        for (const set of [mine, occupied(TYPE, b).set]) expect(isEmpty(difference(set, places(w)))).toBe(true);
      }),
      RUNS,
    );
  });

  it("takes away exactly what nobody else owns of what it said before", () => {
    fc.assert(
      fc.property(worlds, parts(), (w, part) => {
        w.apply("a", part, { force: true });
        const before = places(w);
        const others = [...storedManagers(w.entries).values()]
          .filter((m) => m.manager !== "a" || m.operation !== "Apply")
          .map((m) => m.set);
        const owned = others.reduce((x, y) => union(x, y), setOf());
        const mine = setFor(w, "a");
        w.apply("a", {});
        const gone = difference(before, places(w));
        const inside = (path: Path): boolean => path.some((_, i) => has(mine, path.slice(0, i + 1)) && !has(owned, path.slice(0, i + 1)));
        // What goes was mine alone, or lay in what was mine alone, or was the place of nothing else.
        for (const path of pathsOf(gone)) expect(inside(path) || hasBelow(mine, path)).toBe(true);
        // What was mine alone is gone, but for the place of something that is left.
        for (const path of pathsOf(difference(mine, owned))) expect(!has(places(w), path) || hasBelow(places(w), path)).toBe(true);
      }),
      RUNS,
    );
  });
});

const hasBelow = (set: FieldSet, path: Path): boolean => {
  let at: FieldSet | undefined = set;
  for (const step of path) at = at?.children.get(step);
  return at !== undefined;
};

describe("managed fields", () => {
  it("are of the object: nobody owns what is not there", () => {
    fc.assert(
      fc.property(worlds, (w) => {
        for (const m of storedManagers(w.entries).values()) {
          const lost = difference(m.set, places(w));
          expect([...pathsOf(lost)]).toEqual([]);
        }
      }),
      RUNS,
    );
  });

  it("are read as they were written, and written in one order", () => {
    fc.assert(
      fc.property(worlds, (w) => {
        const entries = w.entries;
        const read = storedManagers(entries);
        expect(encodeManagers(read)).toEqual(entries);
        expect(JSON.stringify(encodeManagers(new Map([...read].toReversed())))).toBe(JSON.stringify(entries));
      }),
      RUNS,
    );
  });

  it("of sets behave as sets", () => {
    const sets = parts().map((p) => occupied(TYPE, p).set);
    fc.assert(
      fc.property(sets, sets, (a, b) => {
        expect(equal(union(a, b), union(b, a))).toBe(true);
        expect(equal(union(difference(a, b), intersection(a, b)), a)).toBe(true);
        expect(isEmpty(intersection(difference(a, b), b))).toBe(true);
        expect(equal(decodeFields(encodeFields(a)), a)).toBe(true);
        for (const path of pathsOf(a)) expect(has(union(a, b), path)).toBe(true);
      }),
      RUNS,
    );
  });
});

describe("a merge", () => {
  /** Of maps and scalars alone: text of the path → value; empty maps are leaves. */
  const leaves = (value: Json, path = ""): Map<string, Json> => {
    if (!isObject(value) || Object.keys(value).length === 0) return new Map([[path, value]]);
    return new Map(Object.entries(value).flatMap(([k, v]) => [...leaves(v, `${path}/${k}`)]));
  };
  const flat = fc.dictionary(
    fc.constantFrom("web", "db", "__proto__"),
    fc.dictionary(fc.constantFrom("image", "user", "hostname"), fc.constantFrom("x", "y"), { minKeys: 1, noNullPrototype: true }),
    { minKeys: 1, noNullPrototype: true },
  );
  const specOf = (services: object): Fields => JSON.parse(JSON.stringify({ spec: { services } })) as Fields;

  it("is what a plain overlay of leaves is", () => {
    fc.assert(
      fc.property(flat, flat, flat, (first, second, other) => {
        const w = new World();
        w.apply("a", specOf(first));
        w.apply("b", specOf(other), { force: true });
        w.apply("a", specOf(second), { force: true });
        const [was, is, others] = [leaves(specOf(first)), leaves(specOf(second)), leaves(specOf(other))];
        const want = new Map([...others, ...is]);
        expect(Object.fromEntries(leaves({ spec: w.spec }))).toEqual(Object.fromEntries(want));
        expect(was.size).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });

  it("does not touch what it is given", () => {
    fc.assert(
      fc.property(parts(), parts(), (a, b) => {
        const [x, y] = [structuredClone(a), structuredClone(b)];
        merge(TYPE, a, b);
        compare(TYPE, a, b);
        return isDeepStrictEqual([a, b], [x, y]);
      }),
      RUNS,
    );
  });
});
