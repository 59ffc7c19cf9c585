import { describe, expect, it } from "vitest";
import { loadSchema } from "../load.ts";
import { Findings, formatProblem } from "../problems.ts";
import { aRevision, aStack } from "../testing/rollouts.ts";
import type { ComposeService } from "../types.ts";
import { deploymentsOf, replicaSetsOf } from "../views.ts";
import { check } from "../walk.ts";

const image = (tag: string, more: Partial<ComposeService> = {}): ComposeService => ({ image: `nginx:${tag}`, ...more });
const first = aRevision(1, { web: image("1") }, { web: ["a", 1] }, { cause: "first" });
const second = aRevision(2, { web: image("2") }, { web: ["b", 2] });
const now = aStack(
  { web: image("2", { deploy: { replicas: 3 } }) },
  { web: { desired: 3, updated: 2, replicas: 3, ready: 3, revision: 2, templateHash: "b" } },
);
const brief = (sets: ReturnType<typeof replicaSetsOf>) => sets.map((s) => [s.metadata.name, s.spec.replicas, s.status?.replicas]);

describe("the revisions of a service as ReplicaSets", () => {
  it("are what kubectl rollout history and undo read", () => {
    const [one, two] = replicaSetsOf(now, [second, first]);
    for (const set of [one, two]) {
      const out = new Findings();
      check({ schema: loadSchema("replicaset"), base: "replicaset" }, structuredClone(set), [], out);
      expect(out.problems.map(formatProblem)).toEqual([]);
    }
    const [deployment] = deploymentsOf(now);
    expect(one).toMatchObject({
      metadata: {
        name: "shop-web-1",
        resourceVersion: "11",
        creationTimestamp: "2026-01-01T00:00:01Z",
        labels: { ...deployment?.spec.selector.matchLabels, "pod-template-hash": "a" },
        annotations: { "deployment.kubernetes.io/revision": "1", "kubernetes.io/change-cause": "first" },
        ownerReferences: [{ kind: "Deployment", name: "shop-web", uid: deployment?.metadata.uid, controller: true }],
      },
      spec: { replicas: 0, template: { spec: { containers: [{ name: "web", image: "nginx:1" }] } } },
    });
    expect(two).toMatchObject({ metadata: { name: "shop-web-2" }, spec: { replicas: 3 }, status: { replicas: 2, readyReplicas: 2 } });
  });

  it("the present one has the Deployment's template, but for the hash, also after limits changed in place", () => {
    const web = image("2", { deploy: { replicas: 3, resources: { limits: { cpus: "0.5" } } } });
    const stack = { ...now, spec: { services: { web } } };
    const [deployment] = deploymentsOf(stack);
    const present = replicaSetsOf(stack, [first, second]).at(-1)?.spec.template;
    const { "pod-template-hash": hash, ...labels } = present?.metadata?.labels ?? {};
    expect({ ...present, metadata: { ...present?.metadata, labels } }).toEqual(deployment?.spec.template);
    expect(hash).toBe("b");
  });

  it.each([
    {
      name: "revisions that left the service alone make no other",
      revisions: [first, second, aRevision(3, { web: image("2") }, { web: ["b", 2] })],
      want: [
        ["shop-web-1", 0, 0],
        ["shop-web-2", 3, 2],
      ],
    },
    {
      name: "a template outlives the revision that brought it",
      revisions: [aRevision(3, { web: image("2") }, { web: ["b", 2] })],
      want: [["shop-web-2", 3, 2]],
    },
    {
      name: "a template that was brought again has the last number only",
      revisions: [
        aRevision(1, { web: image("2") }, { web: ["b", 1] }),
        aRevision(2, { web: image("1") }, { web: ["a", 2] }),
        aRevision(3, { web: image("2") }, { web: ["b", 3] }),
      ],
      want: [
        ["shop-web-2", 0, 0],
        ["shop-web-3", 3, 2],
      ],
    },
    {
      name: "those of an earlier Stack of that name are not shown",
      revisions: [aRevision(1, {}, { web: ["a", 1] }, { stackUid: "stack-0" })],
      want: [],
    },
    { name: "those of services that are gone are not shown", revisions: [aRevision(1, { old: image("1") }, { old: ["a", 1] })], want: [] },
  ])("$name", ({ revisions, want }) => expect(brief(replicaSetsOf(now, revisions))).toEqual(want));

  it("while the service is paused, what runs is of the earlier template, however the spec looks", () => {
    const paused = aStack(
      { web: image("9", { "x-steadfleet": { paused: true } }) },
      { web: { updated: 0, replicas: 1, revision: 2, templateHash: "b", paused: true } },
    );
    const [, present] = replicaSetsOf(paused, [first, second]);
    expect(present).toMatchObject({
      spec: { replicas: 1, template: { spec: { containers: [{ image: "nginx:2" }] } } },
      status: { replicas: 1 },
    });
  });
});
