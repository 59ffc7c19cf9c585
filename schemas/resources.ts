// The kinds this API serves, by the name of their collection: what a URL, a key in etcd and a message call them.
import { GROUP, VERSION } from "./constants.ts";

/** Structurally a store ResourceRef, with the names people and clients use. */
export interface Resource {
  /** "" is the core group. */
  group: string;
  version: string;
  /** Plural, lower case: the collection in a URL. */
  resource: string;
  kind: string;
  singular: string;
  shortNames: readonly string[];
  categories: readonly string[];
  namespaced: boolean;
}

export type ResourceName =
  | "namespaces"
  | "nodes"
  | "pods"
  | "events"
  | "configmaps"
  | "secrets"
  | "stacks"
  | "stackrevisions"
  | "serviceaccounts"
  | "leases";

const core = (resource: string, kind: string, shortNames: string[], namespaced: boolean, categories: string[] = []): Resource => ({
  group: "",
  version: "v1",
  resource,
  kind,
  singular: kind.toLowerCase(),
  shortNames,
  categories,
  namespaced,
});

const apps = (resource: string, kind: string, shortNames: string[]): Resource => ({
  group: "apps",
  version: "v1",
  resource,
  kind,
  singular: kind.toLowerCase(),
  shortNames,
  categories: ["all"],
  namespaced: true,
});

export const RESOURCES: Readonly<Record<ResourceName, Resource>> = {
  namespaces: core("namespaces", "Namespace", ["ns"], false),
  nodes: core("nodes", "Node", ["no"], false),
  pods: core("pods", "Pod", ["po"], true, ["all"]),
  events: core("events", "Event", ["ev"], true),
  configmaps: core("configmaps", "ConfigMap", ["cm"], true),
  secrets: core("secrets", "Secret", [], true),
  serviceaccounts: core("serviceaccounts", "ServiceAccount", ["sa"], true),
  leases: { ...core("leases", "Lease", [], true), group: "coordination.k8s.io" },
  stacks: {
    group: GROUP,
    version: VERSION,
    resource: "stacks",
    kind: "Stack",
    singular: "stack",
    shortNames: ["stk"],
    categories: ["all"],
    namespaced: true,
  },
  stackrevisions: {
    group: GROUP,
    version: VERSION,
    resource: "stackrevisions",
    kind: "StackRevision",
    singular: "stackrevision",
    shortNames: ["stkrev"],
    categories: [],
    namespaced: true,
  },
};

/**
 * Kinds whose owners and dependents the garbage collector sees to. Not Pods, which are no objects of their own, nor
 * StackRevisions, which go in the commit in which their Stack does, nor Events, of which there are many and which own nothing.
 */
export const COLLECTED: readonly Resource[] = Object.values(RESOURCES).filter(
  (r) => r !== RESOURCES.pods && r !== RESOURCES.stackrevisions && r !== RESOURCES.events,
);

/** `v1` or `<group>/<version>`. */
export const apiVersionOf = (r: Pick<Resource, "group" | "version">): string => (r.group ? `${r.group}/${r.version}` : r.version);

const metrics = (resource: string, kind: string, namespaced: boolean): Resource => ({
  ...core(resource, kind, [], namespaced),
  group: "metrics.k8s.io",
  version: "v1beta1",
});

/** Kinds that are worked out from others, or asked for, and never stored: a manifest or a key of one does not exist. */
export const VIEW_RESOURCES = {
  selfsubjectaccessreviews: { ...core("selfsubjectaccessreviews", "SelfSubjectAccessReview", [], false), group: "authorization.k8s.io" },
  selfsubjectrulesreviews: { ...core("selfsubjectrulesreviews", "SelfSubjectRulesReview", [], false), group: "authorization.k8s.io" },
  selfsubjectreviews: { ...core("selfsubjectreviews", "SelfSubjectReview", [], false), group: "authentication.k8s.io" },
  eventsevents: { ...core("events", "Event", [], true), group: "events.k8s.io" },
  deployments: apps("deployments", "Deployment", ["deploy"]),
  replicasets: apps("replicasets", "ReplicaSet", ["rs"]),
  nodemetrics: metrics("nodes", "NodeMetrics", false),
  podmetrics: metrics("pods", "PodMetrics", true),
} as const satisfies Readonly<Record<string, Resource>>;
