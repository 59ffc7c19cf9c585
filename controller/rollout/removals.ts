// What must go, whatever else is true.
import { byName, type PodView } from "../model.ts";
import { withoutRun } from "../jobs/slots.ts";
import { expelledBy } from "../place.ts";
import { bySlot } from "../pods.ts";
import type { PlanDraft } from "./draft.ts";

/** Live pods that somebody asked to delete, or that their node no longer has: their slots are filled anew. */
export const removeRequestedAndVanished = (draft: PlanDraft): void => {
  for (const pod of draft.livePods()) {
    if (draft.input.deletions?.has(pod.desired.uid)) draft.remove(pod, "deleted by request");
    else if (pod.observed?.phase === "Removed") draft.remove(pod, "its node reports that it is gone");
  }
};

/** Pods in slots that nobody wants. Those that are not ready go first, then the highest slots. */
export const removeSurplus = (draft: PlanDraft): void => {
  const surplus = draft.input.pods.flatMap((pod) => {
    const reason = unwanted(draft, pod);
    return reason === undefined ? [] : [{ pod, reason }];
  });
  const inOrder = surplus.toSorted(
    ({ pod: a }, { pod: b }) =>
      Number(draft.isReady(a)) - Number(draft.isReady(b)) ||
      bySlot(b.desired.slot, a.desired.slot) ||
      byName(a.desired.name, b.desired.name),
  );
  for (const { pod, reason } of inOrder) draft.remove(pod, reason);
};

/** Why nobody wants the pod's slot; undefined when somebody does. */
const unwanted = (draft: PlanDraft, { node, desired }: PodView): string | undefined => {
  const service = draft.services.get(desired.service);
  if (!service) return `service ${desired.service} is not in the stack any more`;
  const { name, mode, replicas } = service;
  if (mode === "global" && withoutRun(service, desired.slot) !== node)
    return `${name} runs once on each node, and this slot is another node's`;
  if (draft.slots.get(name)?.includes(desired.slot)) return undefined;
  if (service.job?.schedule) return `its run of ${name} is not kept any more`;
  if (mode === "replicated") return `${name} is scaled to ${replicas}`;
  const there = draft.input.nodes.get(node);
  return `node ${node} ${(there && expelledBy(there) && `is ${expelledBy(there)}`) ?? `does not fit the constraints of ${name} any more`}`;
};
