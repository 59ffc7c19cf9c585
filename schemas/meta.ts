// The Kubernetes envelope that all kinds share. Source: Kubernetes API conventions.

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** What one manager owns. `fieldsV1`: a trie of `f:<field>`, `k:<keys>` and `v:<value>`. Source: Kubernetes, "Server-Side Apply". */
export interface ManagedFieldsEntry {
  manager: string;
  operation: "Apply" | "Update";
  apiVersion: string;
  time?: string;
  fieldsType: "FieldsV1";
  fieldsV1: object;
  subresource?: string;
}

/** `resourceVersion` is the etcd mod revision as a decimal string; times are RFC 3339 in whole seconds, UTC. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

export interface Condition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration?: number;
}

/** The one set of health words: API reasons, CLI, dashboard, metrics and docs. */
export const HEALTH = ["Healthy", "Progressing", "Degraded", "Failed", "Suspended", "Unknown"] as const;
export type Health = (typeof HEALTH)[number];
