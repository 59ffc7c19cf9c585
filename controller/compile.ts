// From what a Stack says to what a rollout needs. Pure: the API's dry run calls it too.
import { placementGroups } from "../schemas/compose/groups.ts";
import type { NormalService, NormalStack } from "../schemas/compose/normal.ts";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { hashOf } from "./canonical.ts";
import { byName, type CompiledStack } from "./model.ts";

/** How its networks and volumes are made: theirs, not the container's. */
export const settingsOf = (c: ContainerSpec): unknown[] => [
  ...c.networks.flatMap((n) => (n.settings ? [[n.name, n.settings]] : [])),
  ...c.mounts.flatMap((m) => (m.type === "volume" && m.volume?.settings ? [[m.volume.name, m.volume.settings]] : [])),
];

/** The container stays when its networks and volumes are made in another way: the agent changes them, or says why not. */
const withoutSettings = (c: ContainerSpec): ContainerSpec => {
  if (settingsOf(c).length === 0) return c;
  const bare = <T extends { settings?: unknown }>({ settings: _settings, ...rest }: T): Omit<T, "settings"> => rest;
  return {
    ...c,
    networks: c.networks.map(bare),
    mounts: c.mounts.map((m) => (m.type === "volume" && m.volume ? { ...m, volume: bare(m.volume) } : m)),
  };
};

/** Hash over the container without what `docker update` changes live (limits, restart) and how its networks and volumes are made, and over the restart asked for: another hash means another container. */
export const templateHash = (container: ContainerSpec, restartedAt?: string): string => {
  const { limits: _limits, restart: _restart, ...template } = withoutSettings(container);
  return hashOf(restartedAt === undefined ? template : { ...template, restartedAt }).slice(0, 16);
};

/** What a revision is made of: who pauses a service changes nothing that runs, and replicas mean nothing to a global one. */
const content = ({ paused: _paused, ...s }: NormalService): Omit<NormalService, "paused"> =>
  s.mode === "global" ? { ...s, replicas: 0 } : s;

/** `normal` as schemas/compose gives it: valid, services with unique names. */
export const compile = (normal: NormalStack): CompiledStack => {
  const services = normal.services.toSorted((a, b) => byName(a.name, b.name));
  const groups = placementGroups(services);
  return {
    groups,
    revisionHash: hashOf(services.map(content)).slice(0, 16),
    services: services.map((s) => {
      const group = groups.find((g) => g.services.includes(s.name));
      return { ...s, templateHash: templateHash(s.container, s.restartedAt), ...(group ? { group: group.id } : {}) };
    }),
  };
};
