import { GROUP, VERSION } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { type Kind, PLAIN } from "../kind.ts";
import { nodeTable } from "../table/nodes.ts";

type Node = KubeObject & { spec?: { unschedulable?: boolean } };

export const nodes: Kind<Node> = {
  ...PLAIN,
  resource: RESOURCES.nodes,
  description: "A machine with a Docker engine. People write labels, taints and unschedulable; its agent reports the rest.",
  schema: "node",
  verbs: ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"],
  refused: {
    "status/update": "the status of a Node is what its agent reports; nobody else writes it",
    "status/patch": "the status of a Node is what its agent reports; nobody else writes it",
  },
  subresources: [
    { name: "status", verbs: ["get"] },
    {
      name: "composeprojects",
      verbs: ["create"],
      responseKind: { group: GROUP, version: VERSION, kind: "ComposeProjects" },
      schema: "composeprojects",
    },
  ],
  reads: "nodes",
  status: true,
  // Taints are one piece, as in Kubernetes: kubectl taint sends the whole list, also to take one away.
  fields: { "spec.unschedulable": (o) => String(o.spec?.unschedulable ?? false) },
  table: nodeTable,
};
