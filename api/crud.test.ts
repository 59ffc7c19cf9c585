import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const cm = (name: string, data: Record<string, string> = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
const CMS = "/api/v1/namespaces/default/configmaps";

describe("create", () => {
  it("fills in what the server decides and adds the finalizer", async () => {
    const r = await t.call("POST", STACKS, { body: stack("created") });
    expect(r.code).toBe(201);
    expect(r.body.metadata).toMatchObject({ name: "created", namespace: "default", generation: 1, finalizers: ["steadfleet.dev/pods"] });
    expect(r.body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(r.body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(r.body.metadata.resourceVersion).toMatch(/^\d+$/);
    expect((await t.call("POST", STACKS, { body: stack("created") })).body).toMatchObject({
      code: 409,
      reason: "AlreadyExists",
      message: 'stacks.steadfleet.dev "created" already exists',
      details: { name: "created", group: "steadfleet.dev", kind: "stacks" },
    });
  });
  it("appends to generateName", async () => {
    const r = await t.call("POST", CMS, { body: { ...cm(""), metadata: { generateName: "gen-" } } });
    expect(r.code).toBe(201);
    expect(r.body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
  });
  it("changes nothing with dryRun=All", async () => {
    const r = await t.call("POST", `${CMS}?dryRun=All`, { body: cm("dry") });
    expect(r.code).toBe(201);
    expect(r.body.metadata.resourceVersion).toBeUndefined();
    expect((await t.call("GET", `${CMS}/dry`)).code).toBe(404);
    expect((await t.call("POST", `${CMS}?dryRun=Some`, { body: cm("dry") })).code).toBe(422);
  });
  it("refuses what does not fit the path", async () => {
    expect((await t.call("POST", STACKS, { body: cm("x") })).code).toBe(400);
    expect((await t.call("POST", STACKS, { body: { ...stack("x"), apiVersion: "steadfleet.dev/v9" } })).code).toBe(400);
    expect((await t.call("POST", CMS, { body: { ...cm("x"), metadata: { name: "x", namespace: "other" } } })).body.message).toMatch(
      /namespace of the provided object/,
    );
    expect((await t.call("POST", CMS, { body: { ...cm("x"), metadata: { name: "x", resourceVersion: "1" } } })).code).toBe(400);
  });
  it("tells all problems with their paths, and what was meant", async () => {
    const r = await t.call("POST", STACKS, { body: { ...stack("bad"), spec: { services: { web: { imgae: "x" }, db: { image: 5 } } } } });
    expect(r.body).toMatchObject({ code: 422, reason: "Invalid", details: { name: "bad", kind: "Stack", group: "steadfleet.dev" } });
    const causes = r.body.details.causes ?? [];
    expect(causes.find((c) => c.field === "spec.services.web.imgae")?.message).toMatch(/did you mean "image"/);
    expect(causes.some((c) => c.field === "spec.services.db.image")).toBe(true);
  });
  it("keeps unknown fields out of the kinds of Kubernetes, aloud", async () => {
    const body = { ...cm("odd", { a: "1" }), extra: true };
    const r = await t.call("POST", CMS, { body });
    expect(r.code).toBe(201);
    expect(r.headers["warning"]).toMatch(/299 - "unknown field/);
    expect(r.text).not.toContain("extra");
    expect((await t.call("POST", `${CMS}?fieldValidation=Strict`, { body: { ...body, metadata: { name: "odd2" } } })).code).toBe(422);
    expect(
      (await t.call("POST", `${CMS}?fieldValidation=Ignore`, { body: { ...body, metadata: { name: "odd3" } } })).headers["warning"],
    ).toBeUndefined();
  });
  it("needs a namespace that exists and stays", async () => {
    expect((await t.call("POST", "/api/v1/namespaces/nope/configmaps", { body: cm("x") })).body.message).toBe(
      'namespaces "nope" not found',
    );
    const ns = { apiVersion: "v1", kind: "Namespace", metadata: { name: "going" } };
    expect((await t.call("POST", "/api/v1/namespaces", { body: ns })).body.status).toMatchObject({ phase: "Active" });
    expect((await t.call("DELETE", "/api/v1/namespaces/going")).body.status).toMatchObject({ phase: "Terminating" });
    expect((await t.call("POST", "/api/v1/namespaces/going/configmaps", { body: cm("x") })).body).toMatchObject({
      code: 403,
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    });
    expect((await t.call("DELETE", "/api/v1/namespaces/default")).code).toBe(403);
  });
  it("never stores a secret's stringData", async () => {
    const body = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { k: "v" } };
    const r = await t.call("POST", "/api/v1/namespaces/default/secrets", { body });
    expect(r.body).toMatchObject({ data: { k: "dg==" }, type: "Opaque" });
    expect(r.text).not.toContain("stringData");
  });
});

describe("events", () => {
  it("hang on a lease, also when they are written again", async () => {
    const path = "/api/v1/namespaces/default/events";
    const involvedObject = { apiVersion: "v1", kind: "Pod", name: "p", namespace: "default" };
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e1" },
      involvedObject,
      reason: "Tested",
      message: "m",
      type: "Normal",
      count: 1,
    };
    expect((await t.call("POST", path, { body: event })).code).toBe(201);
    const lease = async (): Promise<string | undefined> => (await t.kv.get("/steadfleet/objects/core/events/default/e1")).item?.lease;
    const first = await lease();
    expect(first).not.toBe("0");
    const r = await t.call("PATCH", `${path}/e1`, {
      body: { count: 2 },
      headers: { "Content-Type": "application/strategic-merge-patch+json" },
    });
    expect([r.code, await lease()]).toEqual([200, first]);
    expect((await t.call("GET", `${path}?fieldSelector=involvedObject.name%3Dp,reason%3DTested`)).body.items).toHaveLength(1);
  });
});

describe("update", () => {
  it("needs the present version for a Stack", async () => {
    const made = (await t.call("POST", STACKS, { body: stack("put") })).body;
    expect((await t.call("PUT", `${STACKS}/put`, { body: stack("put", "b:1") })).body.details.causes?.[0]?.field).toBe(
      "metadata.resourceVersion",
    );
    const second = await t.call("PUT", `${STACKS}/put`, { body: { ...made, spec: { services: { web: { image: "b:1" } } } } });
    expect(second.code).toBe(200);
    expect(second.body.metadata.generation).toBe(2);
    const stale = await t.call("PUT", `${STACKS}/put`, { body: { ...made, spec: { services: { web: { image: "c:1" } } } } });
    expect(stale.body).toMatchObject({
      code: 409,
      reason: "Conflict",
      message:
        'Operation cannot be fulfilled on stacks.steadfleet.dev "put": the object has been modified; please apply your changes to the latest version and try again',
    });
  });
  it("raises the generation with the spec only, and writes nothing when nothing changed", async () => {
    const made = (await t.call("POST", STACKS, { body: stack("gen") })).body;
    const labelled = (await t.call("PUT", `${STACKS}/gen`, { body: { ...made, metadata: { ...made.metadata, labels: { a: "b" } } } })).body;
    expect(labelled.metadata.generation).toBe(1);
    const same = (await t.call("PUT", `${STACKS}/gen`, { body: labelled })).body;
    expect(same.metadata.resourceVersion).toBe(labelled.metadata.resourceVersion);
  });
  it("leaves the status to its own path", async () => {
    const made = (await t.call("POST", STACKS, { body: stack("st") })).body;
    const main = (await t.call("PUT", `${STACKS}/st`, { body: { ...made, status: { health: "Healthy" } } })).body;
    expect(main.status).toBeUndefined();
    const r = await t.call("PUT", `${STACKS}/st/status`, {
      body: { ...made, spec: { services: { x: { image: "y" } } }, status: { health: "Healthy" } },
    });
    expect(r.body).toMatchObject({ status: { health: "Healthy" }, spec: { services: { web: { image: "nginx:1" } } } });
    const bad = await t.call("PATCH", `${STACKS}/st/status`, {
      body: { status: { health: "Great" } },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
    expect(bad.code).toBe(422);
  });
  it("keeps finalizers that a fresh manifest does not mention", async () => {
    await t.call("POST", STACKS, { body: stack("fin") });
    const { metadata } = (await t.call("GET", `${STACKS}/fin`)).body;
    const body = { ...stack("fin", "b:2"), metadata: { name: "fin", resourceVersion: metadata.resourceVersion } };
    expect((await t.call("PUT", `${STACKS}/fin`, { body })).body.metadata.finalizers).toEqual(["steadfleet.dev/pods"]);
  });
});

const patch = (path: string, type: string, body: unknown) =>
  t.call("PATCH", path, { body, headers: { "Content-Type": `application/${type}+json` } });

describe("patch", () => {
  it("merges, and applies JSON patches", async () => {
    await t.call("POST", STACKS, { body: stack("pat") });
    expect((await patch(`${STACKS}/pat`, "merge-patch", { metadata: { labels: { a: "1" } } })).body.metadata.labels).toEqual({ a: "1" });
    const r = await patch(`${STACKS}/pat`, "json-patch", [{ op: "replace", path: "/spec/services/web/image", value: "x:2" }]);
    expect(r.body).toMatchObject({ spec: { services: { web: { image: "x:2" } } }, metadata: { generation: 2 } });
    expect((await patch(`${STACKS}/pat`, "merge-patch", { metadata: { labels: { a: null } } })).body.metadata.labels ?? {}).toEqual({});
  });
  it("says which types there are", async () => {
    const r = await patch(`${STACKS}/pat`, "strategic-merge-patch", {});
    expect(r.body).toMatchObject({ code: 415, reason: "UnsupportedMediaType" });
    for (const type of ["merge-patch+json", "apply-patch+yaml"]) expect(r.body.message).toContain(`application/${type}`);
    await t.call("POST", CMS, { body: cm("strategic", { a: "1" }) });
    expect((await patch(`${CMS}/strategic`, "strategic-merge-patch", { data: { b: "2" } })).body.data).toEqual({ a: "1", b: "2" });
  });
  it("takes a resourceVersion in the patch for a precondition", async () => {
    const { metadata } = (await t.call("GET", `${STACKS}/pat`)).body;
    const version = { resourceVersion: metadata.resourceVersion };
    expect((await patch(`${STACKS}/pat`, "merge-patch", { metadata: { ...version, annotations: { a: "1" } } })).code).toBe(200);
    expect((await patch(`${STACKS}/pat`, "merge-patch", { metadata: { ...version, annotations: { a: "2" } } })).code).toBe(409);
  });
  it("does not let metadata be forged", async () => {
    const before = (await t.call("GET", `${STACKS}/pat`)).body;
    const r = await patch(`${STACKS}/pat`, "merge-patch", { metadata: { uid: "x", generation: 99, finalizers: null } });
    expect(r.body).toMatchObject({ code: 422, details: { causes: [{ field: "metadata.uid" }] } });
    const g = await patch(`${STACKS}/pat`, "merge-patch", {
      metadata: { generation: 99, creationTimestamp: "2001-01-01T00:00:00Z", deletionTimestamp: "2001-01-01T00:00:00Z" },
    });
    expect(g.body.metadata).toEqual(before.metadata);
  });
  it("validates what comes out", async () => {
    const r = await patch(`${STACKS}/pat`, "merge-patch", { spec: { services: { web: { image: 5 } } } });
    expect(r.code).toBe(422);
    expect((await t.call("GET", `${STACKS}/pat`)).body.spec).toEqual({ services: { web: { image: "x:2" } } });
  });
  it("loses no change of two at once", async () => {
    await t.call("POST", CMS, { body: cm("race") });
    await Promise.all(Array.from({ length: 8 }, (_, i) => patch(`${CMS}/race`, "merge-patch", { data: { [`k${i}`]: "v" } })));
    expect(Object.keys((await t.call("GET", `${CMS}/race`)).body.data)).toHaveLength(8);
  });
});

describe("delete", () => {
  it("answers a Status when the object is gone at once, the object when it lingers", async () => {
    const made = (await t.call("POST", CMS, { body: cm("del") })).body;
    expect((await t.call("DELETE", `${CMS}/del`, { body: { propagationPolicy: "Background" } })).body).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "del", kind: "configmaps", uid: made.metadata.uid },
    });
    expect((await t.call("DELETE", `${CMS}/del`)).code).toBe(404);
    await t.call("POST", STACKS, { body: stack("del") });
    expect((await t.call("DELETE", `${STACKS}/del`)).body.metadata.deletionTimestamp).toBeDefined();
    await patch(`${STACKS}/del`, "merge-patch", { metadata: { finalizers: null } });
    expect((await t.call("GET", `${STACKS}/del`)).code).toBe(404);
  });
  it("holds preconditions", async () => {
    const made = (await t.call("POST", CMS, { body: cm("pre") })).body;
    const wrong = await t.call("DELETE", `${CMS}/pre`, { body: { preconditions: { uid: "other" } } });
    expect(wrong.body).toMatchObject({ code: 409, message: expect.stringContaining("the UID in the precondition (other) does not match") });
    expect((await t.call("DELETE", `${CMS}/pre`, { body: { preconditions: { resourceVersion: "1" } } })).code).toBe(409);
    expect((await t.call("DELETE", `${CMS}/pre`, { body: { dryRun: ["All"] } })).code).toBe(200);
    expect((await t.call("DELETE", `${CMS}/pre`, { body: { preconditions: { uid: made.metadata.uid } } })).code).toBe(200);
    expect((await t.call("DELETE", `${STACKS}/pat?propagationPolicy=Orphan`)).code).toBe(422);
  });
  it("deletes what a selector selects", async () => {
    for (const n of ["a", "b", "c"])
      await t.call("POST", CMS, { body: { ...cm(`col-${n}`), metadata: { name: `col-${n}`, labels: { col: n === "c" ? "no" : "yes" } } } });
    const r = await t.call("DELETE", `${CMS}?labelSelector=col%3Dyes`);
    expect(r.body.items.map((i) => i.metadata.name)).toEqual(["col-a", "col-b"]);
    expect((await t.call("GET", `${CMS}?labelSelector=col`)).body.items.map((i) => i.metadata.name)).toEqual(["col-c"]);
  });
});

describe("list", () => {
  it("pages at one revision", async () => {
    await t.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "paged" } } });
    const path = "/api/v1/namespaces/paged/configmaps";
    for (let i = 0; i < 7; i++)
      await t.call("POST", path, { body: { ...cm(`c${i}`), metadata: { name: `c${i}`, labels: { odd: String(i % 2) } } } });
    const one = (await t.call("GET", `${path}?limit=3`)).body;
    expect(one.metadata.remainingItemCount).toBe(4);
    await t.call("DELETE", `${path}/c5`);
    const two = (await t.call("GET", `${path}?limit=3&continue=${one.metadata.continue}`)).body;
    const three = (await t.call("GET", `${path}?limit=3&continue=${two.metadata.continue}`)).body;
    expect([one, two, three].flatMap((p) => p.items.map((i) => i.metadata.name))).toEqual(["c0", "c1", "c2", "c3", "c4", "c5", "c6"]);
    expect(new Set([one, two, three].map((p) => p.metadata.resourceVersion)).size).toBe(1);
    expect(three.metadata.continue).toBeUndefined();
    const odd = (await t.call("GET", `${path}?limit=2&labelSelector=odd%3D1`)).body;
    expect(odd.items.map((i) => i.metadata.name)).toEqual(["c1", "c3"]);
    expect((await t.call("GET", `${path}?fieldSelector=metadata.name%3Dc4`)).body.items).toHaveLength(1);
    expect((await t.call("GET", `${path}?continue=nonsense`)).code).toBe(400);
    expect((await t.call("GET", `${path}?resourceVersion=999999`)).body).toMatchObject({ code: 504, reason: "Timeout" });
    expect((await t.call("GET", `${path}?fieldSelector=spec.x%3D1`)).code).toBe(400);
    expect((await t.call("GET", `/api/v1/configmaps?labelSelector=odd`)).body.items.length).toBe(6);
  });
  it("comes as a table, as metadata, and packed", async () => {
    const table = await t.call("GET", STACKS, { headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } });
    expect(table.body.kind).toBe("Table");
    expect(table.body.columnDefinitions?.[0]?.name).toBe("Name");
    const meta = await t.call("GET", STACKS, { headers: { Accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" } });
    expect(meta.body.kind).toBe("PartialObjectMetadataList");
    expect(meta.text).not.toContain('"services"');
    expect((await t.call("GET", STACKS, { headers: { Accept: "application/vnd.kubernetes.protobuf" } })).code).toBe(406);
    expect((await t.call("GET", STACKS, { headers: { Accept: "application/vnd.kubernetes.protobuf, */*" } })).code).toBe(200);
    await t.call("POST", CMS, { body: cm("big", { text: "x".repeat(200_000) }) });
    const packed = await t.call("GET", `${CMS}/big`, { headers: { "Accept-Encoding": "gzip" } });
    expect(packed.headers["content-encoding"]).toBe("gzip");
    expect(packed.headers["content-type"]).toBe("application/json");
  });
});
