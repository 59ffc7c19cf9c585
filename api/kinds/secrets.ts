import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { ALL_VERBS, type Kind } from "../kind.ts";
import { immutableData } from "./immutable.ts";
import { secretTable } from "../table/core.ts";

type Secret = KubeObject & {
  data?: Record<string, string>;
  /** As it came: not validated yet. */
  stringData?: Record<string, unknown>;
  type?: string;
  immutable?: boolean;
};

export const secrets: Kind<Secret> = {
  resource: RESOURCES.secrets,
  description: "Values that only the containers which use them may see.",
  schema: "secret",
  verbs: ALL_VERBS,
  subresources: [],
  reads: "stored",
  generation: false,
  status: false,
  finalizers: [],
  custom: false,
  mergeKeys: {},
  fields: { type: (o) => o.type ?? "" },
  /** `stringData` is for writing only: it is never stored. */
  defaults: ({ stringData, ...o }) => {
    const given = Object.entries(stringData ?? {});
    // A value that is no text stays where it is, for the schema to refuse.
    if (!given.every((e): e is [string, string] => typeof e[1] === "string")) return stringData ? { ...o, stringData } : o;
    const encoded = Object.fromEntries(given.map(([k, v]) => [k, Buffer.from(v, "utf8").toString("base64")]));
    const data = given.length > 0 ? { ...o.data, ...encoded } : o.data;
    return { ...o, type: o.type || "Opaque", ...(data ? { data } : {}) };
  },
  table: secretTable,
  validate: (o, old) => [
    ...immutableData(o, old, ["data"]),
    ...(old && old.type !== o.type
      ? [{ field: "type", message: `field is immutable: it is ${JSON.stringify(old.type)}`, reason: "FieldValueInvalid" as const }]
      : []),
  ],
};
