// Pods whose Stack is gone, or was replaced by another of the same name. Pure. What is only observed is the agent's to clear.
import type { PodView } from "../model.ts";
import { type Nodes, stateOf } from "../pods.ts";
import type { Step } from "../rollout/types.ts";

/**
 * @param pods all pods under one stack's name
 * @param uid of the Stack of that name; undefined when there is none
 */
export const planStrays = (pods: readonly PodView[], uid: string | undefined, nodes: Nodes): Step[] =>
  pods
    .filter((p) => p.desired.stackUid !== uid)
    .flatMap((pod): Step[] => {
      const reason =
        uid === undefined ? `stack ${pod.desired.stack} does not exist any more` : `stack ${pod.desired.stack} was deleted and made anew`;
      const state = stateOf(pod, nodes);
      if (state === "gone") return [{ type: "finalize", pod, reason }];
      return state === "live" ? [{ type: "markDeleted", pod, reason }] : [];
    });
