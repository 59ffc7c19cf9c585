import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../schemas/meta.ts";
import { GroupedCache } from "./grouped.ts";
import { KindCache, type Transition } from "./kind-cache.ts";

type Thing = KubeObject & { of?: string; value: number };

const thing = (name: string, value: number, revision: number, of?: string): Thing => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: { name, namespace: "default", uid: name, resourceVersion: String(revision), creationTimestamp: "2026-01-01T00:00:00Z" },
  value,
  ...(of === undefined ? {} : { of }),
});

/** One view for each part; it shows the value of both. */
const views = (whole: KubeObject, parts: readonly KubeObject[]): KubeObject[] =>
  parts.map((p) => ({ ...thing(`${p.metadata.name}-view`, 100 * (whole as Thing).value + (p as Thing).value, 1) }));

const world = () => {
  const wholes = new KindCache();
  const parts = new KindCache();
  const cache = new GroupedCache(wholes, views, { view: parts, belongsTo: (p) => `default/${(p as Thing).of}` });
  return { wholes, parts, cache };
};
const shown = (cache: GroupedCache): Record<string, number> =>
  Object.fromEntries([...cache.objects].map(([id, o]) => [id.slice("default/".length), (o as Thing).value]));
/** What somebody knows who was told of these changes. */
const follow = (known: Record<string, number>, transitions: readonly Transition[]): Record<string, number> => {
  const now = { ...known };
  for (const t of transitions) {
    const name = t.id.slice("default/".length);
    expect(t.old === undefined ? undefined : (t.old as Thing).value, `what was known of ${name}`).toBe(now[name]);
    if (t.new) now[name] = (t.new as Thing).value;
    else delete now[name];
  }
  return now;
};

describe("views of two kinds", () => {
  it("change when either changes, and are there only with both", () => {
    const { wholes, parts, cache } = world();
    const told: string[] = [];
    cache.subscribe((t) => told.push(`${t.id} ${(t.old as Thing)?.value ?? "-"} ${(t.new as Thing)?.value ?? "-"}`));
    parts.set("default/p", thing("p", 1, 1, "w"), 1);
    wholes.set("default/w", thing("w", 2, 2), 2);
    parts.set("default/p", thing("p", 3, 3, "w"), 3);
    wholes.set("default/w", thing("w", 4, 4), 4);
    expect(shown(cache)).toEqual({ "p-view": 403 });
    expect(cache.get("default/p-view")).toMatchObject({ value: 403 });
    expect(cache.get("default/q-view")).toBeUndefined();
    wholes.set("default/w", undefined, 5);
    expect(told).toEqual(["default/p-view - 201", "default/p-view 201 203", "default/p-view 203 403", "default/p-view 403 -"]);
    expect(cache.ids).toEqual([]);
  });

  it("one object that cannot be shown does not stop the others", () => {
    const wholes = new KindCache();
    const parts = new KindCache();
    const failed: string[] = [];
    const picky = (whole: KubeObject, others: readonly KubeObject[]): KubeObject[] => {
      if ((whole as Thing).value < 0) throw new Error("no");
      return views(whole, others);
    };
    const beside = { view: parts, belongsTo: (p: KubeObject) => `default/${(p as Thing).of}` };
    const cache = new GroupedCache(wholes, picky, beside, (_, o) => failed.push(o.metadata.name));
    for (const [name, value] of [
      ["a", -1],
      ["b", 1],
    ] as const) {
      wholes.set(`default/${name}`, thing(name, value, 1), 1);
      parts.set(`default/p${name}`, thing(`p${name}`, 1, 1, name), 1);
    }
    expect(shown(cache)).toEqual({ "pb-view": 101 });
    expect(failed).toEqual(["a"]);
  });

  const change = fc.record({
    kind: fc.constantFrom("whole", "part"),
    name: fc.constantFrom("a", "b", "c"),
    of: fc.constantFrom("a", "b"),
    value: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  });

  it("whoever follows them from any moment, live or later, ends up with what there is", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const { wholes, parts, cache } = world();
        const owner: Record<string, string> = {};
        const moments: { revision: number; known: Record<string, number> }[] = [{ revision: 0, known: {} }];
        let live: Record<string, number> = {};
        const leave = cache.subscribe((t) => (live = follow(live, [t])));
        changes.forEach((c, i) => {
          const revision = Math.floor(i / 2) + 1;
          if (c.kind === "whole")
            wholes.set(`default/${c.name}`, c.value === undefined ? undefined : thing(c.name, c.value, revision), revision);
          else {
            // What belongs to one object never comes to belong to another.
            owner[c.name] ??= c.of;
            parts.set(`default/${c.name}`, c.value === undefined ? undefined : thing(c.name, c.value, revision, owner[c.name]), revision);
          }
          expect(live).toEqual(shown(cache));
          if (i % 2 === 1) moments.push({ revision, known: shown(cache) });
        });
        leave();
        const end = shown(cache);
        for (const { revision, known } of moments) expect(follow(known, cache.since(revision) ?? []), `from ${revision}`).toEqual(end);
        expect(cache.watchers).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
