// The services of a Stack as Deployments, so that every Kubernetes tool can follow and drive their rollouts. Pure.
import { replicasOf } from "../compose/replicas.ts";
import { API_VERSION, KUBERNETES } from "../constants.ts";
import { deploymentName } from "../names.ts";
import type { ComposeService, Condition, Deployment, DeploymentCondition, DeploymentStatus, ServiceStatus, Stack } from "../types.ts";
import { lazily } from "./common.ts";
import { derivedUid, isGlobal, isJob, selectorOf, templateOf } from "./template.ts";

/** One pod at a time, the old one stopped first. */
const MAX_UNAVAILABLE = 1;
/** So many StackRevisions the controller keeps. */
const HISTORY = 10;

export const deploymentUid = (stackUid: string, service: string): string => derivedUid(stackUid, "Deployment", service);

/** How many pods are wanted, in so far as that is known. */
export const wantedReplicas = (service: Partial<ComposeService>, status: ServiceStatus | undefined): number =>
  isGlobal(service) || isJob(service) ? (status?.desired ?? 0) : replicasOf(service);

/** Revision of the spec's template; undefined while the controller has not answered, or where a pause keeps another running. */
export const presentRevision = (stack: Stack, service: string): number | undefined => {
  const { status, metadata, spec } = stack;
  if (status?.observedGeneration !== metadata.generation || spec.services[service]?.["x-steadfleet"]?.paused) return undefined;
  return status?.services?.[service]?.revision;
};

/** The controller cannot read the spec: what it said of the service was about an earlier one. */
const unreadable = (stack: Stack): Condition | undefined =>
  stack.status?.conditions?.find((c) => c.type === "Progressing" && c.reason === "InvalidSpec");

const conditionsOf = (stack: Stack, status: ServiceStatus): DeploymentCondition[] => {
  const invalid = unreadable(stack);
  const said = (status.conditions ?? []).map((c) => (invalid && c.type === invalid.type ? invalid : c));
  return said.map(({ type, status: is, reason, message, lastTransitionTime }) => ({
    type,
    status: is,
    reason,
    message,
    lastUpdateTime: lastTransitionTime,
    lastTransitionTime,
  }));
};

const statusOf = (stack: Stack, service: string): DeploymentStatus => {
  const { observedGeneration = 0, services } = stack.status ?? {};
  const s = services?.[service];
  if (!s) return { observedGeneration };
  const { desired, updated, ready, replicas = Math.max(updated, ready), available = ready } = s;
  return {
    observedGeneration,
    replicas,
    updatedReplicas: updated,
    readyReplicas: ready,
    availableReplicas: available,
    unavailableReplicas: Math.max(0, desired - available),
    conditions: conditionsOf(stack, s),
  };
};

const deploymentOf = (stack: Stack, service: string, body: ComposeService): Deployment => {
  const { metadata, status } = stack;
  const { name: stackName, uid, namespace, resourceVersion, generation, creationTimestamp, deletionTimestamp } = metadata;
  const name = deploymentName(stackName, service);
  const s = status?.services?.[service];
  const cause = metadata.annotations?.[KUBERNETES.changeCause];
  const paused = body["x-steadfleet"]?.paused === true;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: deploymentUid(uid, service),
      resourceVersion,
      ...(generation === undefined ? {} : { generation }),
      creationTimestamp,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      labels: { ...metadata.labels, ...selectorOf(stackName, service) },
      // Always there: kubectl rollout undo replaces the whole map.
      annotations: {
        ...(s?.revision === undefined ? {} : { [KUBERNETES.revision]: String(s.revision) }),
        ...(cause === undefined ? {} : { [KUBERNETES.changeCause]: cause }),
      },
      ownerReferences: [{ apiVersion: API_VERSION, kind: "Stack", name: stackName, uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: lazily(
      {
        replicas: wantedReplicas(body, s),
        selector: { matchLabels: selectorOf(stackName, service) },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: MAX_UNAVAILABLE, maxSurge: 0 } },
        revisionHistoryLimit: HISTORY,
        ...(paused ? { paused } : {}),
      },
      "template",
      () => templateOf(stack, service, presentRevision(stack, service)),
    ),
    status: statusOf(stack, service),
  };
};

/** One for each service, by name of the service. */
export const deploymentsOf = (stack: Stack): Deployment[] =>
  Object.entries(stack.spec.services ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([service, body]) => deploymentOf(stack, service, body ?? {}));
