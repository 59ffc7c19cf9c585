import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind } from "../kind.ts";
import { leaseTable } from "../table/core.ts";

type Lease = KubeObject & { spec?: { holderIdentity?: string } };

export const leases: Kind<Lease> = {
  resource: RESOURCES.leases,
  description: "Which of several copies of a program does the work for now.",
  schema: "lease",
  verbs: ALL_VERBS,
  subresources: [],
  reads: "stored",
  generation: false,
  status: false,
  finalizers: [],
  custom: false,
  mergeKeys: {},
  fields: {},
  table: leaseTable,
};
