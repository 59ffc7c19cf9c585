import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { MemoryKv } from "../store/memory.ts";
import { STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

const CMS = "/api/v1/namespaces/default/configmaps";
const cm = (name: string, labels: Record<string, string> = {}, data: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});

let t: TestApi & { kv: MemoryKv };
beforeAll(async () => {
  t = await testApi({ kv: new MemoryKv(realEnv) });
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});
const merge = (path: string, body: unknown) => t.call("PATCH", path, { body, headers: { "Content-Type": "application/merge-patch+json" } });
const version = async (): Promise<string> => (await t.call("GET", CMS)).body.metadata.resourceVersion ?? "";

describe("watch", () => {
  it("tells what happens after a version, and nothing before", async () => {
    await t.call("POST", CMS, { body: cm("before") });
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}`);
    await t.call("POST", CMS, { body: cm("one") });
    await merge(`${CMS}/one`, { data: { a: "1" } });
    await merge(`${CMS}/one`, { data: { a: "1" } });
    await t.call("DELETE", `${CMS}/one`);
    await t.call("POST", CMS, { body: cm("two") });
    const events = await w.until(4);
    w.stop();
    expect(events.map((e) => [e.type, e.object.metadata.name])).toEqual([
      ["ADDED", "one"],
      ["MODIFIED", "one"],
      ["DELETED", "one"],
      ["ADDED", "two"],
    ]);
    const versions = events.map((e) => Number(e.object.metadata.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    // The deletion's own version, so that a client can go on from it.
    const again = await t.watch(`${CMS}?watch=true&resourceVersion=${versions[2]}`);
    expect((await again.until(1))[0]?.object.metadata.name).toBe("two");
    again.stop();
  });

  it.each(["", "&resourceVersion=0"])("begins with what there is when no version is named (%s)", async (query) => {
    await t.call("POST", CMS, { body: cm(`state-${query.length}`) });
    const w = await t.watch(`${CMS}?watch=1${query}&fieldSelector=metadata.name%3Dstate-${query.length}`);
    expect(await w.until(1)).toMatchObject([{ type: "ADDED" }]);
    w.stop();
  });

  it("repeats nothing that a list has shown, though the cache is late", async () => {
    t.kv.watchDelayMs = 100;
    await t.call("POST", CMS, { body: cm("late-1") });
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}`);
    await t.call("POST", CMS, { body: cm("late-2") });
    t.kv.watchDelayMs = 0;
    await w.until(1, (e) => e.object.metadata.name === "late-2");
    w.stop();
    expect(w.events.map((e) => e.object.metadata.name)).toEqual(["late-2"]);
  });

  it("shows objects that enter and leave a selection", async () => {
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}&labelSelector=tier%3Dweb`);
    await t.call("POST", CMS, { body: cm("sel") });
    await merge(`${CMS}/sel`, { metadata: { labels: { tier: "web" } } });
    await merge(`${CMS}/sel`, { data: { a: "1" } });
    const left = (await merge(`${CMS}/sel`, { metadata: { labels: { tier: "db" } } })).body;
    await t.call("DELETE", `${CMS}/sel`);
    await t.call("POST", CMS, { body: cm("end", { tier: "web" }) });
    const events = await w.until(4);
    w.stop();
    expect(events.map((e) => e.type)).toEqual(["ADDED", "MODIFIED", "DELETED", "ADDED"]);
    expect(events[2]?.object.metadata).toMatchObject({ labels: { tier: "web" }, resourceVersion: left.metadata.resourceVersion });
  });

  it("streams a list and says where it ends", async () => {
    const query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    await t.call("POST", STACKS, { body: stack("listed") });
    const w = await t.watch(`${STACKS}?${query}`);
    const end = (await w.until(1, (e) => e.type === "BOOKMARK"))[0];
    expect(end?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    expect(w.events.at(0)?.object.metadata.name).toBe("listed");
    await t.call("POST", STACKS, { body: stack("later") });
    await w.until(1, (e) => e.object.metadata.name === "later");
    w.stop();
    expect((await t.call("GET", `${STACKS}?watch=true&sendInitialEvents=true`)).code).toBe(422);
  });

  it("ends when the client's time is up, with a bookmark", async () => {
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}&timeoutSeconds=1&allowWatchBookmarks=true`);
    await w.ended;
    expect(w.events.map((e) => e.type)).toEqual(["BOOKMARK"]);
  });

  it("answers 504 for the future, and 410 within the stream for the forgotten past", async () => {
    expect((await t.call("GET", `${CMS}?watch=true&resourceVersion=99999999`)).body).toMatchObject({ code: 504, reason: "Timeout" });
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=1`);
    await w.ended;
    expect(w.code).toBe(200);
    expect(w.events).toMatchObject([{ type: "ERROR", object: { code: 410, reason: "Expired" } }]);
  });

  it("comes as a table, with columns in the first event only", async () => {
    const accept = { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}`, { headers: accept });
    await t.call("POST", CMS, { body: cm("row1") });
    await t.call("POST", CMS, { body: cm("row2") });
    const events = await w.until(2);
    w.stop();
    expect(events.map((e) => [e.object.kind, e.object.columnDefinitions === null, e.object.rows.length])).toEqual([
      ["Table", false, 1],
      ["Table", true, 1],
    ]);
    expect(events[0]?.object.rows[0]?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "row1" } });
  });

  it("outlives a connection to etcd, also when history was compacted meanwhile", async () => {
    const w = await t.watch(`${CMS}?watch=true&resourceVersion=${await version()}`);
    await t.call("POST", CMS, { body: cm("cut-1") });
    await w.until(1);
    t.kv.disconnect();
    await t.call("POST", CMS, { body: cm("cut-2") });
    t.kv.compact();
    await t.call("DELETE", `${CMS}/cut-1`);
    const events = await w.until(3);
    w.stop();
    expect(events.map((e) => `${e.type} ${e.object.metadata.name}`).toSorted()).toEqual(["ADDED cut-1", "ADDED cut-2", "DELETED cut-1"]);
  });

  it("sends a beginning of any size, no faster than it is read", async () => {
    const other = await testApi();
    const big = { text: "x".repeat(900_000) };
    for (let i = 0; i < 14; i++) await other.call("POST", CMS, { body: cm(`big-${10 + i}`, {}, big) });
    const w = await other.watch(`${CMS}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
    await other.call("POST", CMS, { body: cm("then") });
    await w.until(1, (e) => e.object.metadata.name === "then");
    w.stop();
    expect(w.events.map((e) => e.object.metadata.name ?? e.type)).toEqual([
      ...Array.from({ length: 14 }, (_, i) => `big-${10 + i}`),
      "BOOKMARK",
      "then",
    ]);
    await other[Symbol.asyncDispose]();
  });

  it("ends when the server stops", async () => {
    const other = await testApi();
    const w = await other.watch(`${CMS}?watch=true`);
    await other[Symbol.asyncDispose]();
    await w.ended;
  });
});
