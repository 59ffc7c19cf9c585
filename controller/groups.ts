// The one node of a placement group: where its volumes are, else where its pods are, else where it fits. Pure.
import type { PlacementGroup } from "../schemas/compose/groups.ts";
import type { CompiledService, NodeView, PodView, Volumes } from "./model.ts";
import { byName } from "./model.ts";
import { closedBy, expelledBy, hasSecrets, mayStay, type Pin, place, type Tally } from "./place.ts";

/** `pin` is what new pods of the group are placed with; `note` says why it did not move although it should have. */
export type GroupTarget = { pin: Pin; note?: string } | { whyNot: string };

/** Node with most of the pods; the first by name among equals. */
const mostPods = (pods: readonly PodView[]): string | undefined => {
  const counts = new Map<string, number>();
  for (const p of pods) counts.set(p.node, (counts.get(p.node) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || byName(a, b))[0]?.[0];
};

const notAllowed = (node: NodeView | undefined): string => {
  const expelled = node && expelledBy(node);
  return expelled === undefined ? "which its constraints no longer allow" : `which is ${expelled}`;
};

/**
 * @param live the group's pods that shall run
 * @param leaving the group's pods that go or are gone: they still say where the group was
 */
export const groupTarget = (
  group: PlacementGroup,
  services: readonly CompiledService[],
  live: readonly PodView[],
  leaving: readonly PodView[],
  volumes: Volumes,
  nodes: ReadonlyMap<string, NodeView>,
  tally: Tally,
): GroupTarget => {
  const remembered = group.volumes.flatMap((key) => {
    const node = volumes[key]?.node;
    return node === undefined ? [] : [{ key, node }];
  });
  const [first, ...others] = remembered;
  const stranger = others.find((v) => v.node !== first?.node);
  if (first && stranger) {
    return {
      whyNot:
        `volume ${first.key} is on ${first.node} and volume ${stranger.key} on ${stranger.node}, but ${group.services.join(", ")} must share a node: ` +
        "give one of the volumes another name, or the services networks of their own",
    };
  }
  if (first) {
    const home = nodes.get(first.node);
    const expelled = home && live.some((p) => p.node === first.node) ? expelledBy(home) : undefined;
    const note = `stays on ${first.node} although that is ${expelled}: its volume ${first.key} is there`;
    return { pin: { type: "volume", volume: first.key, node: first.node }, ...(expelled === undefined ? {} : { note }) };
  }

  const constraints = services.flatMap((s) => s.constraints);
  const stays = (p: PodView): boolean => {
    const node = nodes.get(p.node);
    return node !== undefined && mayStay(node, constraints);
  };
  /** Nobody keeps new pods away from it. */
  const open = (p: PodView): boolean => {
    const node = nodes.get(p.node);
    return node !== undefined && closedBy(node) === undefined;
  };
  const pinned = (node: string): Pin => ({ type: "group", services: group.services, node });
  // While one of them runs on a cordoned node, the others wait for it there, for they need each other; when all are evicted, they go elsewhere together.
  const settled =
    mostPods(live.filter((p) => stays(p) && open(p))) ??
    mostPods(live.filter(stays)) ??
    (live.length === 0 ? mostPods(leaving.filter((p) => stays(p) && open(p))) : undefined);
  if (settled !== undefined) return { pin: pinned(settled) };

  const wanted = services.filter((s) => s.replicas > 0);
  const request = {
    constraints,
    ports: wanted.flatMap((s) => s.container.ports),
    names: wanted.flatMap((s) => s.container.containerName ?? []),
    ...(wanted.some(hasSecrets) ? { sealed: true as const } : {}),
  };
  const fresh = place(request, nodes.values(), tally);
  if ("node" in fresh) return { pin: pinned(fresh.node) };
  const stuck = mostPods(live);
  return stuck === undefined ? fresh : { pin: pinned(stuck), note: `stays on ${stuck}, ${notAllowed(nodes.get(stuck))}: ${fresh.whyNot}` };
};
