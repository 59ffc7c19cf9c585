import { CLI } from "../../schemas/constants.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { serviceAccountTable } from "../table/core.ts";

type ServiceAccount = KubeObject & { secrets?: { name?: string }[] };

export const serviceaccounts: Kind<ServiceAccount> = {
  ...PLAIN,
  resource: RESOURCES.serviceaccounts,
  description: "A name that tools of Kubernetes keep for a program. It gives no rights here.",
  schema: "serviceaccount",
  verbs: ALL_VERBS,
  refused: { "token/create": `an account has no tokens here: \`${CLI} token create\` makes a token for a user or a program` },
  mergeKeys: { secrets: "name" },
  table: serviceAccountTable,
};
