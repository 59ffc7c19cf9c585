// The slots of one service: which there shall be, who holds each, and a new pod for the empty ones.
import { byName, type CompiledService, type PodView } from "../model.ts";
import { closedBy, mayStay } from "../place.ts";
import type { PlanDraft } from "./draft.ts";
import { seatFor } from "./seats.ts";
import type { ServiceDraft } from "./service.ts";

export interface FilledSlots {
  /** By slot: the live pod that holds it. */
  kept: Map<string, PodView>;
  /** What is on its way, in words: the next replacement waits for it. */
  inFlight: string | undefined;
}

/** Numbers for replicas, names of nodes for a global service. */
export const wantedSlots = (draft: PlanDraft, service: CompiledService): string[] => {
  if (service.job) return jobSlots(draft, service);
  if (service.mode === "replicated") return Array.from({ length: service.replicas }, (_, i) => String(i));
  const holds = (p: PodView): boolean => p.desired.service === service.name && p.desired.slot === p.node;
  const occupied = new Set(
    draft
      .livePods()
      .filter(holds)
      .map((p) => p.node),
  );
  // Nodes that take no new pods keep the one they have.
  return [...draft.input.nodes.values()]
    .filter((n) => mayStay(n, service.constraints) && (occupied.has(n.name) || (n.ready && closedBy(n) === undefined)))
    .map((n) => n.name)
    .toSorted(byName);
};

const jobSlots = (draft: PlanDraft, { name }: CompiledService): string[] =>
  draft.input.jobs?.get(name)?.runs.flatMap((run) => run.slots) ??
  draft.livePods().flatMap((p) => (p.desired.service === name ? [p.desired.slot] : []));

/** Leaves at most one live pod in each slot and makes one where there is none, as soon as its predecessor is gone. */
export const fillSlots = (own: ServiceDraft): FilledSlots => {
  const { draft, service } = own;
  const wanted = draft.slots.get(service.name) ?? [];
  const mine = draft.pods().filter((p) => p.desired.service === service.name);
  const kept = new Map<string, PodView>();
  let inFlight: string | undefined;
  for (const slot of wanted) {
    const here = mine.filter((p) => p.desired.slot === slot);
    const keep = keepOne(own, here);
    if (keep) kept.set(slot, keep);
    const going = here.find((p) => draft.stateOf(p) === "going");
    const gone = here.filter((p) => draft.stateOf(p) === "gone");
    // Those that are gone are forgotten at once, unless the next pod of the slot is written in the same commit.
    if (keep ?? going) for (const pod of gone) draft.finalize(pod);
    const awaited = keep ? toBeReady(own, keep) : going ? toStop(own, going) : fill(own, slot, gone);
    inFlight ??= awaited;
  }
  return { kept, inFlight };
};

/** The one live pod that keeps the slot: rather a ready one, rather an up-to-date one. The others are told to go. */
export const keepOne = (own: ServiceDraft, here: readonly PodView[]): PodView | undefined => {
  const { draft } = own;
  const [keep, ...twins] = here
    .filter((p) => draft.isLive(p))
    .toSorted(
      (a, b) =>
        Number(draft.isReady(b)) - Number(draft.isReady(a)) ||
        Number(own.isOutdated(a)) - Number(own.isOutdated(b)) ||
        byName(a.desired.name, b.desired.name),
    );
  for (const twin of twins) draft.remove(twin, `${keep?.desired.name} has this slot already`);
  return keep;
};

/** An outdated pod is not waited for: it is to be replaced itself. */
const toBeReady = (own: ServiceDraft, pod: PodView): string | undefined =>
  own.isExcused(pod) || own.draft.isReady(pod) || own.isOutdated(pod) ? undefined : `${pod.desired.name} on ${pod.node} to be ready`;

export const toStop = (own: ServiceDraft, pod: PodView): string | undefined => {
  if (own.isExcused(pod)) return undefined;
  const { node, desired } = pod;
  if (own.isLost(pod)) {
    // It may still run there, so its slot cannot be filled elsewhere: only a person knows.
    const message = `${desired.name} cannot be stopped: node ${node} does not respond; bring it back, or delete the node to give it up`;
    own.draft.waitFor(own.service, { reason: "NodeNotResponding", message });
  }
  return `${desired.name} on ${node} to stop`;
};

export const fill = (own: ServiceDraft, slot: string, gone: readonly PodView[]): string | undefined => {
  const { draft, service } = own;
  const ready = gone.find((p) => p.desired.next?.templateHash === service.templateHash);
  const seat = seatFor(own, slot, undefined, ready?.node);
  if (!("node" in seat)) {
    for (const pod of gone) draft.finalize(pod);
    draft.waitFor(service, seat);
    // What cannot be placed must not hold up the rest: the change may be what makes it fit.
    return seat.reason === "WaitingForDependency" ? `slot ${slot}, which ${seat.message}` : undefined;
  }
  const pod = own.podFor(slot);
  draft.create(pod, seat.node, gone);
  // From its first pod on, a volume of a group is where that pod is.
  for (const m of pod.container.mounts) {
    if (service.group && m.type === "volume" && m.volume) draft.volumes[m.volume.key] ??= { node: seat.node };
  }
  return `slot ${slot}, which is just being created`;
};
