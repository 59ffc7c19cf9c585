import { LABELS } from "../../schemas/constants.ts";
import { VIEW_RESOURCES } from "../../schemas/resources.ts";
import type { Stack, StackRevision } from "../../schemas/types.ts";
import { replicaSetsOf } from "../../schemas/views.ts";
import { type Kind, PLAIN, READ_VERBS } from "../kind.ts";
import { replicaSetTable } from "../table/apps.ts";
import { TEMPLATE_KEYS } from "./deployments.ts";
import { stackrevisions } from "./stackrevisions.ts";
import { stacks } from "./stacks.ts";

const INSTEAD =
  "a ReplicaSet here is a view of what a service of a Stack was in one revision, and read-only: `kubectl rollout undo deployment/<name> --to-revision=<n>` goes back to it";

export const replicasets: Kind = {
  ...PLAIN,
  resource: VIEW_RESOURCES.replicasets,
  description: "A service of a Stack as one of the Stack's revisions had it. Read-only.",
  schema: "replicaset",
  verbs: READ_VERBS,
  refused: { create: INSTEAD, update: INSTEAD, patch: INSTEAD, delete: INSTEAD, deletecollection: INSTEAD },
  subresources: [{ name: "status", verbs: ["get"] }],
  reads: "derived",
  derived: {
    from: stacks,
    beside: { kind: stackrevisions, belongsTo: (o) => `${o.metadata.namespace}/${o.metadata.labels?.[LABELS.stack]}` },
    views: (stack, revisions) => replicaSetsOf(stack as Stack, revisions as StackRevision[]),
  },
  generation: true,
  status: true,
  mergeKeys: TEMPLATE_KEYS,
  table: replicaSetTable,
};
