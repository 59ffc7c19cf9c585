import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind, PLAIN } from "../kind.ts";
import { immutableData } from "./immutable.ts";
import { secretTable } from "../table/core.ts";

type Secret = KubeObject & {
  data?: Record<string, string>;
  type?: string;
  immutable?: boolean;
};

export const secrets: Kind<Secret> = {
  ...PLAIN,
  resource: RESOURCES.secrets,
  description: "Values that only the containers which use them may see.",
  schema: "secret",
  verbs: ALL_VERBS,
  fields: { type: (o) => o.type ?? "" },
  table: secretTable,
  validate: (o, old) => [
    ...immutableData(o, old, ["data"]),
    ...(old && old.type !== o.type
      ? [{ field: "type", message: `field is immutable: it is ${JSON.stringify(old.type)}`, reason: "FieldValueInvalid" as const }]
      : []),
  ],
};
