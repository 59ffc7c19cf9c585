import { describe, expect, it } from "vitest";
import { aContainer } from "../../schemas/testing/container.ts";
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import type { Event, Node, Pod, Stack, StackStatus } from "../../schemas/types.ts";
import { podOf } from "../../schemas/views.ts";
import type { Kind } from "../kind.ts";
import { KINDS } from "../kinds/index.ts";
import { bookmarkTable, includeObjectOf, tableOf } from "./index.ts";
import { podStatus } from "./pods.ts";

const NOW = Date.parse("2026-01-01T01:00:00Z");
const kind = (resource: string): Kind => {
  const found = KINDS.find((k) => k.resource.resource === resource);
  if (!found) throw new Error(`no kind ${resource}`);
  return found;
};
const meta = (name: string, more: object = {}) => ({
  name,
  namespace: "default",
  uid: `uid-${name}`,
  resourceVersion: "7",
  generation: 2,
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});

/** Cells by column, as `-o wide` shows them. */
const row = (resource: string, object: KubeObject): Record<string, unknown> => {
  const table = tableOf(kind(resource), [object], NOW);
  return Object.fromEntries((table.columnDefinitions ?? []).map((c, i) => [c.name, table.rows[0]?.cells[i]]));
};
const columns = (resource: string, wide: boolean): string =>
  (tableOf(kind(resource), [], NOW).columnDefinitions ?? [])
    .filter((c) => c.priority > 0 === wide)
    .map((c) => c.name.toUpperCase())
    .join(" ");

describe("columns", () => {
  it.each([
    { resource: "stacks", short: "NAME READY UPDATED PROGRESS STATUS REVISION AGE", wide: "NODES IMAGES MESSAGE" },
    { resource: "pods", short: "NAME READY STATUS RESTARTS AGE", wide: "IP NODE STACK IMAGE" },
    {
      resource: "nodes",
      short: "NAME STATUS ROLES AGE VERSION",
      wide: "INTERNAL-IP OS-IMAGE KERNEL CONTAINER-RUNTIME CPU MEMORY CONTAINERS",
    },
    { resource: "events", short: "LAST SEEN TYPE REASON OBJECT MESSAGE", wide: "SUBOBJECT SOURCE FIRST SEEN COUNT NAME" },
    { resource: "namespaces", short: "NAME STATUS AGE", wide: "" },
    { resource: "configmaps", short: "NAME DATA AGE", wide: "" },
    { resource: "secrets", short: "NAME TYPE DATA AGE", wide: "" },
  ])("of $resource", ({ resource, short, wide }) => {
    expect(columns(resource, false)).toBe(short);
    expect(columns(resource, true)).toBe(wide);
  });

  it("have one name, and say what they are", () => {
    for (const k of KINDS) {
      const defined = tableOf(k, [], NOW).columnDefinitions ?? [];
      expect(defined.filter((c) => c.format === "name")).toHaveLength(1);
      expect(defined.filter((c) => c.description === "")).toEqual([]);
    }
  });
});

const stack = (status?: StackStatus, more: object = {}): Stack => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: meta("shop", more),
  spec: { services: {} },
  ...(status && { status }),
});
const service = (desired: number, updated: number, image: string) => ({
  mode: "replicated" as const,
  desired,
  updated,
  ready: updated,
  image,
});

describe("a stack", () => {
  const condition = { status: "True" as const, reason: "R", lastTransitionTime: "2026-01-01T00:00:00Z" };
  const status: StackStatus = {
    observedGeneration: 2,
    health: "Degraded",
    revision: 4,
    progress: 75,
    ready: "3/4",
    services: { web: service(3, 2, "nginx:1.27"), db: service(1, 1, "postgres:16") },
    nodes: ["a", "b", "c", "d", "e"],
    conditions: [
      { ...condition, type: "Ready", status: "False", message: "3 of 4 pods are ready" },
      { ...condition, type: "Degraded", message: "web-2 restarts" },
    ],
  };

  it("says how far it is", () => {
    expect(row("stacks", stack(status))).toEqual({
      Name: "shop",
      Ready: "3/4",
      Updated: "3/4",
      Progress: "75%",
      Status: "Degraded",
      Revision: 4,
      Age: "60m",
      Nodes: "a,b,c + 2 more...",
      Images: "nginx:1.27,postgres:16",
      Message: "web-2 restarts",
    });
  });

  it.each([
    { name: "without a status is Unknown", object: stack(), want: "Unknown" },
    { name: "is what the controller says", object: stack(status), want: "Degraded" },
    { name: "that changed since is Progressing", object: stack(status, { generation: 3 }), want: "Progressing" },
    { name: "being deleted is Terminating", object: stack(status, { deletionTimestamp: "2026-01-01T00:59:00Z" }), want: "Terminating" },
  ])("$name", ({ object, want }) => {
    expect(row("stacks", object).Status).toBe(want);
  });

  it("without a status has no numbers", () => {
    expect(row("stacks", stack())).toMatchObject({
      Ready: "<none>",
      Updated: "<none>",
      Progress: "<none>",
      Revision: null,
      Nodes: "<none>",
    });
  });
});

const desired: DesiredPod = {
  name: "shop-web-0-x7k2q",
  namespace: "default",
  uid: "u1",
  stack: "shop",
  stackUid: "s1",
  stackGeneration: 1,
  service: "web",
  slot: "0",
  revision: 1,
  templateHash: "h",
  labels: {},
  createdAt: "2026-01-01T00:30:00.000Z",
  dependsOn: [],
  container: aContainer({ image: "nginx:1.27" }),
};
const observed: ObservedPod = {
  uid: "u1",
  desiredRevision: 5,
  inSync: true,
  phase: "Running",
  state: "running",
  ready: true,
  since: "2026-01-01T00:30:05.000Z",
  restarts: 0,
  startedAt: "2026-01-01T00:30:05.000Z",
  addresses: { default: "172.18.0.2" },
  notes: [],
};
const pod = (o?: Partial<ObservedPod>, d?: Partial<DesiredPod>, connected = true): Pod => {
  const seen = o && { value: { ...observed, ...o }, mod: 6 };
  const made = podOf("node-a", { value: { ...desired, ...d }, mod: 5 }, seen, { connected });
  if (!made) throw new Error("no pod");
  return made;
};

describe("a pod", () => {
  it("says what it does and where", () => {
    expect(row("pods", pod({}))).toEqual({
      Name: "shop-web-0-x7k2q",
      Ready: "1/1",
      Status: "Running",
      Restarts: "0",
      Age: "30m",
      IP: "172.18.0.2",
      Node: "node-a",
      Stack: "shop",
      Image: "nginx:1.27",
    });
  });

  const down = { ready: false, phase: "Pending" } as const;
  it.each([
    { name: "that no agent has seen", object: pod(), want: "ContainerCreating" },
    { name: "whose image is pulled", object: pod({ ...down, state: "absent", reason: "Pulling" }), want: "Pulling" },
    { name: "that waits", object: pod({ ...down, state: "created", reason: "WaitingForDependency" }), want: "WaitingForDependency" },
    { name: "that crashes again and again", object: pod({ ...down, state: "restarting", exitCode: 1 }), want: "CrashLoopBackOff" },
    { name: "that runs but is not well", object: pod({ ready: false, reason: "Unhealthy" }), want: "Unhealthy" },
    { name: "that runs and is checked first", object: pod({ ready: false }), want: "Running" },
    { name: "that is paused", object: pod({ ready: false, state: "paused" }), want: "Paused" },
    { name: "that has done its work", object: pod({ phase: "Succeeded", state: "exited", ready: false, exitCode: 0 }), want: "Completed" },
    { name: "that failed", object: pod({ phase: "Failed", state: "exited", ready: false, exitCode: 2 }), want: "Error" },
    {
      name: "that took too much",
      object: pod({ phase: "Failed", state: "exited", ready: false, exitCode: 137, oomKilled: true }),
      want: "OOMKilled",
    },
    { name: "being deleted", object: pod({}, { deletionTimestamp: "2026-01-01T00:59:00.000Z" }), want: "Terminating" },
    {
      name: "that is gone from its node",
      object: pod({ phase: "Removed", state: "absent", ready: false }, { deletionTimestamp: "2026-01-01T00:59:00.000Z" }),
      want: "Terminating",
    },
    { name: "whose node is silent", object: pod({}, {}, false), want: "Unknown" },
  ])("$name is $want", ({ object, want }) => {
    expect(podStatus(object)).toBe(want);
  });

  it("says when it last ended", () => {
    const restarted = pod({ restarts: 3, exitCode: 1, finishedAt: "2026-01-01T00:55:00.000Z" });
    expect(row("pods", restarted)).toMatchObject({ Restarts: "3 (5m ago)", Status: "Running" });
  });
});

const node = (ready: "True" | "False" | "Unknown" | undefined, more: Partial<Node> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { ...meta("node-a"), labels: { "node-role.kubernetes.io/edge": "", "node-role.kubernetes.io/db": "", disk: "ssd" } },
  status: ready === undefined ? {} : { conditions: [{ type: "Ready", status: ready }] },
  ...more,
});

describe("a node", () => {
  it.each([
    { ready: "True", want: "Ready" },
    { ready: "False", want: "NotReady" },
    { ready: "Unknown", want: "NotReady" },
    { ready: undefined, want: "Unknown" },
  ] as const)("whose Ready is $ready is $want", ({ ready, want }) => {
    expect(row("nodes", node(ready)).Status).toBe(want);
    expect(row("nodes", node(ready, { spec: { unschedulable: true } })).Status).toBe(`${want},SchedulingDisabled`);
  });

  it("shows what the machine is", () => {
    const status = {
      addresses: [
        { type: "Hostname", address: "a.example" },
        { type: "InternalIP", address: "10.0.0.1" },
      ],
      capacity: { cpu: "4", memory: "16316412Ki" },
      nodeInfo: { osImage: "Debian 12", kernelVersion: "6.1", containerRuntimeVersion: "docker://20.10.24", kubeletVersion: "0.1.0" },
      containers: { ours: 3, foreign: 1 },
    };
    expect(row("nodes", node("True", { status }))).toMatchObject({
      Roles: "db,edge",
      Version: "0.1.0",
      "Internal-IP": "10.0.0.1",
      "OS-Image": "Debian 12",
      Kernel: "6.1",
      "Container-Runtime": "docker://20.10.24",
      CPU: "4",
      Memory: "15.6Gi",
      Containers: "3+1",
    });
    expect(row("nodes", node(undefined))).toMatchObject({ Version: "<none>", "Internal-IP": "<none>", Containers: "<none>" });
  });
});

describe("other kinds", () => {
  const event: Event = {
    apiVersion: "v1",
    kind: "Event",
    metadata: meta("e1"),
    involvedObject: { kind: "Pod", name: "shop-web-0" },
    type: "Normal",
    reason: "Healed",
    message: "created again\n",
    count: 3,
    source: { component: "agent", host: "node-a" },
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:59:30Z",
  };

  it("an event says when it last happened", () => {
    expect(row("events", event)).toEqual({
      "Last Seen": "30s",
      Type: "Normal",
      Reason: "Healed",
      Object: "pod/shop-web-0",
      Subobject: "",
      Source: "agent, node-a",
      Message: "created again",
      "First Seen": "60m",
      Count: 3,
      Name: "e1",
    });
  });

  it("an event of the newer form has one time", () => {
    const { firstTimestamp: _first, lastTimestamp: _last, ...rest } = event;
    const times = row("events", { ...rest, eventTime: "2026-01-01T00:58:00.000000Z" } as Event);
    expect(times).toMatchObject({ "Last Seen": "2m", "First Seen": "2m" });
  });

  it.each([
    { resource: "namespaces", object: { status: { phase: "Active" } }, want: { Status: "Active", Age: "60m" } },
    { resource: "namespaces", object: {}, want: { Status: "Active" } },
    { resource: "configmaps", object: { data: { a: "1" }, binaryData: { b: "Mg==" } }, want: { Data: 2 } },
    { resource: "secrets", object: { type: "Opaque", data: { a: "MQ==" } }, want: { Type: "Opaque", Data: 1 } },
  ])("$resource: $want", ({ resource, object, want }) => {
    expect(row(resource, { apiVersion: "v1", kind: "K", metadata: meta("x"), ...object })).toMatchObject(want);
  });
});

describe("tableOf", () => {
  const one = stack();
  const table = (options = {}) => tableOf(kind("stacks"), [one], NOW, options);

  it("carries the metadata, the object or nothing", () => {
    expect(table().rows[0]?.object).toEqual({ kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: one.metadata });
    expect(table({ includeObject: "Object" }).rows[0]?.object).toBe(one);
    expect(table({ includeObject: "None" }).rows[0]).not.toHaveProperty("object");
  });

  it("has the version of the list, or of the one object", () => {
    expect(table().metadata).toEqual({ resourceVersion: "7" });
    expect(table({ metadata: { resourceVersion: "9", continue: "c" } }).metadata).toEqual({ resourceVersion: "9", continue: "c" });
    expect(tableOf(kind("stacks"), [one, one], NOW).metadata).toEqual({});
  });

  it("repeats no columns in a watch", () => {
    expect(table({ columns: false }).columnDefinitions).toBeNull();
    expect(bookmarkTable({ resourceVersion: "12" })).toMatchObject({
      columnDefinitions: null,
      rows: [{ cells: [], object: { kind: "PartialObjectMetadata", metadata: { resourceVersion: "12" } } }],
    });
  });

  it("speaks the version that was asked for", () => {
    expect(table({ version: "v1beta1" })).toMatchObject({
      apiVersion: "meta.k8s.io/v1beta1",
      rows: [{ object: { apiVersion: "meta.k8s.io/v1beta1" } }],
    });
  });

  it("knows the words of includeObject", () => {
    expect(["", undefined, "None", "Metadata", "Object", "object"].map(includeObjectOf)).toEqual([
      "Metadata",
      "Metadata",
      "None",
      "Metadata",
      "Object",
      undefined,
    ]);
  });

  it("falls back to name and age", () => {
    const { table: _table, ...bare } = kind("stacks");
    expect(tableOf(bare, [one], NOW).rows[0]?.cells).toEqual(["shop", "60m"]);
  });
});
