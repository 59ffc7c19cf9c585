import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type Step, type Stored, type TunnelRecord } from "./records.ts";

const self = { id: "a", term: 5 };
const stored = (record: Partial<TunnelRecord>): Stored => ({
  mod: 9,
  record: { replica: "b", term: 1, session: "s1", dial: 1, ...record },
});
const mine = { session: "s1", dial: 2 };
const put = (mod: number): Step => ({ type: "put", mod, record: { replica: "a", term: 5, ...mine } });

describe("what a server does about a node's tunnel", () => {
  it.each<[string, Parameters<typeof decide>[1], Stored | undefined, string | undefined, Step]>([
    ["nothing here, nothing there", undefined, undefined, "s1", { type: "none" }],
    ["another's tunnel is none of its business", undefined, stored({}), "s1", { type: "none" }],
    ["takes back what it no longer holds", undefined, stored({ replica: "a" }), "s1", { type: "delete", mod: 9 }],
    ["writes what it holds", mine, undefined, "s1", put(0)],
    ["leaves what stands there already", mine, stored({ replica: "a", term: 5, dial: 2 }), "s1", { type: "none" }],
    ["writes again under a new lease", mine, stored({ replica: "a", term: 4, dial: 2 }), "s1", put(9)],
    ["writes a newer connection of its own", mine, stored({ replica: "a", term: 5, dial: 1 }), "s1", put(9)],
    ["takes over what was dialled before", mine, stored({ dial: 1 }), "s1", put(9)],
    ["yields to what was dialled later", mine, stored({ dial: 3 }), "s1", { type: "yield" }],
    ["takes over from a session that is over", mine, stored({ session: "s0", dial: 7 }), "s1", put(9)],
    ["yields to the session of now", mine, stored({ session: "s2" }), "s2", { type: "yield" }],
    ["waits while nobody knows whose session it is", mine, stored({ session: "s2" }), undefined, { type: "none" }],
  ])("%s", (_, held, at, session, want) => {
    expect(decide(self, held, at, session)).toEqual(want);
  });

  it("two servers that both hold a tunnel agree in the end: the agent's last one stays, and is the one that is known", () => {
    const facts = fc.record({ session: fc.constantFrom("s1", "s2"), dial: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(facts, facts, fc.array(fc.constantFrom("a", "b"), { minLength: 20, maxLength: 20 }), (fa, fb, order) => {
        // An agent never dials twice with one number in one session.
        fc.pre(fa.session !== fb.session || fa.dial !== fb.dial);
        const held = new Map([
          ["a", fa],
          ["b", fb],
        ] as const);
        let at: Stored | undefined;
        let mod = 0;
        const turn = (id: "a" | "b"): boolean => {
          const step = decide({ id, term: 1 }, held.get(id), at, "s2");
          if (step.type === "put") at = { mod: ++mod, record: step.record };
          if (step.type === "delete") at = undefined;
          if (step.type === "yield") held.delete(id);
          return step.type !== "none";
        };
        for (const id of order) turn(id);
        for (let i = 0; i < 4; i++) for (const id of ["a", "b"] as const) turn(id);
        const key = (f: typeof fa): number => (f.session === "s2" ? 10 : 0) + f.dial;
        // Of two tunnels of a session that is over, whichever: both are about to be closed for it.
        const best = key(fa) > key(fb) ? "a" : "b";
        expect([...held.keys()]).toEqual([best]);
        expect(at?.record.replica).toBe(best);
        // And then nobody writes any more.
        expect([turn("a"), turn("b")]).toEqual([false, false]);
      }),
    );
  });
});
