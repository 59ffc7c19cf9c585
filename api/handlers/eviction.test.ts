import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Pod } from "../../schemas/types.ts";
import { aDesired, anObserved } from "../../schemas/testing/pod.ts";
import { desiredKey, observedKey, podDeletionKey, sessionKey } from "../../store/keys.ts";
import type { MemoryKv } from "../../store/memory.ts";
import { messageField, stringField } from "../openapi/wire.ts";
import { envelope, protobufBody } from "../testing/protobuf.ts";
import { type Reply, STACKS, type TestApi, testApi } from "../testing/server.ts";
import { mayEvict } from "./eviction.ts";

const pod = (name: string, ready: boolean): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", uid: name, resourceVersion: "1", creationTimestamp: "" },
    status: { conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  }) as unknown as Pod;
const stack = (deploy: object) => ({ spec: { services: { web: { image: "x", deploy } } } }) as never;

describe("an eviction", () => {
  it.each([
    { name: "of the only replica goes ahead", deploy: { replicas: 1 }, others: [], allowed: true },
    { name: "goes ahead when another pod is ready", deploy: { replicas: 2 }, others: [pod("b", true)], allowed: true, needs: "b" },
    { name: "waits for one that is not ready", deploy: { replicas: 2 }, others: [pod("b", false)], allowed: false },
    { name: "waits when the other one is leaving", deploy: { replicas: 2 }, others: [pod("c", true)], allowed: false },
    { name: "of a global service on one node goes ahead", deploy: { mode: "global" }, others: [], allowed: true },
    { name: "of a global service waits for the other node", deploy: { mode: "global" }, others: [pod("b", false)], allowed: false },
  ])("$name", ({ deploy, others, allowed, needs }) => {
    const a = pod("a", true);
    const budget = { pods: [a, ...others], leaving: new Set(["c"]), stack: stack(deploy), service: "web" };
    const verdict = mayEvict(a, budget);
    expect(verdict.allowed).toBe(allowed);
    expect(verdict.needs?.metadata.name).toBe(needs);
  });

  it("of a pod that serves nobody, or that belongs to nothing, goes ahead", () => {
    const sick = pod("a", false);
    const none = { pods: [sick], leaving: new Set<string>(), service: "web" };
    expect(mayEvict(sick, { ...none, stack: stack({ replicas: 3 }) })).toEqual({ allowed: true });
    expect(mayEvict(pod("a", true), { ...none, stack: undefined })).toEqual({ allowed: true });
  });
});

describe("pods/eviction", () => {
  let t: TestApi & { kv: MemoryKv };
  beforeAll(async () => {
    t = await testApi();
  });
  afterAll(async () => {
    await t[Symbol.asyncDispose]();
  });

  const put = async (stackName: string, name: string, node: string, ready = true): Promise<void> => {
    const desired = aDesired(name, { stack: stackName, slot: name });
    const observed = anObserved(name, { ready });
    await t.kv.commit([
      { key: desiredKey(node, "default", name), value: desired },
      { key: observedKey(node, "default", name), value: observed },
      // A pod of a node that is away is not ready, whatever was last seen of it.
      { key: sessionKey(node), value: { nonce: "x", hostname: node, pid: 1, startedAt: "2026-01-01T00:00:00.000Z" } },
    ]);
  };
  const make = async (name: string, replicas: number): Promise<void> => {
    const body = {
      apiVersion: "steadfleet.dev/v1",
      kind: "Stack",
      metadata: { name },
      spec: { services: { web: { image: "a", deploy: { replicas } } } },
    };
    expect((await t.call("POST", STACKS, { body })).code).toBe(201);
  };
  const evict = (name: string, more: object = {}): Promise<Reply> =>
    t.call("POST", `/api/v1/namespaces/default/pods/${name}/eviction`, {
      body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: "default" }, ...more },
    });
  const asked = async (name: string): Promise<boolean> => (await t.kv.get(podDeletionKey("default", name))).item !== undefined;

  it("asks the controller to delete the pod, once", async () => {
    await make("one", 1);
    await put("one", "one-a", "n1");
    const dry = await evict("one-a", { deleteOptions: { dryRun: ["All"] } });
    expect([dry.code, await asked("one-a")]).toEqual([201, false]);
    expect((await evict("one-a", { deleteOptions: { preconditions: { uid: "other" } } })).code).toBe(409);
    const done = await evict("one-a");
    expect(done.code, done.text).toBe(201);
    expect(done.body).toMatchObject({ kind: "Status", status: "Success" });
    expect(await asked("one-a")).toBe(true);
  });

  it("keeps the last ready pod of several, however many ask at once", async () => {
    await make("many", 3);
    for (const p of ["a", "b", "c"]) await put("many", `many-${p}`, `n-${p}`);
    const answers = await Promise.all(["a", "b", "c"].map((p) => evict(`many-${p}`)));
    expect(answers.map((a) => a.code).toSorted((a, b) => a - b)).toEqual([201, 201, 429]);
    const refused = answers.find((a) => a.code === 429);
    expect(refused?.body).toMatchObject({ reason: "TooManyRequests", details: { causes: [{ reason: "DisruptionBudget" }] } });
    expect(refused?.headers["retry-after"]).toBeUndefined();
    const left = await Promise.all(["a", "b", "c"].map((p) => asked(`many-${p}`)));
    expect(left.filter((x) => !x)).toHaveLength(1);
  });

  it("does not keep the last of those that must leave a cordoned node together", async () => {
    const services = { web: { image: "a", deploy: { replicas: 2 } }, db: { image: "a" } };
    const body = { apiVersion: "steadfleet.dev/v1", kind: "Stack", metadata: { name: "tied" }, spec: { services } };
    expect((await t.call("POST", STACKS, { body })).code).toBe(201);
    for (const p of ["a", "b"]) await put("tied", `tied-${p}`, "n-tied");
    const node = (spec: object) => ({ apiVersion: "v1", kind: "Node", metadata: { name: "n-tied" }, spec });
    expect((await t.call("POST", "/api/v1/nodes", { body: node({}) })).code).toBe(201);
    expect([(await evict("tied-a")).code, (await evict("tied-b")).code]).toEqual([201, 429]);
    expect((await t.call("PUT", "/api/v1/nodes/n-tied", { body: node({ unschedulable: true }) })).code).toBe(200);
    expect((await evict("tied-b")).code).toBe(201);
  });

  it("takes old and new versions, JSON and protocol buffers, and nothing else", async () => {
    await make("old", 1);
    await put("old", "old-a", "n1");
    expect((await evict("old-a", { apiVersion: "policy/v1beta1" })).code).toBe(201);
    const raw = envelope("policy/v1", "Eviction", [messageField(1, [stringField(1, "old-a")]), messageField(2, [stringField(5, "All")])]);
    expect((await t.call("POST", "/api/v1/namespaces/default/pods/old-a/eviction", protobufBody(raw))).code).toBe(201);
    expect((await evict("old-a", { kind: "Pod" })).code).toBe(400);
    expect((await evict("old-a", { metadata: { name: "other" } })).code).toBe(400);
    expect((await evict("old-a", { what: 1 })).code).toBe(422);
    expect((await evict("absent")).code).toBe(404);
  });
});
