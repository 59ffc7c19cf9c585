// Deployments and ReplicaSets as clients see and write them, over HTTP: what the controller would have written is put there by hand.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RESOURCES } from "../schemas/resources.ts";
import { aRevision, aServiceStatus } from "../schemas/testing/rollouts.ts";
import type { ComposeService, ServiceStatus } from "../schemas/types.ts";
import { realEnv } from "../store/env.ts";
import { objectKey } from "../store/keys.ts";
import { createToken } from "./auth.ts";
import { type Reply, STACKS, testApi, type TestApi } from "./testing/server.ts";

const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const SETS = "/apis/apps/v1/namespaces/default/replicasets";
const TYPES = {
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
};

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(() => t[Symbol.asyncDispose]());

const create = (name: string, services: Record<string, Partial<ComposeService>>): Promise<Reply> =>
  t.call("POST", STACKS, { body: { apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name }, spec: { services } } });
const patch = (path: string, body: unknown, type: keyof typeof TYPES = "strategic"): Promise<Reply> =>
  t.call("PATCH", path, { body, headers: { "Content-Type": TYPES[type] } });
/** What the controller answers to the present generation. */
const answer = async (name: string, services: Record<string, Partial<ServiceStatus>>): Promise<void> => {
  const { body } = await t.call("GET", `${STACKS}/${name}`);
  const status = {
    observedGeneration: body.metadata.generation,
    services: Object.fromEntries(Object.entries(services).map(([s, o]) => [s, aServiceStatus(o)])),
  };
  expect((await patch(`${STACKS}/${name}/status`, { status }, "merge")).code).toBe(200);
};
const keep = async (
  stack: string,
  revision: number,
  services: Record<string, ComposeService>,
  templates: Record<string, [string, number]>,
) => {
  const { body } = await t.call("GET", `${STACKS}/${stack}`);
  const made = aRevision(revision, services, templates, { stackUid: body.metadata.uid ?? "" });
  const { resourceVersion: _, ...metadata } = made.metadata;
  const name = `${stack}-${revision}`;
  const value = { ...made, metadata: { ...metadata, name, labels: { "steadfleet.dev/stack": stack } } };
  await t.kv.commit([{ key: objectKey(RESOURCES.stackrevisions, "default", name), value }]);
};
const web = async (stack: string): Promise<Partial<ComposeService> | undefined> =>
  ((await t.call("GET", `${STACKS}/${stack}`)).body.spec as { services: Record<string, ComposeService> }).services["web"];

describe("writes of a Deployment", () => {
  it("are writes of its Stack, by whoever made them", async () => {
    await create("shop", { web: { image: "nginx:1", deploy: { replicas: 2 } }, db: { image: "postgres:16" } });
    const container = { name: "web", image: "nginx:2" };
    const { code, body } = await t.call("PATCH", `${DEPLOYMENTS}/shop-web?fieldManager=robot`, {
      body: { spec: { template: { spec: { containers: [container] } } } },
      headers: { "Content-Type": TYPES.strategic },
    });
    expect([code, body.kind, body.metadata.name]).toEqual([200, "Deployment", "shop-web"]);
    expect(body.spec["template"]).toMatchObject({ spec: { containers: [container] } });
    const stack = (await t.call("GET", `${STACKS}/shop`)).body;
    expect(stack.spec["services"]).toEqual({ web: { image: "nginx:2", deploy: { replicas: 2 } }, db: { image: "postgres:16" } });
    expect(stack.metadata.generation).toBe(2);
    expect(stack.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    const managers = stack.metadata.managedFields as { manager: string; fieldsV1: object }[];
    expect(JSON.stringify(managers.find((m) => m.manager === "robot")?.fieldsV1)).toBe(
      '{"f:spec":{"f:services":{"f:web":{"f:image":{}}}}}',
    );
  });

  it("change nothing when they say nothing new, and nothing in a dry run", async () => {
    await create("still", { web: { image: "nginx:1" } });
    const { body: before } = await t.call("GET", `${STACKS}/still`);
    const { body: view } = await t.call("GET", `${DEPLOYMENTS}/still-web`);
    expect((await t.call("PUT", `${DEPLOYMENTS}/still-web`, { body: view })).code).toBe(200);
    const dry = await patch(`${DEPLOYMENTS}/still-web?dryRun=All`, { spec: { replicas: 5 } });
    expect([dry.code, dry.body.spec["replicas"]]).toEqual([200, 5]);
    expect((await t.call("GET", `${STACKS}/still`)).body).toEqual(before);
  });

  it("hold to the resourceVersion and the uid they name", async () => {
    await create("held", { web: { image: "nginx:1" } });
    const { body: view } = await t.call("GET", `${DEPLOYMENTS}/held-web`);
    expect((await patch(`${DEPLOYMENTS}/held-web`, { spec: { replicas: 2 } })).code).toBe(200);
    const late = await t.call("PUT", `${DEPLOYMENTS}/held-web`, { body: { ...view, spec: { ...view.spec, replicas: 9 } } });
    expect([late.code, late.body.reason]).toEqual([409, "Conflict"]);
    const { resourceVersion: _, ...metadata } = view.metadata;
    const other = await t.call("PUT", `${DEPLOYMENTS}/held-web`, { body: { ...view, metadata: { ...metadata, uid: "other" } } });
    expect([other.code, other.body.reason]).toEqual([409, "Conflict"]);
    expect((await web("held"))?.deploy).toEqual({ replicas: 2 });
  });

  it("are judged as the Stack is", async () => {
    await create("judged", { web: { image: "nginx:1" } });
    const { code, body } = await patch(`${DEPLOYMENTS}/judged-web`, { spec: { replicas: 5000 } });
    expect([code, body.details.causes?.[0]?.field]).toEqual([422, "spec.services.web.deploy.replicas"]);
    const refused = await patch(`${DEPLOYMENTS}/judged-web`, { spec: { template: { spec: { hostNetwork: true } } } });
    expect([refused.code, refused.body.details.causes?.[0]?.field]).toEqual([422, "spec.template.spec.hostNetwork"]);
    expect((await patch(`${DEPLOYMENTS}/nobody-web`, { spec: { replicas: 1 } })).code).toBe(404);
  });

  it("going back to a revision restores all of the service, and only it", async () => {
    const then: ComposeService = { image: "nginx:1", healthcheck: { test: ["CMD", "true"] } };
    await create("back", { web: { image: "nginx:2", deploy: { replicas: 3 } }, db: { image: "postgres:16" } });
    await answer("back", { web: { revision: 2, templateHash: "b" } });
    await keep("back", 1, { web: then, db: { image: "postgres:15" } }, { web: ["a", 1] });
    await keep("back", 2, { web: { image: "nginx:2" } }, { web: ["b", 2] });
    const { body: sets } = await t.call("GET", `${SETS}?labelSelector=steadfleet.dev/stack=back`);
    expect(sets.items.map((s) => s.metadata.name)).toEqual(["back-web-1", "back-web-2"]);
    const template = sets.items[0]?.spec["template"] as { metadata: { labels: Record<string, string> } };
    delete template.metadata.labels["pod-template-hash"];
    const ops = [{ op: "replace", path: "/spec/template", value: template }];
    expect((await patch(`${DEPLOYMENTS}/back-web`, ops, "json")).code).toBe(200);
    const stack = (await t.call("GET", `${STACKS}/back`)).body;
    expect(stack.spec["services"]).toEqual({ web: { ...then, deploy: { replicas: 3 } }, db: { image: "postgres:16" } });
  });

  it("that make no sense are refused with what to do", async () => {
    await create("no", { web: { image: "nginx:1" } });
    const object = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "x" } };
    const says = async (r: Promise<Reply>) => [(await r).code, (await r).body.reason, /\bStacks?\b/.test((await r).body.message)];
    expect(await says(t.call("POST", DEPLOYMENTS, { body: object }))).toEqual([405, "MethodNotAllowed", true]);
    expect(await says(t.call("DELETE", `${DEPLOYMENTS}/no-web`))).toEqual([405, "MethodNotAllowed", true]);
    expect(await says(t.call("DELETE", DEPLOYMENTS))).toEqual([405, "MethodNotAllowed", true]);
    expect(
      await says(t.call("PATCH", `${DEPLOYMENTS}/no-web?fieldManager=x`, { raw: "{}", headers: { "Content-Type": TYPES.apply } })),
    ).toEqual([405, "MethodNotAllowed", true]);
    expect(await says(patch(`${SETS}/no-web-1`, {}))).toEqual([405, "MethodNotAllowed", true]);
  });

  it("are for those who may write Stacks", async () => {
    await create("mine", { web: { image: "nginx:1" } });
    const token = await createToken(t.kv, realEnv, { name: "reader", groups: ["system:readers"] });
    expect((await t.call("GET", `${DEPLOYMENTS}/mine-web`, { token })).code).toBe(200);
    for (const path of ["mine-web", "mine-web/scale"]) {
      const r = await t.call("PATCH", `${DEPLOYMENTS}/${path}`, { body: {}, token, headers: { "Content-Type": TYPES.merge } });
      expect([r.code, r.body.reason]).toEqual([403, "Forbidden"]);
    }
  });
});

describe("deployments/scale", () => {
  it("reads and writes the number of pods", async () => {
    await create("many", { web: { image: "nginx:1" } });
    await answer("many", { web: { replicas: 1 } });
    const path = `${DEPLOYMENTS}/many-web/scale`;
    const { body: scale } = await t.call("GET", path);
    expect(scale).toMatchObject({
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: "many-web" },
      spec: { replicas: 1 },
      status: { replicas: 1, selector: "steadfleet.dev/stack=many,steadfleet.dev/service=web" },
    });
    const put = await t.call("PUT", path, { body: { ...scale, spec: { replicas: 4 } } });
    expect([put.code, put.body.spec]).toEqual([200, { replicas: 4 }]);
    expect((await t.call("PUT", path, { body: { ...scale, spec: { replicas: 5 } } })).code).toBe(409);
    expect((await patch(path, { spec: { replicas: 6 } }, "merge")).body.spec).toEqual({ replicas: 6 });
    expect((await web("many"))?.deploy).toEqual({ replicas: 6 });
    expect((await patch(path, { spec: { replicas: -1 } }, "merge")).code).toBe(422);
    const row = await t.call("GET", path, { headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
    expect(row.body.rows[0]?.cells.slice(0, 3)).toEqual(["many-web", 6, 1]);
  });

  it("of a global service is refused", async () => {
    await create("everywhere", { web: { image: "nginx:1", deploy: { mode: "global" } } });
    const { code, body } = await patch(`${DEPLOYMENTS}/everywhere-web/scale`, { spec: { replicas: 2 } }, "merge");
    expect([code, body.message]).toEqual([422, expect.stringContaining("one pod on each node")]);
  });
});

describe("names", () => {
  it("that two services would be shown under are refused where the second is written", async () => {
    expect((await create("a", { "b-c": { image: "x" } })).code).toBe(201);
    const { code, body } = await create("a-b", { c: { image: "x" } });
    expect([code, body.details.causes?.[0]]).toEqual([
      422,
      {
        reason: "FieldValueDuplicate",
        field: "spec.services.c",
        message: "it would be shown as the Deployment a-b-c, as the service b-c of the Stack a is: give one of them another name",
      },
    ]);
    expect((await create("a-b", { d: { image: "x" } })).code).toBe(201);
    expect((await patch(`${STACKS}/a-b`, { spec: { services: { c: { image: "x" } } } }, "merge")).code).toBe(422);
    expect((await patch(`${STACKS}/a-b`, { spec: { services: { d: { image: "y" } } } }, "merge")).code).toBe(200);
    expect((await create("twins", { "x.y": { image: "x" }, x_y: { image: "x" } })).body.message).toContain("Deployment twins-x-y");
  });

  it("that came to stand for two are not written to", async () => {
    const { body } = await t.call("GET", `${STACKS}/a-b`);
    const { resourceVersion: _, ...metadata } = body.metadata;
    const value = { apiVersion: body.apiVersion, kind: body.kind, metadata, spec: { services: { c: { image: "x" } } } };
    await t.kv.commit([{ key: objectKey(RESOURCES.stacks, "default", "a-b"), value }]);
    const { code, body: refused } = await patch(`${DEPLOYMENTS}/a-b-c`, { spec: { replicas: 2 } });
    expect([code, refused.message]).toEqual([
      409,
      expect.stringContaining("the service b-c of the Stack a and for the service c of the Stack a-b"),
    ]);
  });
});

describe("watches", () => {
  it("tell of each view that changes, and of no other", async () => {
    await create("seen", { web: { image: "nginx:1" }, db: { image: "postgres:16" } });
    const selector = "labelSelector=steadfleet.dev/stack=seen";
    const from = (await t.call("GET", `${DEPLOYMENTS}?${selector}`)).body.metadata.resourceVersion;
    const deployments = await t.watch(`${DEPLOYMENTS}?watch=true&resourceVersion=${from}&${selector}`);
    const sets = await t.watch(`${SETS}?watch=true&resourceVersion=${from}&${selector}`);
    await answer("seen", { web: { revision: 1, templateHash: "a", ready: 0, available: 0 }, db: { revision: 1, templateHash: "d" } });
    await keep("seen", 1, { web: { image: "nginx:1" }, db: { image: "postgres:16" } }, { web: ["a", 1], db: ["d", 1] });
    await answer("seen", { web: { revision: 1, templateHash: "a" }, db: { revision: 1, templateHash: "d" } });
    const brief = (events: { type: string; object: { metadata: { name?: string } } }[]) =>
      events.map((e) => `${e.type} ${e.object.metadata.name}`);
    expect(brief(await deployments.until(3))).toEqual(["MODIFIED seen-db", "MODIFIED seen-web", "MODIFIED seen-web"]);
    expect(brief(await sets.until(3))).toEqual(["ADDED seen-db-1", "ADDED seen-web-1", "MODIFIED seen-web-1"]);
    const late = await t.watch(`${SETS}?watch=true&resourceVersion=${from}&${selector}`);
    expect(brief(await late.until(3))).toEqual(["ADDED seen-db-1", "ADDED seen-web-1", "MODIFIED seen-web-1"]);
    for (const w of [deployments, sets, late]) w.stop();
  });
});
