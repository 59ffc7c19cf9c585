import { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aDesired, anObserved } from "../../schemas/testing/pod.ts";
import type { ObservedPod } from "../../schemas/fleet.ts";
import { type NodeStats, TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import { realEnv } from "../../store/env.ts";
import { desiredKey, infoKey, observedKey, sessionKey } from "../../store/keys.ts";
import type { MemoryKv } from "../../store/memory.ts";
import { createToken } from "../auth.ts";
import type { NodeLinks } from "../links.ts";
import { unavailable } from "../status.ts";
import { type TestApi, testApi } from "../testing/server.ts";

const METRICS = "/apis/metrics.k8s.io/v1beta1";
const PODS = `${METRICS}/namespaces/default/pods`;

describe("metrics.k8s.io", () => {
  let t: TestApi & { kv: MemoryKv };
  /** What nodes say; a node that is not in here has no tunnel, one that says nothing never answers. */
  const nodes = new Map<string, Partial<NodeStats> | "nothing" | { reason: string; message: string }>();
  let asked: string[] = [];
  const linksTo = (): NodeLinks => ({
    connected: (node) => nodes.has(node),
    open: async (node, { path, method }) => {
      asked.push(`${node} ${method} ${path}`);
      const said = nodes.get(node);
      if (said === undefined) throw unavailable(`node ${node} has no tunnel`);
      if (said === "nothing") return await new Promise(() => {});
      const ok = !("reason" in said);
      const stats = { at: "2026-11-21T12:00:00.123Z", windowMs: 10_000, node: { cpuCores: 0.5, memoryBytes: 2 ** 30 }, pods: [], ...said };
      const body = Duplex.from([Buffer.from(JSON.stringify(ok ? stats : said))]);
      return { status: ok ? 200 : 503, body, trailers: Promise.resolve({}) };
    },
  });
  const put = (key: string, value: object | null) => t.kv.commit([{ key, value }]);
  const putNode = async (name: string) => {
    await put(sessionKey(name), { nonce: "x", hostname: name, pid: 1, startedAt: "" });
    const info = { addresses: [], conditions: [], labels: { zone: name }, disk: {}, containers: {}, cpus: 2, memoryBytes: 2 ** 31 };
    await put(infoKey(name), info);
    const made = await t.call("POST", "/api/v1/nodes", { body: { apiVersion: "v1", kind: "Node", metadata: { name } } });
    expect(made.code, made.text).toBe(201);
  };
  const putPod = async (node: string, name: string, seen: Partial<ObservedPod> = {}) => {
    await put(desiredKey(node, "default", name), aDesired(name, { labels: { app: name } }));
    await put(observedKey(node, "default", name), anObserved(name, seen));
  };
  const use = (pod: string, cpuCores: number, memoryBytes: number) => ({
    namespace: "default",
    pod,
    uid: `uid-${pod}`,
    cpuCores,
    memoryBytes,
    windowMs: 1_500,
  });
  beforeEach(async () => {
    nodes.clear();
    asked = [];
    t = await testApi({ links: linksTo() });
    await putNode("n1");
    await putNode("n2");
    await putPod("n1", "a");
    await putPod("n1", "b");
    nodes.set("n1", { pods: [use("a", 0.25, 10_485_760)] });
    nodes.set("n2", {});
  });
  afterEach(() => t[Symbol.asyncDispose]());

  it("of nodes: quantities, window and labels", async () => {
    const { body } = await t.call("GET", `${METRICS}/nodes`);
    expect(body).toMatchObject({ kind: "NodeMetricsList", apiVersion: "metrics.k8s.io/v1beta1" });
    expect(body.items.map((i) => i.metadata.name)).toEqual(["n1", "n2"]);
    expect((await t.call("GET", `${METRICS}/nodes/n1`)).body).toMatchObject({
      kind: "NodeMetrics",
      metadata: { name: "n1", labels: { zone: "n1" } },
      timestamp: "2026-11-21T12:00:00Z",
      window: "10s",
      usage: { cpu: "500000000n", memory: "1048576Ki" },
    });
    expect((await t.call("GET", `${METRICS}/nodes?labelSelector=zone%3Dn2`)).body.items).toHaveLength(1);
    expect((await t.call("GET", `${METRICS}/nodes/n9`)).code).toBe(404);
  });

  it("of pods that run, with their container", async () => {
    const { body } = await t.call("GET", PODS);
    expect(body.items).toHaveLength(1);
    expect(body.items[0]).toMatchObject({
      metadata: { name: "a", namespace: "default", labels: { app: "a" } },
      window: "1.5s",
      containers: [{ name: "web", usage: { cpu: "250000000n", memory: "10240Ki" } }],
    });
    expect((await t.call("GET", `${PODS}/a`)).body).toMatchObject({ kind: "PodMetrics", metadata: { name: "a" } });
    const missing = await t.call("GET", `${PODS}/b`);
    expect([missing.code, missing.body.message]).toEqual([404, 'pods.metrics.k8s.io "b" not found: pod b has no container that runs']);
    expect((await t.call("GET", `${METRICS}/pods?labelSelector=app%3Db`)).body.items).toEqual([]);
    expect((await t.call("GET", `${METRICS}/namespaces/other/pods`)).body.items).toEqual([]);
    expect((await t.call("GET", `${PODS}?fieldSelector=metadata.name%3Da`)).body.items).toHaveLength(1);
    expect((await t.call("GET", `${PODS}?fieldSelector=spec.nodeName%3Dn1`)).code).toBe(400);
  });

  it("a pod of another uid is another pod", async () => {
    nodes.set("n1", { pods: [{ ...use("a", 1, 1), uid: "old" }] });
    expect((await t.call("GET", PODS)).body.items).toEqual([]);
  });

  it("each node is asked once for all who ask at once, and not again for a while", async () => {
    await Promise.all([t.call("GET", PODS), t.call("GET", PODS), t.call("GET", `${METRICS}/nodes/n1`)]);
    await t.call("GET", PODS);
    expect(asked).toEqual([`n1 GET ${TUNNEL_PATHS.stats}`]);
  });

  it("leaves out nodes that do not answer, and says which and why", async () => {
    nodes.set("n2", { reason: "ServiceUnavailable", message: "stats: connect ECONNREFUSED" });
    const { body, headers } = await t.call("GET", `${METRICS}/nodes`);
    expect(body.items.map((i) => i.metadata.name)).toEqual(["n1"]);
    expect(headers["warning"]).toContain("no metrics of node n2: node n2: stats: connect ECONNREFUSED");
    expect((await t.call("GET", `${METRICS}/nodes/n2`)).code).toBe(503);
    nodes.delete("n2");
    const gone = await t.call("GET", `${METRICS}/nodes/n2`);
    expect([gone.code, gone.body.message]).toEqual([503, "node n2 has no tunnel"]);
    nodes.set("n2", "nothing");
    const late = await t.call("GET", `${METRICS}/nodes`);
    expect(late.headers["warning"]).toContain("node n2 has not told what it uses within 8 s");
  });

  it("is a table, too, and is for readers, who change nothing", async () => {
    const table = await t.call("GET", PODS, { headers: { Accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } });
    expect(table.body.rows.map((r) => r.cells)).toEqual([["a", "250m", "10Mi", "1.5s"]]);
    const token = await createToken(t.kv, realEnv, { name: "rita", groups: ["system:readers"] });
    expect((await t.call("GET", PODS, { token })).code).toBe(200);
    expect((await t.call("DELETE", `${PODS}/a`)).code).toBe(405);
    const discovery = await t.call("GET", METRICS);
    expect(discovery.text).toContain('"kind":"PodMetrics"');
  });
});
