// From what a Stack says to what a rollout needs. Pure: the API's dry run calls it too.
import { placementGroups } from "../schemas/compose/groups.ts";
import type { NormalStack } from "../schemas/compose/normal.ts";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { hashOf } from "./canonical.ts";
import { byName, type CompiledStack } from "./model.ts";

/** Hash over the container without what `docker update` changes live (limits, restart): another hash means another container. */
export const templateHash = (container: ContainerSpec): string => {
  const { limits: _limits, restart: _restart, ...template } = container;
  return hashOf(template).slice(0, 16);
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
