import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FileSource, FileSpec } from "../../schemas/fleet.ts";
import { deliveryKey } from "../../store/deliveries.ts";
import type { NodeView, PodView } from "../model.ts";
import type { Step } from "../rollout/types.ts";
import { node, nodeMap, pod, service } from "../testing/builders.ts";
import { type DeliveryPlan, planDeliveries, parcelsOf, unreferenced } from "./plan.ts";
import { contentId } from "./compile.ts";

const SECRET: FileSource = { kind: "Secret", name: "db" };
const CONFIG: FileSource = { kind: "ConfigMap", name: "web" };
const file = (source: FileSource, hash: string): FileSpec => ({ kind: "config", key: "x", source, hash, target: "/x", mode: 0o444 });
const svc = (source: FileSource, hash: string) => service("web", { container: { files: [file(source, hash)] } });
const on = (source: FileSource, hash: string, where: string): PodView => pod(svc(source, hash), "0", where);
const key = (where: string, source: FileSource, hash: string): string => deliveryKey(where, "default", { source, hash });
const short = (k: string): string => k.replace("/steadfleet/nodes/", "").replace("/sealed/default/", " ");
const keyed = (name: string, publicKey = `${name}-key`): NodeView => node(name, { publicKey });
const create = (p: PodView): Step => ({ type: "create", node: p.node, pod: p.desired, reason: "" });
const finalize = (p: PodView): Step => ({ type: "finalize", pod: p, reason: "" });

interface Row {
  name: string;
  nodes?: NodeView[];
  pods?: PodView[];
  steps?: Step[];
  /** Key → recipient. */
  there?: Record<string, string | undefined>;
  known?: [FileSource, string][];
  puts?: string[];
  taken?: number;
  waits?: RegExp;
}
const rows: Row[] = [
  {
    name: "writes what a new pod needs",
    steps: [create(on(SECRET, "1", "n1"))],
    known: [[SECRET, "1"]],
    puts: ["n1 secret:db@1"],
    taken: 1,
  },
  {
    name: "writes nothing twice",
    steps: [create(on(SECRET, "1", "n1"))],
    there: { [key("n1", SECRET, "1")]: "n1-key" },
    known: [[SECRET, "1"]],
    taken: 1,
  },
  {
    name: "writes once for two pods of a node",
    steps: [create(on(SECRET, "1", "n1")), create(on(SECRET, "1", "n1"))],
    known: [[SECRET, "1"]],
    puts: ["n1 secret:db@1"],
    taken: 2,
  },
  {
    name: "seals anew when the node's key is another one",
    pods: [on(SECRET, "1", "n1")],
    there: { [key("n1", SECRET, "1")]: "old-key" },
    known: [[SECRET, "1"]],
    puts: ["n1 secret:db@1"],
  },
  { name: "writes again what somebody took away", pods: [on(CONFIG, "1", "n1")], known: [[CONFIG, "1"]], puts: ["n1 config:web@1"] },
  {
    name: "leaves alone what it cannot write again",
    pods: [on(SECRET, "old", "n1")],
    there: { [key("n1", SECRET, "old")]: "old-key" },
    known: [[SECRET, "1"]],
  },
  {
    name: "makes no pod on a node without a key",
    nodes: [node("n1")],
    steps: [create(on(SECRET, "1", "n1"))],
    known: [[SECRET, "1"]],
    taken: 0,
    waits: /n1 has published no key/,
  },
  {
    name: "configs need no key",
    nodes: [node("n1")],
    steps: [create(on(CONFIG, "1", "n1"))],
    known: [[CONFIG, "1"]],
    puts: ["n1 config:web@1"],
    taken: 1,
  },
  {
    name: "makes no pod with a content that is no longer known",
    steps: [create(on(SECRET, "old", "n1"))],
    known: [[SECRET, "1"]],
    taken: 0,
    waits: /what Secret db held for this template is no longer known, and n1 does not have it/,
  },
  {
    name: "makes it where the node still has it",
    steps: [create(on(SECRET, "old", "n1"))],
    there: { [key("n1", SECRET, "old")]: "n1-key" },
    taken: 1,
  },
  { name: "other steps are taken all the same", steps: [finalize(on(SECRET, "old", "n1"))], taken: 1 },
];

const plan = ({ nodes = [keyed("n1"), keyed("n2")], pods = [], steps = [], there = {}, known = [] }: Row): DeliveryPlan => {
  const sealed = new Map(Object.entries(there).map(([k, recipient]) => [k, recipient === undefined ? {} : { recipient }]));
  const contents = new Map(known.map(([source, hash]) => [contentId(source, hash), Buffer.from("canary")]));
  return planDeliveries({
    namespace: "default",
    pods,
    steps,
    nodes: nodeMap(...nodes),
    sealed: (n) => new Map([...sealed].filter(([k]) => k.includes(`/${n}/`))),
    contents,
  });
};

describe("planDeliveries", () => {
  test.each(rows)("$name", (row) => {
    const { puts, steps, waits } = plan(row);
    expect(puts.map((p) => short(p.key))).toEqual(row.puts ?? []);
    for (const p of puts) expect(p.publicKey).toBe((row.nodes ?? [keyed("n1"), keyed("n2")]).find((n) => n.name === p.node)?.publicKey);
    expect(steps).toHaveLength(row.taken ?? 0);
    if (row.waits) expect(waits.get("web")?.message).toMatch(row.waits);
    else expect(waits.size).toBe(0);
  });

  test("pull secrets and what is being prepared count as needed", () => {
    const p = pod(service("web"), "0", "n1", {
      desired: {
        pullSecrets: [{ name: "hub", hash: "1" }],
        next: { templateHash: "t", container: svc(SECRET, "2").container, pullSecrets: [{ name: "hub", hash: "2" }] },
      },
    });
    expect(parcelsOf(p.desired).map((x) => short(deliveryKey("n1", "default", x)))).toEqual([
      "n1 secret:db@2",
      "n1 secret:hub:.dockerconfigjson@1",
      "n1 secret:hub:.dockerconfigjson@2",
    ]);
  });
});

describe("unreferenced", () => {
  test("after any steps, exactly what no pod of the node needs", () => {
    const podOn = fc.record({ on: fc.constantFrom("n1", "n2"), secret: fc.boolean(), hash: fc.constantFrom("1", "2", "3") });
    fc.assert(
      fc.property(
        fc.array(podOn, { maxLength: 6 }),
        fc.array(podOn, { maxLength: 4 }),
        fc.array(fc.nat(5), { maxLength: 4 }),
        (have, make, end) => {
          const view = (o: { on: string; secret: boolean; hash: string }): PodView => on(o.secret ? SECRET : CONFIG, o.hash, o.on);
          const pods = have.map(view);
          const made = make.map(view);
          const gone = [...new Set(end)].flatMap((i) => pods[i] ?? []);
          const steps = [...gone.map(finalize), ...made.map(create)];
          const all = ["n1", "n2"].flatMap((n) => [SECRET, CONFIG].flatMap((s) => ["1", "2", "3"].map((h) => key(n, s, h))));
          const sealed = (n: string) => new Map(all.filter((k) => k.includes(`/${n}/`)).map((k) => [k, {}]));
          const needless = unreferenced(["n1", "n2"], steps, sealed, (n) => pods.filter((p) => p.node === n));
          const needed = new Set(
            [...pods.filter((p) => !gone.includes(p)), ...made].flatMap((p) =>
              parcelsOf(p.desired).map((x) => deliveryKey(p.node, "default", x)),
            ),
          );
          expect(needless.toSorted()).toEqual(all.filter((k) => !needed.has(k)).toSorted());
        },
      ),
      { numRuns: 100 },
    );
  });
});
