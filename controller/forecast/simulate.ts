// Runs the controller's planner to the end, on a copy of the world in which every node does at once what it is told. Pure.
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import type { Stack } from "../../schemas/types.ts";
import { isJob } from "../../schemas/views/template.ts";
import { parseNodeKey } from "../../store/keys.ts";
import type { NodeView, PodView } from "../model.ts";
import { type NodeParts, nodeView } from "../place-view.ts";
import { isFailing, isReady } from "../pods.ts";
import type { Step } from "../rollout/types.ts";
import { changesOf } from "../stacks/changes.ts";
import { type StackInput, type StackPlan, planStack } from "../stacks/plan.ts";

/** The fleet at one moment. */
export interface Snapshot {
  /** By name; also those without a Node object. */
  nodes: ReadonlyMap<string, NodeParts>;
  /** Of all stacks. */
  pods: readonly PodView[];
}

export interface Round {
  steps: readonly Step[];
  /** By service: pods that are ready once the steps are told, before anything new is. */
  ready: ReadonlyMap<string, number>;
}

export interface Run {
  rounds: Round[];
  /** The Stack's own pods in the end. */
  pods: readonly PodView[];
  /** The last plan: what it waits for. */
  last: StackPlan;
  /** It went on for longer than anybody looks at. */
  cut: boolean;
}

export type SimulationInput = Omit<StackInput, "pods" | "nodes"> & { world: Snapshot };

/** A thousand replicas, one at a time, are all the same. */
const MAX_ROUNDS = 250;

export const simulate = ({ world, ...input }: SimulationInput): Run => {
  const { namespace = "default", name, uid } = input.stack.metadata;
  const isOwn = (p: PodView): boolean => p.desired.stack === name && p.desired.namespace === namespace && p.desired.stackUid === uid;
  const others = byNode(world.pods.filter((p) => !isOwn(p)));
  const viewsOf = (own: readonly PodView[]): Map<string, NodeView> => {
    const mine = byNode(own);
    const views = new Map<string, NodeView>();
    for (const [node, parts] of world.nodes) {
      const view = nodeView(
        node,
        parts,
        [...(others.get(node) ?? []), ...(mine.get(node) ?? [])].map((p) => p.desired),
      );
      if (view) views.set(node, view);
    }
    return views;
  };

  let clock = Math.max(0, ...world.pods.map((p) => p.mod));
  let stack: Stack = input.stack;
  let serial = 0;
  const stamp = { now: new Date(input.nowMs).toISOString(), uid: () => `planned-${++serial}` };
  let nodes = viewsOf(world.pods.filter(isOwn));
  let pods = settled(world.pods.filter(isOwn), nodes, stack);
  const rounds: Round[] = [];
  for (;;) {
    const plan = planStack({ ...input, stack, pods, nodes });
    if (plan.steps.length === 0 || rounds.length >= MAX_ROUNDS || !plan.stack)
      return { rounds, pods, last: plan, cut: plan.steps.length > 0 };
    stack = plan.stack;
    const told = new Map(pods.map((p) => [`${p.node}/${p.desired.name}`, p]));
    for (const { key, value } of changesOf(plan.steps, pods, input.deletions, stamp).flat()) {
      const where = parseNodeKey(key);
      if (where?.kind !== "desired") continue;
      const id = `${where.node}/${where.pod}`;
      if (value === null) told.delete(id);
      else told.set(id, { ...told.get(id), node: where.node, desired: value as DesiredPod, mod: ++clock });
    }
    nodes = viewsOf([...told.values()]);
    rounds.push({ steps: plan.steps, ready: readyBy([...told.values()], nodes) });
    pods = settled([...told.values()], nodes, stack);
  }
};

const byNode = (pods: readonly PodView[]): Map<string, PodView[]> => {
  const groups = new Map<string, PodView[]>();
  for (const pod of pods) groups.set(pod.node, [...(groups.get(pod.node) ?? []), pod]);
  return groups;
};

const readyBy = (pods: readonly PodView[], nodes: ReadonlyMap<string, NodeView>): Map<string, number> => {
  const ready = new Map<string, number>();
  for (const p of pods) if (isReady(p, nodes)) ready.set(p.desired.service, (ready.get(p.desired.service) ?? 0) + 1);
  return ready;
};

/** What the nodes answer. Those that do not respond answer nothing, and what fails today fails on. */
const settled = (pods: readonly PodView[], nodes: ReadonlyMap<string, NodeView>, stack: Stack): PodView[] => {
  const ending = new Set(
    pods.flatMap((p) => p.desired.dependsOn).flatMap((d) => (d.condition === "service_completed_successfully" ? [d.service] : [])),
  );
  return pods.map((pod) => {
    const { desired, observed } = pod;
    if (nodes.get(pod.node)?.ready !== true) return pod;
    const mine = observed?.uid === desired.uid ? observed : undefined;
    if (mine && mine.desiredRevision >= pod.mod && (isFailing(pod) || (mine.ready && !desired.deletionTimestamp && !desired.next)))
      return pod;
    return { ...pod, observed: answer(pod, mine, ending.has(desired.service) || endsByItself(desired.service, stack)) };
  });
};

const endsByItself = (service: string, stack: Stack): boolean => isJob(stack.spec.services?.[service] ?? {});

const answer = ({ desired, mod }: PodView, before: ObservedPod | undefined, ends: boolean): ObservedPod => {
  const gone = desired.deletionTimestamp !== undefined;
  const {
    lastError: _e,
    nextRetryAt: _n,
    reason: _r,
    message: _m,
    ...kept
  } = before ?? {
    restarts: 0,
    notes: [],
    since: desired.createdAt,
    startedAt: desired.createdAt,
    containerId: desired.uid,
  };
  return {
    ...kept,
    uid: desired.uid,
    desiredRevision: mod,
    inSync: true,
    phase: gone ? "Removed" : ends ? "Succeeded" : "Running",
    state: gone ? "absent" : ends ? "exited" : "running",
    ready: !gone && !ends,
    ...(ends ? { exitCode: 0 } : {}),
    ...(desired.next ? { prepared: { templateHash: desired.next.templateHash, ready: true } } : {}),
  };
};
