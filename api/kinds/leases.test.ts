// Leader election as client-go does it: protocol buffers, microseconds, and an update that loses against another.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { intField, messageField, stringField } from "../openapi/wire.ts";
import { sessionKey } from "../../store/keys.ts";
import { envelope, meta, protobufBody, time } from "../testing/protobuf.ts";
import { type TestApi, testApi } from "../testing/server.ts";

let t: TestApi;
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
const lease = (holder: string, renewed: number, version = ""): ReturnType<typeof protobufBody> =>
  protobufBody(
    envelope("coordination.k8s.io/v1", "Lease", [
      meta("op", version ? [stringField(6, version)] : []),
      messageField(2, [
        stringField(1, holder),
        intField(2, 15),
        time(3, 1_700_000_000, 123_456_000),
        time(4, renewed, 7_000),
        intField(5, 0),
      ]),
    ]),
  );

describe("leases", () => {
  it("are taken, renewed, and lost to whoever was faster", async () => {
    const made = await t.call("POST", LEASES, lease("a", 1_700_000_000));
    expect(made.code, made.text).toBe(201);
    expect(made.body.spec).toEqual({
      holderIdentity: "a",
      leaseDurationSeconds: 15,
      acquireTime: "2023-11-14T22:13:20.123456Z",
      renewTime: "2023-11-14T22:13:20.000007Z",
      leaseTransitions: 0,
    });
    const version = made.body.metadata.resourceVersion ?? "";
    expect((await t.call("PUT", `${LEASES}/op`, lease("a", 1_700_000_010, version))).code).toBe(200);
    const late = await t.call("PUT", `${LEASES}/op`, lease("b", 1_700_000_010, version));
    expect(late.code).toBe(409);
    expect(late.body.reason).toBe("Conflict");
    expect((await t.call("GET", `${LEASES}/op`)).body.spec).toMatchObject({
      holderIdentity: "a",
      renewTime: "2023-11-14T22:13:30.000007Z",
    });
    expect((await t.call("POST", LEASES, lease("b", 1))).code).toBe(409);
  });

  it("are given back by a holder without a name", async () => {
    const { body } = await t.call("GET", `${LEASES}/op`);
    expect((await t.call("PUT", `${LEASES}/op`, lease("", 1_700_000_020, body.metadata.resourceVersion))).code).toBe(200);
    expect((await t.call("GET", `${LEASES}/op`)).body.spec["holderIdentity"]).toBeUndefined();
  });
});

describe("the lease of a node", () => {
  it("is the session that its agent holds", async () => {
    const path = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1";
    expect((await t.call("GET", path)).code).toBe(404);
    await t.kv.commit([{ key: sessionKey("n1"), value: { nonce: "x", hostname: "h", pid: 1, startedAt: "2026-01-01T00:00:00.5Z" } }]);
    const { code, body } = await t.call("GET", path);
    expect(code).toBe(200);
    expect(body.spec).toEqual({ holderIdentity: "n1", acquireTime: "2026-01-01T00:00:00.500000Z" });
    expect((await t.call("GET", LEASES.concat("/n1"))).code).toBe(404);
  });
});

describe("service accounts", () => {
  it("come from typed clients, too, and their secrets merge by name", async () => {
    const path = "/api/v1/namespaces/default/serviceaccounts";
    const made = await t.call("POST", path, protobufBody(envelope("v1", "ServiceAccount", [meta("bot")])));
    expect(made.code, made.text).toBe(201);
    const patch = (names: string[]) => ({
      body: { secrets: names.map((name) => ({ name })) },
      headers: { "Content-Type": "application/strategic-merge-patch+json" },
    });
    await t.call("PATCH", `${path}/bot`, patch(["a"]));
    const { body } = await t.call("PATCH", `${path}/bot`, patch(["b"]));
    expect(((body as unknown as { secrets: { name: string }[] }).secrets ?? []).map((s) => s.name).toSorted()).toEqual(["a", "b"]);
  });
});
