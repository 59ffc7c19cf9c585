import { nameProblems } from "../handlers/apps/source.ts";
import { GROUP, STACK_FINALIZER, VERSION } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { stackTable } from "../table/stacks.ts";

type Stack = KubeObject & { status?: { health?: string } };

export const stacks: Kind<Stack> = {
  ...PLAIN,
  resource: RESOURCES.stacks,
  description: "An application: a Compose document that the fleet keeps running.",
  schema: "stack",
  verbs: ALL_VERBS,
  subresources: [
    { name: "status", verbs: ["get", "patch", "update"] },
    {
      name: "scale",
      verbs: ["get", "patch", "update"],
      responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
      schema: "scale",
    },
    { name: "plan", verbs: ["create"], responseKind: { group: GROUP, version: VERSION, kind: "StackPlan" }, schema: "stackplan" },
  ],
  generation: true,
  status: true,
  finalizers: [STACK_FINALIZER],
  custom: true,
  fields: { "status.health": (o) => o.status?.health ?? "" },
  table: stackTable,
  validateAmong: nameProblems,
};
