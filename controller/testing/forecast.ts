// Worlds that a Stack was rolled out in, for tests of what a change of it would do.
import type { NodeInfo } from "../../schemas/fleet.ts";
import type { Stack } from "../../schemas/types.ts";
import { type Forecast, forecast, type Snapshot } from "../forecast/plan.ts";
import { simulate } from "../forecast/simulate.ts";
import type { PodView } from "../model.ts";
import type { NodeParts } from "../place-view.ts";
import { compileStack } from "../stacks/compile.ts";

const NOW = Date.parse("2026-01-01T00:00:00.000Z");
const info: NodeInfo = {
  hostname: "",
  addresses: [],
  os: "linux",
  arch: "amd64",
  osImage: "",
  kernelVersion: "",
  engineVersion: "20.10.24",
  engineApiVersion: "1.41",
  agentVersion: "1",
  cpus: 2,
  memoryBytes: 1,
  disk: { totalBytes: 1, freeBytes: 1 },
  labels: {},
  containers: { ours: 0, foreign: 0 },
  conditions: [{ type: "Ready", status: "True", reason: "Ready", message: "", since: "2026-01-01T00:00:00.000Z" }],
};
export const aNode = (
  name: string,
  o: { unschedulable?: boolean; session?: boolean; labels?: Record<string, string> } = {},
): [string, NodeParts] => [
  name,
  {
    object: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z", labels: o.labels ?? {} },
      spec: o.unschedulable ? { unschedulable: true } : {},
    },
    info: { value: { ...info, hostname: name }, mod: 1 },
    ...(o.session === false
      ? {}
      : { session: { value: { nonce: "n", hostname: name, pid: 1, startedAt: "2026-01-01T00:00:00.000Z" }, mod: 1 } }),
  },
];

export type Spec = Stack["spec"];
const aStack = (spec: Spec, uid = "u1"): Stack => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name: "shop", namespace: "default", uid, generation: 1, resourceVersion: "7", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec,
});

/** The world once `spec` has been rolled out. */
export const rolledOut = (spec: Spec, nodes: [string, NodeParts][]): { stored: Stack; world: Snapshot } => {
  const world = { nodes: new Map(nodes), pods: [] as PodView[] };
  const stack = aStack(spec);
  const run = simulate({
    stack,
    compile: () => compileStack(stack),
    running: undefined,
    history: [],
    world,
    deletions: new Set(),
    nowMs: NOW,
  });
  const stored = run.last.stack as Stack;
  // A simulation calls its pods by its own names.
  const pods = run.pods.map((p) => {
    const uid = `uid-${p.desired.name}`;
    return { ...p, desired: { ...p.desired, uid }, ...(p.observed ? { observed: { ...p.observed, uid } } : {}) };
  });
  return { stored, world: { nodes: world.nodes, pods } };
};

export const planned = (stored: Stack | undefined, next: Spec, world: Snapshot): Forecast => {
  const result = forecast({
    next: aStack(next, stored?.metadata.uid ?? ""),
    stored,
    world,
    revisions: [],
    deletions: new Set(),
    nowMs: NOW,
  });
  if ("invalid" in result) throw new Error(result.invalid.join());
  return result;
};
