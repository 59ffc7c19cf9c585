// Where pods go: first each group decides on its node, then each pod asks for a seat.
import type { PlacementGroup } from "../../schemas/compose/groups.ts";
import { dependencyHold } from "../depends.ts";
import { type GroupTarget, groupTarget } from "../groups.ts";
import { withoutRun } from "../jobs/slots.ts";
import type { PodView } from "../model.ts";
import { hasSecrets, type Pin, place, type PlacementRequest } from "../place.ts";
import type { PlanDraft } from "./draft.ts";
import type { ServiceDraft } from "./service.ts";
import type { Wait } from "./types.ts";

/** By the group's id: the node its services share. Notes, too, where its volumes are. */
export const settleGroups = (draft: PlanDraft): Map<string, GroupTarget> => {
  const { compiled, volumes, nodes } = draft.input;
  const targets = new Map<string, GroupTarget>();
  for (const group of compiled.groups) {
    const members = compiled.services.filter((s) => group.services.includes(s.name));
    const pods = draft.pods().filter((p) => group.services.includes(p.desired.service));
    const live = pods.filter((p) => draft.isLive(p));
    const leaving = pods.filter((p) => !draft.isLive(p));
    targets.set(group.id, groupTarget(group, members, live, leaving, volumes, nodes, draft.tally(group.services)));
    rememberVolumes(draft, group, live);
  }
  return targets;
};

/** A volume stays where it is known to be; one that is not known yet is where a pod that mounts it runs. */
const rememberVolumes = (draft: PlanDraft, group: PlacementGroup, live: readonly PodView[]): void => {
  for (const key of group.volumes) {
    const mounts = (p: PodView): boolean =>
      draft.services.get(p.desired.service)?.container.mounts.some((m) => m.type === "volume" && m.volume?.key === key) === true;
    const known = draft.input.volumes[key];
    const holder = live.find(mounts);
    if (known) draft.volumes[key] = known;
    else if (holder) draft.volumes[key] = { node: holder.node };
  }
};

/**
 * Where a pod for this slot could be made now, or what it waits for.
 * @param without the pod that would give the slot up
 * @param prefer the node where the slot's last pod made ready for the next
 */
export const seatFor = (own: ServiceDraft, slot: string, without?: PodView, prefer = without?.node): { node: string } | Wait => {
  const { draft, service } = own;
  const { nodes } = draft.input;
  const blocked = draft.input.blocked?.get(service.name);
  if (blocked) return blocked;
  const pinned = pinOf(own, slot);
  if (pinned && "whyNot" in pinned) return { reason: "Unplaceable", message: pinned.whyNot };

  const request: PlacementRequest = {
    constraints: service.constraints,
    ports: service.container.ports,
    ...(hasSecrets(service) ? { sealed: true } : {}),
    names: service.container.containerName === undefined ? [] : [service.container.containerName],
    prefer,
    ...(pinned ? { pinned } : {}),
  };
  // For a slot that is one node's, only this node is asked: what others lack would be noise in the answer.
  const only = pinned?.type === "slot" ? nodes.get(pinned.node) : undefined;
  const found = place(request, only ? [only] : nodes.values(), draft.tally([service.name], without));
  if ("whyNot" in found) return { reason: "Unplaceable", message: found.whyNot };

  const held = dependencyHold(service, found.node, draft.services, draft.livePods(), draft.input.jobs);
  return held === undefined ? found : { reason: "WaitingForDependency", message: held };
};

const pinOf = ({ service, target }: ServiceDraft, slot: string): Pin | { whyNot: string } | undefined => {
  if (service.mode === "global") return { type: "slot", node: withoutRun(service, slot) };
  return target && "pin" in target ? target.pin : target;
};
