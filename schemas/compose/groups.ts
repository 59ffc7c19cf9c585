// Which services must share a node: those that share a network (until one spans nodes), a named volume, or another's namespaces or volumes.
import type { ContainerSpec } from "../fleet.ts";
import { sharedServices } from "./namespaces.ts";
import type { NormalService } from "./normal.ts";

/** Services that must share a node: they share a network, a named volume, a namespace or `volumes_from`, or hold a named volume. */
export interface PlacementGroup {
  /** The first service's name. */
  id: string;
  /** Sorted. */
  services: readonly string[];
  /** Keys of the named volumes that its services mount, sorted. */
  volumes: readonly string[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Named volumes of a service: their keys. External ones too, for they lie on one node all the same. Anonymous ones have none. */
export const volumeKeys = (container: ContainerSpec): string[] =>
  container.mounts.flatMap((mount) => (mount.type === "volume" && mount.volume ? [mount.volume.key] : []));

/** What ties a service to others. */
const ties = ({ name, container }: NormalService): string[] => [
  `namespaces ${name}`,
  ...sharedServices(container).map(({ service }) => `namespaces ${service}`),
  ...container.networks.map((network) => `network ${network.key}`),
  ...volumeKeys(container).map((key) => `volume ${key}`),
];

/**
 * The connected components of the services that are not global, sorted by id. A lone service without named volumes is in none:
 * its replicas spread.
 */
export const placementGroups = (services: readonly NormalService[]): PlacementGroup[] => {
  const placed = services.filter((service) => service.mode === "replicated").toSorted((a, b) => byText(a.name, b.name));
  const byTie = new Map<string, NormalService[]>();
  for (const service of placed) for (const tie of ties(service)) byTie.set(tie, [...(byTie.get(tie) ?? []), service]);
  const seen = new Set<NormalService>();
  const groups: PlacementGroup[] = [];
  for (const start of placed) {
    if (seen.has(start)) continue;
    seen.add(start);
    const members = [start];
    // The list grows while it is walked: a breadth-first search.
    for (const service of members) {
      for (const other of ties(service).flatMap((tie) => byTie.get(tie) ?? [])) {
        if (seen.has(other)) continue;
        seen.add(other);
        members.push(other);
      }
      for (const tie of ties(service)) byTie.delete(tie);
    }
    const volumes = [...new Set(members.flatMap((s) => volumeKeys(s.container)))].toSorted(byText);
    if (members.length > 1 || volumes.length > 0) {
      groups.push({ id: start.name, services: members.map((s) => s.name).toSorted(byText), volumes });
    }
  }
  return groups;
};
