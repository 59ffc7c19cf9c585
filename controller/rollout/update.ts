// Pods that hold their slot but are not what they shall be: changed in place where Docker can, else replaced one at a time.
import type { DesiredPod } from "../../schemas/fleet.ts";
import { canonicalJson } from "../canonical.ts";
import type { PodView } from "../model.ts";
import { settingsOf } from "../compile.ts";
import { bySlot } from "../pods.ts";
import { restartAfter } from "./restarts.ts";
import { prepareNext } from "./prepare.ts";
import { seatFor } from "./seats.ts";
import type { ServiceDraft } from "./service.ts";
import type { PodDraft } from "./types.ts";

/** @param kept by slot */
export const changeInPlace = (
  own: ServiceDraft,
  kept: ReadonlyMap<string, PodView>,
  as: (pod: PodDraft) => PodDraft = (pod) => pod,
): void => {
  const { draft, service } = own;
  // Nothing live depends on the slot.
  const live = liveParts(as(own.podFor("")));
  for (const [slot, pod] of kept) {
    if (own.isOutdated(pod) || own.isOfOtherTemplate(pod)) continue;
    const after = restartAfter(own, pod);
    const changed = live !== liveParts(pod.desired) || after !== pod.desired.restartAfter;
    // Nothing comes next any more: the stack has returned to what runs.
    if (!changed && !own.mustBeTold(pod) && !pod.desired.next) continue;
    const next = as(own.podFor(slot));
    const { name, uid, createdAt } = pod.desired;
    const desired: DesiredPod = {
      ...next,
      container: { ...next.container },
      name,
      uid,
      createdAt,
      ...(after ? { restartAfter: after } : {}),
    };
    draft.steps.push({
      type: "updateInPlace",
      pod,
      desired,
      reason: changed
        ? `limits, restart policy, labels, dependencies or settings of networks and volumes, or pull secrets, of ${service.name} changed`
        : pod.desired.next
          ? "nothing comes next any more"
          : "it runs the bits that the other pods of its template run",
    });
  }
};

/**
 * Takes the next outdated pod away; its successor comes when it is gone.
 * @param kept the live pods that hold the service's slots
 * @param inFlight what is on its way already, in words
 */
export const replaceOutdated = (own: ServiceDraft, kept: readonly PodView[], inFlight: string | undefined): void => {
  const { draft, service } = own;
  const outdated = kept.filter((p) => own.isOutdated(p) && !own.isExcused(p));
  if (outdated.length === 0) return;
  const waitForPods = (what: string): void =>
    draft.waitFor(service, { reason: "WaitingForPods", message: `the next pod is replaced one at a time: waiting for ${what}` });

  // Where none is ready there is nothing to protect: all go at once, and a fix waits for nothing broken.
  const noneReady = !kept.some((p) => draft.isReady(p));
  if (!noneReady && inFlight !== undefined) return waitForPods(inFlight);
  for (const pod of firstToGo(own, outdated)) {
    const unready = kept.find((p) => p !== pod && !draft.isReady(p) && !own.isExcused(p));
    if (draft.isReady(pod) && unready) return waitForPods(`${unready.desired.name} on ${unready.node} to be ready`);
    // Nothing is taken away that could not come back.
    const seat = seatFor(own, pod.desired.slot, pod);
    if (!("node" in seat)) {
      draft.waitFor(service, seat);
      continue;
    }
    const hold = draft.isReady(pod) && seat.node === pod.node ? prepareNext(own, pod) : undefined;
    if (hold) return draft.waitFor(service, hold);
    draft.remove(pod, replacedBecause(own, pod, seat.node));
    if (!noneReady) return;
  }
};

/** Those that serve nobody come first, and of them those that a node can still stop. */
const firstToGo = (own: ServiceDraft, pods: readonly PodView[]): PodView[] =>
  pods.toSorted(
    (a, b) =>
      Number(own.draft.isReady(a)) - Number(own.draft.isReady(b)) ||
      Number(own.isLost(a)) - Number(own.isLost(b)) ||
      bySlot(a.desired.slot, b.desired.slot),
  );

const replacedBecause = (own: ServiceDraft, pod: PodView, node: string): string =>
  own.isMisplaced(pod) && !own.isOfOtherTemplate(pod) ? `it belongs on ${node}` : `replaced by revision ${own.draft.input.revision}`;

const liveText = new WeakMap<object, string>();
/** Live changes: what is written into a desired pod that stays. Remembered, since a pod is looked at whenever one of its stack reports. */
const liveParts = (d: PodDraft | DesiredPod): string => {
  const known = liveText.get(d);
  if (known !== undefined) return known;
  const { limits, restart } = d.container;
  const text = canonicalJson({
    limits,
    restart,
    settings: settingsOf(d.container),
    labels: d.labels,
    dependsOn: d.dependsOn,
    pulls: d.pullSecrets,
    unhealthy: d.unhealthy,
  });
  liveText.set(d, text);
  return text;
};
