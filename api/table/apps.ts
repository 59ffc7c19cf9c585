// Tables of Deployments and ReplicaSets, as kubectl's. Source: Kubernetes, pkg/printers/internalversion.
import type { Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from "../../schemas/types.ts";
import type { Cell, TableShape } from "../kind.ts";
import { AGE, age, column, NAME, NONE, wide } from "./cells.ts";

const WIDE = [
  wide("Containers", "Names of the containers of its pods."),
  wide("Images", "Images of the containers."),
  wide("Selector", "Labels that its pods carry."),
];

const wideCells = ({ template, selector }: { template: PodTemplateSpec; selector: LabelSelector }): Cell[] => [
  template.spec.containers.map((c) => c.name).join(","),
  template.spec.containers.map((c) => c.image ?? "").join(",") || NONE,
  Object.entries(selector.matchLabels ?? {})
    .map(([k, v]) => `${k}=${v}`)
    .join(",") || NONE,
];

export const deploymentTable: TableShape<Deployment> = {
  columns: [
    NAME,
    column("Ready", "How many pods are ready, of how many that are wanted."),
    column("Up-to-date", "How many pods are of the present template.", "integer"),
    column("Available", "How many pods are ready, and so can be used.", "integer"),
    AGE,
    ...WIDE,
  ],
  cells: (o, now) => [
    o.metadata.name,
    `${o.status?.readyReplicas ?? 0}/${o.spec.replicas ?? 0}`,
    o.status?.updatedReplicas ?? 0,
    o.status?.availableReplicas ?? 0,
    age(o, now),
    ...wideCells(o.spec),
  ],
};

export const replicaSetTable: TableShape<ReplicaSet> = {
  columns: [
    NAME,
    column("Desired", "How many pods of this revision are wanted.", "integer"),
    column("Current", "How many pods of this revision there are.", "integer"),
    column("Ready", "How many of them are ready.", "integer"),
    AGE,
    ...WIDE,
  ],
  cells: (o, now) => [
    o.metadata.name,
    o.spec.replicas ?? 0,
    o.status?.replicas ?? 0,
    o.status?.readyReplicas ?? 0,
    age(o, now),
    ...wideCells(o.spec),
  ],
};
