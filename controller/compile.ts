// From what a Stack says to what a rollout needs. Pure: the API's dry run calls it too.
import type { NormalService, NormalStack } from "../schemas/compose/normal.ts";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { hashOf } from "./canonical.ts";
import { byName, type CompiledStack, type PlacementGroup } from "./model.ts";

/** Hash over the container without what `docker update` changes live (limits, restart): another hash means another container. */
export const templateHash = (container: ContainerSpec): string => {
  const { limits: _limits, restart: _restart, ...template } = container;
  return hashOf(template).slice(0, 16);
};

/** Named volumes of a service: their keys. External ones too, for they lie on one node all the same. Anonymous ones have none. */
export const volumeKeys = (container: ContainerSpec): string[] =>
  container.mounts.flatMap((m) => (m.type === "volume" && m.volume ? [m.volume.key] : []));

const placementGroups = (services: readonly NormalService[]): PlacementGroup[] => {
  const local = services.filter((s) => s.mode === "replicated");
  const parent = new Map(local.map((s) => [s.name, s.name]));
  const find = (name: string): string => {
    const up = parent.get(name) ?? name;
    return up === name ? name : find(up);
  };
  const firstOf = new Map<string, string>();
  for (const s of local) {
    const shared = [...s.container.networks.map((n) => `network ${n.key}`), ...volumeKeys(s.container).map((v) => `volume ${v}`)];
    for (const thing of shared) {
      const other = firstOf.get(thing);
      if (other === undefined) firstOf.set(thing, s.name);
      else {
        const [a, b] = [find(other), find(s.name)].toSorted(byName) as [string, string];
        parent.set(b, a);
      }
    }
  }
  const members = new Map<string, NormalService[]>();
  for (const s of local) members.set(find(s.name), [...(members.get(find(s.name)) ?? []), s]);
  return [...members.values()]
    .map((group) => ({
      id: group[0]?.name ?? "",
      services: group.map((s) => s.name),
      volumes: [...new Set(group.flatMap((s) => volumeKeys(s.container)))].toSorted(byName),
    }))
    .filter((g) => g.services.length > 1 || g.volumes.length > 0);
};

/** `normal` as schemas/compose gives it: valid, services with unique names. */
export const compile = (normal: NormalStack): CompiledStack => {
  const services = normal.services.toSorted((a, b) => byName(a.name, b.name));
  const groups = placementGroups(services);
  return {
    groups,
    revisionHash: hashOf(services.map((s) => (s.mode === "global" ? { ...s, replicas: 0 } : s))).slice(0, 16),
    services: services.map((s) => {
      const group = groups.find((g) => g.services.includes(s.name));
      return { ...s, templateHash: templateHash(s.container), ...(group ? { group: group.id } : {}) };
    }),
  };
};
