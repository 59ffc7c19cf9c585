// The registry: a kind that is not listed here is not served.
import type { Kind } from "../kind.ts";
import { configmaps } from "./configmaps.ts";
import { deployments } from "./deployments.ts";
import { events } from "./events.ts";
import { eventsevents } from "./eventsevents.ts";
import { leases } from "./leases.ts";
import { nodemetrics, podmetrics } from "./metrics.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes.ts";
import { pods } from "./pods.ts";
import { selfsubjectaccessreviews, selfsubjectreviews, selfsubjectrulesreviews } from "./reviews.ts";
import { replicasets } from "./replicasets.ts";
import { secrets } from "./secrets.ts";
import { serviceaccounts } from "./serviceaccounts.ts";
import { stackrevisions } from "./stackrevisions.ts";
import { stacks } from "./stacks.ts";

/** In the order discovery lists them. */
// biome-ignore format: a line for each kind
export const KINDS: readonly Kind[] = [
  configmaps,
  events,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceaccounts,
  leases,
  eventsevents,
  selfsubjectaccessreviews,
  selfsubjectrulesreviews,
  selfsubjectreviews,
  stacks,
  stackrevisions,
  deployments,
  replicasets,
  nodemetrics,
  podmetrics,
];

/** The kind of a collection in a URL, e.g. `("steadfleet.dev", "v1", "stacks")`. */
export const kindOf = (group: string, version: string, resource: string): Kind | undefined =>
  KINDS.find(({ resource: r }) => r.group === group && r.version === version && r.resource === resource);
