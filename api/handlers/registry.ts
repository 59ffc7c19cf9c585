// Which handler answers a verb: the generic one, unless a kind or a subresource has its own.
import type { Handler } from "../call.ts";
import { type Kind, qualifiedResource, type Verb } from "../kind.ts";
import { attach, exec } from "../streams/command.ts";
import { log } from "../streams/log.ts";
import { portforward } from "../streams/portforward.ts";
import type { UpgradeHandler } from "../upgrade.ts";
import { patch as patchDeployment, update as updateDeployment } from "./apps/deployments.ts";
import { getScale as getDeploymentScale, patchScale as patchDeploymentScale, updateScale as updateDeploymentScale } from "./apps/scale.ts";
import { composeProjects } from "./compose-projects.ts";
import { remove, removeCollection } from "./delete.ts";
import { getNodeMetrics, getPodMetrics, listNodeMetrics, listPodMetrics } from "./metrics.ts";
import { getLease } from "./leases.ts";
import { planStack } from "./plan.ts";
import { get, list } from "./read.ts";
import * as newEvents from "./events.ts";
import { evict } from "./eviction.ts";
import { getScale as getStackScale, patchScale as patchStackScale, updateScale as updateStackScale } from "./scale.ts";
import { accessReview, rulesReview, userReview } from "./reviews.ts";
import { watch } from "./watch.ts";
import { create, patch, update } from "./write.ts";

export type Handlers = Partial<Record<Verb, Handler>>;

const GENERIC: Handlers = { get, list, watch, create, update, patch, delete: remove, deletecollection: removeCollection };
/** Views of the object itself. */
const STATUS: Handlers = { get, update, patch };

/** By what `qualifiedResource` says, and `/<subresource>`: `pods/log`, `stacks.steadfleet.dev/scale`, `nodes.metrics.k8s.io`. */
const OWN: Readonly<Record<string, Handlers>> = {
  "pods/log": { get: log },
  "pods/eviction": { create: evict },
  "stacks.steadfleet.dev/scale": { get: getStackScale, update: updateStackScale, patch: patchStackScale },
  "stacks.steadfleet.dev/plan": { create: planStack },
  "nodes/composeprojects": { create: composeProjects },
  "events.events.k8s.io": { create: newEvents.create, update: newEvents.update, patch: newEvents.patch, delete: newEvents.remove },
  "leases.coordination.k8s.io": { get: getLease },
  "selfsubjectaccessreviews.authorization.k8s.io": { create: accessReview },
  "selfsubjectrulesreviews.authorization.k8s.io": { create: rulesReview },
  "selfsubjectreviews.authentication.k8s.io": { create: userReview },
  "deployments.apps": { update: updateDeployment, patch: patchDeployment },
  "deployments.apps/scale": { get: getDeploymentScale, update: updateDeploymentScale, patch: patchDeploymentScale },
  "nodes.metrics.k8s.io": { get: getNodeMetrics, list: listNodeMetrics },
  "pods.metrics.k8s.io": { get: getPodMetrics, list: listPodMetrics },
};

/** Subresources that are spoken to over an upgraded connection, besides plain requests. */
const UPGRADES: Readonly<Record<string, UpgradeHandler>> = { "pods/exec": exec, "pods/attach": attach, "pods/portforward": portforward };

const nameOf = (kind: Kind, subresource: string | undefined): string =>
  qualifiedResource(kind.resource) + (subresource === undefined ? "" : `/${subresource}`);

export const handlersOf = (kind: Kind, subresource?: string): Handlers => {
  const own = OWN[nameOf(kind, subresource)];
  if (subresource === undefined) return { ...(kind.reads === "none" ? {} : GENERIC), ...own };
  return { ...(subresource === "status" ? STATUS : {}), ...own };
};

export const upgradeOf = (kind: Kind, subresource: string): UpgradeHandler | undefined => UPGRADES[nameOf(kind, subresource)];
