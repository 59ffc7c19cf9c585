import { describe, expect, it } from "vitest";
import type { ContainerSpec, DesiredPod, NodeInfo, NodeSession, ObservedPod } from "./fleet.ts";
import { loadSchema } from "./load.ts";
import { Findings, formatProblem } from "./problems.ts";
import type { Node, Pod } from "./types.ts";
import { nodeOf, podOf } from "./views.ts";
import { check } from "./walk.ts";

const container: ContainerSpec = {
  image: "nginx:1.27",
  pullPolicy: "missing",
  command: ["serve"],
  env: { A: "1" },
  labels: {},
  stopGraceMs: 10_500,
  init: false,
  readOnly: true,
  capAdd: ["NET_ADMIN"],
  capDrop: [],
  restart: { policy: "unless-stopped" },
  ports: [{ target: 80, published: 8080, protocol: "tcp" }],
  mounts: [
    { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/a", readOnly: false },
    { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/b", readOnly: true },
    { type: "bind", source: "/srv", target: "/srv", readOnly: false, createHostPath: true },
    { type: "tmpfs", target: "/tmp", sizeBytes: 1024 },
  ],
  networks: [],
  limits: { cpus: 0.5, memoryBytes: 512 * 1024 ** 2 },
};

const desired: DesiredPod = {
  name: "shop-web-0-abcde",
  namespace: "default",
  uid: "pod-1",
  stack: "shop",
  stackUid: "stack-1",
  stackGeneration: 2,
  service: "web",
  slot: "0",
  revision: 3,
  templateHash: "t",
  labels: { app: "shop" },
  createdAt: "2026-01-01T00:00:00.123Z",
  dependsOn: [],
  container,
};

const running: ObservedPod = {
  uid: "pod-1",
  desiredRevision: 10,
  inSync: true,
  phase: "Running",
  state: "running",
  ready: true,
  since: "2026-01-01T00:00:02.000Z",
  containerId: "c1",
  imageId: "sha256:1",
  imageDigest: "nginx@sha256:2",
  restarts: 0,
  startedAt: "2026-01-01T00:00:02.500Z",
  addresses: { shop_front: "172.18.0.3", shop_back: "172.19.0.2" },
  notes: [],
};

const view = (o?: Partial<ObservedPod>, d: Partial<DesiredPod> = {}, context = {}): Pod => {
  const pod = podOf("n1", { value: { ...desired, ...d }, mod: 10 }, o && { value: { ...running, ...o }, mod: 12 }, context);
  if (!pod) throw new Error("no pod");
  return pod;
};
const stateOf = (pod: Pod): unknown => pod.status?.containerStatuses?.[0]?.state;
const ready = (pod: Pod): unknown => pod.status?.conditions?.find((c) => c.type === "Ready");

describe("a pod", () => {
  it("is what Kubernetes clients expect", () => {
    const pod = view({}, {}, { hostIp: "10.0.0.1" });
    expect(pod.metadata).toMatchObject({
      name: "shop-web-0-abcde",
      resourceVersion: "12",
      creationTimestamp: "2026-01-01T00:00:00Z",
      labels: { app: "shop", "steadfleet.dev/stack": "shop", "steadfleet.dev/service": "web" },
      ownerReferences: [{ apiVersion: "steadfleet.dev/v1", kind: "Stack", name: "shop", uid: "stack-1", controller: true }],
    });
    expect(pod.spec).toMatchObject({ nodeName: "n1", restartPolicy: "Always", terminationGracePeriodSeconds: 11 });
    expect(pod.spec?.containers[0]).toMatchObject({
      name: "web",
      args: ["serve"],
      ports: [{ containerPort: 80, hostPort: 8080, protocol: "TCP" }],
      resources: { limits: { cpu: "500m", memory: "512Mi" } },
      securityContext: { readOnlyRootFilesystem: true, capabilities: { add: ["NET_ADMIN"] } },
    });
    expect(pod.spec?.volumes?.map((v) => v.name)).toEqual(["data", "mount-2", "mount-3"]);
    expect(pod.status).toMatchObject({ phase: "Running", hostIP: "10.0.0.1", podIP: "172.19.0.2" });
    expect(pod.status?.containerStatuses?.[0]).toEqual({
      name: "web",
      ready: true,
      started: true,
      restartCount: 0,
      image: "nginx:1.27",
      imageID: "docker-pullable://nginx@sha256:2",
      containerID: "docker://c1",
      state: { running: { startedAt: "2026-01-01T00:00:02Z" } },
    });
    expect(ready(pod)).toMatchObject({ status: "True" });
  });

  it("that nobody has answered for is pending", () => {
    const pod = view();
    expect(pod.status?.phase).toBe("Pending");
    expect(stateOf(pod)).toEqual({ waiting: { reason: "ContainerCreating", message: "the node's agent has not answered yet" } });
    expect(pod.metadata.resourceVersion).toBe("10");
  });

  it.each<[string, Partial<ObservedPod>, object]>([
    [
      "that waits says for what, with the engine's words and the next try",
      {
        state: "absent",
        phase: "Pending",
        ready: false,
        reason: "ImagePullBackOff",
        message: "cannot pull",
        lastError: "denied",
        nextRetryAt: "2026-01-01T00:01:00.000Z",
      },
      { waiting: { reason: "ImagePullBackOff", message: "cannot pull; last error: denied; next try at 2026-01-01T00:01:00Z" } },
    ],
    ["that is paused is said to wait", { state: "paused", ready: false }, { waiting: { reason: "Paused" } }],
    [
      "that ran out of memory",
      {
        state: "exited",
        phase: "Failed",
        ready: false,
        exitCode: 137,
        oomKilled: true,
        finishedAt: "2026-01-01T00:00:09.000Z",
        logTail: ["a", "b"],
      },
      {
        terminated: {
          exitCode: 137,
          reason: "OOMKilled",
          message: "a\nb",
          startedAt: "2026-01-01T00:00:02Z",
          finishedAt: "2026-01-01T00:00:09Z",
          containerID: "docker://c1",
        },
      },
    ],
  ])("%s", (_name, o, want) => expect(stateOf(view(o))).toEqual(want));

  it("that crashes again and again shows how it ended the last time", () => {
    const pod = view({
      state: "restarting",
      phase: "Running",
      ready: false,
      exitCode: 1,
      finishedAt: "2026-01-01T00:00:09.000Z",
      restarts: 4,
    });
    expect(stateOf(pod)).toEqual({ waiting: { reason: "CrashLoopBackOff" } });
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 4,
      lastState: { terminated: { exitCode: 1, reason: "Error" } },
    });
  });

  it("on a node that is lost is in an unknown state", () => {
    const pod = view({}, {}, { connected: false });
    expect(pod.status?.phase).toBe("Unknown");
    expect(ready(pod)).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
    expect(pod.status?.containerStatuses?.[0]?.ready).toBe(false);
  });

  it("does not show what was observed of an earlier pod of its name", () => {
    const pod = view({ uid: "pod-0" });
    expect(pod.status?.phase).toBe("Pending");
    expect(pod.metadata.resourceVersion).toBe("12");
  });

  it("being deleted says since when", () => {
    expect(
      view({ phase: "Removed", state: "absent", ready: false }, { deletionTimestamp: "2026-01-02T00:00:00.000Z" }).metadata,
    ).toMatchObject({
      deletionTimestamp: "2026-01-02T00:00:00Z",
      deletionGracePeriodSeconds: 11,
    });
  });

  it("exists as long as it is desired", () => expect(podOf("n1", undefined, { value: running, mod: 3 })).toBeUndefined());
});

const info: NodeInfo = {
  hostname: "nas.lan",
  addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
  os: "linux",
  arch: "amd64",
  osImage: "Debian",
  kernelVersion: "6.1",
  engineVersion: "20.10.24",
  engineApiVersion: "1.41",
  agentVersion: "0.1.0",
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  disk: { totalBytes: 1024 ** 4, freeBytes: 1024 ** 3 },
  labels: { "topology.kubernetes.io/zone": "a", disk: "hdd" },
  containers: { ours: 1, foreign: 2 },
  conditions: [{ type: "Ready", status: "True", reason: "AgentReady", message: "ok", since: "2026-01-01T00:00:00.000Z" }],
};
const session: NodeSession = { nonce: "b1", hostname: "nas.lan", pid: 1, startedAt: "2026-01-01T00:00:00.000Z" };
const object: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "nas", uid: "u", resourceVersion: "5", creationTimestamp: "2026-01-01T00:00:00Z", labels: { disk: "ssd" } },
  spec: { unschedulable: true },
};
const readiness = (node: Node): string | undefined => node.status?.conditions?.find((c) => c.type === "Ready")?.status;

describe("a node", () => {
  it("joins what people wrote with what its agent reports", () => {
    const node = nodeOf(object, { value: info, mod: 9 }, { value: session, mod: 7 });
    expect(node.metadata.resourceVersion).toBe("9");
    expect(node.metadata.labels).toEqual({
      "kubernetes.io/hostname": "nas.lan",
      "kubernetes.io/os": "linux",
      "kubernetes.io/arch": "amd64",
      "topology.kubernetes.io/zone": "a",
      disk: "ssd",
    });
    expect(node.spec).toEqual({ unschedulable: true });
    expect(node.status).toMatchObject({
      capacity: { cpu: "4", memory: "8388608Ki" },
      nodeInfo: { containerRuntimeVersion: "docker://20.10.24", bootID: "b1" },
      containers: { ours: 1, foreign: 2 },
    });
  });

  it.each<[string, NodeInfo | undefined, boolean, string]>([
    ["is ready with a session and a good report", info, true, "True"],
    ["is unknown without a session", info, false, "Unknown"],
    ["is not ready before its first report", undefined, true, "False"],
    ["is unknown when nothing was ever heard of it", undefined, false, "Unknown"],
    ["is not ready when its agent says so", { ...info, conditions: [{ ...info.conditions[0]!, status: "False" }] }, true, "False"],
  ])("%s", (_name, i, connected, want) => {
    expect(readiness(nodeOf(object, i && { value: i, mod: 1 }, connected ? { value: session, mod: 1 } : undefined))).toBe(want);
  });

  it("has a version that also counts what is gone", () =>
    expect(nodeOf(object, undefined, undefined, 40).metadata.resourceVersion).toBe("40"));
});

describe("every view", () => {
  it.each<[string, "pod" | "node", unknown]>([
    ["a running pod", "pod", view({ health: "healthy" })],
    ["a pod that nobody answered for", "pod", view()],
    ["a failed pod", "pod", view({ state: "exited", phase: "Failed", exitCode: 1, finishedAt: "2026-01-01T00:00:09.000Z" })],
    ["a lost pod", "pod", view({}, {}, { connected: false })],
    ["a node", "node", nodeOf(object, { value: info, mod: 9 }, { value: session, mod: 7 })],
    ["a lost node", "node", nodeOf(object, { value: info, mod: 9 })],
  ])("of %s is as the schema says", (_name, kind, value) => {
    const out = new Findings();
    check({ schema: loadSchema(kind), base: kind }, value, [], out);
    expect(out.problems.map(formatProblem)).toEqual([]);
  });
});
