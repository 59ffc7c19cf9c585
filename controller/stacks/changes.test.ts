import { describe, expect, it } from "vitest";
import type { Stack, StackStatus } from "../../schemas/types.ts";
import { ConflictError } from "../../store/errors.ts";
import type { Change } from "../../store/kv.ts";
import { MemoryKv } from "../../store/memory.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { planRevisions } from "../revisions/plan.ts";
import { planRollout } from "../rollout/plan.ts";
import { compiled, nodeMap, pod, service, stackRef } from "../testing/builders.ts";
import { changesOf, pack, revisionChanges } from "./changes.ts";

const stamp = () => {
  let n = 0;
  return { now: "2026-01-01T00:00:00.000Z", uid: () => `u${++n}` };
};
const web = service("web", { replicas: 2 });

describe("changesOf", () => {
  it("names pods the same way for the same world, and never like one that is there", () => {
    const input = { stack: stackRef, compiled: compiled(web), revision: 1, nodes: nodeMap("n1", "n2"), volumes: {} };
    const keys = (have: Parameters<typeof changesOf>[1]): string[] =>
      changesOf(planRollout({ ...input, pods: [] }).steps, have, new Set(), stamp())
        .flat()
        .map((c) => c.key);
    const first = keys([]);
    expect(first).toEqual(keys([]));
    expect(first[0]).toMatch(/^\/steadfleet\/nodes\/n1\/desired\/default\/shop-web-0-[a-z0-9]{5}$/);
    const taken = pod(web, "7", "n1", { desired: { name: first[0]?.split("/").at(-1) ?? "" } });
    expect(keys([taken])[0]).not.toBe(first[0]);
  });

  it("compares every key, and takes a request away with the pod it is for", () => {
    const p = pod(web, "0", "n1");
    const [unit] = changesOf([{ type: "markDeleted", pod: p, reason: "deleted by request" }], [p], new Set([p.desired.uid]), stamp());
    expect(unit?.map((c) => [c.key.split("/")[2], c.mod, c.value === null])).toEqual([
      ["nodes", 10, false],
      ["requests", undefined, true],
    ]);
  });
});

describe("what is created", () => {
  it("is written where nothing is, or not at all: a plan on an old world overwrites no pod and no revision", async () => {
    const kv = new MemoryKv(new ManualEnv());
    const steps = planRollout({ stack: stackRef, compiled: compiled(web), revision: 1, nodes: nodeMap("n1"), volumes: {}, pods: [] }).steps;
    const pods = (tag: string): Change[] => changesOf(steps, [], new Set(), { now: stamp().now, uid: () => tag }).flat();
    const stack = { metadata: { name: "shop", namespace: "default", uid: "s" } } as unknown as Stack;
    const status = { revision: 1, revisionHash: "h", services: {} } as unknown as StackStatus;
    const kept = planRevisions({ stack, status, spec: { services: {} }, history: [] });
    const revisions = (tag: string): Change[] => revisionChanges(kept, new Map(), { now: stamp().now, uid: () => tag }).flat();
    for (const changes of [pods, revisions]) {
      await kv.commit(changes("first"));
      await expect(kv.commit(changes("second"))).rejects.toBeInstanceOf(ConflictError);
    }
    const uids = kv.server.below("/steadfleet/", kv.server.revision).map((i) => {
      const value = JSON.parse(i.value) as { uid?: string; metadata?: { uid: string } };
      return value.uid ?? value.metadata?.uid;
    });
    expect(uids).toEqual(["first", "first", "first"]);
  });
});

describe("pack", () => {
  const unit = (n: number, size = 1, keys = 1): Change[] =>
    Array.from({ length: keys }, (_, i) => ({ key: `/k${n}-${i}`, value: { text: "x".repeat(size) } }));

  it("keeps order, splits at 64 changes, and never within a unit", () => {
    const commits = pack(Array.from({ length: 50 }, (_, i) => unit(i, 1, 3)));
    expect(commits.map((c) => c.length)).toEqual([63, 63, 24]);
    expect(commits.flat().map((c) => c.key)).toEqual(
      Array.from({ length: 50 }, (_, i) => unit(i, 1, 3))
        .flat()
        .map((c) => c.key),
    );
  });
  it("splits at a megabyte", () => {
    expect(pack([unit(1, 600_000), unit(2, 300_000), unit(3, 600_000)]).map((c) => c.length)).toEqual([2, 1]);
    expect(pack([])).toEqual([]);
  });
});
