// From what there is to what there shall be: the next steps, each with its reason. Pure.
// Stop-first, one pod at a time per service: a ready pod is only taken away while all others of its service are ready.
import { PlanDraft } from "./draft.ts";
import { removeRequestedAndVanished, removeSurplus } from "./removals.ts";
import { planJobService } from "./job.ts";
import { settleGroups } from "./seats.ts";
import { ServiceDraft } from "./service.ts";
import { fillSlots, wantedSlots } from "./slots.ts";
import type { RolloutInput, RolloutPlan } from "./types.ts";
import { changeInPlace, replaceOutdated } from "./update.ts";

export const planRollout = (input: RolloutInput): RolloutPlan => {
  const draft = new PlanDraft(input);
  const { services } = input.compiled;

  // What must go is told so first: groups settle, and updates are counted, among the pods that stay.
  removeRequestedAndVanished(draft);
  for (const service of services) draft.slots.set(service.name, wantedSlots(draft, service));
  removeSurplus(draft);

  const targets = settleGroups(draft);
  for (const service of services) {
    const target = service.group === undefined ? undefined : targets.get(service.group);
    const job = service.job && input.jobs?.get(service.name);
    if (job) planJobService(new ServiceDraft(draft, service, target), job);
    // Without a plan its pods are left as they are.
    else if (!service.job) planService(new ServiceDraft(draft, service, target));
  }
  const { steps, waits, slots, volumes } = draft;
  return { steps, waits, slots, volumes };
};

/** Empty slots before updates: a service is made whole before one of its pods is taken away. */
const planService = (own: ServiceDraft): void => {
  const { target, draft, service } = own;
  if (target && "pin" in target && target.note) draft.waitFor(service, { reason: "Unplaceable", message: target.note });
  const { kept, inFlight } = fillSlots(own);
  changeInPlace(own, kept);
  replaceOutdated(own, [...kept.values()], inFlight);
};
