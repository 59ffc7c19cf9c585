// OpenAPI v2 (Swagger): one document for everything, which kubectl before 1.24 validates and explains by.
//
// That kubectl validates manifests itself, knows no unions, and refuses `null` in lists and maps. So where a manifest may hold one of several
// forms, or null, the document says nothing about the type (kubectl then accepts what it finds, and the server judges it), and the
// description tells the forms and their fields down to the leaves. Everything is spelled out in place: kubectl's messages then name the field.
import type { Kind } from "../kind.ts";
import { namePrefix, patchStrategy } from "./components.ts";
import type { Swagger, SwaggerOperation, SwaggerParameter, SwaggerSchema } from "./gnostic.ts";
import { operationsOf, type Parameter } from "./operations.ts";
import { patchTypesOf } from "../patch/types.ts";
import { deleteOptionsShape, listShape, statusShape } from "./protocol.ts";
import { type Shape, shapeOf } from "./shape.ts";
import { wholeText } from "./words.ts";

const JSON_TYPE = "application/json";

type MergeKeys = Readonly<Record<string, string>>;

/** kubectl takes any scalar for a string, and whole numbers for a number. */
function scalarUnion(forms: readonly Shape[]): string | undefined {
  const types = forms.map((f) => f.type);
  if (types.every((t) => t === "integer" || t === "number")) return "number";
  return types.every((t) => t === "string" || t === "integer" || t === "number" || t === "boolean") ? "string" : undefined;
}

/** `path` is the field's, e.g. `status.conditions`. */
export function swaggerSchema(shape: Shape, path: string, mergeKeys: MergeKeys): SwaggerSchema {
  const free: SwaggerSchema = { description: wholeText(shape) };
  const common: SwaggerSchema = { ...(shape.description && { description: shape.description }), ...shape.facets, ...shape.markers };
  switch (shape.type) {
    case "any":
      return { description: shape.description };
    case "union": {
      const type = scalarUnion(shape.forms);
      return type === undefined ? free : { ...free, type };
    }
    case "array":
      if (shape.items.nullable) return free;
      return { type: "array", ...common, ...patchStrategy(mergeKeys[path]), items: swaggerSchema(shape.items, path, mergeKeys) };
    case "map":
      if (shape.values.nullable) return free;
      return { type: "object", ...common, additionalProperties: swaggerSchema(shape.values, path, mergeKeys) };
    case "object": {
      const under = path === "" ? "" : `${path}.`;
      const fields = Object.entries(shape.properties).map(([k, s]) => [k, swaggerSchema(s, under + k, mergeKeys)] as const);
      const required = shape.required.length > 0 ? { required: [...shape.required] } : {};
      return { type: "object", ...common, ...required, properties: Object.fromEntries(fields) };
    }
    default:
      return { type: shape.type, ...common };
  }
}

const parameter =
  (place: "path" | "query") =>
  ({ name, type, description }: Parameter): SwaggerParameter => ({
    name,
    in: place,
    description,
    ...(place === "path" && { required: true }),
    type,
  });

const ref = (name: string): SwaggerSchema => ({ $ref: `#/definitions/${name}` });

/** The document of all kinds. `info.version` is the product's. */
export function v2Document(kinds: readonly Kind[], info: Swagger["info"]): Swagger {
  const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
  const definitions: Swagger["definitions"] = {
    [`${meta}Status`]: swaggerSchema(statusShape, "", {}),
    [`${meta}DeleteOptions`]: swaggerSchema(deleteOptionsShape, "", {}),
  };
  const paths: Swagger["paths"] = {};
  for (const kind of kinds) {
    const { group, version, kind: name } = kind.resource;
    const prefix = namePrefix(group, version);
    const shape = { ...shapeOf(kind.schema), title: name };
    const list = swaggerSchema(listShape({ ...shape, properties: {} }), "", {});
    definitions[prefix + name] = {
      ...swaggerSchema(shape, "", kind.mergeKeys),
      "x-kubernetes-group-version-kind": [{ group, kind: name, version }],
    };
    if (kind.verbs.includes("list"))
      definitions[`${prefix}${name}List`] = {
        ...list,
        properties: { ...list.properties, items: { type: "array", description: "The objects.", items: ref(prefix + name) } },
        "x-kubernetes-group-version-kind": [{ group, kind: `${name}List`, version }],
      };
    for (const op of operationsOf(kind)) {
      const { subresource, gvk } = op;
      const object = subresource?.schema ? namePrefix(gvk.group, gvk.version) + gvk.kind : prefix + name;
      if (subresource?.schema)
        definitions[object] ??= { ...swaggerSchema(shapeOf(subresource.schema), "", {}), "x-kubernetes-group-version-kind": [gvk] };
      const answers = { object: ref(object), list: ref(`${prefix}${name}List`), status: ref(`${meta}Status`), text: { type: "string" } };
      const bodies = { object: ref(object), patch: { type: "object" }, delete: ref(`${meta}DeleteOptions`) };
      const body: SwaggerParameter[] = op.body
        ? [{ name: "body", in: "body", description: "The body.", required: op.body !== "delete", schema: bodies[op.body] }]
        : [];
      const operation: SwaggerOperation = {
        description: op.description,
        operationId: op.id,
        consumes: op.body === "patch" ? patchTypesOf(kind, op.subresource) : [JSON_TYPE],
        produces: [op.answer === "text" ? "text/plain" : JSON_TYPE],
        parameters: [...body, ...op.pathParameters.map(parameter("path")), ...op.query.map(parameter("query"))],
        responses: { "200": { description: "OK", schema: answers[op.answer] } },
        "x-kubernetes-action": op.action,
        "x-kubernetes-group-version-kind": gvk,
      };
      paths[op.path] = { ...paths[op.path], [op.method]: operation };
    }
  }
  return { swagger: "2.0", info, paths, definitions };
}
