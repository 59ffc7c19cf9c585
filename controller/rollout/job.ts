// The pods of a job: each slot runs to its end, so many at once, and what has ended is left for its logs.
import { hasEnded } from "../jobs/runs.ts";
import type { JobPlan, RunPlan } from "../jobs/types.ts";
import type { PodView } from "../model.ts";
import type { ServiceDraft } from "./service.ts";
import { fill, keepOne, toStop } from "./slots.ts";
import type { PodDraft } from "./types.ts";
import { changeInPlace } from "./update.ts";

/** A job that has failed is not tried again: what runs still, runs for the last time. */
const lastTry = (pod: PodDraft): PodDraft => ({ ...pod, container: { ...pod.container, restart: { policy: "no" } } });

export const planJobService = (own: ServiceDraft, plan: JobPlan): void => {
  const { target, draft, service } = own;
  if (target && "pin" in target && target.note) draft.waitFor(service, { reason: "Unplaceable", message: target.note });
  for (const run of plan.runs) planRun(own, run);
};

/** A reason to take away a pod that is still to end; of one that has ended there is none but another template. */
const unfit = (own: ServiceDraft, run: RunPlan, pod: PodView): string | undefined => {
  // A schedule's new template is for what starts from now on.
  if (run.prefix === "" && own.isOfOtherTemplate(pod))
    return own.service.paused ? undefined : `replaced by revision ${own.draft.input.revision}`;
  return !hasEnded(pod) && own.isMisplaced(pod) && !own.isLost(pod) ? "it belongs on another node" : undefined;
};

const planRun = (own: ServiceDraft, run: RunPlan): void => {
  const { draft, service } = own;
  const open = run.status.state === "Running";
  const limit = service.job?.parallelism || Number.POSITIVE_INFINITY;
  const running = new Map<string, PodView>();
  const empty: { slot: string; gone: PodView[] }[] = [];
  let active = 0;
  for (const slot of run.slots) {
    for (const pod of draft.livePods()) {
      if (pod.desired.service !== service.name || pod.desired.slot !== slot) continue;
      const reason = unfit(own, run, pod);
      if (reason !== undefined) draft.remove(pod, reason);
    }
    const here = draft.pods().filter((p) => p.desired.service === service.name && p.desired.slot === slot);
    const keep = keepOne(own, here);
    const going = here.find((p) => draft.stateOf(p) === "going");
    const gone = here.filter((p) => draft.stateOf(p) === "gone");
    const wanted = open && !run.succeeded.has(slot);
    if (keep && !hasEnded(keep)) running.set(slot, keep);
    if ((keep && !hasEnded(keep)) || (!keep && going)) active += 1;
    if (!keep && going && wanted) toStop(own, going);
    if (!keep && !going && wanted) empty.push({ slot, gone });
    else for (const pod of gone) draft.finalize(pod);
  }
  changeInPlace(own, running, run.status.state === "Failed" ? lastTry : undefined);
  for (const { slot, gone } of empty) {
    if (active >= limit) {
      for (const pod of gone) draft.finalize(pod);
      continue;
    }
    // What cannot be placed yet is waited for, and takes nobody's place.
    const before = draft.waits.get(service.name);
    fill(own, slot, gone);
    if (draft.waits.get(service.name) === before) active += 1;
  }
};
