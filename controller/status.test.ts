import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { NormalService } from "../schemas/compose/normal.ts";
import type { StackStatus } from "../schemas/types.ts";
import { compile } from "./compile.ts";
import type { NodeView, PodView } from "./model.ts";
import { planRollout } from "./rollout/plan.ts";
import { computeStatus, deletingStatus } from "./status.ts";
import { withTransitions } from "./times.ts";
import { stackEvents } from "./stacks/events.ts";
import { label, node, nodeMap, pod, service, stackRef } from "./testing/builders.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

const T1 = "2026-01-01T00:00:01Z";
const status = (
  services: NormalService[],
  pods: PodView[],
  o: { nodes?: (string | NodeView)[]; revision?: number; previous?: StackStatus; now?: string } = {},
): StackStatus => {
  const compiled = compile({ services });
  const nodes = nodeMap(...(o.nodes ?? ["n1", "n2", "n3"]));
  const revision = o.revision ?? 1;
  const plan = planRollout({ stack: stackRef, compiled, revision, pods, nodes, volumes: {} });
  return computeStatus({ stack: stackRef, compiled, held: new Map(), revision, pods, nodes, plan, previous: o.previous, now: o.now ?? T1 });
};
const web = service("web", { replicas: 2 });
const word = (s: StackStatus): string =>
  `${s.health} ${s.ready} ${s.progress}% ${s.conditions?.map((c) => `${c.type}=${c.status}/${c.reason}`).join(" ")}`;
const failing = {
  answer: { ready: false, state: "restarting" as const, reason: "CrashLoopBackOff", message: "exit code 137 (out of memory)" },
};
const starting = { answer: { ready: false, health: "starting" as const } };
const pulling = { answer: { ready: false, phase: "Pending" as const, state: "absent" as const, reason: "Pulling" } };
const lost = node("n2", { ready: false, notReady: "not responding" });

describe("computeStatus", () => {
  const rows: { name: string; got: () => StackStatus; want: string; message?: [string, RegExp] }[] = [
    {
      name: "is Progressing at first",
      got: () => status([web], []),
      want: "Progressing 0/2 0% Ready=False/RollingOut Progressing=True/RollingOut Degraded=False/NothingWrong",
    },
    {
      name: "counts the steps of each replica",
      got: () => status([web], [pod(web, "0", "n1", pulling), pod(web, "1", "n2", starting)]),
      want: "Progressing 0/2 42% Ready=False/RollingOut Progressing=True/RollingOut Degraded=False/NothingWrong",
      message: ["Progressing", /web 2\/2 updated, 0\/2 ready \(shop-web-0-\S+ on n1: Pulling\)/],
    },
    {
      name: "is Healthy when all is as wanted",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2")]),
      want: "Healthy 2/2 100% Ready=True/AllReady Progressing=False/RolloutComplete Degraded=False/NothingWrong",
    },
    {
      name: "counts a job that ran and succeeded as ready",
      got: () =>
        status(
          [service("job")],
          [pod(service("job"), "0", "n1", { answer: { ready: false, phase: "Succeeded", state: "exited", exitCode: 0 } })],
        ),
      want: "Healthy 1/1 100% Ready=True/AllReady Progressing=False/RolloutComplete Degraded=False/NothingWrong",
    },
    {
      name: "is Degraded when one fails, and names it, why, and what next",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2", failing)]),
      want: "Degraded 1/2 80% Ready=False/CrashLoopBackOff Progressing=False/RolloutStuck Degraded=True/CrashLoopBackOff",
      message: [
        "Degraded",
        /^shop-web-1-\S+ on n2: CrashLoopBackOff: exit code 137 \(out of memory\)\. Next: steady status shop, or kubectl describe pod shop-web-1-\S+$/,
      ],
    },
    {
      name: "stays Degraded while one that crashes again and again runs for a moment",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2", { answer: { ...failing.answer, state: "running" } })]),
      want: "Degraded 1/2 80% Ready=False/CrashLoopBackOff Progressing=False/RolloutStuck Degraded=True/CrashLoopBackOff",
    },
    {
      name: "is Failed when nothing runs and all that there is fails",
      got: () => status([web], [pod(web, "0", "n1", failing), pod(web, "1", "n2", failing)]),
      want: "Failed 0/2 60% Ready=False/CrashLoopBackOff Progressing=False/RolloutStuck Degraded=True/CrashLoopBackOff",
      message: ["Degraded", /\(and 1 more\)$/],
    },
    {
      name: "is Failed when nothing can be placed",
      got: () => status([service("web", { constraints: [label("disk", "ssd")] })], []),
      want: "Failed 0/1 0% Ready=False/Unplaceable Progressing=False/RolloutStuck Degraded=True/Unplaceable",
      message: ["Ready", /^web: 0 of 3 nodes fit: 3 lack label disk=ssd$/],
    },
    {
      name: "is Degraded while a node is lost",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2")], { nodes: ["n1", lost] }),
      want: "Degraded 1/2 80% Ready=False/NodeNotReady Progressing=False/RolloutStuck Degraded=True/NodeNotReady",
    },
    {
      name: "is Unknown when nobody answers",
      got: () => status([service("web")], [pod(service("web"), "0", "n2")], { nodes: [lost] }),
      want: "Unknown 0/1 60% Ready=Unknown/NodeNotReady Progressing=False/RolloutStuck Degraded=True/NodeNotReady",
    },
    {
      name: "calls a rollout complete that was, whatever breaks later",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2", failing)], { previous: { revision: 1, progress: 100 } }),
      want: "Degraded 1/2 100% Ready=False/CrashLoopBackOff Progressing=False/RolloutComplete Degraded=True/CrashLoopBackOff",
    },
    {
      name: "leaves out of the percentage what an earlier revision made and this one keeps",
      got: () => status([web, service("new")], [pod(web, "0", "n1"), pod(web, "1", "n2")], { revision: 2 }),
      want: "Progressing 2/3 0% Ready=False/RollingOut Progressing=True/RollingOut Degraded=False/NothingWrong",
    },
    {
      name: "wants nothing, has nothing: is Healthy",
      got: () => status([service("web", { replicas: 0 })], []),
      want: "Healthy 0/0 100% Ready=True/NothingWanted Progressing=False/RolloutComplete Degraded=False/NothingWrong",
    },
    {
      name: "is not Ready while a change in place is on its way",
      got: () => status([web], [pod(web, "0", "n1"), pod(web, "1", "n2", { answer: { desiredRevision: 9 } })]),
      want: "Progressing 2/2 95% Ready=False/RollingOut Progressing=True/RollingOut Degraded=False/NothingWrong",
    },
  ];
  for (const row of rows) {
    it(row.name, () => {
      const got = row.got();
      expect(word(got)).toBe(row.want);
      if (row.message) expect(got.conditions?.find((c) => c.type === row.message?.[0])?.message).toMatch(row.message[1]);
    });
  }

  it("never goes back within one revision, reaches 100 only when complete, and begins anew with the next", () => {
    const answer = fc.constantFrom(null, pulling.answer, starting.answer, failing.answer, {});
    fc.assert(
      fc.property(fc.array(fc.tuple(answer, answer), { maxLength: 8 }), (worlds) => {
        let previous: StackStatus | undefined;
        for (const [a, b] of worlds) {
          const next = status(
            [web],
            [pod(web, "0", "n1", { answer: a }), pod(web, "1", "n2", { answer: b })],
            previous ? { previous } : {},
          );
          expect(next.progress).toBeGreaterThanOrEqual(previous?.progress ?? 0);
          if ((previous?.progress ?? 0) < 100) expect(next.progress === 100).toBe(next.health === "Healthy");
          previous = next;
        }
        if (previous) expect(status([service("web", { replicas: 2, image: "app:2" })], [], { previous, revision: 2 }).progress).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  it("moves lastTransitionTime only when a condition's status changes", () => {
    const was = [{ type: "Ready", status: "False" as const, reason: "A", message: "a", lastTransitionTime: "then" }];
    const next = (s: "True" | "False") => withTransitions([{ type: "Ready", status: s, reason: "B", message: "b" }], was, "now")[0];
    expect([next("False"), next("True")].map((c) => [c?.reason, c?.lastTransitionTime])).toEqual([
      ["B", "then"],
      ["B", "now"],
    ]);
  });

  it("says what keeps a deleted Stack", () => {
    const got = deletingStatus(
      stackRef,
      undefined,
      [pod(web, "0", "n1", { going: true }), pod(web, "1", "n2", { going: true })],
      nodeMap("n1", lost),
      T1,
    );
    expect([got.health, got.conditions?.[0]?.message]).toEqual([
      "Degraded",
      expect.stringMatching(/shop-web-1-\S+ on n2 cannot be removed: the node is not responding; bring it back, or delete the node/),
    ]);
  });
});

describe("stackEvents", () => {
  const reasons = (previous: StackStatus | undefined, next: StackStatus): string[] =>
    stackEvents(stackRef, previous, next, { steps: [], waits: new Map() }, "2026-01-01T00:00:00.000Z").map(
      (e) => `${e.reason}: ${e.message}`,
    );
  const ready = status([web], [pod(web, "0", "n1"), pod(web, "1", "n2")]);

  it("tells a life", () => {
    const first = status([web], []);
    expect(reasons(undefined, first)).toEqual(["Created: revision 1: 1 service, 2 pods"]);
    expect(reasons(first, ready)).toEqual(["RolloutComplete: revision 1 is rolled out: 2/2 pods are ready"]);
    expect(reasons(ready, ready)).toEqual([]);
    const broken = status([web], [pod(web, "0", "n1"), pod(web, "1", "n2", failing)], { previous: ready });
    expect(reasons(ready, broken)).toEqual([expect.stringMatching(/^Degraded: shop-web-1-\S+ on n2: CrashLoopBackOff/)]);
    expect(reasons(broken, status([web], [pod(web, "0", "n1"), pod(web, "1", "n2")], { previous: broken }))).toEqual([
      "Recovered: 2/2 pods are ready",
    ]);
    const three = status([service("web", { replicas: 3 }), service("api")], [pod(web, "0", "n1"), pod(web, "1", "n2")], {
      previous: ready,
      revision: 2,
    });
    expect(reasons(ready, three)).toEqual(["Updating: revision 1 to 2: adds api", "Scaled: web from 2 pods to 3"]);
    expect(reasons(undefined, status([service("web", { constraints: [label("a", "b")] })], []))[1]).toMatch(
      /^Unplaceable: web: 0 of 3 nodes fit/,
    );
  });
});
