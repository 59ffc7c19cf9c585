// What state a pod is in, in the planners' eyes. Pure; the agent's words come in as they are.
import type { NodeView, PodView } from "./model.ts";

export type Nodes = ReadonlyMap<string, NodeView>;

/**
 * `live`: shall run. `going`: told to go, its node has not yet said that it is gone. `gone`: nothing of it is left (the node said Removed),
 * or its Node object was deleted, which is a person's word that nothing there counts any more.
 */
export type PodState = "live" | "going" | "gone";

export const stateOf = (pod: PodView, nodes: Nodes): PodState => {
  if (!nodes.has(pod.node)) return "gone";
  if (pod.desired.deletionTimestamp === undefined) return "live";
  return pod.observed?.phase === "Removed" ? "gone" : "going";
};

/** Runs (and is healthy where there is a check), or ran once and succeeded; and its node is there to say so. */
export const isReady = (pod: PodView, nodes: Nodes): boolean =>
  pod.desired.deletionTimestamp === undefined &&
  nodes.get(pod.node)?.ready === true &&
  pod.observed !== undefined &&
  (pod.observed.ready || pod.observed.phase === "Succeeded");

/** The node no longer answers for it. */
export const isLost = (pod: PodView, nodes: Nodes): boolean => nodes.get(pod.node)?.ready !== true;

/** The agent has answered what was last written, so that a change in place has arrived. What comes next changes nothing about it. */
export const isAnswered = (pod: PodView): boolean =>
  pod.observed !== undefined && (pod.observed.desiredRevision >= pod.mod || pod.desired.next !== undefined);

/** Something is wrong with it, other than that it is not there yet. */
export const isFailing = (pod: PodView): boolean => {
  const o = pod.observed;
  if (!o || o.ready || o.phase === "Succeeded") return false;
  return (
    o.phase === "Failed" ||
    o.health === "unhealthy" ||
    o.state === "restarting" ||
    o.state === "dead" ||
    // It runs for a moment, between two crashes.
    o.reason === "CrashLoopBackOff" ||
    o.lastError !== undefined ||
    o.nextRetryAt !== undefined
  );
};

/** Slots as numbers where they are numbers, else by name. */
export const bySlot = (a: string, b: string): number => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? (a < b ? -1 : a > b ? 1 : 0) : x - y;
};
