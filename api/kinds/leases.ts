import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { leaseTable } from "../table/core.ts";

type Lease = KubeObject & { spec?: { holderIdentity?: string } };

export const leases: Kind<Lease> = {
  ...PLAIN,
  resource: RESOURCES.leases,
  description: "Which of several copies of a program does the work for now.",
  schema: "lease",
  verbs: ALL_VERBS,
  table: leaseTable,
};
