// One service's part of the Stack's status. What a Deployment shows of it is made of this alone. Pure.
import type { Condition } from "../schemas/meta.ts";
import type { JobStatus, ServiceStatus } from "../schemas/types.ts";
import type { CompiledService, PodView } from "./model.ts";
import { isAnswered, isReady, type Nodes } from "./pods.ts";
import { withTransitions } from "./times.ts";

export interface ServiceStatusInput {
  service: CompiledService;
  /** Hash of the template that the manifest asks for; another one than the service's while it is paused. */
  wantedHash: string;
  /** How many slots shall be filled. */
  desired: number;
  /** Slots whose pod is ready. */
  ready: number;
  /** The service's pods, those that are going included. */
  pods: readonly PodView[];
  nodes: Nodes;
  /** Of the Stack. */
  revision: number;
  message: string | undefined;
  /** Of a job. */
  job?: JobStatus | undefined;
  /** `sha256:…`, once known. */
  imageDigest: string | undefined;
  previous: ServiceStatus | undefined;
  /** RFC 3339 in whole seconds. */
  now: string;
}

/** Number of the revision that brought the template: it stays while the template stays. */
const revisionOf = ({ service, previous, revision }: ServiceStatusInput): number =>
  previous?.templateHash === service.templateHash ? (previous.revision ?? revision) : revision;

export const serviceStatus = (input: ServiceStatusInput): ServiceStatus => {
  const { service, wantedHash, desired, ready, pods, nodes, message, job, previous, now } = input;
  const revision = revisionOf(input);
  const live = pods.filter((p) => p.desired.deletionTimestamp === undefined);
  const updated = live.filter((p) => p.desired.templateHash === wantedHash).length;
  const counts = {
    desired,
    // What has ended with success counts although its pod may be gone.
    updated: job ? Math.min(desired, Math.max(updated, ready)) : updated,
    ready,
    replicas: job ? Math.min(desired, Math.max(live.length, ready)) : live.length,
    available: job ? ready : live.filter((p) => isReady(p, nodes) && isAnswered(p)).length,
  };
  return {
    mode: service.mode,
    ...counts,
    image: service.container.image,
    ...(input.imageDigest === undefined ? {} : { imageDigest: input.imageDigest }),
    revision,
    templateHash: service.templateHash,
    ...(service.paused ? { paused: true } : {}),
    ...(job ? { job } : {}),
    ...(message === undefined ? {} : { message }),
    conditions: withTransitions(conditionsOf(input, revision, counts, pods.length > live.length), previous?.conditions, now),
  };
};

/** Of a service that is paused before it ever ran. */
export const unstartedStatus = (
  wanted: CompiledService,
  message: string,
  previous: ServiceStatus | undefined,
  now: string,
): ServiceStatus => {
  const desired = wanted.mode === "replicated" ? wanted.replicas : 0;
  const none = { desired, updated: 0, replicas: 0, available: 0 };
  const conditions = conditionsOf({ service: wanted, message }, 0, none, false);
  return {
    mode: wanted.mode,
    ...none,
    ready: 0,
    image: wanted.container.image,
    paused: true,
    message,
    conditions: withTransitions(conditions, previous?.conditions, now),
  };
};

interface Counts {
  desired: number;
  updated: number;
  replicas: number;
  available: number;
}

/** With the reasons that a Deployment has. Source: Kubernetes, pkg/controller/deployment/util. */
const conditionsOf = (
  { service, message }: Pick<ServiceStatusInput, "service" | "message">,
  revision: number,
  { desired, updated, replicas, available }: Counts,
  leaving: boolean,
): Omit<Condition, "lastTransitionTime">[] => {
  // A Deployment's default: a quarter of its pods, rounded down, may be away.
  const enough = desired - Math.floor(desired / 4);
  const complete = updated === desired && replicas === desired && available >= desired && !leaving;
  const counted = `${updated} of ${desired} pods are updated, ${available} available`;
  const words = message === undefined ? counted : `${counted}: ${message}`;
  return [
    available >= enough
      ? { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: `${available} of ${desired} pods are available` }
      : {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: `${available} of ${desired} pods are available`,
        },
    service.paused
      ? { type: "Progressing", status: "Unknown", reason: "DeploymentPaused", message: `paused; ${words}` }
      : complete
        ? { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: `revision ${revision} is rolled out` }
        : { type: "Progressing", status: "True", reason: "ReplicaSetUpdated", message: words },
  ];
};
