// Server-side apply over HTTP, as clients speak it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallOptions, type Reply, STACKS, stack, type TestApi, testApi } from "../testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const CMS = "/api/v1/namespaces/default/configmaps";
const cm = (name: string, data: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});
const APPLY = { "Content-Type": "application/apply-patch+yaml" };

const apply = (path: string, body: unknown, query = "fieldManager=a", o: CallOptions = {}): Promise<Reply> =>
  t.call("PATCH", `${path}?${query}`, {
    ...(typeof body === "string" ? { raw: body } : { body }),
    ...o,
    headers: { ...APPLY, ...o.headers },
  });
const applyCm = (name: string, data: object, query?: string) => apply(`${CMS}/${name}`, cm(name, data), query);
const patch = (path: string, type: string, body: unknown) =>
  t.call("PATCH", path, { body, headers: { "Content-Type": `application/${type}+json` } });
const managers = (r: Reply) =>
  (r.body.metadata.managedFields ?? []).map((e) => [e.manager, e.operation, ...(e.subresource ? [e.subresource] : [])].join(" "));

describe("apply", () => {
  it("creates what is missing, with 201, and then changes it, with 200", async () => {
    const made = await apply(`${STACKS}/shop`, stack("shop"));
    expect(made.code).toBe(201);
    expect(made.body.metadata).toMatchObject({ name: "shop", namespace: "default", generation: 1, finalizers: ["steadfleet.dev/pods"] });
    expect(managers(made)).toEqual(["a Apply"]);
    const again = await apply(`${STACKS}/shop`, stack("shop"));
    expect(again.code).toBe(200);
    expect(again.body).toEqual(made.body);
    const labelled = await apply(`${STACKS}/shop`, stack("shop", "nginx:1", { a: "b" }));
    expect(labelled.body.metadata).toMatchObject({ generation: 1, labels: { a: "b" } });
    const other = await apply(`${STACKS}/shop`, stack("shop", "nginx:2", { a: "b" }));
    expect(other.body.metadata.generation).toBe(2);
    expect(other.body.metadata.finalizers).toEqual(["steadfleet.dev/pods"]);
  });

  it("tells conflicts in Kubernetes' words, and forces", async () => {
    await apply(`${STACKS}/words`, stack("words"));
    await patch(`${STACKS}/words?fieldManager=editor`, "merge-patch", { spec: { services: { web: { user: "1" } } } });
    const config = stack("words", "nginx:2") as { spec: { services: { web: object } } };
    const one = await apply(`${STACKS}/words`, config, "fieldManager=b");
    expect(one.body).toEqual({
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: 'Apply failed with 1 conflict: conflict with "a": .spec.services.web.image',
      reason: "Conflict",
      details: { causes: [{ reason: "FieldManagerConflict", message: 'conflict with "a"', field: ".spec.services.web.image" }] },
      code: 409,
    });
    config.spec.services.web = { ...config.spec.services.web, user: "2" };
    const two = await apply(`${STACKS}/words`, config, "fieldManager=b&force=false");
    expect(two.body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.services.web.image\nconflicts with "editor" using steadfleet.dev/v1:\n- .spec.services.web.user',
    );
    const forced = await apply(`${STACKS}/words`, config, "fieldManager=b&force=true");
    expect(forced.body.spec).toEqual({ services: { web: { image: "nginx:2", user: "2" } } });
    expect(managers(forced)).toEqual(["a Apply", "b Apply"]);
  });

  it("needs a manager, with a name that can be shown", async () => {
    const r = await apply(`${CMS}/x`, cm("x"), "");
    expect(r.body).toMatchObject({
      code: 422,
      reason: "Invalid",
      message: 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    });
    expect((await apply(`${CMS}/x`, cm("x"), `fieldManager=${"m".repeat(129)}`)).body.message).toMatch(/may not be more than 128 bytes/);
    expect((await apply(`${CMS}/x`, cm("x"), "fieldManager=a%0Ab")).body.message).toMatch(/invalid character at position 1/);
    expect((await apply(`${CMS}/x`, cm("x"), `fieldManager=${encodeURIComponent("grün ここ")}`)).code).toBe(201);
  });

  it("takes YAML, one document of it", async () => {
    const text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yaml}\ndata:\n  a: &x '1'\n  b: *x # same\n";
    const r = await apply(`${CMS}/yaml`, text);
    expect(r.body).toMatchObject({ data: { a: "1", b: "1" } });
    expect((await apply(`${CMS}/yaml`, `{apiVersion: v1, kind: ConfigMap, data: {c: "2"}}`)).body.data).toEqual({ c: "2" });
    const wrong: [string, RegExp][] = [
      [`${text}---\n${text}`, /2 documents; one is expected/],
      ["a: [", /error decoding YAML: line/],
      ["a: 1\na: 2", /appears twice/],
      ["[]", /is an object with apiVersion/],
      ["", /is missing|is an object|is empty/],
      ["kind: ConfigMap", /apiVersion is missing/],
      ["apiVersion: v1", /kind is missing/],
      [`${text}  n: 12345678901234567890`, /UnsafeInteger/],
      [`${text}  __proto__: {x: 1}`, /ForbiddenKey/],
      ['{"apiVersion": "v1", "kind": "ConfigMap", "__proto__": {}}', /ForbiddenKey/],
      ["[".repeat(100), /nested deeper than 64/],
      [`{"a":${"[".repeat(70)}${"]".repeat(70)}}`, /TooDeep/],
      [
        `a: &a [${"x,".repeat(9)}]\nb: &b [${"*a,".repeat(9)}]\nc: &c [${"*b,".repeat(9)}]\nd: &d [${"*c,".repeat(9)}]\ne: &e [${"*d,".repeat(9)}]\nf: [${"*e,".repeat(9)}]`,
        /more than/,
      ],
      ["a: *a", /no anchor/],
    ];
    for (const [body, says] of wrong) {
      const bad = await apply(`${CMS}/yaml`, body);
      expect(bad.code, body.slice(0, 40)).toBe(400);
      expect(bad.body.message, body.slice(0, 40)).toMatch(says);
    }
    expect((await apply(`${CMS}/yaml`, "x".repeat(1024 * 1024 + 1))).code).toBe(413);
    expect((await t.call("GET", `${CMS}/yaml`)).body.data).toEqual({ c: "2" });
  });

  it("goes by the path, and by what may be said", async () => {
    expect((await apply(`${CMS}/x`, cm("other"))).code).toBe(400);
    expect((await apply(`${CMS}/x`, { ...cm("x"), apiVersion: "v2" })).code).toBe(400);
    expect((await apply(`${CMS}/x`, cm("x", {}, { namespace: "other" }))).code).toBe(400);
    expect((await apply(`${CMS}/x`, cm("x", {}, { managedFields: [] }))).body.message).toMatch(/managedFields must be nil/);
    const unknown = await apply(
      `${STACKS}/u`,
      { ...stack("u"), spec: { services: { web: { imgae: "x" } } } },
      "fieldManager=a&fieldValidation=Ignore",
    );
    expect(unknown.body).toMatchObject({
      code: 422,
      details: { causes: [{ field: "spec.services.web.imgae", message: expect.stringMatching(/did you mean "image"/) }] },
    });
    expect((await apply(`${CMS}/x`, { ...cm("x"), extra: 1 }, "fieldManager=a&fieldValidation=Warn")).code).toBe(422);
    const twice = { ...stack("u"), spec: { services: { web: { image: "x", cap_add: ["A", "A"] } } } };
    expect((await apply(`${STACKS}/u`, twice)).body.details.causes).toMatchObject([
      { reason: "FieldValueDuplicate", field: 'spec.services.web.cap_add[="A"]' },
    ]);
    expect((await t.call("GET", `${STACKS}/u`)).code).toBe(404);
    const away = "/api/v1/namespaces/nowhere/configmaps/x";
    expect((await apply(away, cm("x"))).body).toMatchObject({ code: 404, message: 'namespaces "nowhere" not found' });
  });

  it("changes nothing with dryRun", async () => {
    expect((await applyCm("dry", { a: "1" }, "fieldManager=a&dryRun=All")).code).toBe(201);
    expect((await t.call("GET", `${CMS}/dry`)).code).toBe(404);
    const real = await applyCm("dry", { a: "1" });
    const dry = await applyCm("dry", { a: "2" }, "fieldManager=b&force=true&dryRun=All");
    expect([dry.body.data, managers(dry)]).toEqual([{ a: "2" }, ["b Apply"]]);
    expect((await t.call("GET", `${CMS}/dry`)).body).toEqual(real.body);
  });

  it("of a certain version or uid is of no other", async () => {
    expect((await apply(`${CMS}/v`, cm("v", {}, { uid: "u1" }))).body).toMatchObject({
      code: 409,
      message: expect.stringMatching(/uid mismatch/),
    });
    expect((await apply(`${CMS}/v`, cm("v", {}, { resourceVersion: "7" }))).code).toBe(409);
    const made = await applyCm("v", { a: "1" });
    const { uid, resourceVersion } = made.body.metadata;
    const changed = await apply(`${CMS}/v`, cm("v", { a: "2" }, { uid, resourceVersion }));
    expect(changed.body.data).toEqual({ a: "2" });
    expect((await apply(`${CMS}/v`, cm("v", { a: "3" }, { resourceVersion }))).body).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await apply(`${CMS}/v`, cm("v", { a: "3" }, { uid: "u1" }))).code).toBe(409);
    expect((await t.call("GET", `${CMS}/v`)).body).toEqual(changed.body);
  });

  it("goes on while the object is being deleted, but adds no finalizer", async () => {
    await apply(`${STACKS}/going`, stack("going"));
    await t.call("DELETE", `${STACKS}/going`);
    const r = await apply(`${STACKS}/going`, stack("going", "nginx:9"));
    expect(r.body).toMatchObject({
      spec: { services: { web: { image: "nginx:9" } } },
      metadata: { deletionTimestamp: expect.any(String) },
    });
    const more = { ...stack("going", "nginx:9"), metadata: { name: "going", finalizers: ["a/x"] } };
    expect((await apply(`${STACKS}/going`, more)).body).toMatchObject({ code: 422 });
    await t.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "ending" } } });
    await t.call("DELETE", "/api/v1/namespaces/ending");
    expect((await apply("/api/v1/namespaces/ending/configmaps/x", cm("x"))).body).toMatchObject({
      code: 403,
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    });
  });

  it("of a status writes nothing else", async () => {
    await apply(`${STACKS}/st`, stack("st"));
    const config = { ...stack("st", "nginx:9"), status: { health: "Healthy" } };
    const r = await apply(`${STACKS}/st/status`, config, "fieldManager=s");
    expect(r.body).toMatchObject({
      spec: { services: { web: { image: "nginx:1" } } },
      status: { health: "Healthy" },
      metadata: { generation: 1 },
    });
    expect(managers(r)).toEqual(["a Apply", "s Apply status"]);
    const main = await apply(`${STACKS}/st`, { ...config, status: { health: "Failed" } });
    expect(main.body).toMatchObject({ spec: { services: { web: { image: "nginx:9" } } }, status: { health: "Healthy" } });
    expect(managers(main)).toEqual(["a Apply", "s Apply status"]);
    expect((await apply(`${STACKS}/none/status`, { ...config, metadata: { name: "none" } })).code).toBe(404);
  });

  it("keeps a Secret's plain text in data, and takes it away from there", async () => {
    const path = "/api/v1/namespaces/default/secrets/s";
    const secret = (stringData: object) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData });
    await apply(path, secret({ a: "1", b: "2" }));
    const r = await apply(path, secret({ a: "1" }));
    expect(r.body).toMatchObject({ data: { a: "MQ==" }, type: "Opaque" });
    expect(r.body.data).not.toHaveProperty("b");
    expect(r.body.metadata.managedFields?.[0]?.fieldsV1).toEqual({ "f:data": { "f:a": {} } });
  });

  it("of many at once loses nothing", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const done = await Promise.all(names.map((n) => applyCm("many", { [n]: "1" }, `fieldManager=${n}`)));
    expect(done.map((r) => r.code).toSorted((x, y) => x - y)).toEqual([200, 200, 200, 200, 200, 201]);
    const r = await t.call("GET", `${CMS}/many`);
    expect(r.body.data).toEqual(Object.fromEntries(names.map((n) => [n, "1"])));
    expect(managers(r).toSorted()).toEqual(names.map((n) => `${n} Apply`));
  });

  it("says when what several apply is too large to be kept", async () => {
    const half = "x".repeat(600_000);
    await applyCm("large", { a: half });
    const r = await applyCm("large", { b: half }, "fieldManager=b");
    expect(r.body).toMatchObject({ code: 413, reason: "RequestEntityTooLarge" });
    expect(r.body.message).toMatch(/configmaps "large" is too large to be kept.* would be 12\d+ bytes; at most 1048576 are kept/);
  });
});

describe("every write is tracked", () => {
  it("by fieldManager, or by the first word of the User-Agent", async () => {
    const r = await t.call("POST", CMS, { body: cm("ua", { a: "1" }), headers: { "User-Agent": "tool/v1.2 (linux) x" } });
    expect(r.body.metadata.managedFields).toMatchObject([
      { manager: "tool", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1" },
    ]);
    const put = await t.call("PUT", `${CMS}/ua?fieldManager=put`, { body: cm("ua", { a: "2" }) });
    expect(managers(put)).toEqual(["put Update", "tool Update"]);
    for (const [type, body] of [
      ["merge-patch", { data: { m: "1" } }],
      ["strategic-merge-patch", { data: { s: "1" } }],
      ["json-patch", [{ op: "add", path: "/data/j", value: "1" }]],
    ] as const)
      await patch(`${CMS}/ua?fieldManager=${type}`, type, body);
    const end = await t.call("GET", `${CMS}/ua`);
    expect(managers(end).toSorted()).toEqual(
      ["json-patch", "merge-patch", "put", "strategic-merge-patch", "tool"].map((m) => `${m} Update`),
    );
    const bad = await t.call("POST", `${CMS}?fieldManager=${"x".repeat(200)}`, { body: cm("bad") });
    expect(bad.body).toMatchObject({ code: 422, message: expect.stringMatching(/^CreateOptions.meta.k8s.io "" is invalid: fieldManager/) });
    expect((await patch(`${CMS}/ua?force=true`, "merge-patch", {})).body.message).toMatch(
      /force: Forbidden: may not be specified for non-apply patch/,
    );
  });

  it("unless it changes nothing", async () => {
    const before = await applyCm("same", { a: "1" });
    expect((await patch(`${CMS}/same?fieldManager=z`, "merge-patch", { data: { a: "1" } })).body).toEqual(before.body);
    const { metadata, ...rest } = before.body;
    const body = { apiVersion: "v1", kind: "ConfigMap", ...rest, metadata };
    expect((await t.call("PUT", `${CMS}/same?fieldManager=z`, { body })).body).toEqual(before.body);
    const { managedFields: _, ...plain } = metadata;
    expect((await t.call("PUT", `${CMS}/same?fieldManager=z`, { body: { ...body, metadata: plain } })).body).toEqual(before.body);
  });

  it("and may rewrite or forget who the managers are, but not through a subresource", async () => {
    const made = await apply(`${STACKS}/own`, stack("own"));
    const [entry] = made.body.metadata.managedFields ?? [];
    const renamed = await patch(`${STACKS}/own`, "json-patch", [
      { op: "replace", path: "/metadata/managedFields", value: [{ ...entry, manager: "b" }] },
      { op: "replace", path: "/metadata/resourceVersion", value: made.body.metadata.resourceVersion },
    ]);
    expect(managers(renamed)).toEqual(["b Apply"]);
    const broken = await patch(`${STACKS}/own`, "merge-patch", { metadata: { managedFields: [{ ...entry, operation: "Own" }] } });
    expect(broken.body).toMatchObject({ code: 422, details: { causes: [{ field: "metadata.managedFields[0].operation" }] } });
    const status = { metadata: { managedFields: [{}] }, status: { health: "Healthy" } };
    const kept = await patch(`${STACKS}/own/status?fieldManager=c`, "merge-patch", status);
    expect(managers(kept)).toEqual(["b Apply", "c Update status"]);
    const forgotten = await patch(`${STACKS}/own`, "merge-patch", { metadata: { managedFields: [{}] } });
    expect(forgotten.body.metadata).not.toHaveProperty("managedFields");
    expect(managers(await apply(`${STACKS}/own`, stack("own")))).toEqual(["a Apply", "before-first-apply Update"]);
  });

  it("of taints, which are one piece: kubectl taint sends them all", async () => {
    const taint = (key: string) => ({ key, effect: "NoSchedule" });
    const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" }, spec: { taints: [taint("a"), taint("b")] } };
    await t.call("POST", "/api/v1/nodes", { body: node });
    const r = await patch("/api/v1/nodes/n1?fieldManager=kubectl-taint", "strategic-merge-patch", { spec: { taints: [taint("b")] } });
    expect(r.body.spec).toEqual({ taints: [taint("b")] });
    expect((await apply("/api/v1/nodes/n1", { ...node, spec: { taints: [taint("c")] } })).body.details.causes?.[0]?.field).toBe(
      ".spec.taints",
    );
  });

  it("and shown wherever metadata is", async () => {
    await applyCm("shown", { a: "1" });
    const table = await t.call("GET", `${CMS}/shown`, { headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
    expect(table.body.rows[0]?.object?.metadata.managedFields).toHaveLength(1);
    const list = await t.call("GET", CMS);
    expect(list.body.items.find((i) => i.metadata.name === "shown")?.metadata.managedFields).toHaveLength(1);
  });
});

describe("kubectl's way from client-side to server-side apply", () => {
  const LAST = "kubectl.kubernetes.io/last-applied-configuration";
  const clientSide = async (name: string) => {
    const manifest = cm(name, { a: "1", b: "1" });
    const body = { ...manifest, metadata: { name, annotations: { [LAST]: `${JSON.stringify(manifest)}\n` } } };
    await t.call("POST", `${CMS}?fieldManager=kubectl-client-side-apply`, { body });
  };

  it("is in no conflict with itself, and keeps the annotation up to date", async () => {
    await clientSide("csa");
    const r = await applyCm("csa", { a: "2" }, "fieldManager=kubectl");
    expect(r.code).toBe(200);
    expect(r.body.data).toEqual({ a: "2", b: "1" });
    expect(JSON.parse((r.body.metadata.annotations ?? {})[LAST] ?? "")).toEqual({
      ...cm("csa", { a: "2" }),
      metadata: { name: "csa", namespace: "default" },
    });
    expect((await t.call("GET", `${CMS}/csa`)).body).toEqual((await applyCm("csa", { a: "2" }, "fieldManager=kubectl")).body);
  });

  it("but with others, and under any other name", async () => {
    await clientSide("csa2");
    await patch(`${CMS}/csa2?fieldManager=ed`, "merge-patch", { data: { b: "2" } });
    const r = await applyCm("csa2", { a: "2", b: "3" }, "fieldManager=kubectl");
    expect(r.body.details.causes).toEqual([{ reason: "FieldManagerConflict", message: 'conflict with "ed" using v1', field: ".data.b" }]);
    expect((await applyCm("csa2", { a: "2" }, "fieldManager=flux")).body.details.causes).toHaveLength(1);
  });
});
