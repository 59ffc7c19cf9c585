// What nodes and pods use now. Asked of the nodes' agents, and never kept: handlers/metrics.ts.
import { VIEW_RESOURCES } from "../../schemas/resources.ts";
import { type Kind, PLAIN } from "../kind.ts";
import { nodeMetricsTable, podMetricsTable } from "../table/metrics.ts";

const measured = {
  ...PLAIN,
  verbs: ["get", "list"],
  reads: "none",
} as const satisfies Partial<Kind>;

export const nodemetrics: Kind = {
  ...measured,
  resource: VIEW_RESOURCES.nodemetrics,
  description: "What a node uses now.",
  schema: "nodemetrics",
  table: nodeMetricsTable,
};

export const podmetrics: Kind = {
  ...measured,
  resource: VIEW_RESOURCES.podmetrics,
  description: "What the container of a pod uses now.",
  schema: "podmetrics",
  table: podMetricsTable,
};
