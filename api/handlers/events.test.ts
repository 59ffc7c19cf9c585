import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { intField, messageField, stringField } from "../openapi/wire.ts";
import { envelope, meta, protobufBody, time } from "../testing/protobuf.ts";
import { type Body, type TestApi, testApi } from "../testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const OLD = "/api/v1/namespaces/default/events";
const NEW = "/apis/events.k8s.io/v1/namespaces/default/events";
const regarding = { kind: "Stack", namespace: "default", name: "shop", apiVersion: "steadfleet.dev/v1" };
const old = (name: string): object => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name },
  involvedObject: regarding,
  reason: "Healed",
  message: "put right",
  type: "Normal",
  source: { component: "agent", host: "n1" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:01:00Z",
  count: 3,
});
const fields = (b: Body): { [key: string]: unknown } => b as unknown as { [key: string]: unknown };

describe("events of events.k8s.io", () => {
  it("are those of v1 under other names, and the same of revision", async () => {
    const made = await t.call("POST", OLD, { body: old("a") });
    expect(made.code).toBe(201);
    const seen = await t.call("GET", `${NEW}/a`);
    expect(seen.body).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { name: "a", uid: made.body.metadata.uid, resourceVersion: made.body.metadata.resourceVersion },
      regarding,
      note: "put right",
      deprecatedSource: { component: "agent", host: "n1" },
      deprecatedFirstTimestamp: "2026-01-01T00:00:00Z",
      deprecatedLastTimestamp: "2026-01-01T00:01:00Z",
      deprecatedCount: 3,
    });
    expect(fields(seen.body)["message"]).toBeUndefined();
    const list = await t.call("GET", `${NEW}?fieldSelector=regarding.name%3Dshop,reason%3DHealed`);
    expect(list.body.items.map((i) => i.metadata.name)).toEqual(["a"]);
    expect((await t.call("GET", `${NEW}?fieldSelector=regarding.name%3Dother`)).body.items).toEqual([]);
  });

  it("come from recorders of Go clients, and their series is counted on", async () => {
    const raw = envelope("events.k8s.io/v1", "Event", [
      meta("b"),
      time(2, 1_700_000_000, 5_000),
      stringField(4, "op.example/controller"),
      stringField(5, "op-1"),
      stringField(6, "Reconcile"),
      stringField(7, "Done"),
      messageField(8, [stringField(1, "Stack"), stringField(2, "default"), stringField(3, "shop")]),
      stringField(10, "all is well"),
      stringField(11, "Normal"),
      messageField(12, []),
      messageField(13, []),
      intField(15, 0),
    ]);
    const made = await t.call("POST", `${NEW}?fieldManager=op`, protobufBody(raw));
    expect(made.code, made.text).toBe(201);
    expect(made.body).toMatchObject({ apiVersion: "events.k8s.io/v1", note: "all is well", eventTime: "2023-11-14T22:13:20.000005Z" });
    const patch = await t.call("PATCH", `${NEW}/b`, {
      body: { series: { count: 2, lastObservedTime: "2023-11-14T22:14:20.000000Z" } },
      headers: { "Content-Type": "application/strategic-merge-patch+json" },
    });
    expect(patch.code, patch.text).toBe(200);
    expect((await t.call("GET", `${OLD}/b`)).body).toMatchObject({
      apiVersion: "v1",
      message: "all is well",
      reportingComponent: "op.example/controller",
      involvedObject: { name: "shop" },
      series: { count: 2 },
    });
  });

  it("are watched, replaced and deleted like others", async () => {
    const w = await t.watch(`${NEW}?watch=true&resourceVersion=0`);
    const { body } = await t.call("GET", `${NEW}/a`);
    expect((await t.call("PUT", `${NEW}/a`, { body: { ...body, note: "again" } })).code).toBe(200);
    expect((await t.call("GET", `${OLD}/a`)).body.message).toBe("again");
    const gone = await t.call("DELETE", `${NEW}/a`);
    expect(gone.body).toMatchObject({ kind: "Status", status: "Success" });
    const events = await w.until(2, (e) => e.object.metadata.name === "a" && e.type !== "ADDED");
    expect(events.map((e) => [e.type, fields(e.object)["note"]])).toEqual([
      ["MODIFIED", "again"],
      ["DELETED", "again"],
    ]);
    w.stop();
    expect((await t.call("DELETE", NEW)).code).toBe(200);
    expect((await t.call("GET", OLD)).body.items).toEqual([]);
  });

  it("are refused in words of the newer form", async () => {
    const event = { apiVersion: "events.k8s.io/v1", kind: "Event", metadata: { name: "c" }, regarding, note: 5 };
    const { code, body } = await t.call("POST", NEW, { body: event });
    expect(code).toBe(422);
    expect(body.details.causes?.map((c) => c.field)).toEqual(["note"]);
    const apply = { raw: JSON.stringify(event), headers: { "Content-Type": "application/apply-patch+yaml" } };
    expect((await t.call("PATCH", `${NEW}/c?fieldManager=x`, apply)).code).toBe(415);
  });
});
