// JSON Schema as explained to people: references followed, unions told apart. Both OpenAPI documents are made from shapes.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

export type Primitive = "string" | "integer" | "number" | "boolean";
const PRIMITIVES: readonly string[] = ["string", "integer", "number", "boolean"];

/** Keywords that say more about a value and mean the same in JSON Schema and OpenAPI. */
export interface Facets {
  format?: string;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  pattern?: string;
}

interface Common {
  /** Name of a type of its own, e.g. `ComposePort`. */
  title?: string;
  description: string;
  /** What the type says of itself, where `description` is about its use in one place. */
  about: string;
  /** `null` is allowed, too. */
  nullable: boolean;
  facets: Facets;
}

export type Shape = Common &
  (
    | { type: Primitive }
    | { type: "array"; items: Shape }
    | { type: "object"; properties: Readonly<Record<string, Shape>>; required: readonly string[] }
    | { type: "map"; values: Shape }
    | { type: "any" }
    /** One of several forms; none is a union itself. */
    | { type: "union"; forms: readonly Shape[] }
  );
export type ObjectShape = Extract<Shape, { type: "object" }>;

/** What our schema files use of JSON Schema 2020-12. */
interface JsonSchema extends Facets {
  $id?: string;
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
}

const FACETS = ["format", "enum", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern"] as const;
/** Either about something that OpenAPI cannot say, or for other readers of the files. */
const UNSAID = ["$schema", "$id", "$defs", "$comment", "tsType", "contentEncoding", "patternProperties", "propertyNames", "examples"];
const KNOWN = new Set<string>([
  ...FACETS,
  ...UNSAID,
  ...["$ref", "title", "description", "type", "const", "anyOf", "oneOf", "items", "properties", "required", "additionalProperties"],
]);

const readFile = (name: string): JsonSchema => require(`../../schemas/${name}`) as JsonSchema;

/** `#/$defs/X`, `meta.json#/$defs/X` and `compose.json` are what our files use; `file` is the one that the reference is in. */
function follow(ref: string, file: string): { schema: JsonSchema; file: string; name?: string } {
  const [target, pointer] = ref.split("#", 2) as [string, string | undefined];
  const name = target || file;
  const root = readFile(name);
  if (!pointer) return { schema: root, file: name };
  const key = /^\/\$defs\/([^/]+)$/.exec(pointer)?.[1];
  const schema = key === undefined ? undefined : root.$defs?.[key];
  if (key === undefined || !schema) throw new TypeError(`schemas/${file}: cannot follow the reference ${ref}`);
  return { schema, file: name, name: key };
}

const facetsOf = (schema: JsonSchema): Facets => {
  const said = FACETS.filter((k) => schema[k] !== undefined).map((k) => [k, schema[k]]);
  return { ...(Object.fromEntries(said) as Facets), ...(schema.const !== undefined && { enum: [schema.const] }) };
};

function convert(schema: JsonSchema, file: string, at: string, trail: readonly string[]): Shape {
  const strange = Object.keys(schema).find((k) => !KNOWN.has(k) && !k.startsWith("x-"));
  if (strange) throw new TypeError(`schemas/${file}: ${at} has the keyword ${JSON.stringify(strange)}, which OpenAPI documents cannot show yet`);
  if (schema.$ref !== undefined) {
    const target = follow(schema.$ref, file);
    const id = `${target.file}#${target.name ?? ""}`;
    if (trail.includes(id)) throw new TypeError(`schemas/${file}: ${at} contains itself`);
    const shape = convert(target.schema, target.file, at, [...trail, id]);
    const title = shape.title ?? (shape.type === "union" ? target.name : undefined);
    return { ...shape, ...(title !== undefined && { title }), description: schema.description ?? shape.description };
  }
  const child = (s: JsonSchema, step: string): Shape => convert(s, file, `${at}${step}`, trail);
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const common = {
    ...(schema.title !== undefined && { title: schema.title }),
    description: schema.description ?? "",
    about: schema.description ?? "",
    nullable: types.includes("null"),
    facets: facetsOf(schema),
  };
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms) {
    const some = forms.filter((f) => f.type !== "null").map((f, i) => child(f, `|${i}`));
    const shape: Common = { ...common, nullable: common.nullable || some.length < forms.length };
    return some.length === 1 && some[0] ? { ...some[0], ...shape } : { ...shape, type: "union", forms: some };
  }
  const [type, ...more] = types.filter((t) => t !== "null");
  if (type === undefined) return { ...common, type: "any" };
  if (more.length > 0) {
    const each = [type, ...more].map((t): Shape => convert({ type: t, description: "" }, file, at, trail));
    return { ...common, type: "union", forms: each };
  }
  if (PRIMITIVES.includes(type)) return { ...common, type: type as Primitive };
  if (type === "array") return { ...common, type, items: child(schema.items ?? {}, "[]") };
  if (type !== "object") throw new TypeError(`schemas/${file}: ${at} has the type ${JSON.stringify(type)}, which does not exist`);
  if (schema.properties) {
    const properties = Object.fromEntries(Object.entries(schema.properties).map(([k, s]) => [k, child(s, `.${k}`)]));
    return { ...common, type, properties, required: schema.required ?? [] };
  }
  if (typeof schema.additionalProperties === "object") return { ...common, type: "map", values: child(schema.additionalProperties, ".*") };
  const anything: Shape = { type: "any", description: "Any value.", about: "Any value.", nullable: true, facets: {} };
  return { ...common, type: "map", values: anything };
}

/** The shape that `schemas/<name>.json` describes; a kind is always an object. @throws TypeError for what OpenAPI cannot show */
export function shapeOf(name: string): ObjectShape {
  const shape = convert(readFile(`${name}.json`), `${name}.json`, name, []);
  if (shape.type !== "object") throw new TypeError(`schemas/${name}.json: a kind is an object with properties`);
  return shape;
}

/** The shape of `schemas/<file>.json#/$defs/<name>`. */
export const definitionShape = (file: string, name: string): Shape => convert({ $ref: `#/$defs/${name}` }, `${file}.json`, name, []);
