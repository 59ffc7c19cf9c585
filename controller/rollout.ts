// From what there is to what there shall be: the next steps, each with its reason. Pure.
// Stop-first, one pod at a time per service: a ready pod is only taken away while all others of its service are ready.
import { LABELS } from "../schemas/constants.ts";
import type { DesiredPod } from "../schemas/fleet.ts";
import { canonicalJson } from "./canonical.ts";
import { dependencyHold } from "./depends.ts";
import { type GroupTarget, groupTarget } from "./groups.ts";
import {
  byName,
  type CompiledService,
  type CompiledStack,
  type NodeView,
  type PodView,
  type StackRef,
  stackKeyOf,
  type Volumes,
} from "./model.ts";
import { mayStay, type Pin, place, type PlacementRequest, type Tally } from "./place.ts";
import { bySlot, isLost, isReady, type PodState, stateOf } from "./pods.ts";

/** A pod to be made; its uid and time of creation come from who carries the plan out. */
export type PodDraft = Omit<DesiredPod, "uid" | "createdAt" | "name">;

export type Step =
  | { type: "create"; node: string; pod: PodDraft; reason: string }
  /** In one commit: the pod that is gone is forgotten and its successor written. */
  | { type: "replace"; removed: PodView; node: string; pod: PodDraft; reason: string }
  | { type: "markDeleted"; pod: PodView; reason: string; removeVolumes?: boolean }
  | { type: "updateInPlace"; pod: PodView; desired: DesiredPod; reason: string }
  /** The pod is gone: forget it. */
  | { type: "finalize"; pod: PodView; reason: string };

/** What a service is waiting for. `Unplaceable` needs a person, or a node. */
export interface Wait {
  reason: "Unplaceable" | "WaitingForDependency" | "WaitingForPods" | "NodeNotResponding";
  message: string;
}

export interface RolloutInput {
  stack: StackRef;
  compiled: CompiledStack;
  /** Number of the revision that `compiled` is. */
  revision: number;
  /** All of this Stack's. */
  pods: readonly PodView[];
  /** Every node that has a Node object. */
  nodes: ReadonlyMap<string, NodeView>;
  /** Where the named volumes are, as the Stack's status remembers. */
  volumes: Volumes;
  /** Uids of pods that somebody asked to delete. */
  deletions?: ReadonlySet<string>;
}

export interface RolloutPlan {
  steps: Step[];
  /** By service. */
  waits: Map<string, Wait>;
  /** By service: the slots that shall be filled. */
  slots: Map<string, readonly string[]>;
  volumes: Volumes;
}

const liveText = new WeakMap<object, string>();
/** Live changes: what is written into a desired pod that stays. Remembered, since a pod is looked at whenever one of its stack reports. */
const liveParts = (d: PodDraft | DesiredPod): string => {
  const known = liveText.get(d);
  if (known !== undefined) return known;
  const text = canonicalJson({ limits: d.container.limits, restart: d.container.restart, labels: d.labels, dependsOn: d.dependsOn });
  liveText.set(d, text);
  return text;
};

export const planRollout = (input: RolloutInput): RolloutPlan => {
  const { stack, compiled, nodes } = input;
  const key = stackKeyOf(stack);
  const services = new Map(compiled.services.map((s) => [s.name, s]));
  const steps: Step[] = [];
  const waits = new Map<string, Wait>();
  const slots = new Map<string, readonly string[]>();
  const volumes: Record<string, { node: string }> = {};
  const state = new Map<PodView, PodState>(input.pods.map((p) => [p, stateOf(p, nodes)]));
  const placed: { node: string; service: string; draft: PodDraft }[] = [];
  const isLive = (p: PodView): boolean => state.get(p) === "live";
  const ready = (p: PodView): boolean => isReady(p, nodes);

  const remove = (pod: PodView, reason: string): void => {
    if (state.get(pod) === "live") {
      steps.push({ type: "markDeleted", pod, reason });
      state.set(pod, "going");
    } else if (state.get(pod) === "gone") finalize(pod);
  };
  const finalize = (pod: PodView): void => {
    steps.push({ type: "finalize", pod, reason: goneReason(pod) });
    state.delete(pod);
  };
  const goneReason = (pod: PodView): string =>
    nodes.has(pod.node) ? (pod.desired.deletionReason ?? "it was removed") : `node ${pod.node} was deleted`;

  /** The nodes as they will be when this plan is carried out, `without` one pod. */
  const tallyFor = (names: readonly string[], without?: PodView): Tally => {
    const own = input.pods.filter((p) => state.has(p) && p !== without && state.get(p) !== "gone");
    const ownNames = new Set(own.map((p) => p.desired.name));
    return {
      ofService: (node) =>
        own.filter((p) => p.node === node && isLive(p) && names.includes(p.desired.service)).length +
        placed.filter((p) => p.node === node && names.includes(p.service)).length,
      total: (node) => (nodes.get(node)?.pods ?? 0) + placed.filter((p) => p.node === node).length,
      *ports(node) {
        for (const use of nodes.get(node)?.ports ?? []) if (use.stack !== key || ownNames.has(use.pod)) yield use;
        for (const p of placed) {
          if (p.node !== node) continue;
          for (const { published, protocol, hostIp } of p.draft.container.ports) {
            if (published !== undefined)
              yield { published, protocol, ...(hostIp ? { hostIp } : {}), stack: key, pod: `${p.service}-${p.draft.slot}` };
          }
        }
      },
    };
  };

  const draftOf = (s: CompiledService, slot: string): PodDraft => ({
    namespace: stack.namespace,
    stack: stack.name,
    stackUid: stack.uid,
    stackGeneration: stack.generation,
    service: s.name,
    slot,
    revision: input.revision,
    templateHash: s.templateHash,
    labels: { ...stack.labels, [LABELS.stack]: stack.name, [LABELS.service]: s.name },
    dependsOn: [...s.dependsOn],
    container: s.container,
  });

  const wantedSlots = (s: CompiledService): string[] => {
    if (s.mode === "replicated") return Array.from({ length: s.replicas }, (_, i) => String(i));
    const occupied = new Set(
      input.pods.filter((p) => p.desired.service === s.name && p.desired.slot === p.node && isLive(p)).map((p) => p.node),
    );
    return [...nodes.values()]
      .filter((n) => mayStay(n, s.constraints) && (occupied.has(n.name) || (n.ready && !n.unschedulable)))
      .map((n) => n.name)
      .toSorted(byName);
  };

  // --- what must go, whatever else is true
  for (const pod of input.pods) {
    if (state.get(pod) !== "live") continue;
    if (input.deletions?.has(pod.desired.uid)) remove(pod, "deleted by request");
    else if (pod.observed?.phase === "Removed") remove(pod, "its node reports that it is gone");
  }
  for (const s of compiled.services) slots.set(s.name, wantedSlots(s));
  const unwanted = (p: PodView): string | undefined => {
    const s = services.get(p.desired.service);
    if (!s) return `service ${p.desired.service} is not in the stack any more`;
    if (s.mode === "global" && p.desired.slot !== p.node) return `${s.name} runs once on each node, and this slot is another node's`;
    if (slots.get(s.name)?.includes(p.desired.slot)) return undefined;
    return s.mode === "global"
      ? `node ${p.node} does not fit the constraints of ${s.name} any more`
      : `${s.name} is scaled to ${s.replicas}`;
  };
  const surplus = input.pods
    .flatMap((pod) => {
      const why = unwanted(pod);
      return why === undefined ? [] : [{ pod, why }];
    })
    .toSorted(
      (a, b) =>
        Number(ready(a.pod)) - Number(ready(b.pod)) ||
        bySlot(b.pod.desired.slot, a.pod.desired.slot) ||
        byName(a.pod.desired.name, b.pod.desired.name),
    );
  for (const { pod, why } of surplus) remove(pod, why);

  // --- groups first decide on their node
  const targets = new Map<string, GroupTarget>();
  for (const group of compiled.groups) {
    const members = compiled.services.filter((s) => group.services.includes(s.name));
    const pods = input.pods.filter((p) => state.has(p) && group.services.includes(p.desired.service));
    const target = groupTarget(
      group,
      members,
      pods.filter(isLive),
      pods.filter((p) => !isLive(p)),
      input.volumes,
      nodes,
      tallyFor(group.services),
    );
    targets.set(group.id, target);
    for (const volume of group.volumes) {
      const known = input.volumes[volume];
      const holder = pods.find(
        (p) => isLive(p) && services.get(p.desired.service)?.container.mounts.some((m) => m.type === "volume" && m.volume?.key === volume),
      );
      if (known) volumes[volume] = known;
      else if (holder) volumes[volume] = { node: holder.node };
    }
  }

  const pinOf = (s: CompiledService, slot: string): { pin?: Pin } | { whyNot: string } => {
    if (s.mode === "global") return { pin: { type: "slot", node: slot } };
    return s.group === undefined ? {} : (targets.get(s.group) ?? {});
  };

  /** Where a pod for this slot could be made now. */
  const seat = (s: CompiledService, slot: string, without?: PodView): { node: string } | Wait => {
    const pin = pinOf(s, slot);
    if ("whyNot" in pin) return { reason: "Unplaceable", message: pin.whyNot };
    const request: PlacementRequest = { constraints: s.constraints, ports: s.container.ports, ...(pin.pin ? { pinned: pin.pin } : {}) };
    const only = pin.pin?.type === "slot" ? nodes.get(pin.pin.node) : undefined;
    const found = place(request, only ? [only] : nodes.values(), tallyFor([s.name], without));
    if ("whyNot" in found) return { reason: "Unplaceable", message: found.whyNot };
    const held = dependencyHold(s, found.node, services, input.pods.filter(isLive));
    return held === undefined ? found : { reason: "WaitingForDependency", message: held };
  };

  for (const s of compiled.services) planService(s);
  return { steps, waits, slots, volumes };

  function planService(s: CompiledService): void {
    const wanted = slots.get(s.name) ?? [];
    const mine = input.pods.filter((p) => p.desired.service === s.name && state.has(p) && wanted.includes(p.desired.slot));
    const target = s.group === undefined ? undefined : targets.get(s.group);
    const pin = target && "pin" in target ? target.pin : undefined;
    const note = target && "pin" in target ? target.note : undefined;
    if (note) waits.set(s.name, { reason: "Unplaceable", message: note });

    const misplaced = (p: PodView): boolean => {
      if (pin) return p.node !== pin.node;
      const node = nodes.get(p.node);
      return s.mode === "replicated" && s.group === undefined && node !== undefined && !mayStay(node, s.constraints);
    };
    const outdated = (p: PodView): boolean => p.desired.templateHash !== s.templateHash || misplaced(p);
    const preference = (a: PodView, b: PodView): number =>
      Number(ready(b)) - Number(ready(a)) || Number(outdated(a)) - Number(outdated(b)) || byName(a.desired.name, b.desired.name);

    const kept = new Map<string, PodView>();
    let inFlight: string | undefined;
    for (const slot of wanted) {
      const here = mine.filter((p) => p.desired.slot === slot);
      const [keep, ...twins] = here.filter(isLive).toSorted(preference);
      for (const twin of twins) remove(twin, `${keep?.desired.name} has this slot already`);
      const going = here.find((p) => state.get(p) === "going");
      const gone = here.filter((p) => state.get(p) === "gone");
      if (keep) {
        kept.set(slot, keep);
        gone.forEach(finalize);
        if (s.mode === "global" && isLost(keep, nodes)) continue;
        if (!ready(keep) && !outdated(keep)) inFlight ??= `${keep.desired.name} on ${keep.node} to be ready`;
      } else if (going) {
        gone.forEach(finalize);
        const lost = isLost(going, nodes);
        if (s.mode === "global" && lost) continue;
        inFlight ??= `${going.desired.name} on ${going.node} to stop`;
        if (lost)
          waitFor(
            s,
            "NodeNotResponding",
            `${going.desired.name} cannot be stopped: node ${going.node} does not respond; bring it back, or delete the node to give it up`,
          );
      } else fill(s, slot, gone);
    }
    // Nothing live depends on the slot.
    const live = liveParts(draftOf(s, ""));
    for (const [slot, pod] of kept) {
      if (outdated(pod) || state.get(pod) !== "live" || live === liveParts(pod.desired)) continue;
      const draft = draftOf(s, slot);
      const desired: DesiredPod = {
        ...draft,
        container: { ...draft.container },
        name: pod.desired.name,
        uid: pod.desired.uid,
        createdAt: pod.desired.createdAt,
      };
      steps.push({ type: "updateInPlace", pod, desired, reason: `limits, restart policy, labels or dependencies of ${s.name} changed` });
    }
    update();

    function fill(service: CompiledService, slot: string, gone: readonly PodView[]): void {
      const at = seat(service, slot);
      if (!("node" in at)) {
        gone.forEach(finalize);
        waitFor(service, at.reason, at.message);
        // What cannot be placed must not hold up the rest: the change may be what makes it fit.
        if (at.reason !== "Unplaceable") inFlight ??= `slot ${slot}, which ${at.message}`;
        return;
      }
      const draft = draftOf(service, slot);
      const [last, ...others] = gone;
      others.forEach(finalize);
      if (last) {
        steps.push({
          type: "replace",
          removed: last,
          node: at.node,
          pod: draft,
          reason: `successor of ${last.desired.name}: ${goneReason(last)}`,
        });
        state.delete(last);
      } else steps.push({ type: "create", node: at.node, pod: draft, reason: `slot ${slot} of ${service.name} is empty` });
      placed.push({ node: at.node, service: service.name, draft });
      for (const m of draft.container.mounts)
        if (service.group && m.type === "volume" && m.volume) volumes[m.volume.key] ??= { node: at.node };
      inFlight ??= `slot ${slot}, which is just being created`;
    }

    /** Takes the next outdated pod away; its successor comes when it is gone. */
    function update(): void {
      const old = [...kept.values()].filter((p) => outdated(p) && !(s.mode === "global" && isLost(p, nodes)));
      if (old.length === 0) return;
      const noneReady = ![...kept.values()].some(ready);
      const queue = old.toSorted(
        (a, b) =>
          Number(ready(a)) - Number(ready(b)) ||
          Number(isLost(a, nodes)) - Number(isLost(b, nodes)) ||
          bySlot(a.desired.slot, b.desired.slot),
      );
      if (!noneReady && inFlight !== undefined)
        return waitFor(s, "WaitingForPods", `the next pod is replaced one at a time: waiting for ${inFlight}`);
      for (const pod of queue) {
        const unready = [...kept.values()].find((p) => p !== pod && !ready(p) && !(s.mode === "global" && isLost(p, nodes)));
        if (ready(pod) && unready)
          return waitFor(
            s,
            "WaitingForPods",
            `the next pod is replaced one at a time: waiting for ${unready.desired.name} on ${unready.node} to be ready`,
          );
        const next = seat(s, pod.desired.slot, pod);
        if (!("node" in next)) {
          waitFor(s, next.reason, next.message);
          continue;
        }
        remove(
          pod,
          misplaced(pod) && pod.desired.templateHash === s.templateHash
            ? `it belongs on ${next.node}`
            : `replaced by revision ${input.revision}`,
        );
        if (!noneReady) return;
      }
    }
  }

  /** The first and worst thing a service waits for is the one to tell. */
  function waitFor(s: CompiledService, reason: Wait["reason"], message: string): void {
    const had = waits.get(s.name);
    if (!had || (had.reason === "WaitingForPods" && reason !== "WaitingForPods")) waits.set(s.name, { reason, message });
  }
};
