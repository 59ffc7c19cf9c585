import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { type Kind, PLAIN, READ_VERBS } from "../kind.ts";
import { stackRevisionTable } from "../table/stacks.ts";

type StackRevision = KubeObject & { revision?: number; hash?: string };

export const stackrevisions: Kind<StackRevision> = {
  ...PLAIN,
  resource: RESOURCES.stackrevisions,
  description: "A Stack as it was when one of its revisions began to be rolled out. The controller keeps the last ten.",
  schema: "stackrevision",
  verbs: READ_VERBS,
  custom: true,
  fields: { revision: (o) => String(o.revision ?? ""), hash: (o) => o.hash ?? "" },
  table: stackRevisionTable,
};
