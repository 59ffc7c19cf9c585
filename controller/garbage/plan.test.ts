// What becomes of an object whose owners come and go: a table, and properties of any graph of owners.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OwnerReference } from "../../schemas/meta.ts";
import { type Resource, RESOURCES } from "../../schemas/resources.ts";
import { objectKey } from "../../store/keys.ts";
import { type Owned, OwnerGraph, ownerPlace } from "./owners.ts";
import { type GarbageStep, planGarbage, planObject } from "./plan.ts";

interface Row extends Omit<Owned, "uid" | "owners"> {
  uid?: string;
  owners?: OwnerReference[];
  namespace?: string;
}
const key = (name: string, namespace = "default", r: Resource = RESOURCES.configmaps): string =>
  objectKey(r, r.namespaced ? namespace : undefined, name);
/** A reference to the ConfigMap of that name, of which the uid is `<name>-1` unless something else is said. */
const by = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name,
  uid: `${name}-1`,
  ...more,
});
const blocking = { blockOwnerDeletion: true };
const FOREGROUND: Row = { deleting: true, finalizers: ["foregroundDeletion"] };
const ORPHAN: Row = { deleting: true, finalizers: ["orphan"] };

const graphOf = (rows: Record<string, Row>): OwnerGraph => {
  const graph = new OwnerGraph();
  for (const [name, { namespace, uid = `${name}-1`, ...row }] of Object.entries(rows)) graph.set(key(name, namespace), { uid, ...row });
  return graph;
};
const say = (step: GarbageStep | undefined): string => {
  if (!step) return "nothing";
  if (step.type === "finish") return `finish ${step.finalizer}`;
  return `${step.type}${step.type === "delete" && step.foreground ? " in the foreground" : ""} ${step.owners.map((o) => o.name).join()}`;
};

// What becomes of the ConfigMap "d" in the namespace "default".
const TABLE: { name: string; world: Record<string, Row>; d: string }[] = [
  { name: "leaves alone what has no owners", world: { d: {} }, d: "nothing" },
  { name: "leaves alone what has an owner", world: { o: {}, d: { owners: [by("o")] } }, d: "nothing" },
  { name: "deletes what has lost its owner", world: { d: { owners: [by("o")] } }, d: "delete o" },
  { name: "deletes what has lost all its owners", world: { d: { owners: [by("o"), by("p")] } }, d: "delete o,p" },
  { name: "takes another of the owner's name for no owner", world: { o: { uid: "o-2" }, d: { owners: [by("o")] } }, d: "delete o" },
  { name: "drops an owner that is gone while another one lives", world: { o: {}, d: { owners: [by("o"), by("p")] } }, d: "release p" },
  { name: "waits while the owner only lingers", world: { o: { deleting: true }, d: { owners: [by("o")] } }, d: "nothing" },
  {
    name: "does not judge owners of kinds that are not stored",
    world: { d: { owners: [by("web", { apiVersion: "apps/v1", kind: "Deployment" })] } },
    d: "nothing",
  },
  { name: "nor of foreign groups", world: { d: { owners: [by("x", { apiVersion: "acme.io/v1", kind: "ConfigMap" })] } }, d: "nothing" },
  { name: "nor of another version", world: { d: { owners: [by("x", { apiVersion: "v2" })] } }, d: "nothing" },
  { name: "nor revisions", world: { d: { owners: [by("x", { apiVersion: "steadfleet.dev/v1", kind: "StackRevision" })] } }, d: "nothing" },
  { name: "nor names that cannot be", world: { d: { owners: [by("a/b")] } }, d: "nothing" },
  {
    name: "drops what is gone beside an owner that it cannot see",
    world: { d: { owners: [by("o"), by("web", { apiVersion: "apps/v1", kind: "Deployment" })] } },
    d: "release o",
  },
  {
    name: "leaves alone what has its owner in another namespace",
    world: { o: { namespace: "b" }, d: { owners: [by("o")] } },
    d: "nothing",
  },
  { name: "or its owner under another name", world: { o: {}, d: { owners: [by("p", { uid: "o-1" })] } }, d: "nothing" },
  { name: "knows owners in cluster scope", world: { d: { owners: [by("n1", { kind: "Node" })] } }, d: "delete n1" },
  { name: "does nothing about what is being deleted", world: { d: { deleting: true, owners: [by("o")] } }, d: "nothing" },
  { name: "deletes what the owner waits for", world: { o: FOREGROUND, d: { owners: [by("o")] } }, d: "delete o" },
  {
    name: "deletes in the foreground what owns something itself",
    world: { o: FOREGROUND, d: { owners: [by("o")] }, e: { owners: [by("d")] } },
    d: "delete in the foreground o",
  },
  {
    name: "but not what wants its dependents orphaned",
    world: { o: FOREGROUND, d: { owners: [by("o")], finalizers: ["orphan"] }, e: { owners: [by("d")] } },
    d: "delete o",
  },
  {
    name: "drops the owner that waits while another one lives",
    world: { o: FOREGROUND, p: {}, d: { owners: [by("o", blocking), by("p")] } },
    d: "release o",
  },
  { name: "lets go of an owner that orphans", world: { o: ORPHAN, d: { owners: [by("o"), by("p")] } }, d: "release o" },
  { name: "also while it is being deleted itself", world: { o: ORPHAN, d: { deleting: true, owners: [by("o")] } }, d: "release o" },
  { name: "a finalizer alone asks for nothing", world: { o: { finalizers: ["orphan"] }, d: { owners: [by("o")] } }, d: "nothing" },
  { name: "an owner goes when nothing is left", world: { d: FOREGROUND }, d: "finish foregroundDeletion" },
  { name: "an owner waits for what blocks", world: { d: FOREGROUND, e: { owners: [by("d", blocking)] } }, d: "nothing" },
  { name: "not for what does not", world: { d: FOREGROUND, e: { owners: [by("d")] } }, d: "finish foregroundDeletion" },
  {
    name: "not for what is elsewhere",
    world: { d: FOREGROUND, e: { namespace: "b", owners: [by("d", blocking)] } },
    d: "finish foregroundDeletion",
  },
  { name: "not for itself", world: { d: { ...FOREGROUND, owners: [by("d", blocking)] } }, d: "finish foregroundDeletion" },
  {
    name: "not for what waits for it in turn",
    world: {
      d: { ...FOREGROUND, owners: [by("f", blocking)] },
      e: { ...FOREGROUND, owners: [by("d", blocking)] },
      f: { ...FOREGROUND, owners: [by("e", blocking)] },
    },
    d: "finish foregroundDeletion",
  },
  { name: "an owner that orphans waits for what names it", world: { d: ORPHAN, e: { owners: [by("d")] } }, d: "nothing" },
  { name: "and goes when nothing does", world: { d: ORPHAN, e: {} }, d: "finish orphan" },
  { name: "other finalizers are not ours", world: { d: { deleting: true } }, d: "nothing" },
];

describe("planObject", () => {
  it.each(TABLE)("$name", ({ world, d }) => {
    expect(say(planObject(graphOf(world), key("d")).step)).toBe(d);
  });

  it("names owners out of place", () => {
    const graph = graphOf({ o: { namespace: "b" }, d: { owners: [by("o")] } });
    expect(planObject(graph, key("d")).misplaced).toEqual([by("o")]);
    graph.set(key("n1", "", RESOURCES.nodes), { uid: "n1-1", owners: [by("o")] });
    expect(planObject(graph, key("n1", "", RESOURCES.nodes))).toEqual({ misplaced: [by("o")] });
  });

  it("leaves a namespace that is being deleted to its own loop, and the default one for good", () => {
    const graph = graphOf({ d: { owners: [by("o")] } });
    graph.set(key("default", "", RESOURCES.namespaces), { uid: "ns-1", deleting: true });
    expect(planObject(graph, key("d")).step).toBeUndefined();
    const own = [by("n1", { kind: "Node" })];
    graph.set(key("default", "", RESOURCES.namespaces), { uid: "ns-1", owners: own });
    expect(planObject(graph, key("default", "", RESOURCES.namespaces)).step).toEqual({ type: "release", owners: own });
    graph.set(key("team", "", RESOURCES.namespaces), { uid: "ns-2", owners: own });
    expect(say(planObject(graph, key("team", "", RESOURCES.namespaces)).step)).toBe("delete n1");
  });
});

/** As the loop and the store do it. @returns what changed, or undefined when the object is gone */
const carriedOut = (object: Owned, step: GarbageStep): Owned | undefined => {
  const { finalizers = [], owners = [], ...rest } = object;
  if (step.type === "release") return build({ ...rest, finalizers, owners: owners.filter((o) => !step.owners.includes(o)) });
  const kept = step.type === "finish" ? finalizers.filter((f) => f !== step.finalizer) : finalizers;
  const next = step.type === "delete" && step.foreground ? [...new Set([...kept, "foregroundDeletion"])] : kept;
  return next.length === 0 ? undefined : build({ ...rest, deleting: true, finalizers: next, owners });
};
const build = ({ finalizers = [], owners = [], ...rest }: Owned): Owned => ({
  ...rest,
  ...(finalizers.length > 0 ? { finalizers } : {}),
  ...(owners.length > 0 ? { owners } : {}),
});

const NAMES = ["a", "b", "c", "d", "e", "f"];
const owner = fc.record({
  name: fc.constantFrom(...NAMES, "gone"),
  uid: fc.constantFrom("1", "1", "1", "2"),
  block: fc.boolean(),
  foreign: fc.integer({ max: 9, min: 0 }),
});
const row = fc.record({
  namespace: fc.constantFrom("x", "x", "x", "y"),
  deletion: fc.constantFrom("none", "none", "none", "foregroundDeletion", "orphan", "other"),
  owners: fc.uniqueArray(owner, { maxLength: 3, selector: (o) => `${o.name}-${o.uid}` }),
});
const worlds = fc.dictionary(fc.constantFrom(...NAMES), row, { minKeys: 1 }).map((rows) => {
  const graph = new OwnerGraph();
  for (const [name, r] of Object.entries(rows)) {
    const owners = r.owners.map((o) =>
      by(o.name, {
        uid: `${o.name}-${o.uid}`,
        blockOwnerDeletion: o.block,
        ...(o.foreign === 0 ? { kind: "Deployment", apiVersion: "apps/v1" } : {}),
      }),
    );
    const finalizers = r.deletion === "none" || r.deletion === "other" ? [] : [r.deletion];
    graph.set(
      key(name, r.namespace),
      build({ uid: `${name}-1`, ...(r.deletion === "none" ? {} : { deleting: true as const }), finalizers, owners }),
    );
  }
  return graph;
});

describe("from any graph of owners", () => {
  it("it ends; what lost all its owners is gone, what has one or never had any is there; what is touched names all that must be looked at", () => {
    fc.assert(
      fc.property(worlds, fc.infiniteStream(fc.nat()), (graph, choices) => {
        const start = new Map([...graph.keys()].map((k) => [k, graph.get(k)]));
        const queue = new Set(graph.keys());
        let steps = 0;
        while (queue.size > 0) {
          const k = [...queue][choices.next().value % queue.size] ?? "";
          queue.delete(k);
          const object = graph.get(k);
          const { step, misplaced } = planObject(graph, k);
          if (!object || !step) continue;
          expect(++steps).toBeLessThan(200);
          if (step.type === "delete") {
            // No owner of it lives, and each was one that could be here.
            expect(object.owners?.length).toBeGreaterThan(0);
            expect(misplaced).toEqual([]);
            for (const ref of object.owners ?? []) {
              const place = ownerPlace(k, ref);
              const there = typeof place === "string" ? place : graph.get(place.key);
              if (typeof there === "string") throw new Error(`deleted although its owner is ${there}`);
              if (there?.uid === ref.uid) expect(there).toMatchObject(FOREGROUND);
            }
          }
          for (const touched of graph.set(k, carriedOut(object, step))) queue.add(touched);
        }
        expect(planGarbage(graph, graph.keys()).size).toBe(0);
        for (const [k, before] of start) {
          if (before && !before.deleting && !before.owners) expect(graph.get(k)).toEqual(before);
          const now = graph.get(k);
          if (!now) continue;
          // What is left is left for a reason: a finalizer of somebody else is in its way, or in the way of what blocks it.
          if (now.finalizers && now.deleting) expect([...graph.keys()].some((x) => lingers(graph.get(x)))).toBe(true);
          if (now.deleting) continue;
          for (const ref of now.owners ?? []) {
            const place = ownerPlace(k, ref);
            if (typeof place !== "string" && graph.get(place.key)?.uid !== ref.uid) expect(graph.keyOf(ref.uid)).toBeDefined();
          }
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it("the index is that of the objects, whatever came before", () => {
    fc.assert(
      fc.property(worlds, worlds, (one, other) => {
        for (const k of [...one.keys()]) if (!other.get(k)) one.set(k, undefined);
        for (const k of other.keys()) one.set(k, other.get(k));
        for (const k of other.keys()) {
          const { uid } = other.get(k) ?? { uid: "" };
          expect([one.keyOf(uid), [...one.naming(uid)].toSorted()]).toEqual([other.keyOf(uid), [...other.naming(uid)].toSorted()]);
        }
        expect([...one.naming("gone-1")].toSorted()).toEqual([...other.naming("gone-1")].toSorted());
      }),
    );
  });
});

/** Being deleted, and kept by a finalizer that is none of ours. */
const lingers = (o: Owned | undefined): boolean => o?.deleting === true && o.finalizers === undefined;
