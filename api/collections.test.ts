// Lists in all their forms, and deletecollection.
import { gunzipSync } from "node:zlib";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { STACK_FINALIZER } from "../schemas/constants.ts";
import type { MemoryKv } from "../store/memory.ts";
import { type Body, STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

const CMS = "/api/v1/namespaces/default/configmaps";
const EVENTS = "/api/v1/namespaces/default/events";
const cm = (name: string, more: object = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, ...more } });

let t: TestApi & { kv: MemoryKv };
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});
const names = (b: Body): (string | undefined)[] => b.items.map((i) => i.metadata.name);
const make = async (...given: string[]): Promise<void> => {
  for (const name of given) expect((await t.call("POST", CMS, { body: cm(name, { labels: { set: name.slice(0, 1) } }) })).code).toBe(201);
};
const version = async (): Promise<number> => Number((await t.call("GET", CMS)).body.metadata.resourceVersion);

describe("resourceVersion of a list", () => {
  it("0 is what is at hand, also without etcd; a version is waited for; the future is not", async () => {
    await make("r1");
    const now = await version();
    t.kv.watchDelayMs = 300;
    await make("r2");
    const later = now + 1;
    expect(names((await t.call("GET", `${CMS}?resourceVersion=0`)).body)).not.toContain("r2");
    expect(names((await t.call("GET", `${CMS}?resourceVersion=${later}`)).body)).toContain("r2");
    expect((await t.call("GET", `${CMS}/r2?resourceVersion=${later}&resourceVersionMatch=NotOlderThan`)).code).toBe(200);
    t.kv.watchDelayMs = 0;
    for (const path of [CMS, `${CMS}/r1`]) {
      const r = await t.call("GET", `${path}?resourceVersion=999999`);
      expect([r.code, r.headers["retry-after"], r.body.details.causes?.[0]?.reason]).toEqual([504, "1", "ResourceVersionTooLarge"]);
    }
    t.kv.partition(true);
    expect((await t.call("GET", `${CMS}?resourceVersion=0`)).code).toBe(200);
    expect((await t.call("GET", `${CMS}/r1?resourceVersion=0`)).code).toBe(200);
    expect((await t.call("GET", CMS)).code).toBe(503);
    t.kv.partition(false);
    expect((await t.call("GET", CMS)).code).toBe(200);
  });

  it("Exact is that one, while somebody knows it", async () => {
    const before = await version();
    await make("x1");
    const exact = await t.call("GET", `${CMS}?resourceVersion=${before}&resourceVersionMatch=Exact`);
    expect(exact.body.metadata.resourceVersion).toBe(String(before));
    expect(names(exact.body)).not.toContain("x1");
    const notOlder = await t.call("GET", `${CMS}?resourceVersion=${before + 1}&resourceVersionMatch=NotOlderThan`);
    expect(names(notOlder.body)).toContain("x1");
    // Without a match, and in pages: exactly that one, as before there were matches.
    expect((await t.call("GET", `${CMS}?resourceVersion=${before}&limit=500`)).body.metadata.resourceVersion).toBe(String(before));
    // Nobody does: another server, which has no history, and etcd without it.
    const other = await testApi({ kv: t.kv.another() });
    expect((await other.call("GET", `${CMS}?resourceVersion=${before}&resourceVersionMatch=Exact`, { token: t.token })).code).toBe(200);
    t.kv.compact();
    const r = await other.call("GET", `${CMS}?resourceVersion=${before}&resourceVersionMatch=Exact`, { token: t.token });
    expect([r.code, r.body.reason]).toEqual([410, "Expired"]);
    await other[Symbol.asyncDispose]();
  });
});

describe("forms of a list", () => {
  it("pages of metadata, of tables and of Events say what follows", async () => {
    await make("f1", "f2", "f3");
    for (const i of [1, 2, 3])
      await t.call("POST", EVENTS, {
        body: {
          apiVersion: "v1",
          kind: "Event",
          metadata: { name: `e${i}` },
          involvedObject: { kind: "ConfigMap", name: "f1", namespace: "default" },
          reason: "Made",
          message: "m",
          type: "Normal",
        },
      });
    const as = (form: string) => ({ headers: { Accept: `application/json;as=${form};v=v1;g=meta.k8s.io` } });
    const meta = await t.call("GET", `${CMS}?limit=2&labelSelector=set%3Df`, as("PartialObjectMetadataList"));
    expect(meta.headers["content-type"]).toMatch(/^application\/json/);
    expect(meta.body).toMatchObject({
      kind: "PartialObjectMetadataList",
      apiVersion: "meta.k8s.io/v1",
      metadata: { continue: expect.any(String) },
    });
    expect(meta.body.items[0]).toMatchObject({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "f1" } });
    expect(meta.body.items[0]?.data).toBeUndefined();
    const more = await t.call(
      "GET",
      `${CMS}?limit=2&labelSelector=set%3Df&continue=${meta.body.metadata.continue}`,
      as("PartialObjectMetadataList"),
    );
    expect(names(more.body)).toEqual(["f3"]);
    const table = await t.call("GET", `${EVENTS}?limit=2`, as("Table"));
    expect(table.body).toMatchObject({ kind: "Table", metadata: { continue: expect.any(String), remainingItemCount: 1 } });
    expect(table.body.rows.map((r) => r.object?.metadata.name)).toEqual(["e1", "e2"]);
    const last = await t.call("GET", `${EVENTS}?limit=2&continue=${table.body.metadata.continue}`, as("Table"));
    expect(last.body.rows.map((r) => r.object?.metadata.name)).toEqual(["e3"]);
    const none = await t.call("GET", `${CMS}?labelSelector=set%3Dnone`, as("Table"));
    expect(none.body.rows).toEqual([]);
    expect(none.body.columnDefinitions?.length).toBeGreaterThan(0);
  });

  it("one name is looked up, in one namespace and in all", async () => {
    for (const path of [
      `${CMS}?fieldSelector=metadata.name%3Df1`,
      "/api/v1/configmaps?fieldSelector=metadata.name%3Df1",
      "/api/v1/configmaps?fieldSelector=metadata.name%3Df1,metadata.namespace%3Ddefault",
    ])
      expect(names((await t.call("GET", path)).body)).toEqual(["f1"]);
    for (const path of [
      `${CMS}?fieldSelector=metadata.name%3Dnope`,
      `${CMS}?fieldSelector=metadata.name%3Df1,metadata.namespace%3Dother`,
      `${CMS}?fieldSelector=metadata.name%3D..%2Fx`,
    ])
      expect(names((await t.call("GET", path)).body)).toEqual([]);
    expect(names((await t.call("GET", `/api/v1/namespaces?fieldSelector=metadata.name%3Ddefault`)).body)).toEqual(["default"]);
  });

  it("pretty is what is asked for, or read by people; HEAD is the head alone; unknown parameters are nothing", async () => {
    const plain = await t.call("GET", `${CMS}?labelSelector=set%3Df`);
    for (const r of [
      await t.call("GET", `${CMS}?labelSelector=set%3Df&pretty=true&unheard=of`),
      await t.call("GET", `${CMS}?labelSelector=set%3Df`, { headers: { "User-Agent": "curl/8.0" } }),
    ]) {
      expect(r.text).toBe(`${JSON.stringify(plain.body, null, 2)}\n`);
    }
    expect((await t.call("GET", `${CMS}/f1?pretty=1`)).text).toMatch(/^\{\n  "/);
    expect((await t.call("GET", `${CMS}?pretty=true&labelSelector=set%3Dnone`)).text).toMatch(/"items": \[\n?\s*\]\n\}\n$/);
    const head = await t.call("HEAD", CMS);
    expect([head.code, head.text]).toEqual([200, ""]);
    expect((await t.call("HEAD", `${CMS}?watch=true`)).code).toBe(200);
  });

  it("what is long is compressed as it is written", async () => {
    const big = "abc ".repeat(50_000);
    for (let i = 0; i < 5; i++) await t.call("POST", CMS, { body: { ...cm(`z${i}`, { labels: { set: "big" } }), data: { big } } });
    const { hostname, port } = new URL(t.api.url);
    const chunks: Buffer[] = [];
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      request(
        {
          hostname,
          port,
          path: `${CMS}?labelSelector=set%3Dbig`,
          headers: { Authorization: `Bearer ${t.token}`, "Accept-Encoding": "gzip" },
        },
        (r) => {
          r.on("data", (d: Buffer) => chunks.push(d)).on("end", () => resolve(r.headers));
        },
      )
        .on("error", reject)
        .end();
    });
    expect(headers).toMatchObject({ "content-encoding": "gzip", "transfer-encoding": "chunked", vary: "Accept-Encoding" });
    const body = JSON.parse(gunzipSync(Buffer.concat(chunks)).toString("utf8")) as Body;
    expect(body.items.map((i) => i.data["big"]?.length)).toEqual(Array(5).fill(big.length));
  });
});

describe("deletecollection", () => {
  it("deletes what a selector and a limit choose, and answers that", async () => {
    await make("d1", "d2", "d3", "k1");
    const dry = await t.call("DELETE", `${CMS}?labelSelector=set%3Dd`, { body: { dryRun: ["All"] } });
    expect(names(dry.body)).toEqual(["d1", "d2", "d3"]);
    expect(names((await t.call("GET", `${CMS}?labelSelector=set%3Dd`)).body)).toHaveLength(3);
    const some = await t.call("DELETE", `${CMS}?labelSelector=set%3Dd&limit=2`);
    expect([some.code, some.body.kind, names(some.body)]).toEqual([200, "ConfigMapList", ["d1", "d2"]]);
    const one = await t.call("DELETE", `${CMS}?fieldSelector=metadata.name%3Dd3`, {
      body: { propagationPolicy: "Background", gracePeriodSeconds: 5 },
    });
    expect(names(one.body)).toEqual(["d3"]);
    expect(names((await t.call("GET", `${CMS}?labelSelector=set+in+(d,k)`)).body)).toEqual(["k1"]);
  });

  it("deletes all it can and says what it could not", async () => {
    await make("p1", "p2", "p3");
    const uid = (await t.call("GET", `${CMS}/p2`)).body.metadata.uid;
    const r = await t.call("DELETE", `${CMS}?labelSelector=set%3Dp`, { body: { preconditions: { uid } } });
    expect([r.code, r.body.reason, r.body.message]).toEqual([
      409,
      "Conflict",
      expect.stringMatching(/1 of 3 were deleted, 2 could not be/),
    ]);
    expect(r.body.details.causes?.map((c) => c.field).toSorted()).toEqual(["p1", "p3"]);
    expect(names((await t.call("GET", `${CMS}?labelSelector=set%3Dp`)).body)).toEqual(["p1", "p3"]);
  });

  it("of what lingers answers it as it lingers, with the finalizer of its policy; a Stack's pods cannot be orphaned", async () => {
    const lingering = { Background: [STACK_FINALIZER], Foreground: [STACK_FINALIZER, "foregroundDeletion"] };
    for (const [policy, finalizers] of Object.entries(lingering)) {
      await t.call("POST", STACKS, { body: stack(`c-${policy.toLowerCase()}`) });
      const r = await t.call("DELETE", STACKS, { body: { propagationPolicy: policy } });
      expect(r.body.items.at(-1)?.metadata).toMatchObject({ deletionTimestamp: expect.any(String), finalizers });
    }
    for (const body of [{ propagationPolicy: "Orphan" }, { orphanDependents: true }]) {
      const r = await t.call("DELETE", STACKS, { body });
      expect([r.code, r.body.reason]).toEqual([422, "Invalid"]);
    }
  });

  it("tells the garbage collector the policy by a finalizer, and without one leaves those that are there", async () => {
    const gc = (name: string): string => `${CMS}/${name}`;
    const finalizers = async (name: string, had: string[], body?: object): Promise<string[] | undefined> => {
      await t.call("POST", CMS, { body: cm(name, { finalizers: had }) });
      await t.call("DELETE", gc(name), body ? { body } : {});
      const { code, body: left } = await t.call("GET", gc(name));
      return code === 404 ? undefined : left.metadata.finalizers;
    };
    const mine = "example.com/mine";
    expect(await finalizers("gc-1", [])).toBeUndefined();
    expect(await finalizers("gc-2", [], { propagationPolicy: "Foreground" })).toEqual(["foregroundDeletion"]);
    expect(await finalizers("gc-3", [mine], { propagationPolicy: "Orphan" })).toEqual([mine, "orphan"]);
    expect(await finalizers("gc-4", ["orphan", mine])).toEqual(["orphan", mine]);
    expect(await finalizers("gc-5", ["orphan", mine], { propagationPolicy: "Background" })).toEqual([mine]);
    expect(await finalizers("gc-6", ["orphan"], { propagationPolicy: "Foreground" })).toEqual(["foregroundDeletion"]);
    expect(await finalizers("gc-7", [], { orphanDependents: true })).toEqual(["orphan"]);
    expect(await finalizers("gc-8", ["orphan"], { orphanDependents: false })).toBeUndefined();
    // Changed one's mind: what waits for its dependents goes at once.
    const since = (await t.call("GET", gc("gc-2"))).body.metadata.deletionTimestamp;
    expect((await t.call("DELETE", gc("gc-3"), { body: { propagationPolicy: "Background" } })).body.metadata.finalizers).toEqual([mine]);
    expect(since).toBeDefined();
    await t.call("DELETE", gc("gc-2"), { body: { propagationPolicy: "Background" } });
    expect((await t.call("GET", gc("gc-2"))).code).toBe(404);
    const both = await t.call("DELETE", gc("gc-7"), { body: { propagationPolicy: "Background", orphanDependents: true } });
    expect([both.code, both.body.message]).toEqual([422, expect.stringContaining("cannot be both set")]);
  });

  it("of Events asks no collector, for it does not see to them", async () => {
    const involvedObject = { apiVersion: "v1", kind: "Node", name: "n1" };
    const body = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "collected" },
      involvedObject,
      reason: "R",
      message: "m",
      type: "Normal",
    };
    expect((await t.call("POST", "/api/v1/namespaces/default/events", { body })).code).toBe(201);
    const r = await t.call("DELETE", "/api/v1/namespaces/default/events/collected", { body: { propagationPolicy: "Foreground" } });
    expect([r.code, r.body.kind]).toEqual([200, "Status"]);
  });

  it("deletes hundreds", async () => {
    const many = Array.from({ length: 300 }, (_, i) => `m${i}`);
    await make(...many);
    expect((await t.call("DELETE", `${CMS}?labelSelector=set%3Dm`)).body.items).toHaveLength(300);
    expect((await t.call("GET", `${CMS}?labelSelector=set%3Dm`)).body.items).toEqual([]);
  });
});
