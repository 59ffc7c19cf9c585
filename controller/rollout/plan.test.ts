// planRollout by example. A step reads as "+web-0@n1" (create), "-web-0@n1" (told to go), "~" (in place), "x" (forgotten), "x…+…" (replaced).
import { describe, expect, it } from "vitest";
import type { NormalService } from "../../schemas/compose/normal.ts";
import { compile } from "../compile.ts";
import type { ObservedPod } from "../../schemas/fleet.ts";
import type { NodeView, PodView } from "../model.ts";
import { hostname, label, node, nodeMap, pod, service, stackRef, taint } from "../testing/builders.ts";
import { planRollout } from "./plan.ts";
import type { Step } from "./types.ts";

const old = (name: string, o = {}) => service(name, { image: "app:0", networks: [name], ...o });
const now = (name: string, o = {}) => service(name, { image: "app:1", networks: [name], ...o });
const short = (p: PodView): string => `${p.desired.service}-${p.desired.slot}@${p.node}`;
const say = (s: Step): string =>
  s.type === "create"
    ? `+${s.pod.service}-${s.pod.slot}@${s.node}`
    : s.type === "replace"
      ? `x${short(s.removed)}+${s.pod.service}-${s.pod.slot}@${s.node}`
      : `${{ markDeleted: "-", finalize: "x", updateInPlace: "~" }[s.type]}${short(s.pod)}`;
const gone = { going: true, answer: { phase: "Removed" as const, state: "absent" as const, ready: false } };
const unready = { answer: { ready: false } };

/** A pod of `s` whose node was told what comes next, and answered. */
const prepared = (
  s: NormalService,
  next: NormalService,
  slot: string,
  on: string,
  answer: Omit<NonNullable<ObservedPod["prepared"]>, "templateHash"> | undefined,
  more: Partial<ObservedPod> = {},
): PodView => {
  const { templateHash = "", container = next.container } = compile({ services: [next] }).services[0] ?? {};
  const said = answer === undefined ? {} : { prepared: { templateHash, ...answer } };
  return pod(s, slot, on, { desired: { next: { templateHash, container } }, answer: { ...said, ...more } });
};

interface Row {
  name: string;
  services: NormalService[];
  nodes?: (string | NodeView)[];
  have: PodView[];
  want: string[];
  waits?: Record<string, RegExp>;
  volumes?: Record<string, { node: string }>;
  /** Pods that somebody asked to delete, as `kubectl drain` does: by service. */
  evict?: string[];
}
const web3 = now("web", { replicas: 3 });
const db = now("db");
const lost = node("n3", { ready: false, notReady: "not responding" });
const cordoned = node("n1", { unschedulable: true });
const expelling = node("n1", { taints: [taint("NoExecute")] });
const x = (name: string, o = {}) => now(name, { networks: ["x"], ...o });

const rows: Row[] = [
  { name: "spreads what is missing", services: [web3], have: [], want: ["+web-0@n1", "+web-1@n2", "+web-2@n3"] },
  { name: "has nothing to do when all is well", services: [db], have: [pod(db, "0", "n1")], want: [] },
  {
    name: "takes one old pod away while the others are ready",
    services: [web3],
    have: [prepared(old("web"), web3, "0", "n1", { ready: true }), pod(old("web"), "1", "n2"), pod(old("web"), "2", "n3")],
    want: ["-web-0@n1"],
  },
  {
    name: "has an old pod's node make ready before it is taken away",
    services: [web3],
    have: [pod(old("web"), "0", "n1"), pod(old("web"), "1", "n2"), pod(old("web"), "2", "n3")],
    want: ["~web-0@n1"],
    waits: { web: /^shop-web-0-\S+ on n1: n1 makes ready for what comes next$/ },
  },
  {
    name: "leaves an old pod alone while its node pulls",
    services: [web3],
    have: [prepared(old("web"), web3, "0", "n1", { ready: false, reason: "Pulling", message: "pulling app:1: 1/2 layers" })],
    want: ["+web-1@n2", "+web-2@n3"],
    waits: { web: /waiting for slot 1/ },
  },
  {
    name: "leaves the only pod alone while its node pulls, and says how far that is",
    services: [db],
    have: [prepared(old("db"), db, "0", "n1", { ready: false, reason: "Pulling", message: "pulling app:1: 1/2 layers" })],
    want: [],
    waits: { db: /on n1: pulling app:1: 1\/2 layers$/ },
  },
  {
    name: "leaves an old pod alone when what comes next cannot start, and says why",
    services: [db],
    have: [prepared(old("db"), db, "0", "n1", { ready: false, reason: "ImageNotFound", message: "check name and tag" })],
    want: [],
    waits: { db: /^n1 cannot start what comes next: ImageNotFound: check name and tag\. shop-db-0-\S+ goes on serving$/ },
  },
  {
    name: "makes ready for a newer template when there is one",
    services: [db],
    have: [prepared(old("db"), now("db", { image: "app:9" }), "0", "n1", { ready: false, reason: "ImageNotFound", message: "" })],
    want: ["~db-0@n1"],
  },
  {
    name: "waits for an agent that has not answered",
    services: [db],
    have: [prepared(old("db"), db, "0", "n1", undefined, { desiredRevision: 9 })],
    want: [],
    waits: { db: /has not answered yet/ },
  },
  {
    name: "does not wait for an agent that answers, and knows no such thing",
    services: [db],
    have: [prepared(old("db"), db, "0", "n1", undefined)],
    want: ["-db-0@n1"],
  },
  {
    name: "does not wait for a pod that serves nobody",
    services: [db],
    have: [pod(old("db"), "0", "n1", unready)],
    want: ["-db-0@n1"],
  },
  {
    name: "takes back what it asked for when the stack returns to what runs",
    services: [db],
    have: [prepared(db, old("db"), "0", "n1", { ready: false, reason: "ImageNotFound", message: "" })],
    want: ["~db-0@n1"],
  },
  {
    name: "waits while one is on its way out",
    services: [web3],
    have: [pod(old("web"), "0", "n1", { going: true }), pod(old("web"), "1", "n2"), pod(old("web"), "2", "n3")],
    want: [],
    waits: { web: /one at a time: waiting for shop-web-0-\S+ on n1 to stop/ },
  },
  {
    name: "replaces what is gone in one step",
    services: [web3],
    have: [pod(old("web"), "0", "n1", gone), pod(old("web"), "1", "n2"), pod(old("web"), "2", "n3")],
    want: ["xweb-0@n1+web-0@n1"],
    waits: { web: /waiting for slot 0, which is just being created/ },
  },
  {
    name: "waits until the new one is ready",
    services: [web3],
    have: [pod(web3, "0", "n1", unready), pod(old("web"), "1", "n2"), pod(old("web"), "2", "n3")],
    want: [],
    waits: { web: /waiting for shop-web-0-\S+ on n1 to be ready/ },
  },
  {
    name: "takes an old pod that is not ready before one that is",
    services: [web3],
    have: [pod(old("web"), "0", "n1"), pod(old("web"), "1", "n2", unready), pod(old("web"), "2", "n3")],
    want: ["-web-1@n2"],
  },
  {
    name: "takes no ready pod away while an unready one cannot be replaced",
    services: [now("web", { replicas: 2, constraints: [hostname("n1")], ports: [80] })],
    nodes: [node("n1", { ports: [{ published: 80, protocol: "tcp", stack: "default/shop", pod: "w0" }] }), "n2"],
    have: [pod(old("web"), "0", "n1", { desired: { name: "w0" } }), pod(old("web"), "1", "n2", unready)],
    want: [],
    waits: { web: /1 host port 80\/tcp in use by default\/w0 \(n1\)/ },
  },
  {
    name: "spreads a container name over nodes, one on each",
    services: [now("web", { replicas: 3, container: { containerName: "web" } })],
    nodes: ["n1", "n2"],
    have: [],
    want: ["+web-0@n1", "+web-1@n2"],
    waits: { web: /container name "web" in use by default\/web-0 \(n1\)/ },
  },
  {
    name: "leaves a container name to the Stack that has it",
    services: [now("web", { container: { containerName: "web" } })],
    nodes: [node("n1", { names: [{ name: "web", stack: "default/blog", pod: "blog-web-0" }] })],
    have: [],
    want: [],
    waits: { web: /1 container name "web" in use by default\/blog-web-0 \(n1\)/ },
  },
  {
    name: "replaces all at once when none is ready: a fix waits for nothing broken",
    services: [web3],
    have: [pod(old("web"), "0", "n1", unready), pod(old("web"), "1", "n2", unready), pod(old("web"), "2", "n3", unready)],
    want: ["-web-0@n1", "-web-1@n2", "-web-2@n3"],
  },
  {
    name: "takes nothing away that could not come back",
    services: [now("web", { constraints: [label("disk", "ssd")] })],
    have: [pod(old("web"), "0", "n1")],
    want: [],
    waits: { web: /3 lack label disk=ssd/ },
  },
  {
    name: "scales down: not-ready first, then the highest slots",
    services: [now("web", { replicas: 1 })],
    have: [pod(now("web"), "0", "n1"), pod(now("web"), "1", "n2", unready), pod(now("web"), "2", "n3"), pod(now("web"), "3", "n1")],
    want: ["-web-1@n2", "-web-3@n1", "-web-2@n3"],
  },
  {
    name: "removes services that are gone from the spec",
    services: [db],
    have: [pod(db, "0", "n1"), pod(now("old"), "0", "n2")],
    want: ["-old-0@n2"],
  },
  { name: "keeps one of two in a slot", services: [db], have: [pod(db, "0", "n2"), pod(db, "0", "n1")], want: ["-db-0@n1"] },
  {
    name: "changes limits in place",
    services: [now("db", { container: { limits: { cpus: 1 } } })],
    have: [pod(db, "0", "n1")],
    want: ["~db-0@n1"],
  },
  {
    name: "forgets pods of a deleted node and makes them elsewhere",
    services: [db],
    have: [pod(db, "0", "n9")],
    want: ["xdb-0@n9+db-0@n1"],
  },
  { name: "leaves pods of a lost node where they are", services: [db], nodes: ["n1", lost], have: [pod(db, "0", "n3")], want: [] },
  {
    name: "says that a pod on a lost node cannot be stopped",
    services: [db],
    nodes: ["n1", lost],
    have: [pod(old("db"), "0", "n3", { going: true })],
    want: [],
    waits: { db: /cannot be stopped: node n3 does not respond; bring it back, or delete the node/ },
  },
  {
    name: "runs a global service on each node that fits",
    services: [now("log", { mode: "global", constraints: [label("disk", "ssd")] })],
    nodes: [node("n1", { labels: { disk: "ssd" } }), node("n2"), node("n3", { labels: { disk: "ssd" }, unschedulable: true })],
    have: [],
    want: ["+log-n1@n1"],
  },
  {
    name: "keeps a global pod on a cordoned node, and takes it from one that no longer fits",
    services: [now("log", { mode: "global", constraints: [label("disk", "ssd")] })],
    nodes: [node("n1", { labels: { disk: "ssd" }, unschedulable: true }), node("n2")],
    have: [pod(now("log"), "n1", "n1"), pod(now("log"), "n2", "n2")],
    want: ["-log-n2@n2"],
  },
  {
    name: "does not let a lost node hold up a global update",
    services: [now("log", { mode: "global" })],
    nodes: ["n1", lost],
    have: [prepared(old("log"), now("log", { mode: "global" }), "n1", "n1", { ready: true }), pod(old("log"), "n3", "n3")],
    want: ["-log-n1@n1"],
  },
  {
    name: "puts a group on the node where it is",
    services: [now("db", { networks: ["x"] }), now("web", { networks: ["x"], replicas: 2 })],
    have: [pod(now("db", { networks: ["x"] }), "0", "n2")],
    want: ["+web-0@n2", "+web-1@n2"],
  },
  {
    name: "puts a group on its volume's node",
    services: [now("db", { volumes: ["data"] })],
    volumes: { data: { node: "n3" } },
    have: [],
    want: ["+db-0@n3"],
  },
  {
    name: "refuses a group whose volumes are apart",
    services: [now("db", { volumes: ["a", "b"] })],
    volumes: { a: { node: "n1" }, b: { node: "n2" } },
    have: [],
    want: [],
    waits: { db: /volume a is on n1 and volume b on n2, but db must share a node/ },
  },
  {
    name: "moves a group that may not stay, pod by pod",
    services: [now("web", { networks: ["x"], replicas: 2, constraints: [hostname("n2")] }), now("api", { networks: ["x"] })],
    have: [
      pod(now("web", { networks: ["x"] }), "0", "n1"),
      pod(now("web", { networks: ["x"] }), "1", "n1"),
      pod(now("api", { networks: ["x"] }), "0", "n1"),
    ],
    want: ["-api-0@n1", "-web-0@n1"],
  },
  // A node that is cordoned, drained, or tainted.
  { name: "leaves what runs on a cordoned node alone", services: [db], nodes: [cordoned, "n2"], have: [pod(db, "0", "n1")], want: [] },
  {
    name: "sends new pods elsewhere, those of a rollout too",
    services: [now("web", { replicas: 2 })],
    nodes: [cordoned, "n2"],
    have: [pod(old("web"), "0", "n1", gone), pod(old("web"), "1", "n1")],
    want: ["xweb-0@n1+web-0@n2"],
  },
  {
    name: "makes what is evicted elsewhere, when it is gone",
    services: [db],
    nodes: [cordoned, "n2"],
    have: [pod(db, "0", "n1", gone)],
    want: ["xdb-0@n1+db-0@n2"],
  },
  {
    name: "forgets what is evicted and fits nowhere else, so that a drain ends",
    services: [db],
    nodes: [cordoned],
    have: [pod(db, "0", "n1", gone)],
    want: ["xdb-0@n1"],
    waits: { db: /0 of 1 node fits: 1 cordoned \(n1\)/ },
  },
  {
    name: "lets an evicted pod of a group wait while the others run on the cordoned node",
    services: [x("db"), x("web")],
    nodes: [cordoned, "n2"],
    have: [pod(x("db"), "0", "n1"), pod(x("web"), "0", "n1", gone)],
    want: ["xweb-0@n1"],
    waits: { web: /waits for node n1, which is cordoned: db, web must share a node, and some of them still run there/ },
  },
  {
    name: "moves a group as a whole as soon as all of it is evicted",
    services: [x("db"), x("web")],
    nodes: [cordoned, "n2", "n3"],
    have: [pod(x("db"), "0", "n1"), pod(x("web"), "0", "n1", gone)],
    evict: ["db"],
    want: ["-db-0@n1", "xweb-0@n1+web-0@n2"],
  },
  {
    name: "and does not tear it apart when the rest comes after",
    services: [x("db"), x("web")],
    nodes: [cordoned, "n2", node("n3")],
    have: [pod(x("db"), "0", "n1", gone), pod(x("web"), "0", "n3")],
    want: ["xdb-0@n1+db-0@n3"],
  },
  {
    name: "brings a group that is apart together where it may stay",
    services: [x("db"), x("web", { replicas: 2 })],
    nodes: [cordoned, "n2"],
    have: [pod(x("db"), "0", "n2"), pod(x("web"), "0", "n1"), pod(x("web"), "1", "n1")],
    want: ["-web-0@n1"],
  },
  {
    name: "keeps a pod for its volume's node, evicted or not",
    services: [now("db", { volumes: ["data"] })],
    nodes: [cordoned, "n2"],
    volumes: { data: { node: "n1" } },
    have: [pod(now("db", { volumes: ["data"] }), "0", "n1", gone)],
    want: ["xdb-0@n1"],
    waits: { db: /waits for node n1, which is cordoned: volume data is there\. Next: kubectl uncordon n1/ },
  },
  {
    name: "does not bring an evicted global pod back while its node is cordoned",
    services: [now("log", { mode: "global" })],
    nodes: [cordoned, "n2"],
    have: [pod(now("log"), "n1", "n1", gone), pod(now("log"), "n2", "n2")],
    want: ["xlog-n1@n1"],
  },
  {
    name: "brings it back when the node is uncordoned",
    services: [now("log", { mode: "global" })],
    nodes: ["n1", "n2"],
    have: [pod(now("log"), "n2", "n2")],
    want: ["+log-n1@n1"],
  },
  {
    name: "moves what runs away from a NoExecute taint, one at a time",
    services: [now("web", { replicas: 2 })],
    nodes: [expelling, "n2"],
    have: [pod(now("web"), "0", "n1"), pod(now("web"), "1", "n1")],
    want: ["-web-0@n1"],
  },
  {
    name: "keeps what fits nowhere else in spite of the taint: nothing is taken away that could not come back",
    services: [db],
    nodes: [expelling],
    have: [pod(db, "0", "n1")],
    want: [],
    waits: { db: /1 tainted maintenance:NoExecute \(n1\)/ },
  },
  {
    name: "moves a group away from it",
    services: [x("db"), x("web")],
    nodes: [expelling, "n2"],
    have: [pod(x("db"), "0", "n1"), pod(x("web"), "0", "n1")],
    want: ["-db-0@n1", "-web-0@n1"],
  },
  {
    name: "keeps what has its volume there, and says so",
    services: [now("db", { volumes: ["data"] })],
    nodes: [expelling, "n2"],
    volumes: { data: { node: "n1" } },
    have: [pod(now("db", { volumes: ["data"] }), "0", "n1")],
    want: [],
    waits: { db: /stays on n1 although that is tainted maintenance:NoExecute: its volume data is there/ },
  },
  {
    name: "takes a global pod away from it",
    services: [now("log", { mode: "global" })],
    nodes: [expelling, "n2"],
    have: [pod(now("log"), "n1", "n1"), pod(now("log"), "n2", "n2")],
    want: ["-log-n1@n1"],
  },
  // A service that is paused.
  {
    name: "replaces nothing of another template",
    services: [now("web", { replicas: 2, paused: true })],
    have: [pod(old("web"), "0", "n1"), pod(now("web"), "1", "n2")],
    want: [],
  },
  {
    name: "fills slots and moves what must leave",
    services: [now("web", { replicas: 3, paused: true })],
    nodes: [expelling, "n2"],
    have: [pod(old("web"), "0", "n1"), pod(now("web"), "1", "n2")],
    want: ["+web-2@n2"],
  },
  {
    name: "holds a dependent elsewhere",
    services: [db, now("web", { constraints: [hostname("n2")], dependsOn: [{ service: "db", condition: "service_healthy" }] })],
    have: [pod(db, "0", "n1", { answer: { ready: false, health: "starting" } })],
    want: [],
    waits: { web: /waits for db \(service_healthy\): shop-db-0-\S+ on n1 is not healthy yet/ },
  },
  {
    name: "leaves a dependency on the same node to the agent",
    services: [db, now("web", { constraints: [hostname("n1")], dependsOn: [{ service: "db", condition: "service_healthy" }] })],
    have: [pod(db, "0", "n1", unready)],
    want: ["+web-0@n1"],
  },
];

describe("planRollout", () => {
  for (const row of rows) {
    it(row.name, () => {
      const nodes = nodeMap(...(row.nodes ?? ["n1", "n2", "n3"]));
      const plan = planRollout({
        stack: stackRef,
        compiled: compile({ services: row.services }),
        revision: 1,
        pods: row.have,
        nodes,
        volumes: row.volumes ?? {},
        deletions: new Set(row.have.filter((p) => row.evict?.includes(p.desired.service)).map((p) => p.desired.uid)),
      });
      expect(plan.steps.map(say)).toEqual(row.want);
      if (!row.waits) expect([...plan.waits.values()].filter((w) => w.reason === "Unplaceable")).toEqual([]);
      for (const [name, text] of Object.entries(row.waits ?? {})) expect(plan.waits.get(name)?.message).toMatch(text);
    });
  }

  it("remembers the node of a volume with its first pod, and forgets volumes that nobody mounts", () => {
    const services = [now("db", { volumes: ["data"] })];
    const input = {
      stack: stackRef,
      compiled: compile({ services }),
      revision: 1,
      nodes: nodeMap("n1"),
      volumes: { other: { node: "n1" } },
    };
    expect(planRollout({ ...input, pods: [] }).volumes).toEqual({ data: { node: "n1" } });
  });
});
