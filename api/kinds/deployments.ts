import { VIEW_RESOURCES } from "../../schemas/resources.ts";
import type { Stack } from "../../schemas/types.ts";
import { deploymentsOf } from "../../schemas/views.ts";
import { type Kind, type MergeKeys, PLAIN, READ_VERBS } from "../kind.ts";
import { deploymentTable } from "../table/apps.ts";
import { stacks } from "./stacks.ts";

/** Source: Kubernetes, types of core/v1 and apps/v1, `patchMergeKey`. */
const PODS = "spec.template.spec";
export const TEMPLATE_KEYS: MergeKeys = {
  [`${PODS}.containers`]: "name",
  [`${PODS}.containers.env`]: "name",
  [`${PODS}.containers.ports`]: "containerPort",
  [`${PODS}.containers.volumeMounts`]: "mountPath",
  [`${PODS}.volumes`]: "name",
};

const WRITE_A_STACK =
  "write a Stack instead (apiVersion: steadfleet.dev/v1, kind: Stack; its spec is a Compose document), or deploy a Compose file with `steady up`";

export const deployments: Kind = {
  ...PLAIN,
  resource: VIEW_RESOURCES.deployments,
  description: "One service of a Stack, as Kubernetes tools know it. What is changed here is changed in the Stack.",
  schema: "deployment",
  verbs: [...READ_VERBS, "patch", "update"],
  refused: {
    create: `a Deployment here is a view of a service of a Stack, and none can be created by itself: ${WRITE_A_STACK}`,
    delete:
      "a Deployment here is a view of a service of a Stack, and cannot be deleted by itself: take the service out of the Stack (`kubectl edit stack <name>`), delete the Stack (`kubectl delete stack <name>`), or stop all of its pods (`kubectl scale --replicas=0`)",
    deletecollection:
      "Deployments here are views of the services of Stacks, and cannot be deleted by themselves: take the services out of their Stacks, or delete the Stacks",
  },
  subresources: [
    {
      name: "scale",
      verbs: ["get", "patch", "update"],
      responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
      schema: "scale",
    },
    { name: "status", verbs: ["get"] },
  ],
  reads: "derived",
  derived: { from: stacks, views: (stack) => deploymentsOf(stack as Stack) },
  generation: true,
  status: true,
  mergeKeys: { ...TEMPLATE_KEYS, "status.conditions": "type" },
  table: deploymentTable,
};
