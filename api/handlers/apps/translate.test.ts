import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aRevision, aStack } from "../../../schemas/testing/rollouts.ts";
import type { ComposeService, Stack, StackRevision } from "../../../schemas/types.ts";
import { deploymentsOf, replicaSetsOf } from "../../../schemas/views.ts";
import type { Json } from "../../json.ts";
import { deployments } from "../../kinds/deployments.ts";
import { applyJsonPatch } from "../../patch/json-patch.ts";
import { mergePatch } from "../../patch/merge.ts";
import { strategicPatch } from "../../patch/strategic.ts";
import { translate } from "./translate.ts";

const web: ComposeService = { image: "nginx:2", environment: ["A=1"], deploy: { replicas: 3 } };
const db: ComposeService = { image: "postgres:16" };
const WEB = { web: { desired: 3, revision: 2, templateHash: "b" } };
const stackOf = (o: Partial<ComposeService> = {}): Stack =>
  aStack({ web: { ...web, ...o }, db }, WEB, { annotations: { "kubernetes.io/change-cause": "second" } });
const then: ComposeService = {
  image: "nginx:1",
  hostname: "old",
  deploy: { replicas: 1, resources: { limits: { cpus: "0.25", memory: 8_000_000 } } },
};
const history = [
  aRevision(1, { web: then, db }, { web: ["a", 1], db: ["d", 1] }, { cause: "first" }),
  aRevision(2, { web, db }, { web: ["b", 2], db: ["d", 1] }, { cause: "second" }),
];

const json = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

const asked = (change: (view: Json) => Json, stack = stackOf(), revisions: StackRevision[] = history) => {
  const view = deploymentsOf(stack).find((d) => d.metadata.name === "shop-web");
  if (!view) throw new Error("no view");
  return translate({ stack, service: "web", revisions, view }, change(json(view)));
};
const strategic = (patch: Json) => (view: Json) => strategicPatch(view, patch, deployments.mergeKeys);
const template = (patch: Json): Json => ({ spec: { template: patch } });
const container = (fields: { [key: string]: Json }): Json => template({ spec: { containers: [{ name: "web", ...fields }] } });
const RESTARTED = "kubectl.kubernetes.io/restartedAt";
const restart = (at: string | null): Json => template({ metadata: { annotations: { [RESTARTED]: at } } });

/** As kubectl: the template without its hash, as a Go program writes it, and all annotations. */
const undo = (revision: number, stack = stackOf(), revisions = history) => {
  const set = replicaSetsOf(stack, revisions).find((r) => r.metadata.name === `shop-web-${revision}`);
  const value = json(set?.spec.template) as { metadata: { labels: Record<string, string> }; spec: { containers: Record<string, Json>[] } };
  delete value.metadata.labels["pod-template-hash"];
  Object.assign(value.metadata, { creationTimestamp: null });
  for (const c of value.spec.containers) c["resources"] = c["resources"] ? { limits: { cpu: "250m", memory: "8M" } } : {};
  const annotations = { ...set?.metadata.annotations, "deployment.kubernetes.io/revision": "2" };
  return (view: Json) =>
    applyJsonPatch(view, [
      { op: "replace", path: "/spec/template", value: value as unknown as Json },
      { op: "replace", path: "/metadata/annotations", value: annotations },
    ]);
};

describe("what changes a service", () => {
  it.each<{ name: string; patch: Json; now?: Partial<ComposeService>; want: ComposeService }>([
    { name: "kubectl scale", patch: { spec: { replicas: 5 } }, want: { ...web, deploy: { replicas: 5 } } },
    {
      name: "replicas taken away are one, as in Kubernetes",
      patch: { spec: { replicas: null } },
      want: { ...web, deploy: { replicas: 1 } },
    },
    {
      name: "kubectl scale of what is said in one word",
      patch: { spec: { replicas: 5 } },
      now: { scale: 2, deploy: {} },
      want: { ...web, scale: 5, deploy: {} },
    },
    {
      name: "kubectl set resources of what the service says itself",
      patch: container({ resources: { limits: { cpu: "500m", memory: "64Mi" } } }),
      now: { cpus: 2, mem_limit: "1g", mem_reservation: "32m" },
      want: { ...web, mem_reservation: "32m", deploy: { replicas: 3, resources: { limits: { cpus: "0.5", memory: "64m" } } } },
    },
    { name: "kubectl set image", patch: container({ image: "nginx:3" }), want: { ...web, image: "nginx:3" } },
    {
      name: "kubectl rollout restart",
      patch: restart("2026-01-01T10:00:00+01:00"),
      want: { ...web, "x-steadfleet": { restartedAt: "2026-01-01T10:00:00+01:00" } },
    },
    {
      name: "a second restart",
      patch: restart("2026-01-02T00:00:00Z"),
      now: { "x-steadfleet": { restartedAt: "2026-01-01T00:00:00Z", paused: false } },
      want: { ...web, "x-steadfleet": { restartedAt: "2026-01-02T00:00:00Z", paused: false } },
    },
    { name: "a restart taken back", patch: restart(null), now: { "x-steadfleet": { restartedAt: "2026-01-01T00:00:00Z" } }, want: web },
    { name: "kubectl rollout pause", patch: { spec: { paused: true } }, want: { ...web, "x-steadfleet": { paused: true } } },
    { name: "kubectl rollout resume", patch: { spec: { paused: null } }, now: { "x-steadfleet": { paused: true } }, want: web },
    { name: "paused: false", patch: { spec: { paused: false } }, now: { "x-steadfleet": { paused: true } }, want: web },
    { name: "kubectl set env", patch: container({ env: [{ name: "B", value: "2" }] }), want: { ...web, environment: ["A=1", "B=2"] } },
    {
      name: "kubectl set env of what is there",
      patch: container({ env: [{ name: "A", value: "" }] }),
      want: { ...web, environment: ["A="] },
    },
    {
      name: "kubectl set env A-",
      patch: container({ env: [{ name: "A", $patch: "delete" }] }),
      want: { image: "nginx:2", deploy: { replicas: 3 } },
    },
    {
      name: "kubectl set env where it is written as a map",
      patch: container({ env: [{ name: "B", value: "3" }] }),
      now: { environment: { A: 1, B: "2" } },
      want: { ...web, environment: { A: 1, B: "3" } },
    },
    {
      name: "kubectl set resources",
      patch: container({ resources: { limits: { cpu: "500m", memory: "64Mi" } } }),
      want: { ...web, deploy: { replicas: 3, resources: { limits: { cpus: "0.5", memory: "64m" } } } },
    },
    {
      name: "a limit taken away",
      patch: container({ resources: { limits: { cpu: null } } }),
      now: { deploy: { replicas: 3, resources: { limits: { cpus: "0.5" } } } },
      want: web,
    },
    {
      name: "several things at once",
      patch: { spec: { replicas: 2, template: { spec: { containers: [{ name: "web", image: "nginx:3" }] } } } },
      want: { ...web, image: "nginx:3", deploy: { replicas: 2 } },
    },
  ])("$name", ({ patch, now, want }) => {
    const { stack, problems } = asked(strategic(patch), stackOf(now));
    expect(problems).toBeUndefined();
    expect(stack?.spec.services).toEqual({ web: want, db });
  });

  it("kubectl rollout undo brings back all of the service but the number of its pods, and the cause", () => {
    const { stack, problems } = asked(undo(1));
    expect(problems).toBeUndefined();
    expect(stack?.spec.services["web"]).toEqual({
      image: "nginx:1",
      hostname: "old",
      deploy: { replicas: 3, resources: then.deploy?.resources },
    });
    expect(stack?.metadata.annotations).toEqual({ "kubernetes.io/change-cause": "first" });
  });

  it("kubectl annotate kubernetes.io/change-cause, and taking it away", () => {
    const annotated = asked((view) => mergePatch(view, { metadata: { annotations: { "kubernetes.io/change-cause": "why not" } } }));
    expect(annotated.stack?.metadata.annotations).toEqual({ "kubernetes.io/change-cause": "why not" });
    const removed = asked((view) => mergePatch(view, { metadata: { annotations: { "kubernetes.io/change-cause": null } } }));
    expect(removed.stack?.metadata.annotations).toEqual({});
  });
});

describe("what a Deployment cannot change", () => {
  it.each<{ name: string; patch: Json; now?: Partial<ComposeService>; field: string; says: string }>([
    {
      name: "a field of the container: the Stack's key is named",
      patch: container({ workingDir: "/srv" }),
      field: "spec.template.spec.containers[0].workingDir",
      says: "spec.services.web.working_dir: kubectl edit stack shop",
    },
    {
      name: "a variable from elsewhere",
      patch: container({ env: [{ name: "B", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }),
      field: "spec.template.spec.containers[0].env",
      says: "spec.services.web.environment",
    },
    {
      name: "a request of resources",
      patch: container({ resources: { requests: { cpu: "1" } } }),
      field: "spec.template.spec.containers[0].resources.requests.cpu",
      says: "spec.services.web.deploy.resources.limits",
    },
    {
      name: "another container",
      patch: template({ spec: { containers: [{ name: "side", image: "x" }] } }),
      field: "spec.template.spec.containers",
      says: "one container",
    },
    {
      name: "a label",
      patch: { metadata: { labels: { tier: "x" } } },
      field: "metadata.labels.tier",
      says: "kubectl label or annotate stack shop",
    },
    {
      name: "an annotation",
      patch: { metadata: { annotations: { "a.b/c": "x" } } },
      field: 'metadata.annotations["a.b/c"]',
      says: "annotate stack shop",
    },
    {
      name: "a label of the template",
      patch: template({ metadata: { labels: { tier: "x" } } }),
      field: "spec.template.metadata.labels.tier",
      says: "no such field",
    },
    {
      name: "the strategy",
      patch: { spec: { strategy: { rollingUpdate: { maxSurge: "25%" } } } },
      field: "spec.strategy.rollingUpdate.maxSurge",
      says: "no such field",
    },
    {
      name: "the selector",
      patch: { spec: { selector: { matchLabels: { a: "b" } } } },
      field: "spec.selector.matchLabels.a",
      says: "no such field",
    },
    {
      name: "how many pods a global service has",
      patch: { spec: { replicas: 2 } },
      now: { deploy: { mode: "global" } },
      field: "spec.replicas",
      says: "one pod on each node",
    },
    {
      name: "a revision that is not kept",
      patch: template({ metadata: { annotations: { "deployment.kubernetes.io/revision": "7" } } }),
      field: 'spec.template.metadata.annotations["deployment.kubernetes.io/revision"]',
      says: "kubectl rollout history deployment/shop-web",
    },
    {
      name: "half of another revision",
      patch: template({ metadata: { annotations: { "deployment.kubernetes.io/revision": "1" } } }),
      field: 'spec.template.metadata.annotations["deployment.kubernetes.io/revision"]',
      says: "kubectl rollout undo --to-revision=1",
    },
    {
      name: "the number of its own revision",
      patch: { metadata: { annotations: { "deployment.kubernetes.io/revision": "7" } } },
      field: 'metadata.annotations["deployment.kubernetes.io/revision"]',
      says: "annotate stack shop",
    },
  ])("$name", ({ patch, now, field, says }) => {
    const { problems } = asked(strategic(patch), stackOf(now));
    expect(problems?.map((p) => p.field)).toEqual([field]);
    expect(problems?.[0]?.message).toContain(says);
    expect(problems?.[0]?.reason).toBe("FieldValueForbidden");
  });
});

describe("what changes nothing", () => {
  it.each<{ name: string; change: (view: Json) => Json }>([
    { name: "what was read", change: (view) => view },
    { name: "what Go's types add", change: (view) => mergePatchKeepingNull(view) },
    { name: "a status", change: (view) => mergePatch(view, { status: { replicas: 99 } }) },
    {
      name: "what only the server says",
      change: (view) => mergePatch(view, { metadata: { generation: 9, creationTimestamp: null, managedFields: [{}] } }),
    },
  ])("$name", ({ change }) => {
    const stack = stackOf();
    expect(asked(change, stack).stack).toBe(stack);
  });
});

const mergePatchKeepingNull = (view: Json): Json => {
  const copy = json(view) as { spec: { template: { metadata: { [k: string]: Json }; spec: { containers: { [k: string]: Json }[] } } } };
  copy.spec.template.metadata["creationTimestamp"] = null;
  for (const c of copy.spec.template.spec.containers) c["resources"] = {};
  return { ...copy, status: {} };
};

describe("any change", () => {
  const image = fc.constantFrom("nginx:1", "nginx:2", "redis", `ghcr.io/a/b@sha256:${"0".repeat(64)}`);
  const time = fc.constantFrom("2026-01-01T00:00:00Z", "2026-05-01T00:00:00+02:00");
  const env = fc.dictionary(fc.constantFrom("A", "B", "C"), fc.constantFrom("", "1", "x=y"), { maxKeys: 2, noNullPrototype: true });
  const change = fc.record(
    { replicas: fc.integer({ min: 0, max: 9 }), paused: fc.boolean(), image, restartedAt: time, cause: fc.constantFrom("a", "b"), env },
    { requiredKeys: [] },
  );

  it("that is accepted is seen in the view afterwards, and asked for again it changes nothing", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let stack = stackOf();
        for (const c of changes) {
          const patch: Json = {
            metadata: { annotations: c.cause === undefined ? {} : { "kubernetes.io/change-cause": c.cause } },
            spec: {
              ...(c.replicas === undefined ? {} : { replicas: c.replicas }),
              ...(c.paused === undefined ? {} : { paused: c.paused }),
              template: {
                metadata: { annotations: c.restartedAt === undefined ? {} : { [RESTARTED]: c.restartedAt } },
                spec: {
                  containers: [
                    {
                      name: "web",
                      ...(c.image === undefined ? {} : { image: c.image }),
                      env: Object.entries(c.env ?? {}).map(([name, value]) => ({ name, value })),
                    },
                  ],
                },
              },
            },
          };
          const { stack: next, problems } = asked(strategic(patch), stack);
          expect(problems).toBeUndefined();
          if (!next) return;
          stack = next;
          const view = deploymentsOf(stack).find((d) => d.metadata.name === "shop-web");
          if (c.replicas !== undefined) expect(view?.spec.replicas).toBe(c.replicas);
          if (c.paused !== undefined) expect(view?.spec.paused ?? false).toBe(c.paused);
          if (c.image !== undefined) expect(view?.spec.template.spec.containers[0]?.image).toBe(c.image);
          for (const [name, value] of Object.entries(c.env ?? {}))
            expect(view?.spec.template.spec.containers[0]?.env).toContainEqual({ name, value });
          if (c.restartedAt !== undefined) expect(view?.spec.template.metadata?.annotations?.[RESTARTED]).toBe(c.restartedAt);
          if (c.cause !== undefined) expect(view?.metadata.annotations?.["kubernetes.io/change-cause"]).toBe(c.cause);
          expect(asked(strategic(patch), stack).stack).toBe(stack);
        }
      }),
      { numRuns: 200 },
    );
  });
});
