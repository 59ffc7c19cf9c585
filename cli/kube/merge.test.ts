import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goJson, LAST_APPLIED, lastApplied, threeWay, withLastApplied } from "./merge.ts";

type Obj = Record<string, unknown>;

describe("three-way merge", () => {
  const rows: { name: string; last?: Obj; want: Obj; live: Obj; patch: Obj | undefined }[] = [
    { name: "says nothing when all is as wanted", last: { a: 1 }, want: { a: 1 }, live: { a: 1, b: 2 }, patch: undefined },
    { name: "sets what differs", last: { a: 1 }, want: { a: 2 }, live: { a: 1 }, patch: { a: 2 } },
    { name: "sets what is missing", want: { a: { b: 1 } }, live: {}, patch: { a: { b: 1 } } },
    {
      name: "removes what the last manifest said and this one does not",
      last: { a: 1, b: 2 },
      want: { a: 1 },
      live: { a: 1, b: 2 },
      patch: { b: null },
    },
    { name: "removes nothing that is gone already", last: { a: 1, b: 2 }, want: { a: 1 }, live: { a: 1 }, patch: undefined },
    { name: "leaves alone what others added", last: { a: 1 }, want: { a: 1 }, live: { a: 1, theirs: true }, patch: undefined },
    { name: "takes over what others changed", last: { a: 1 }, want: { a: 1 }, live: { a: 7 }, patch: { a: 1 } },
    {
      name: "removes inside maps",
      last: { m: { x: 1, y: 2 } },
      want: { m: { x: 1 } },
      live: { m: { x: 1, y: 2, z: 3 } },
      patch: { m: { y: null } },
    },
    { name: "replaces lists as a whole", last: { l: [1, 2] }, want: { l: [2] }, live: { l: [1, 2] }, patch: { l: [2] } },
    { name: "replaces a map by a text", last: { a: { b: 1 } }, want: { a: "x" }, live: { a: { b: 1 } }, patch: { a: "x" } },
    { name: "replaces a text by a map", last: { a: "x" }, want: { a: { b: 1 } }, live: { a: "x" }, patch: { a: { b: 1 } } },
    { name: "null wants it gone", want: { a: null }, live: { a: 1 }, patch: { a: null } },
    { name: "null of what is not there is nothing", want: { a: null }, live: {}, patch: undefined },
    { name: "nulls inside something new are left out", want: { a: { b: null, c: 1 } }, live: {}, patch: { a: { c: 1 } } },
    { name: "keeps an empty map that exists", want: { volumes: { data: {} } }, live: { volumes: { data: {} } }, patch: undefined },
    { name: "adds an empty map", want: { volumes: { data: {} } }, live: { volumes: {} }, patch: { volumes: { data: {} } } },
  ];
  it.each(rows)("$name", ({ last, want, live, patch }) => {
    expect(threeWay(last, want, live)).toEqual(patch);
  });

  const json = fc.letrec<{ map: Obj; leaf: unknown }>((tie) => ({
    map: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("leaf"), { maxKeys: 4 }),
    leaf: fc.oneof(
      { depthSize: "small" },
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
      tie("map"),
    ),
  })).map;

  it("after the patch the manifest holds, and planning again finds nothing", () => {
    fc.assert(
      fc.property(json, json, json, (last, want, live) => {
        const patch = threeWay(last, want, live);
        const after = patch === undefined ? live : (apply(live, patch) as Obj);
        expect(threeWay(want, want, after)).toBeUndefined();
        expect(threeWay(last, want, after)).toBeUndefined();
      }),
    );
  });

  it("what nobody ever applied is never touched", () => {
    fc.assert(
      fc.property(json, json, (want, live) => {
        const all = { ...live, theirs: { deep: 1 } };
        const patch = threeWay(undefined, want, all);
        expect((apply(all, patch ?? {}) as Obj)["theirs"]).toEqual({ deep: 1 });
      }),
    );
  });
});

/** RFC 7396. */
const apply = (target: unknown, patch: unknown): unknown => {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const out = new Map(Object.entries(typeof target === "object" && target !== null && !Array.isArray(target) ? target : {}));
  for (const [k, v] of Object.entries(patch)) {
    if (v === null) out.delete(k);
    else out.set(k, apply(out.get(k), v));
  }
  return Object.fromEntries(out);
};

describe("the annotation of kubectl", () => {
  it("is written byte for byte as kubectl 1.32 writes it", () => {
    const manifest = {
      kind: "Stack",
      apiVersion: "steadfleet.dev/v1",
      metadata: { name: "shop", namespace: "default" },
      spec: { services: { web: { image: "a<b>&c" } } },
    };
    const annotated = withLastApplied(manifest) as { metadata: { annotations: Record<string, string> } };
    expect(annotated.metadata.annotations[LAST_APPLIED]).toBe(
      '{"apiVersion":"steadfleet.dev/v1","kind":"Stack","metadata":{"annotations":{},"name":"shop","namespace":"default"},"spec":{"services":{"web":{"image":"a\\u003cb\\u003e\\u0026c"}}}}\n',
    );
  });

  it("does not remember itself, keeps other annotations, and is read back", () => {
    const first = withLastApplied({ metadata: { name: "x", annotations: { note: "1", [LAST_APPLIED]: "old" } }, spec: { a: 1 } });
    expect(lastApplied(first)).toEqual({ metadata: { name: "x", annotations: { note: "1" } }, spec: { a: 1 } });
    expect(withLastApplied(first)).toEqual(first);
    expect(lastApplied({ metadata: { annotations: { [LAST_APPLIED]: "{" } } })).toBeUndefined();
    expect(lastApplied({ metadata: {} })).toBeUndefined();
  });

  it("sorts keys by code point and escapes what Go escapes", () => {
    expect(goJson({ b: 1, a: [true, null, "\u2028"], "\u{10000}": 1, "\uffff": 2 })).toBe(
      '{"a":[true,null,"\\u2028"],"b":1,"\uffff":2,"\u{10000}":1}\n',
    );
  });
});
