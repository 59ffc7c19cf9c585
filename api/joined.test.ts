import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { aContainer } from "../schemas/testing/container.ts";
import { aDesired, anObserved } from "../schemas/testing/pod.ts";
import type { DesiredPod, NodeInfo } from "../schemas/fleet.ts";
import { desiredKey, infoKey, observedKey, podDeletionKey, sessionKey } from "../store/keys.ts";
import type { MemoryKv } from "../store/memory.ts";
import { type TestApi, testApi } from "./testing/server.ts";

const desired = (name: string, more: Partial<DesiredPod> = {}): DesiredPod =>
  aDesired(name, { labels: { tier: "front" }, container: aContainer({ image: "nginx:1", restart: { policy: "always" } }), ...more });
const observed = anObserved;
const info: NodeInfo = {
  hostname: "box1",
  addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
  os: "linux",
  arch: "amd64",
  osImage: "Debian",
  kernelVersion: "6",
  engineVersion: "20",
  engineApiVersion: "1.41",
  agentVersion: "0",
  cpus: 2,
  memoryBytes: 1 << 30,
  disk: { totalBytes: 1 << 30, freeBytes: 1 << 29 },
  labels: { "topology.kubernetes.io/zone": "z1" },
  containers: { ours: 0, foreign: 0 },
  conditions: [{ type: "Ready", status: "True", reason: "Ok", message: "", since: "2026-01-01T00:00:00.000Z" }],
};

let t: TestApi & { kv: MemoryKv };
beforeAll(async () => {
  t = await testApi();
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});
const put = (key: string, value: object | null) => t.kv.commit([{ key, value }]);
const PODS = "/api/v1/namespaces/default/pods";
const patchNode = (name: string, type: string, body: unknown) =>
  t.call("PATCH", `/api/v1/nodes/${name}`, { body, headers: { "Content-Type": `application/${type}+json` } });
const ready = (node: { status: unknown }): unknown =>
  (node.status as { conditions: { type: string; status: string }[] }).conditions.find((c) => c.type === "Ready")?.status;

describe("pods", () => {
  it("are what is desired joined with what was observed", async () => {
    await put(sessionKey("n1"), { nonce: "x", hostname: "box1", pid: 1, startedAt: "" });
    await put(desiredKey("n1", "default", "a"), desired("a"));
    expect((await t.call("GET", `${PODS}/a`)).body).toMatchObject({ spec: { nodeName: "n1" }, status: { phase: "Pending" } });
    const { revision } = await put(observedKey("n1", "default", "a"), observed("a"));
    expect((await t.call("GET", `${PODS}/a`)).body).toMatchObject({
      metadata: { resourceVersion: String(revision) },
      status: { phase: "Running" },
    });
    expect((await t.call("GET", `${PODS}?fieldSelector=spec.nodeName%3Dn1,status.phase!%3DFailed`)).body.items).toHaveLength(1);
    expect((await t.call("GET", "/api/v1/pods?labelSelector=tier%3Dback")).body.items).toHaveLength(0);
    expect((await t.call("GET", `${PODS}/nope`)).body).toMatchObject({ code: 404, message: 'pods "nope" not found' });
  });

  it("are watched as one, in the order of revisions", async () => {
    const { metadata } = (await t.call("GET", PODS)).body;
    const w = await t.watch(`${PODS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    await put(desiredKey("n1", "default", "b"), desired("b"));
    await put(observedKey("n1", "default", "b"), observed("b", { phase: "Pending", ready: false, state: "created" }));
    await put(observedKey("n1", "default", "b"), observed("b"));
    // A commit that touches both parts is one change.
    await t.kv.commit([
      { key: desiredKey("n1", "default", "b"), value: desired("b", { deletionTimestamp: "2026-01-01T00:01:00.000Z" }) },
      { key: observedKey("n1", "default", "b"), value: observed("b", { ready: false }) },
    ]);
    await put(desiredKey("n1", "default", "b"), null);
    await put(observedKey("n1", "default", "b"), null);
    await put(desiredKey("n1", "default", "b"), desired("b", { uid: "second" }));
    const events = await w.until(6);
    w.stop();
    expect(events.map((e) => e.type)).toEqual(["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED", "ADDED"]);
    const versions = events.map((e) => Number(e.object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
  });

  it("are deleted by asking the controller", async () => {
    const r = await t.call("DELETE", `${PODS}/a`, { body: { propagationPolicy: "Background" } });
    expect(r.body).toMatchObject({ kind: "Pod", metadata: { name: "a", uid: "uid-a" } });
    expect(r.body.metadata.deletionTimestamp).toBeDefined();
    const { item } = await t.kv.get(podDeletionKey("default", "a"));
    expect(JSON.parse(item?.value ?? "")).toMatchObject({ uid: "uid-a", by: "admin" });
    expect((await t.kv.get(desiredKey("n1", "default", "a"))).item).toBeDefined();
    expect((await t.call("POST", PODS, { body: {} })).code).toBe(405);
  });
});

describe("a late cache", () => {
  it("is not read: what was written before is seen", async () => {
    t.kv.watchDelayMs = 2_000;
    await put(desiredKey("n1", "default", "fresh"), desired("fresh"));
    expect((await t.call("GET", `${PODS}/fresh`)).code).toBe(200);
    const list = (await t.call("GET", PODS)).body;
    expect(list.items.map((i) => i.metadata.name)).toContain("fresh");
    expect(Number(list.metadata.resourceVersion)).toBe((await t.kv.status()).revision);
    t.kv.watchDelayMs = 0;
    await put(desiredKey("n1", "default", "fresh"), null);
    await expect.poll(async () => (await t.call("GET", `${PODS}/fresh`)).code, { timeout: 20_000 }).toBe(404);
  });
});

describe("nodes", () => {
  it("are what people wrote joined with what the agent reports", async () => {
    await put(infoKey("n1"), info);
    expect((await t.call("GET", "/api/v1/nodes/n1")).code).toBe(404);
    const made = await t.call("POST", "/api/v1/nodes", {
      body: { apiVersion: "v1", kind: "Node", metadata: { name: "n1", labels: { disk: "ssd" } } },
    });
    expect(made.code).toBe(201);
    const node = (await t.call("GET", "/api/v1/nodes/n1")).body;
    expect(node.metadata.labels).toMatchObject({ disk: "ssd", "topology.kubernetes.io/zone": "z1" });
    expect(ready(node)).toBe("True");
  });

  it("take labels, taints and unschedulable, and nothing of the agent's", async () => {
    expect((await patchNode("n1", "strategic-merge-patch", { spec: { unschedulable: true } })).body.spec).toMatchObject({
      unschedulable: true,
    });
    expect((await patchNode("n1", "strategic-merge-patch", { spec: { unschedulable: null } })).body.spec["unschedulable"]).toBeUndefined();
    expect(
      (await patchNode("n1", "merge-patch", { metadata: { labels: { rack: "7" } }, status: { phase: "x" } })).body.metadata.labels,
    ).toMatchObject({
      rack: "7",
      disk: "ssd",
    });
    const read = (await t.call("GET", "/api/v1/nodes/n1")).body;
    const r = await t.call("PUT", "/api/v1/nodes/n1", { body: { ...read, metadata: { ...read.metadata, annotations: { note: "x" } } } });
    expect(r.body.metadata.annotations).toEqual({ note: "x" });
    // What the agent reports did not become the people's by being sent back.
    await put(infoKey("n1"), { ...info, labels: { "topology.kubernetes.io/zone": "z2" } });
    expect((await t.call("GET", "/api/v1/nodes/n1")).body.metadata.labels).toMatchObject({
      "topology.kubernetes.io/zone": "z2",
      rack: "7",
    });
    expect((await t.call("PUT", "/api/v1/nodes/n1", { body: read })).code).toBe(409);
  });

  it("are of unknown state without a session, and their version never goes back", async () => {
    const { metadata } = (await t.call("GET", "/api/v1/nodes/n1")).body;
    const w = await t.watch(`/api/v1/nodes?watch=true&resourceVersion=${metadata.resourceVersion}`);
    const pods = await t.watch(`${PODS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    await put(sessionKey("n1"), null);
    const [lost] = await w.until(1);
    expect(lost?.type).toBe("MODIFIED");
    expect(ready(lost?.object ?? { status: {} })).toBe("Unknown");
    expect(Number(lost?.object.metadata.resourceVersion)).toBeGreaterThan(Number(metadata.resourceVersion));
    // Nobody knows any more how its pods are.
    const [pod] = await pods.until(1, (e) => e.object.metadata.name === "a");
    expect(pod?.object.status).toMatchObject({ phase: "Unknown" });
    w.stop();
    pods.stop();
    // Also not for a server that never saw the session, or reads past its cache.
    const seen = Number(lost?.object.metadata.resourceVersion);
    await put(podDeletionKey("default", "unrelated"), {});
    const other = await testApi({ kv: t.kv.another() });
    const again = await other.call("GET", "/api/v1/nodes/n1", { token: t.token });
    expect(Number(again.body.metadata.resourceVersion)).toBeGreaterThanOrEqual(seen);
    const { resourceVersion } = (await other.call("GET", `${PODS}/a`, { token: t.token })).body.metadata;
    expect(Number(resourceVersion)).toBeGreaterThanOrEqual(Number(pod?.object.metadata.resourceVersion));
    for (const server of [t, other]) {
      const version = async (): Promise<number> =>
        Number((await server.call("GET", "/api/v1/nodes/n1", { token: t.token })).body.metadata.resourceVersion);
      const before = await version();
      server.kv.watchDelayMs = 2_000;
      await put(podDeletionKey("default", "unrelated"), { n: server === t });
      expect(await version()).toBe(before);
      await put(sessionKey("n1"), { nonce: "y", hostname: "box1", pid: 1, startedAt: "" });
      const back = await version();
      expect(back).toBeGreaterThan(before);
      server.kv.watchDelayMs = 0;
      await put(sessionKey("n1"), null);
      await put(podDeletionKey("default", "unrelated"), { n: 2 });
      await expect
        .poll(async () => (await server.call("GET", "/api/v1/nodes?resourceVersion=0", { token: t.token })).body.metadata.resourceVersion)
        .toBe(String((await t.kv.status()).revision));
      expect(await version()).toBeGreaterThanOrEqual(back);
    }
    await other[Symbol.asyncDispose]();
  });
});
