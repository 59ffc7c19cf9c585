// What the services of a Stack were in its revisions, as ReplicaSets: what `kubectl rollout history` and `undo` read. Pure.
import { KUBERNETES } from "../constants.ts";
import { deploymentName } from "../names.ts";
import type { ComposeService, PodTemplateSpec, ReplicaSet, ReplicaSetStatus, ServiceStatus, Stack, StackRevision } from "../types.ts";
import { lazily } from "./common.ts";
import { deploymentUid, presentRevision, wantedReplicas } from "./deployment.ts";
import { type Body, derivedUid, selectorOf, templateOf } from "./template.ts";

/** All revisions in which a service has the same template. */
export interface Template {
  hash: string;
  /** Of the last revision that brought it: `kubectl rollout undo` brings a template once more, under a new number. */
  revision: number;
  /** The one that brought it, or the earliest of those after it that is still kept. */
  brought: StackRevision;
  /** The last with it. */
  last: StackRevision;
}

/** The templates a service has had, the oldest first. `revisions`: of the Stack, in any order; those of an earlier one of its name do not count. */
export const templatesOf = (stack: Stack, service: string, revisions: readonly StackRevision[]): Template[] => {
  const found = new Map<string, Template>();
  const own = revisions.filter((r) => r.metadata.ownerReferences?.some((o) => o.uid === stack.metadata.uid));
  for (const r of own.toSorted((a, b) => a.revision - b.revision)) {
    const s = r.services[service];
    if (!s) continue;
    const had = found.get(s.templateHash);
    const brought = had?.revision === s.revision ? had.brought : r;
    found.set(s.templateHash, { hash: s.templateHash, revision: s.revision, brought, last: r });
  }
  return [...found.values()].toSorted((a, b) => a.revision - b.revision);
};

/** The Stack as it was: its name and namespace do not change. */
const bodyOf = (stack: Stack, { spec }: StackRevision): Body => ({ metadata: stack.metadata, spec });

/** Pods of a template other than the present one are all that remain; which of the earlier ones they are of is not counted. */
const countsOf = (stack: Stack, service: string, status: ServiceStatus | undefined, present: boolean): ReplicaSetStatus => {
  const observedGeneration = 1;
  if (!status || !present) return { observedGeneration, replicas: 0, readyReplicas: 0, availableReplicas: 0 };
  const { replicas = status.updated, updated, available = status.ready, ready } = status;
  // While the service is paused, `updated` is about the template that waits, and this one is all that runs.
  const mine = stack.spec.services[service]?.["x-steadfleet"]?.paused ? replicas : updated;
  return { observedGeneration, replicas: mine, readyReplicas: Math.min(ready, mine), availableReplicas: Math.min(available, mine) };
};

const replicaSetOf = (stack: Stack, service: string, t: Template): ReplicaSet => {
  const { name: stackName, namespace, uid } = stack.metadata;
  const body: Partial<ComposeService> = stack.spec.services[service] ?? {};
  const status = stack.status?.services?.[service];
  const name = deploymentName(stackName, service);
  const present = status?.templateHash === t.hash;
  // What Docker changes live is of no template: the present one looks as the Deployment does.
  const asNow = present && presentRevision(stack, service) === t.revision;
  const template = (): PodTemplateSpec => {
    const made = templateOf(asNow ? stack : bodyOf(stack, t.last), service, t.revision);
    return { ...made, metadata: { ...made.metadata, labels } };
  };
  const labels = { ...selectorOf(stackName, service), [KUBERNETES.templateHash]: t.hash };
  const cause = t.brought.metadata.annotations?.[KUBERNETES.changeCause];
  const versions = [stack, t.brought, t.last].map((o) => Number(o.metadata.resourceVersion));
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${t.revision}`,
      ...(namespace === undefined ? {} : { namespace }),
      uid: derivedUid(uid, "ReplicaSet", service, String(t.revision)),
      resourceVersion: String(Math.max(...versions)),
      generation: 1,
      creationTimestamp: t.brought.metadata.creationTimestamp,
      labels,
      annotations: { [KUBERNETES.revision]: String(t.revision), ...(cause === undefined ? {} : { [KUBERNETES.changeCause]: cause }) },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "Deployment", name, uid: deploymentUid(uid, service), controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: lazily({ replicas: present ? wantedReplicas(body, status) : 0, selector: { matchLabels: labels } }, "template", template),
    status: countsOf(stack, service, status, present),
  };
};

/** One for each template that a service of the Stack has had and that is still kept, by name of the service and number. */
export const replicaSetsOf = (stack: Stack, revisions: readonly StackRevision[]): ReplicaSet[] =>
  Object.keys(stack.spec.services ?? {})
    .toSorted()
    .flatMap((service) => templatesOf(stack, service, revisions).map((t) => replicaSetOf(stack, service, t)));
