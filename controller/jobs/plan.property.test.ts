// Properties of jobs: whatever happens to pods and nodes on the way, a slot that has succeeded is never run again, and a run comes to an end.
import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import type { JobStatus } from "../../schemas/types.ts";
import type { NodeView, PodView } from "../model.ts";
import { stateOf } from "../pods.ts";
import { planRollout } from "../rollout/plan.ts";
import type { RolloutPlan } from "../rollout/types.ts";
import { changesOf } from "../stacks/changes.ts";
import { compiled, node, observed, service, stackRef } from "../testing/builders.ts";
import { planJob } from "./plan.ts";
import { hasEnded } from "./runs.ts";
import { readSlots, writeSlots } from "./slots.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

interface World {
  job: ReturnType<typeof compiled>;
  nodes: Map<string, NodeView>;
  pods: PodView[];
  memory: JobStatus | undefined;
  nowMs: number;
  asked: Set<string>;
}

let serial = 0;
const START = Date.parse("2026-01-01T00:00:30Z");

/** A plan, of which the status is written first, and then perhaps not all steps. */
const step = (w: World, take: number): { world: World; plan: RolloutPlan } => {
  const [own] = w.job.services;
  if (!own) throw new Error("no service");
  const job = planJob({ service: own, memory: w.memory, pods: w.pods, nodes: w.nodes, nowMs: w.nowMs });
  const jobs = new Map([["job", job]]);
  const plan = planRollout({
    stack: stackRef,
    compiled: w.job,
    revision: 1,
    pods: w.pods,
    nodes: w.nodes,
    volumes: {},
    jobs,
    deletions: w.asked,
  });
  const stamp = { now: new Date(w.nowMs).toISOString(), uid: () => `new-${++serial}` };
  const pods = new Map(w.pods.map((v) => [`${v.node}/${v.desired.name}`, v]));
  for (const { key, value, mod } of changesOf(plan.steps.slice(0, take), w.pods, new Set(), stamp).flat()) {
    const [, , , on = "", , , name = ""] = key.split("/");
    const id = `${on}/${name}`;
    if (value === null) pods.delete(id);
    else if (mod === 0 && pods.has(id)) throw new Error(`created over ${key}`);
    else {
      const answer = pods.get(id)?.observed;
      pods.set(id, { node: on, desired: value as DesiredPod, mod: 10, ...(answer ? { observed: answer } : {}) });
    }
  }
  return { world: { ...w, pods: [...pods.values()], memory: job.status }, plan };
};

const dice = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
};

/** Agents answer, not all at once: what goes is gone, what runs ends or fails, and what has ended stays so. */
const answer = (w: World, luck: () => number, fails: number): World => ({
  ...w,
  pods: w.pods.map((p) => {
    if (luck() < 0.3 || !w.nodes.get(p.node)?.ready) return p;
    const say = (o: Partial<ObservedPod>): PodView => ({ ...p, observed: observed(p.desired.uid, o) });
    if (p.desired.deletionTimestamp) return say({ phase: "Removed", state: "absent", ready: false });
    if (hasEnded(p)) return p;
    const { policy, maxRetries = 0 } = p.desired.container.restart;
    const restarts = p.observed?.restarts ?? 0;
    if (!p.observed) return say({});
    if (luck() >= fails) return say({ phase: "Succeeded", state: "exited", ready: false, exitCode: 0, restarts });
    if (policy === "no" || restarts >= maxRetries) return say({ phase: "Failed", state: "exited", ready: false, exitCode: 1, restarts });
    return say({ state: "restarting", ready: false, restarts: restarts + 1 });
  }),
});

const arbitrary = fc.record({
  completions: fc.integer({ min: 0, max: 5 }),
  parallelism: fc.integer({ min: 1, max: 4 }),
  backoffLimit: fc.integer({ min: 0, max: 4 }),
  global: fc.boolean(),
  scheduled: fc.boolean(),
  fails: fc.constantFrom(0, 0, 0.3, 1),
  seed: fc.nat(),
  chaos: fc.integer({ min: 0, max: 12 }),
});

const worldOf = (o: { completions: number; parallelism: number; backoffLimit: number; global: boolean; scheduled: boolean }): World => {
  const { completions, parallelism, backoffLimit } = o;
  const schedule = o.scheduled ? { cron: "* * * * *", timeZone: "UTC", concurrencyPolicy: "Forbid" as const, history: 1 } : undefined;
  const job = service("job", {
    mode: o.global ? "global" : "replicated",
    replicas: completions,
    job: { completions, parallelism, backoffLimit, ...(schedule ? { schedule } : {}) },
    container: { restart: backoffLimit > 0 ? { policy: "on-failure", maxRetries: backoffLimit } : { policy: "no" } },
  });
  const nodes = new Map(["n1", "n2", "n3"].map((n) => [n, node(n)]));
  return { job: compiled(job), nodes, pods: [], memory: undefined, nowMs: START, asked: new Set() };
};

describe("a job, in any world", () => {
  it("runs each slot to its end once, no more of them at a time than it may, and comes to an end", () => {
    let [complete, failed] = [0, 0];
    fc.assert(
      fc.property(arbitrary, (o) => {
        const luck = dice(o.seed);
        let world = worldOf(o);
        const succeeded = new Set<string>();
        const over = new Set<string>();
        for (let round = 0; round < 100; round++) {
          const chaos = round < o.chaos;
          if (chaos && luck() < 0.3) {
            const some = world.pods[Math.floor(luck() * world.pods.length)];
            if (some) world = { ...world, asked: new Set([...world.asked, some.desired.uid]) };
          }
          // A node is lost for good: a person has deleted it.
          if (chaos && luck() < 0.1 && world.nodes.size > 1) {
            const nodes = new Map(world.nodes);
            nodes.delete([...nodes.keys()][0] ?? "");
            world = { ...world, nodes };
          }
          // Time passes; a schedule comes once, in the second round.
          if (o.scheduled && round === 1) world = { ...world, nowMs: START + 31_000 };
          const { world: next, plan } = step(world, chaos && luck() < 0.3 ? Math.floor(luck() * 3) : Number.POSITIVE_INFINITY);
          for (const s of plan.steps) {
            if (s.type !== "create" && s.type !== "replace") continue;
            expect(succeeded.has(s.pod.slot), `${s.pod.slot} has succeeded`).toBe(false);
            expect(over.has(s.pod.slot.includes("-") ? (s.pod.slot.split("-")[0] ?? "") : ""), "the run is over").toBe(false);
          }
          for (const run of next.memory?.runs ?? []) {
            const prefix = run.scheduledTime ? `${run.name}-` : "";
            for (const slot of readSlots(run.slots, o.global)) succeeded.add(prefix + slot);
            if (run.state === "Failed") over.add(run.scheduledTime ? run.name : "");
          }
          world = next;
          const held = world.pods.filter((p) => stateOf(p, world.nodes) !== "gone");
          const slots = held.map((p) => p.desired.slot);
          expect(new Set(slots).size, "one pod in a slot (I5)").toBe(slots.length);
          expect(held.filter((p) => !hasEnded(p)).length, "so many at once").toBeLessThanOrEqual(o.parallelism);
          const ended = next.memory?.runs.some((r) => r.state !== "Running") === true;
          if (round > o.chaos + 1 && ended && plan.steps.length === 0 && held.every((p) => p.observed && hasEnded(p))) break;
          world = answer(world, luck, o.fails);
        }
        const [run] = world.memory?.runs ?? [];
        expect(run?.state, "it has come to an end").toMatch(o.fails === 0 ? /^Complete$/ : /^(Complete|Failed)$/);
        if (run?.state === "Complete") complete++;
        else failed++;
        const { plan } = step(world, 0);
        expect(plan.steps, "nothing more to do (I6)").toEqual([]);
      }),
      { numRuns: 80 },
    );
    expect(Math.min(complete, failed), "both ends are reached").toBeGreaterThan(3);
  });
});

describe("slots as a text", () => {
  it("say the same when they are read", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(40)), (numbers) => {
        const slots = numbers.map(String);
        expect([...readSlots(writeSlots(slots, false), false)].toSorted()).toEqual(slots.toSorted());
      }),
    );
    expect(writeSlots(["5", "0", "2", "1"], false)).toBe("0-2,5");
    expect([...readSlots(writeSlots(["n2", "n-1"], true), true)]).toEqual(["n-1", "n2"]);
  });
});
