// A Stack that is being deleted: every pod is told to go, forgotten when it is gone, and then the finalizer goes. Pure.
import type { PodView } from "../model.ts";
import { type Nodes, stateOf } from "../pods.ts";
import type { Step } from "../rollout/types.ts";

/**
 * @param removeVolumes the user consented (`x-steadfleet: {reclaim: Delete}`)
 * @returns `done`: nothing is left, so that the finalizer may go
 */
export const planDeletion = (pods: readonly PodView[], nodes: Nodes, removeVolumes: boolean): { steps: Step[]; done: boolean } => {
  const steps = pods.flatMap((pod): Step[] => {
    const state = stateOf(pod, nodes);
    if (state === "gone") return [{ type: "finalize", pod, reason: "its stack is deleted" }];
    // A pod that is already going learns of the consent, too, or its volumes would stay.
    if (state === "live" || (removeVolumes && pod.desired.removeVolumes !== true)) {
      return [{ type: "markDeleted", pod, reason: "its stack is deleted", ...(removeVolumes ? { removeVolumes } : {}) }];
    }
    return [];
  });
  return { steps, done: pods.length === 0 };
};
