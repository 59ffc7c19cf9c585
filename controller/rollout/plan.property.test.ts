// Properties of planRollout: from any world it converges, and on the way it breaks none of the promises.
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { NormalService } from "../../schemas/compose/normal.ts";
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import { compile } from "../compile.ts";
import type { CompiledStack, NodeView, PodView, Volumes } from "../model.ts";
import { isReady, stateOf } from "../pods.ts";
import { changesOf } from "../stacks/changes.ts";
import { label, node, observed, pod, service, stackRef, taint } from "../testing/builders.ts";
import { planRollout } from "./plan.ts";
import type { RolloutPlan } from "./types.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

interface Sim {
  services: NormalService[];
  nodes: Map<string, NodeView>;
  pods: PodView[];
  volumes: Volumes;
  revision: number;
  /** A node whose agent knows nothing of what comes next. */
  old?: string;
  /** An image that is not in its registry. */
  missing?: string;
  /** Uids of pods that are asked to go. */
  evicted?: ReadonlySet<string>;
}

const compiledOf = new WeakMap<NormalService[], CompiledStack>();
const compileOnce = (services: NormalService[]): CompiledStack => {
  const had = compiledOf.get(services) ?? compile({ services });
  compiledOf.set(services, had);
  return had;
};

const plan = (s: Sim): RolloutPlan =>
  planRollout({
    stack: stackRef,
    compiled: compileOnce(s.services),
    revision: s.revision,
    pods: s.pods,
    nodes: s.nodes,
    volumes: s.volumes,
    ...(s.evicted ? { deletions: s.evicted } : {}),
  });

/** Own pods count in what the nodes say about themselves, as in the world. */
const withPods = (s: Sim): Sim => {
  const nodes = new Map<string, NodeView>();
  for (const n of s.nodes.values()) {
    const here = s.pods.filter((p) => p.node === n.name);
    const ports = here.flatMap((p) =>
      p.desired.container.ports.map(({ published = 0, protocol }) => ({ published, protocol, stack: "default/shop", pod: p.desired.name })),
    );
    nodes.set(n.name, { ...n, pods: here.length, ports });
  }
  return { ...s, nodes };
};

let clock = 0;
/** Revisions of what is written: later than any answer that a world begins with. */
let revision = 2_000;
/** What the commits of a plan make of the world; `take`: only the first steps, as when the controller dies in between. */
const carryOut = (s: Sim, p: RolloutPlan, take = p.steps.length): Sim => {
  const stamp = { now: "2026-01-01T00:00:00.000Z", uid: () => `new-${++clock}` };
  const changes = changesOf(p.steps.slice(0, take), s.pods, new Set(), stamp).flat();
  const pods = new Map(s.pods.map((v) => [`/steadfleet/nodes/${v.node}/desired/default/${v.desired.name}`, v]));
  for (const c of changes) {
    const on = c.key.split("/")[3] ?? "";
    if (c.value === null) pods.delete(c.key);
    else {
      const desired = c.value as DesiredPod;
      if (c.mod === 0 && pods.has(c.key)) throw new Error(`created over ${c.key}`);
      const answer = pods.get(c.key)?.observed;
      pods.set(c.key, { node: on, desired, mod: ++revision, ...(answer ? { observed: answer } : {}) });
    }
  }
  return withPods({ ...s, pods: [...pods.values()], volumes: p.volumes });
};

/** What an agent says of the pod's `next`: nothing where it is too old for that. */
const preparedBy = (s: Sim, { node: on, desired: { next } }: PodView, luck: () => number): ObservedPod["prepared"] => {
  if (!next || s.old === on) return undefined;
  const { templateHash, container } = next;
  if (s.missing === container.image) return { templateHash, ready: false, reason: "ImageNotFound", message: "no such image" };
  return luck() < 0.5 ? { templateHash, ready: false, reason: "Pulling", message: "pulling" } : { templateHash, ready: true };
};

/** Agents answer: what goes is gone, what shall run becomes ready. Not all at once. */
const answer = (s: Sim, luck: () => number, broken: (p: PodView) => boolean = () => false): Sim =>
  withPods({
    ...s,
    pods: s.pods.map((p) => {
      if (luck() < 0.4 || !s.nodes.get(p.node)?.ready) return p;
      if (p.desired.deletionTimestamp)
        return { ...p, observed: observed(p.desired.uid, { phase: "Removed", state: "absent", ready: false }) };
      const up = !broken(p);
      const said = preparedBy(s, p, luck);
      const words = { desiredRevision: p.mod, ...(said ? { prepared: said } : {}) };
      return { ...p, observed: observed(p.desired.uid, up ? words : { ...words, ready: false, health: "unhealthy" }) };
    }),
  });

const dice = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
};

const NODES = ["n1", "n2", "n3"];
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;
const arbitraryService = (name: string) =>
  fc
    .record({
      replicas: fc.integer({ min: 0, max: 4 }),
      mode: fc.constantFrom("replicated" as const, "replicated" as const, "global" as const),
      image: fc.constantFrom("app:1", "app:2"),
      ssd: fc.boolean(),
      port: fc.boolean(),
      volume: fc.boolean(),
      network: fc.constantFrom("a", name),
    })
    .map((o) =>
      service(name, {
        replicas: o.replicas,
        mode: o.mode,
        image: o.image,
        constraints: o.ssd ? [label("disk", "ssd")] : [],
        ports: o.port ? [name.length * 1000] : [],
        volumes: o.volume && o.mode === "replicated" ? ["v"] : [],
        networks: [o.network],
      }),
    );

const arbitraryPod = fc
  .record({
    service: fc.constantFrom("web", "web", "web", "db", "old"),
    image: fc.constantFrom("app:1", "app:2"),
    slot: fc.constantFrom("0", "0", "0", "1", "2", "7", "n1", "n3"),
    on: fc.constantFrom("n1", "n2", "n3", "n9"),
    state: fc.constantFrom("new" as const, "ready" as const, "unready" as const, "going" as const, "gone" as const, "vanished" as const),
  })
  .map((o) =>
    pod(service(o.service, { image: o.image, networks: [o.service] }), o.slot, o.on, {
      going: o.state === "going" || o.state === "gone",
      answer:
        o.state === "new"
          ? null
          : o.state === "gone" || o.state === "vanished"
            ? { phase: "Removed", state: "absent", ready: false }
            : { ready: o.state !== "unready" },
    }),
  );

const arbitrarySim = fc
  .record({
    web: arbitraryService("web"),
    db: fc.option(arbitraryService("db"), { nil: undefined }),
    pods: fc.array(arbitraryPod, { maxLength: 10 }),
    old: fc.constantFrom(undefined, ...NODES),
    nodes: fc.tuple(
      ...NODES.map((n) =>
        fc
          .record({ ssd: fc.boolean(), cordoned: fc.boolean(), taint: fc.constantFrom(undefined, undefined, ...EFFECTS) })
          .map((o) =>
            node(n, { labels: o.ssd ? { disk: "ssd" } : {}, unschedulable: o.cordoned, taints: o.taint ? [taint(o.taint)] : [] }),
          ),
      ),
    ),
  })
  .map(
    (o): Sim =>
      withPods({
        services: o.db ? [o.db, o.web] : [o.web],
        nodes: new Map(o.nodes.map((n) => [n.name, n])),
        pods: o.pods,
        volumes: {},
        revision: 2,
        ...(o.old === undefined ? {} : { old: o.old }),
      }),
  );

const slotCounts = (s: Sim): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const p of s.pods) {
    if (stateOf(p, s.nodes) === "gone") continue;
    const id = `${p.desired.service}/${p.desired.slot}`;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
};

/** Plans, carries out (sometimes only a part), lets agents answer, until nothing is left to do. */
const settle = (start: Sim, luck: () => number, check: (before: Sim, after: Sim) => void): Sim => {
  let s = start;
  for (let i = 0; i < 300; i++) {
    const p = plan(s);
    const cut = luck() < 0.2 ? Math.floor(luck() * (p.steps.length + 1)) : p.steps.length;
    const next = carryOut(s, p, cut);
    check(s, next);
    const quiet =
      p.steps.length === 0 &&
      ![...p.waits.values()].some((w) => w.reason === "Preparing") &&
      next.pods.every((v) => v.observed && v.desired.deletionTimestamp === undefined && v.observed.ready);
    s = answer(next, luck);
    if (quiet) return s;
  }
  throw new Error(
    `does not converge: ${JSON.stringify(plan(s).steps.map((x) => [x.type, x.reason]))} ${JSON.stringify(s.pods.map((p) => [p.desired.name, p.node, stateOf(p, s.nodes)]))}`,
  );
};

describe("planRollout, from any world", () => {
  it("converges, then plans nothing (I6, I7), and never fills a slot that is not empty (I5)", () => {
    fc.assert(
      fc.property(arbitrarySim, fc.integer(), (start, seed) => {
        const end = settle(start, dice(seed), (before, after) => {
          const had = slotCounts(before);
          for (const [slot, n] of slotCounts(after)) expect(n, slot).toBeLessThanOrEqual(Math.max(1, had.get(slot) ?? 0));
        });
        const last = plan(end);
        expect(last.steps).toEqual([]);
        for (const s of compileOnce(end.services).services) {
          const pods = end.pods.filter((p) => p.desired.service === s.name);
          expect(new Set(pods.map((p) => p.desired.slot)).size).toBe(pods.length);
          const waits = last.waits.get(s.name);
          const wanted = last.slots.get(s.name) ?? [];
          if (!waits) expect(pods.map((p) => p.desired.slot).toSorted()).toEqual([...wanted].toSorted());
          else expect(waits.reason).toBe("Unplaceable");
          if (!waits) for (const p of pods) expect(p.desired.templateHash).toBe(s.templateHash);
        }
        expect(end.pods.every((p) => end.services.some((s) => s.name === p.desired.service))).toBe(true);
      }),
      { numRuns: 250 },
    );
  });

  it("plans the same for the same world", () => {
    fc.assert(
      fc.property(arbitrarySim, (s) => {
        const shuffled = { ...s, nodes: new Map([...s.nodes].toReversed()) };
        expect(JSON.stringify(plan(shuffled).steps)).toBe(JSON.stringify(plan(s).steps));
      }),
      { numRuns: 100 },
    );
  });

  it("updates with at most one pod fewer ready than wanted, when all were ready", () => {
    const change = fc.record({
      replicas: fc.integer({ min: 1, max: 5 }),
      nodes: fc.integer({ min: 1, max: 3 }),
      broken: fc.boolean(),
      seed: fc.integer(),
      grouped: fc.boolean(),
      ports: fc.boolean(),
    });
    fc.assert(
      fc.property(change, (o) => {
        const luck = dice(o.seed);
        const options = {
          replicas: o.replicas,
          ...(o.grouped ? { volumes: ["v"] } : {}),
          ...(o.ports && o.replicas <= o.nodes && !o.grouped ? { ports: [80] } : {}),
        };
        let s: Sim = withPods({
          services: [service("web", { ...options, image: "app:1" })],
          nodes: new Map(NODES.slice(0, o.nodes).map((n) => [n, node(n)])),
          pods: [],
          volumes: {},
          revision: 1,
        });
        s = settle(s, luck, () => undefined);
        s = { ...s, services: [service("web", { ...options, image: "app:2" })], revision: 2 };
        for (let i = 0; i < 160; i++) {
          s = answer(carryOut(s, plan(s)), luck, (p) => o.broken && p.desired.container.image === "app:2");
          const up = s.pods.filter((p) => isReady(p, s.nodes)).length;
          expect(up).toBeGreaterThanOrEqual(o.replicas - 1);
        }
        if (!o.broken) expect(s.pods.every((p) => p.desired.container.image === "app:2")).toBe(true);
        // A broken revision gets no further than its first pod, unless that was the only one.
        if (o.broken && o.replicas > 1) expect(s.pods.filter((p) => p.desired.container.image === "app:2")).toHaveLength(1);
      }),
      { numRuns: 80 },
    );
  });

  it("takes no pod that serves away for one that its node cannot start; a later revision that it can is carried out", () => {
    const change = fc.record({ replicas: fc.integer({ min: 1, max: 4 }), nodes: fc.integer({ min: 1, max: 3 }), seed: fc.integer() });
    fc.assert(
      fc.property(change, (o) => {
        const luck = dice(o.seed);
        const web = (image: string) => [service("web", { replicas: o.replicas, image })];
        const nodes = new Map(NODES.slice(0, o.nodes).map((n) => [n, node(n)]));
        let s: Sim = settle(withPods({ services: web("app:1"), nodes, pods: [], volumes: {}, revision: 1 }), luck, () => undefined);
        const before = s.pods.map((p) => p.desired.uid).toSorted();
        s = { ...s, services: web("app:gone"), missing: "app:gone", revision: 2 };
        for (let i = 0; i < 40; i++) s = answer(carryOut(s, plan(s)), luck);
        expect(s.pods.map((p) => p.desired.uid).toSorted()).toEqual(before);
        expect(s.pods.every((p) => isReady(p, s.nodes))).toBe(true);
        expect(plan(s).waits.get("web")).toMatchObject({ reason: "NotPrepared", message: expect.stringContaining("no such image") });
        s = settle({ ...s, services: web("app:2"), revision: 3 }, luck, () => undefined);
        expect(s.pods.every((p) => p.desired.container.image === "app:2" && p.desired.next === undefined)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("drains a node: everything on it goes, whole groups together, volumes wait for it, nothing comes back before it is uncordoned", () => {
    const world = fc.record({
      web: arbitraryService("web"),
      db: arbitraryService("db"),
      seed: fc.integer(),
      // Evictions come one by one, in any order, as far apart as it may be.
      pace: fc.integer({ min: 0, max: 5 }),
    });
    fc.assert(
      fc.property(world, (o) => {
        const luck = dice(o.seed);
        const services = [o.db, o.web];
        const open = NODES.map((n) => node(n, { labels: { disk: "ssd" } }));
        let s = settle(
          withPods({ services, nodes: new Map(open.map((n) => [n.name, n])), pods: [], volumes: {}, revision: 1 }),
          luck,
          () => undefined,
        );
        // Of replicas that share a port and a node, one runs: which one does not matter.
        const before = s.pods.map((p) => p.desired.service).toSorted();
        const drained = s.pods[0]?.node ?? "n1";
        const leaving = s.pods.filter((p) => p.node === drained).toSorted(() => luck() - 0.5);
        s = withPods({ ...s, nodes: new Map([...s.nodes].map(([n, v]) => [n, { ...v, unschedulable: n === drained }])) });
        const evicted = new Set<string>();
        for (const { desired } of leaving) {
          evicted.add(desired.uid);
          for (let i = 0; i <= o.pace; i++) {
            s = answer(carryOut({ ...s, evicted }, plan({ ...s, evicted })), luck);
            // What was not evicted stays where it is: a drain is a person's word about each pod.
            for (const p of leaving) {
              const now = s.pods.find((q) => q.desired.uid === p.desired.uid);
              if (!evicted.has(p.desired.uid)) expect(now?.desired.deletionTimestamp, p.desired.name).toBeUndefined();
            }
          }
        }
        s = settle({ ...s, evicted }, luck, (_, after) => {
          for (const p of after.pods) if (p.node === drained) expect(evicted, p.desired.name).toContain(p.desired.uid);
        });
        expect(s.pods.filter((p) => p.node === drained)).toEqual([]);
        const { groups } = compileOnce(services);
        for (const g of groups) {
          const nodes = new Set(s.pods.filter((p) => g.services.includes(p.desired.service)).map((p) => p.node));
          expect(nodes.size).toBeLessThanOrEqual(1);
        }
        const { waits } = plan(s);
        for (const { name, replicas, container } of services) {
          const home = (key: string | undefined): string | undefined => (key === undefined ? undefined : s.volumes[key]?.node);
          const own = container.mounts.flatMap((m) => (m.type === "volume" && m.volume ? [m.volume.key] : []));
          for (const key of own.filter((k) => home(k) !== undefined)) {
            expect(s.pods.every((p) => p.desired.service !== name || p.node === home(key))).toBe(true);
          }
          const tied = groups.some((g) => g.services.includes(name) && home(g.volumes[0]) === drained);
          if (tied && replicas > 0)
            expect(waits.get(name)?.message).toMatch(new RegExp(`^waits for node ${drained}, which is cordoned: volume`));
        }
        s = withPods({ ...s, nodes: new Map([...s.nodes].map(([n, v]) => [n, { ...v, unschedulable: false }])) });
        s = settle(s, luck, () => undefined);
        expect(s.pods.map((p) => p.desired.service).toSorted()).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});
