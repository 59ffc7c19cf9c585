import { describe, expect, it } from "vitest";
import { applyJsonPatch } from "./json-patch.ts";
import { strategicPatch } from "./strategic.ts";

describe("JSON patch", () => {
  it("applies in order and leaves the original alone", () => {
    const o = { metadata: { labels: { a: "1" } } };
    const patched = applyJsonPatch(o, [
      { op: "test", path: "/metadata/labels/a", value: "1" },
      { op: "replace", path: "/metadata/labels/a", value: "2" },
      { op: "add", path: "/metadata/labels/b~1c", value: "3" },
    ]);
    expect(patched).toEqual({ metadata: { labels: { a: "2", "b/c": "3" } } });
    expect(o).toEqual({ metadata: { labels: { a: "1" } } });
  });
  it.each([
    ["a flood of operations", Array.from({ length: 20_000 }, () => ({ op: "test", path: "", value: 1 })), 400, /PatchTooLarge/],
    [
      "doubling by copy",
      [
        { op: "add", path: "/a", value: "x".repeat(1000) },
        ...Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "", path: `/a${i}` })),
      ],
      400,
      /PatchTooLarge/,
    ],
    ["a prototype", [{ op: "add", path: "/__proto__/isAdmin", value: true }], 400, /ForbiddenKey/],
    ["a constructor", [{ op: "add", path: "/constructor/prototype/x", value: true }], 400, /ForbiddenKey/],
    [
      "an escaped prototype",
      [
        { op: "copy", from: "/a", path: "/__proto~0__" },
        { op: "remove", path: "/nope" },
      ],
      422,
      /operation/,
    ],
    ["a test that fails", [{ op: "test", path: "/a", value: 2 }], 422, /operation 0/],
    ["a path that is not there", [{ op: "replace", path: "/b/c", value: 2 }], 422, /operation 0/],
    ["an unknown operation", [{ op: "merge", path: "/a" }], 400, /op must be/],
    ["an object", { op: "add" }, 400, /list/],
    ["an add without value", [{ op: "add", path: "/x" }], 400, /needs a value/],
  ])("refuses %s", (_name, patch, code, message) => {
    expect(() => applyJsonPatch({ a: 1 }, patch)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});

describe("strategic merge patch", () => {
  const keys = { "spec.taints": "key" };
  it.each([
    ["merges maps and removes by null", { spec: { unschedulable: true, a: 1 } }, { spec: { unschedulable: null } }, { spec: { a: 1 } }],
    [
      "merges a keyed list by its key",
      { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } },
      {
        spec: {
          taints: [
            { key: "b", effect: "NoExecute" },
            { key: "a", value: "1" },
          ],
        },
      },
      {
        spec: {
          taints: [
            { key: "a", effect: "NoSchedule", value: "1" },
            { key: "b", effect: "NoExecute" },
          ],
        },
      },
    ],
    [
      "deletes from a keyed list",
      { spec: { taints: [{ key: "a" }, { key: "b" }] } },
      { spec: { taints: [{ $patch: "delete", key: "a" }] } },
      { spec: { taints: [{ key: "b" }] } },
    ],
    ["replaces on $patch", { spec: { x: 1 } }, { spec: { $patch: "replace", y: 2 } }, { spec: { y: 2 } }],
    [
      "orders on $setElementOrder",
      { spec: { taints: [{ key: "a" }, { key: "b" }] } },
      { spec: { "$setElementOrder/taints": [{ key: "b" }, { key: "a" }], taints: [{ key: "a", effect: "E" }] } },
      { spec: { taints: [{ key: "b" }, { key: "a", effect: "E" }] } },
    ],
    [
      "treats finalizers as a set",
      { metadata: { finalizers: ["x", "y"] } },
      { metadata: { finalizers: ["z", "y"], "$deleteFromPrimitiveList/finalizers": ["x"] } },
      { metadata: { finalizers: ["y", "z"] } },
    ],
    ["replaces other lists", { spec: { ids: [1, 2] } }, { spec: { ids: [3] } }, { spec: { ids: [3] } }],
  ])("%s", (_name, target, patch, want) => {
    expect(strategicPatch(target, patch, keys)).toEqual(want);
  });
});
