// OpenAPI v3: one document for each group version, which kubectl 1.24 and later validate and explain by.
import type { Kind } from "../kind.ts";
import { Components, namePrefix, type OpenApiSchema } from "./components.ts";
import { type Operation, operationsOf, type Parameter } from "./operations.ts";
import { patchTypesOf } from "../patch/types.ts";
import { deleteOptionsShape, listShape, statusShape } from "./protocol.ts";
import { shapeOf } from "./shape.ts";

interface Content {
  content: Record<string, { schema: OpenApiSchema }>;
}
interface V3Operation {
  tags: string[];
  description: string;
  operationId: string;
  parameters: { name: string; in: "path" | "query"; required?: boolean; description: string; schema: { type: string } }[];
  requestBody?: Content & { required: boolean };
  responses: Record<string, { description: string } & Content>;
  "x-kubernetes-action": string;
  "x-kubernetes-group-version-kind": { group: string; version: string; kind: string };
}

export interface V3Document {
  openapi: "3.0.0";
  info: { title: string; version: string };
  paths: Record<string, Record<string, V3Operation>>;
  components: { schemas: Record<string, OpenApiSchema> };
}

const JSON_TYPE = "application/json";
const content = (schema: OpenApiSchema, types: string[] = [JSON_TYPE]): Content => ({
  content: Object.fromEntries(types.map((t) => [t, { schema }])),
});
const parameter =
  (place: "path" | "query") =>
  ({ name, description, type }: Parameter) => ({
    name,
    in: place,
    ...(place === "path" && { required: true }),
    description,
    schema: { type },
  });

/** A reference as such, without the description of its place. */
const reference = (s: OpenApiSchema): OpenApiSchema => (s.$ref === undefined ? s : { $ref: s.$ref });

/** The document of one group version. `info.version` is the product's. */
export function v3Document(kinds: readonly Kind[], group: string, version: string, info: V3Document["info"]): V3Document {
  const prefix = namePrefix(group, version);
  const mine = kinds.filter((k) => k.resource.group === group && k.resource.version === version);
  const components = new Components(
    prefix,
    Object.fromEntries(mine.flatMap((k) => Object.entries(k.mergeKeys).map(([p, key]) => [`${k.resource.kind}.${p}`, key]))),
  );
  const paths: V3Document["paths"] = {};
  const status = components.use(statusShape, "Status");
  const deletes = mine.some((k) => operationsOf(k).some((op) => op.body === "delete"));
  const options = deletes ? components.use(deleteOptionsShape, "DeleteOptions") : status;
  for (const kind of mine) {
    const { resource: r } = kind;
    const named = { ...shapeOf(kind.schema), title: r.kind };
    const one = components.use(named, r.kind);
    const listed = kind.verbs.includes("list");
    const many = listed ? components.use(listShape(named), r.kind) : one;
    components.mark(prefix + r.kind, [{ group, kind: r.kind, version }]);
    if (listed) components.mark(`${prefix}${r.kind}List`, [{ group, kind: `${r.kind}List`, version }]);
    const schemas = { object: reference(one), list: reference(many), status: reference(status), delete: reference(options) };
    for (const op of operationsOf(kind)) {
      const item = paths[op.path] ?? {};
      paths[op.path] = item;
      item[op.method] = operation(op, { ...schemas, ...subresourceSchema(components, op) }, op.gvk);
    }
  }
  return { openapi: "3.0.0", info, paths, components: { schemas: components.schemas } };
}

/** What a subresource with a kind of its own takes and answers. */
function subresourceSchema(components: Components, { subresource, gvk }: Operation): { object?: OpenApiSchema } {
  if (!subresource?.schema) return {};
  return { object: components.foreign(shapeOf(subresource.schema), gvk) };
}

function operation(
  op: Operation,
  schemas: Record<"object" | "list" | "status" | "delete", OpenApiSchema>,
  gvk: V3Operation["x-kubernetes-group-version-kind"],
): V3Operation {
  const patch: OpenApiSchema = { type: "object", description: "Changes, in the form that the media type says." };
  const body = op.body === "patch" ? content(patch, patchTypesOf(op.kind, op.subresource)) : op.body && content(schemas[op.body]);
  const answer =
    op.answer === "text" ? content({ type: "string", description: "The stream." }, ["text/plain"]) : content(schemas[op.answer]);
  return {
    tags: [gvk.group ? `${gvk.group}_${gvk.version}` : `core_${gvk.version}`],
    description: op.description,
    operationId: op.id,
    parameters: [...op.pathParameters.map(parameter("path")), ...op.query.map(parameter("query"))],
    ...(body && { requestBody: { ...body, required: op.body !== "delete" } }),
    responses: {
      "200": { description: "OK", ...answer },
      ...(op.action === "post" && { "201": { description: "Created", ...answer } }),
      default: { description: "What went wrong.", ...content(schemas.status) },
    },
    "x-kubernetes-action": op.action,
    "x-kubernetes-group-version-kind": gvk,
  };
}

/** For tests and tools: names of the components that a document refers to. */
export const referencedComponents = (document: V3Document): Set<string> =>
  new Set([...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map((m) => m[1] as string));
