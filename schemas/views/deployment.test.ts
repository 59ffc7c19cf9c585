import { describe, expect, it } from "vitest";
import { loadSchema } from "../load.ts";
import { Findings, formatProblem } from "../problems.ts";
import { aStack } from "../testing/rollouts.ts";
import type { ComposeService, Deployment, ServiceStatus, Stack } from "../types.ts";
import { deploymentsOf } from "../views.ts";
import { check } from "../walk.ts";

const shop = (
  web: Partial<ComposeService> = {},
  status: Partial<ServiceStatus> | undefined = {},
  metadata: Partial<Stack["metadata"]> = {},
) => aStack({ web: { image: "nginx:1.27", ...web } }, status ? { web: status } : {}, metadata);
const view = (stack: Stack): Deployment => {
  const [first] = deploymentsOf(stack);
  if (!first) throw new Error("no view");
  return first;
};
const condition = (d: Deployment, type: string) => d.status?.conditions?.find((c) => c.type === type);

describe("a service as a Deployment", () => {
  it("has what Kubernetes clients expect, and what the schema says", () => {
    const body: Partial<ComposeService> = {
      command: ["serve", "now"],
      environment: { COLOR: "green" },
      ports: ["8080:80"],
      deploy: { replicas: 3, resources: { limits: { memory: "64M" } } },
      "x-steadfleet": { restartedAt: "2026-02-01T10:00:00+01:00" },
    };
    const stack = shop(body, { desired: 3, updated: 2, ready: 2, available: 2, replicas: 3, revision: 4 }, { labels: { app: "shop" } });
    const out = new Findings();
    check({ schema: loadSchema("deployment"), base: "deployment" }, structuredClone(view(stack)), [], out);
    expect(out.problems.map(formatProblem)).toEqual([]);
    expect(view(stack)).toMatchObject({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "shop-web",
        namespace: "default",
        resourceVersion: "7",
        generation: 1,
        labels: { app: "shop", "steadfleet.dev/stack": "shop", "steadfleet.dev/service": "web" },
        annotations: { "deployment.kubernetes.io/revision": "4" },
        ownerReferences: [{ kind: "Stack", name: "shop", uid: "stack-1", controller: true }],
      },
      spec: {
        replicas: 3,
        selector: { matchLabels: { "steadfleet.dev/stack": "shop", "steadfleet.dev/service": "web" } },
        template: {
          metadata: {
            labels: { "steadfleet.dev/stack": "shop", "steadfleet.dev/service": "web" },
            annotations: {
              "deployment.kubernetes.io/revision": "4",
              "kubectl.kubernetes.io/restartedAt": "2026-02-01T10:00:00+01:00",
            },
          },
          spec: {
            containers: [
              {
                name: "web",
                image: "nginx:1.27",
                args: ["serve", "now"],
                env: [{ name: "COLOR", value: "green" }],
                ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP" }],
                resources: { limits: { memory: "64Mi" } },
              },
            ],
          },
        },
        revisionHistoryLimit: 10,
      },
      status: {
        observedGeneration: 1,
        replicas: 3,
        updatedReplicas: 2,
        readyReplicas: 2,
        availableReplicas: 2,
        unavailableReplicas: 1,
      },
    });
    expect(view(stack).spec).not.toHaveProperty("paused");
  });

  it("is one for each service, each with a uid that is always the same and is nobody else's", () => {
    const two = aStack({ web: { image: "a" }, db: { image: "b" } });
    expect(deploymentsOf(two).map((d) => d.metadata.name)).toEqual(["shop-db", "shop-web"]);
    const uids = [...deploymentsOf(two), view(shop({}, {}, { uid: "stack-2" }))].map((d) => d.metadata.uid);
    expect(new Set(uids).size).toBe(3);
    expect(deploymentsOf(structuredClone(two)).map((d) => d.metadata.uid)).toEqual(uids.slice(0, 2));
    for (const uid of uids) expect(uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it("has a name that a host may have, whatever the service is called", () => {
    const [d] = deploymentsOf(aStack({ "My_Api.v2": { image: "a" } }));
    expect(d?.metadata.name).toBe("shop-my-api-v2");
    expect(d?.spec.template.spec.containers[0]?.name).toBe("My_Api.v2");
    expect(d?.spec.selector.matchLabels?.["steadfleet.dev/service"]).toBe("My_Api.v2");
  });

  it.each<{ name: string; stack: Stack; want: object }>([
    {
      name: "says that the controller has not answered yet",
      stack: { ...shop({}, undefined, { generation: 2 }), status: { observedGeneration: 1 } },
      want: { status: { observedGeneration: 1 } },
    },
    { name: "wants one pod where nothing is said", stack: shop(), want: { spec: { replicas: 1 } } },
    { name: "wants none where none is wanted", stack: shop({ deploy: { replicas: 0 } }, { desired: 0 }), want: { spec: { replicas: 0 } } },
    {
      name: "of a global service wants as many as there are nodes",
      stack: shop({ deploy: { mode: "global" } }, { mode: "global", desired: 5 }),
      want: { spec: { replicas: 5 } },
    },
    { name: "is paused", stack: shop({ "x-steadfleet": { paused: true } }), want: { spec: { paused: true } } },
    {
      name: "has the cause that the Stack has",
      stack: shop({}, {}, { annotations: { "kubernetes.io/change-cause": "new logo", other: "x" } }),
      want: { metadata: { annotations: { "deployment.kubernetes.io/revision": "1", "kubernetes.io/change-cause": "new logo" } } },
    },
    {
      name: "is being deleted while its Stack is",
      stack: shop({}, {}, { deletionTimestamp: "2026-01-02T00:00:00Z" }),
      want: { metadata: { deletionTimestamp: "2026-01-02T00:00:00Z" } },
    },
    {
      name: "shows at least the image of what cannot be read",
      stack: shop({ volumes: ["missing:/x"] }),
      want: { spec: { template: { spec: { containers: [{ name: "web", image: "nginx:1.27" }] } } } },
    },
  ])("$name", ({ stack, want }) => expect(view(stack)).toMatchObject(want));

  it("copies none of the Stack's other annotations", () => {
    const stack = shop({}, {}, { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" } });
    expect(view(stack).metadata.annotations).toEqual({ "deployment.kubernetes.io/revision": "1" });
  });

  it("says of its template which revision it is of only where that is so", () => {
    const of = (stack: Stack) => view(stack).spec.template.metadata?.annotations?.["deployment.kubernetes.io/revision"];
    expect(of(shop())).toBe("1");
    expect(of({ ...shop({}, {}, { generation: 2 }), status: { ...shop().status, observedGeneration: 1 } })).toBeUndefined();
    expect(of(shop({ "x-steadfleet": { paused: true } }))).toBeUndefined();
  });

  it("has the service's conditions, but for a spec that cannot be read", () => {
    expect(condition(view(shop()), "Progressing")).toEqual({
      type: "Progressing",
      status: "True",
      reason: "NewReplicaSetAvailable",
      message: "rolled out",
      lastUpdateTime: "2026-01-01T00:00:00Z",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    });
    const stack = shop();
    const invalid = {
      type: "Progressing",
      status: "False",
      reason: "InvalidSpec",
      message: "no",
      lastTransitionTime: "2026-01-02T00:00:00Z",
    } as const;
    expect(condition(view({ ...stack, status: { ...stack.status, conditions: [invalid] } }), "Progressing")).toMatchObject({
      status: "False",
      reason: "InvalidSpec",
    });
    expect(condition(view({ ...stack, status: { ...stack.status, conditions: [invalid] } }), "Available")?.status).toBe("True");
  });
});
