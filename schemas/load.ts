// The JSON Schemas as data. Node 20 warns about JSON imports, so they are required.
import { createRequire } from "node:module";

/** The part of JSON Schema 2020-12 that our schemas use, plus `x-not-supported`: known keys, or values of an enum, that are refused → what to do instead. */
export interface JsonSchema {
  $id?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  type?: string | string[];
  format?: string;
  const?: string;
  enum?: string[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  contentEncoding?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  patternProperties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  "x-not-supported"?: Record<string, string>;
  /** Supported, but not quite as in Compose: one sentence, which docs/compose.md shows and the normaliser warns with where it matters. */
  "x-difference"?: string;
  /** Refused unless these keys stand beside it: key → what to do when it is missing. */
  "x-needs"?: Record<string, string>;
  /** How server-side apply merges: api/apply/type.ts. */
  "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  "x-kubernetes-list-map-keys"?: string[];
  "x-kubernetes-map-type"?: "granular" | "atomic";
}

export const SCHEMA_NAMES = [
  "meta",
  "compose",
  "stack",
  "stackrevision",
  "stackplan",
  "composeprojects",
  "namespace",
  "node",
  "pod",
  "event",
  "configmap",
  "secret",
  "serviceaccount",
  "lease",
  "selfsubjectaccessreview",
  "selfsubjectrulesreview",
  "selfsubjectreview",
  "deployment",
  "replicaset",
  "scale",
  "eviction",
  "eventsevent",
  "nodemetrics",
  "podmetrics",
] as const;
export type SchemaName = (typeof SCHEMA_NAMES)[number];

const require = createRequire(import.meta.url);
const cache = new Map<string, JsonSchema>();

/** `schemas/<name>.json`. Shared: do not change it. */
export const loadSchema = (name: SchemaName): JsonSchema => {
  const known = cache.get(name);
  if (known) return known;
  const loaded = require(`./${name}.json`) as JsonSchema;
  cache.set(name, loaded);
  return loaded;
};

/** What `ref`, seen in the document `base`, points at, with the document it lies in. Throws when it points nowhere. */
export const resolveRef = (base: SchemaName, ref: string): { schema: JsonSchema; base: SchemaName } => {
  const [file = "", pointer = ""] = ref.split("#");
  const name = file === "" ? base : SCHEMA_NAMES.find((n) => `${n}.json` === file);
  if (!name) throw new Error(`${base}.json refers to the unknown document ${file}`);
  let at: unknown = loadSchema(name);
  for (const part of pointer.split("/").slice(1)) at = (at as Record<string, unknown> | undefined)?.[part];
  if (!at) throw new Error(`${base}.json refers to ${ref}, which does not exist`);
  return { schema: at, base: name };
};
