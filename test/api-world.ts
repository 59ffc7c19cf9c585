// A real API on a real etcd for tests without controller and agents: the test writes what those would.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { createToken } from "../api/auth.ts";
import { type ApiOptions, startApi } from "../api/index.ts";
import type { DesiredPod, NodeInfo, ObservedPod } from "../schemas/fleet.ts";
import type { Node, Stack, StackStatus } from "../schemas/types.ts";
import { realEnv } from "../store/env.ts";
import { connectEtcd } from "../store/etcd/index.ts";
import { desiredKey, infoKey, observedKey, sessionKey } from "../store/keys.ts";
import type { Kv } from "../store/kv.ts";
import { startTestEtcd } from "../store/testing/etcd.ts";
import { Client } from "./harness/client.ts";
import { until } from "./harness/until.ts";
import type { Cluster } from "./kubectl.ts";

const NODE: NodeInfo = {
  hostname: "alpha.example",
  addresses: [
    { type: "InternalIP", address: "192.0.2.10" },
    { type: "Hostname", address: "alpha.example" },
  ],
  os: "linux",
  arch: "amd64",
  osImage: "Debian GNU/Linux 12 (bookworm)",
  kernelVersion: "6.1.0",
  engineVersion: "20.10.24",
  engineApiVersion: "1.41",
  agentVersion: "v0.1.0",
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  disk: { totalBytes: 100 * 1024 ** 3, freeBytes: 50 * 1024 ** 3 },
  labels: { "topology.kubernetes.io/zone": "a" },
  containers: { ours: 1, foreign: 2 },
  conditions: [{ type: "Ready", status: "True", reason: "AgentReady", message: "the engine answers", since: "2026-01-01T00:00:00.000Z" }],
};

export class ApiWorld {
  private constructor(
    readonly cluster: Cluster,
    readonly client: Client,
    readonly kv: Kv,
    private readonly stop: () => Promise<void>,
  ) {}

  /** `more`: options of the server. */
  static async start(more: Pick<ApiOptions, "limits"> = {}): Promise<ApiWorld> {
    const dataDir = mkdtempSync(join(tmpdir(), "steadfleet-api-"));
    const etcd = await startTestEtcd();
    const kv = connectEtcd({ hosts: [etcd.endpoint] });
    const log = pino({ level: process.env["LOG_LEVEL"] ?? "silent" });
    const api = await startApi({ kv, env: realEnv, log, dataDir, host: "127.0.0.1", port: 0, version: "0.1.0", ...more });
    const token = await createToken(kv, realEnv, { name: "tester", groups: ["system:masters"] });
    const cluster = { server: api.url, token, caPem: api.caPem };
    const client = new Client({ server: api.url, token, ca: api.caPem });
    return new ApiWorld(cluster, client, kv, async () => {
      client.close();
      await api.close();
      await kv.close();
      await etcd.stop();
      rmSync(dataDir, { recursive: true, force: true });
    });
  }

  close(): Promise<void> {
    return this.stop();
  }

  /** A node whose agent is connected. */
  async putNode(name: string): Promise<void> {
    await this.client.request("POST", "/api/v1/nodes", { apiVersion: "v1", kind: "Node", metadata: { name } });
    const session = { nonce: "n1", hostname: NODE.hostname, pid: 1, startedAt: "2026-01-01T00:00:00.000Z" };
    await this.kv.commit([
      { key: infoKey(name), value: NODE },
      { key: sessionKey(name), value: session },
    ]);
    await until(async () =>
      (await this.client.get<Node>("nodes", name)).status?.conditions?.some((c) => c.type === "Ready" && c.status === "True"),
    );
  }

  /** A pod of the stack's service `web` that runs. */
  async putPod(node: string, stack: Stack, name: string, seen: Partial<ObservedPod> = {}): Promise<void> {
    const namespace = stack.metadata.namespace ?? "default";
    const desired: DesiredPod = {
      name,
      namespace,
      uid: realEnv.uid(),
      stack: stack.metadata.name,
      stackUid: stack.metadata.uid,
      stackGeneration: 1,
      service: "web",
      slot: "0",
      revision: 1,
      templateHash: "h1",
      labels: { tier: "front" },
      createdAt: new Date(realEnv.now()).toISOString(),
      dependsOn: [],
      container: {
        image: "nginx:1.27",
        pullPolicy: "missing",
        env: { COLOR: "green" },
        labels: {},
        stopGraceMs: 10_000,
        init: false,
        readOnly: true,
        capAdd: [],
        capDrop: ["ALL"],
        restart: { policy: "unless-stopped" },
        ports: [{ target: 80, published: 8080, protocol: "tcp" }],
        mounts: [{ type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/data", readOnly: false }],
        networks: [],
        limits: { cpus: 0.5, memoryBytes: 64 * 1024 ** 2 },
      },
    };
    const observed: ObservedPod = {
      uid: desired.uid,
      desiredRevision: 1,
      inSync: true,
      phase: "Running",
      state: "running",
      ready: true,
      since: desired.createdAt,
      restarts: 0,
      startedAt: desired.createdAt,
      containerId: "c".repeat(64),
      image: "nginx:1.27",
      imageId: `sha256:${"a".repeat(64)}`,
      addresses: { default: "172.18.0.2" },
      notes: [],
      ...seen,
    };
    await this.kv.commit([
      { key: desiredKey(node, namespace, name), value: desired },
      { key: observedKey(node, namespace, name), value: observed },
    ]);
    await until(() => this.client.get("pods", name, namespace));
  }

  async setStatus(name: string, namespace: string, status: StackStatus): Promise<void> {
    await this.client.request("PATCH", `${this.client.path("stacks", namespace, name)}/status`, { status }, "application/merge-patch+json");
  }

  async putEvent(about: Stack, reason: string, message: string): Promise<void> {
    const { name, namespace = "default", uid } = about.metadata;
    const now = `${new Date(realEnv.now()).toISOString().slice(0, 19)}Z`;
    await this.client.request("POST", this.client.path("events", namespace), {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: `${name}.` },
      involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, namespace, uid },
      type: "Normal",
      reason,
      message,
      source: { component: "agent" },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    });
  }

  /** While `act` runs, lets every Stack go that is being deleted, as the controller does when its last pod is gone. */
  async releasing(namespace: string, act: () => Promise<unknown>): Promise<void> {
    const over = new AbortController();
    const release = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const leaving = (await this.client.list<Stack>("stacks", {}, namespace)).filter((s) => s.metadata.deletionTimestamp);
        for (const { metadata } of leaving) await this.client.patch("stacks", metadata.name, { metadata: { finalizers: null } }, namespace);
        await realEnv.sleep(100, over.signal).catch(() => {});
      }
    };
    await Promise.all([release(), act().finally(() => over.abort())]);
  }
}

/** A status in which everything is ready, of this generation. */
export const healthy = (generation: number): StackStatus => ({
  observedGeneration: generation,
  health: "Healthy",
  revision: 1,
  revisionHash: "h1",
  progress: 100,
  ready: "1/1",
  nodes: ["alpha"],
  services: { web: { mode: "replicated", desired: 1, updated: 1, ready: 1, image: "nginx:1.27" } },
  conditions: [
    {
      type: "Ready",
      status: "True",
      reason: "AllReady",
      message: "1 of 1 pods are ready",
      lastTransitionTime: "2026-01-01T00:00:00Z",
      observedGeneration: generation,
    },
  ],
});
