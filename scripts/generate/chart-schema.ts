// charts/stack/values.schema.json: what the values of the chart may be. Helm reads draft 7, in which a reference stands alone, and its
// regular expressions look neither ahead nor behind.
import { type JsonSchema, loadSchema, resolveRef } from "../../schemas/load.ts";

type Json = Record<string, unknown>;

const DRAFT = "http://json-schema.org/draft-07/schema#";
/** Sections of the body that the chart renders. `version` and `name` mean nothing in a Stack. */
const NOT_RENDERED = ["version", "name"];
/** `x-steadfleet` is declared wherever it is allowed, so extensions may be all that begins so. */
const EXTENSIONS = { "^x-": {} };

/** Without what only our own programs read. */
const plain = (schema: JsonSchema): Json => {
  if (schema.$ref) return { $ref: schema.$ref.replace("#/$defs/", "#/definitions/") };
  const { properties, patternProperties, additionalProperties, items, anyOf } = schema;
  const kept = Object.entries(schema).filter(([key]) => /^(title|description|type|enum|const|minimum|maximum|required)$/.test(key));
  return {
    ...Object.fromEntries(kept),
    ...(properties ? { properties: all(properties) } : {}),
    ...(patternProperties ? { patternProperties: EXTENSIONS } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: typeof additionalProperties === "object" ? plain(additionalProperties) : additionalProperties }),
    ...(items ? { items: plain(items) } : {}),
    ...(anyOf ? { anyOf: anyOf.map(plain) } : {}),
  };
};

const all = (schemas: Readonly<Record<string, JsonSchema>>): Json =>
  Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, plain(schema)]));

/** Labels or annotations of an object: a map of texts. */
const ofMetadata = (key: "labels" | "annotations"): Json => {
  const metadata = resolveRef("stack", loadSchema("stack").properties?.metadata?.$ref ?? "");
  const { $ref, ...declared } = metadata.schema.properties?.[key] ?? {};
  return { ...($ref ? plain(resolveRef(metadata.base, $ref).schema) : {}), ...plain(declared) };
};

/** `compose`: schemas/compose.json. */
export const chartSchema = (compose: JsonSchema): Json => {
  const rendered = Object.fromEntries(Object.entries(compose.properties ?? {}).filter(([key]) => !NOT_RENDERED.includes(key)));
  return {
    $schema: DRAFT,
    title: "Values",
    description:
      "Values of the chart: a Compose document, and what the Stack is called. Generated from schemas/compose.json by `npm run generate`.",
    type: "object",
    required: ["services"],
    additionalProperties: false,
    patternProperties: EXTENSIONS,
    properties: {
      name: { type: "string", description: "Name of the Stack. Default: the release's name." },
      labels: ofMetadata("labels"),
      annotations: ofMetadata("annotations"),
      global: { type: "object", description: "Set by Helm where this chart is a dependency of another one; not read." },
      ...all(rendered),
    },
    definitions: all(compose.$defs ?? {}),
  };
};
