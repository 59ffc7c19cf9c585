// A Stack in the middle of its life, and its revisions, as the controller leaves them: with defaults, for tests of the views.
import { LABELS } from "../constants.ts";
import type { ComposeService, ServiceStatus, Stack, StackRevision } from "../types.ts";

type Services = Record<string, ComposeService>;

const since = "2026-01-01T00:00:00Z";

/** Everything wanted runs. */
export const aServiceStatus = (o: Partial<ServiceStatus> = {}): ServiceStatus => {
  const desired = o.desired ?? 1;
  return {
    mode: "replicated",
    desired,
    updated: desired,
    ready: desired,
    replicas: desired,
    available: desired,
    image: "nginx:1.27",
    revision: 1,
    templateHash: "hash-1",
    conditions: [
      { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "enough", lastTransitionTime: since },
      { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "rolled out", lastTransitionTime: since },
    ],
    ...o,
  };
};

/** `status`: by name of the service; a service that is not named has none. */
export const aStack = (
  services: Services,
  status: Record<string, Partial<ServiceStatus>> = {},
  metadata: Partial<Stack["metadata"]> = {},
): Stack => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: {
    name: "shop",
    namespace: "default",
    uid: "stack-1",
    resourceVersion: "7",
    generation: 1,
    creationTimestamp: since,
    ...metadata,
  },
  spec: { services },
  status: {
    observedGeneration: metadata.generation ?? 1,
    services: Object.fromEntries(Object.entries(status).map(([name, s]) => [name, aServiceStatus(s)])),
  },
});

/** `templates`: service → its template's hash, and the revision that brought it. */
export const aRevision = (
  revision: number,
  services: Services,
  templates: Record<string, [hash: string, revision: number]>,
  o: { cause?: string; stackUid?: string } = {},
): StackRevision => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "StackRevision",
  metadata: {
    name: `shop-${revision}`,
    namespace: "default",
    uid: `revision-${revision}`,
    resourceVersion: String(10 + revision),
    creationTimestamp: `2026-01-01T00:00:0${revision}Z`,
    labels: { [LABELS.stack]: "shop" },
    ...(o.cause === undefined ? {} : { annotations: { "kubernetes.io/change-cause": o.cause } }),
    ownerReferences: [{ apiVersion: "steadfleet.dev/v1", kind: "Stack", name: "shop", uid: o.stackUid ?? "stack-1", controller: true }],
  },
  revision,
  hash: `revision-hash-${revision}`,
  spec: { services },
  services: Object.fromEntries(Object.entries(templates).map(([name, [templateHash, n]]) => [name, { templateHash, revision: n }])),
});
