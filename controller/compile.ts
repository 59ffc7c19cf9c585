// From what a Stack says to what a rollout needs. Pure: the API's dry run calls it too.
import { placementGroups } from "../schemas/compose/groups.ts";
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

const groupsOf = (services: readonly NormalService[]): PlacementGroup[] =>
  placementGroups(services)
    .filter((group) => group.together)
    .map(({ services: names }) => ({
      id: names[0] ?? "",
      services: names,
      volumes: [...new Set(services.filter((s) => names.includes(s.name)).flatMap((s) => volumeKeys(s.container)))].toSorted(byName),
    }));

/** `normal` as schemas/compose gives it: valid, services with unique names. */
export const compile = (normal: NormalStack): CompiledStack => {
  const services = normal.services.toSorted((a, b) => byName(a.name, b.name));
  const groups = groupsOf(services);
  return {
    groups,
    revisionHash: hashOf(services.map((s) => (s.mode === "global" ? { ...s, replicas: 0 } : s))).slice(0, 16),
    services: services.map((s) => {
      const group = groups.find((g) => g.services.includes(s.name));
      return { ...s, templateHash: templateHash(s.container), ...(group ? { group: group.id } : {}) };
    }),
  };
};
