import { describe, expect, it } from "vitest";
import { pino } from "pino";
import { ManualEnv } from "../../store/testing/env.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, keyOf, Rig } from "../testing/rig.ts";
import { IMAGE_GC, ImageGc, planGc, type GcInput } from "./gc.ts";
import type { LedgerState } from "./ledger.ts";

const DAY = 24 * 3_600_000;
const ledger = (ids: Record<string, { days?: number; references?: string[] }>, history: LedgerState["history"] = {}): LedgerState => ({
  version: 1,
  asked: {},
  pulled: Object.fromEntries(
    Object.entries(ids).map(([id, o]) => [
      id,
      { references: o.references ?? [`${id}:1`], usedAt: new Date(-(o.days ?? 2) * DAY).toISOString() },
    ]),
  ),
  history,
});
const image = (id: string, o: { tags?: string[]; digests?: string[] } = {}) => ({ id, tags: [`${id}:1`], digests: [], sizeBytes: 1, ...o });
const plan = (o: Partial<GcInput>, options = {}) =>
  planGc(
    { images: [image("a")], inUse: new Set(), ledger: ledger({ a: {} }), references: [], usedPercent: 50, now: 0, ...o },
    { ...IMAGE_GC, unused: 0, ...options },
  ).candidates.map((i) => i.id);

describe("planGc", () => {
  it.each<{ name: string; input: Partial<GcInput>; options?: object; want: string[] }>([
    { name: "takes what it pulled and nobody needs", input: {}, want: ["a"] },
    { name: "leaves foreign images alone", input: { ledger: ledger({}) }, want: [] },
    { name: "leaves alone what any container is made from", input: { inUse: new Set(["a"]) }, want: [] },
    { name: "leaves alone what a service ran before", input: { ledger: ledger({ a: {} }, { "default/shop/web": ["b", "a"] }) }, want: [] },
    { name: "leaves young ones alone", input: { ledger: ledger({ a: { days: 0.5 } }) }, want: [] },
    { name: "leaves alone what a person has named", input: { images: [image("a", { tags: ["a:1", "mine:1"] })] }, want: [] },
    { name: "leaves alone what a desired pod names by its tag", input: { references: ["docker.io/library/a:1"] }, want: [] },
    {
      name: "leaves alone what a desired pod names by its digest",
      input: { images: [image("a", { tags: [], digests: ["a@sha256:1"] })], references: ["a:2@sha256:1"] },
      want: [],
    },
    { name: "takes a tag of another version", input: { references: ["a:2", "b:1"] }, want: ["a"] },
    {
      name: "keeps as many as may stay, those used last",
      input: { images: ["a", "b", "c"].map((id) => image(id)), ledger: ledger({ a: { days: 2 }, b: { days: 4 }, c: { days: 3 } }) },
      options: { unused: 2 },
      want: ["b"],
    },
    {
      name: "takes all when the disk is full, the longest unused first",
      input: { images: ["a", "b"].map((id) => image(id)), ledger: ledger({ a: { days: 2 }, b: { days: 4 } }), usedPercent: 90 },
      options: { unused: 9 },
      want: ["b", "a"],
    },
  ])("$name", ({ input, options, want }) => expect(plan(input, options)).toEqual(want));
});

describe("a node", () => {
  it("keeps the images of a service's last templates, and lets older ones go; what a person pulled stays", async () => {
    const env = new ManualEnv();
    const engine = new FakeEngine(env);
    const rig = new Rig(engine, env);
    const { ledger: book } = rig.resources.images;
    engine.addImage("theirs:1");
    for (const n of [1, 2, 3, 4]) {
      engine.publish(`app:${n}`);
      const pod = aPod({ uid: `u${n}`, name: `shop-web-0-${n}`, container: { image: `app:${n}` } });
      rig.want(pod);
      await rig.converge();
      if (n < 4) {
        rig.unwant(pod);
        await rig.converge();
        rig.reports.delete(keyOf(pod));
      }
    }
    const gc = new ImageGc(
      {
        engine,
        env,
        log: pino({ level: "silent" }),
        ledger: book,
        desired: () => [...rig.desired.values()].map((e) => e.pod),
        usedPercent: async () => 50,
      },
      { ...IMAGE_GC, unused: 0 },
    );
    expect(await gc.run()).toEqual([]);
    await env.advance(2 * DAY);
    expect(await gc.run()).toHaveLength(1);
    expect([...engine.images.keys()].toSorted()).toEqual(["app:2", "app:3", "app:4", "bb:1", "theirs:1"]);
    expect(await gc.run()).toEqual([]);
    // The Stack has left the node: what it ran is not needed any more.
    for (const { pod } of rig.desired.values()) rig.unwant(pod);
    await rig.converge();
    await env.advance(2 * DAY);
    expect(await gc.run()).toHaveLength(3);
    expect([...engine.images.keys()].toSorted()).toEqual(["bb:1", "theirs:1"]);
  });
});
