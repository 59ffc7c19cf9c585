// Which services must share a node: until a network spans nodes, those that share a network, or a named volume.
import type { NormalService } from "./normal.ts";

export interface PlacementGroup {
  /** Names of its services, sorted; the first names the group. */
  services: string[];
  /** All its pods are on one node. A lone service without named volumes spreads instead. */
  together: boolean;
}

/** What ties a service to others. */
const ties = (service: NormalService): string[] => [
  ...service.container.networks.map((network) => `network ${network.key}`),
  ...service.container.mounts.flatMap((mount) => (mount.type === "volume" && mount.volume ? [`volume ${mount.volume.key}`] : [])),
];

const hasNamedVolume = (service: NormalService): boolean =>
  service.container.mounts.some((m) => m.type === "volume" && m.volume !== undefined);

/** The connected components of the services that are not global, sorted by their first service. */
export const placementGroups = (services: readonly NormalService[]): PlacementGroup[] => {
  const placed = services.filter((service) => service.mode === "replicated");
  const byTie = new Map<string, NormalService[]>();
  for (const service of placed) for (const tie of ties(service)) byTie.set(tie, [...(byTie.get(tie) ?? []), service]);
  const seen = new Set<NormalService>();
  const groups: PlacementGroup[] = [];
  for (const start of placed) {
    if (seen.has(start)) continue;
    seen.add(start);
    const group = [start];
    // The list grows while it is walked: a breadth-first search.
    for (const service of group) {
      for (const tie of ties(service)) {
        for (const other of byTie.get(tie) ?? []) {
          if (seen.has(other)) continue;
          seen.add(other);
          group.push(other);
        }
        byTie.delete(tie);
      }
    }
    groups.push({ services: group.map((s) => s.name).toSorted(), together: group.length > 1 || group.some(hasNamedVolume) });
  }
  return groups.toSorted((a, b) => ((a.services[0] ?? "") < (b.services[0] ?? "") ? -1 : 1));
};
