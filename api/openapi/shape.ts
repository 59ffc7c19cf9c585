// JSON Schema as explained to people: references followed, unions told apart. Both OpenAPI documents are made from shapes.
import { type JsonSchema, loadSchema, resolveRef, type SchemaName } from "../../schemas/load.ts";

export type Primitive = "string" | "integer" | "number" | "boolean";
const PRIMITIVES: readonly string[] = ["string", "integer", "number", "boolean"];

/** Keywords that say more about a value and mean the same in JSON Schema and OpenAPI. */
export interface Facets {
  format?: string;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

/** How server-side apply merges a list or a map, as the schema says it. */
export type Markers = Readonly<Record<`x-kubernetes-${string}`, string | readonly string[]>>;

interface Common {
  /** Name of a type of its own, e.g. `ComposePort`. */
  title?: string;
  description: string;
  /** What the type says of itself, where `description` is about its use in one place. */
  about: string;
  /** `null` is allowed, too. */
  nullable: boolean;
  facets: Facets;
  markers?: Markers;
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
export type UnionShape = Extract<Shape, { type: "union" }>;

const FACETS = ["format", "enum", "default", "minimum", "maximum"] as const;
/** Either about something that OpenAPI cannot say, or for other readers of the files. */
const UNSAID = ["$schema", "$id", "$defs", "$comment", "tsType", "contentEncoding", "patternProperties"];
const KNOWN = new Set<string>([
  ...FACETS,
  ...UNSAID,
  ...["$ref", "title", "description", "type", "const", "anyOf", "items", "properties", "required", "additionalProperties"],
]);

const facetsOf = (schema: JsonSchema): Facets => {
  const said = FACETS.filter((k) => schema[k] !== undefined).map((k) => [k, schema[k]]);
  return { ...(Object.fromEntries(said) as Facets), ...(schema.const !== undefined && { enum: [schema.const] }) };
};

const MARKERS = ["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"] as const;

const markersOf = (schema: JsonSchema): { markers?: Markers } => {
  const said = MARKERS.flatMap((k) => (schema[k] === undefined ? [] : [[k, schema[k]] as const]));
  return said.length > 0 ? { markers: Object.fromEntries(said) } : {};
};

/** What a schema says of a value, and how that is not quite as in Compose. */
const wordsOf = (schema: JsonSchema): string | undefined => {
  const difference = schema["x-difference"];
  const words = [schema.description, ...(difference === undefined ? [] : [`Here: ${difference}`])].filter((text) => text !== undefined);
  return words.length > 0 ? words.join(" ") : undefined;
};

function convert(schema: JsonSchema, file: SchemaName, at: string, trail: readonly string[]): Shape {
  const strange = Object.keys(schema).find((k) => !KNOWN.has(k) && !k.startsWith("x-"));
  if (strange)
    throw new TypeError(`schemas/${file}.json: ${at} has the keyword ${JSON.stringify(strange)}, which OpenAPI documents cannot show yet`);
  if (schema.$ref !== undefined) {
    const target = resolveRef(file, schema.$ref);
    const name = schema.$ref.split("/").at(-1);
    const id = `${target.base} ${name}`;
    if (trail.includes(id)) throw new TypeError(`schemas/${file}.json: ${at} contains itself`);
    const shape = convert(target.schema, target.base, at, [...trail, id]);
    const title = shape.title ?? (shape.type === "union" ? name : undefined);
    return { ...shape, ...(title !== undefined && { title }), description: wordsOf(schema) ?? shape.description };
  }
  const child = (s: JsonSchema, step: string): Shape => convert(s, file, `${at}${step}`, trail);
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const common = {
    ...(schema.title !== undefined && { title: schema.title }),
    description: wordsOf(schema) ?? "",
    about: schema.description ?? "",
    nullable: types.includes("null"),
    facets: facetsOf(schema),
    ...markersOf(schema),
  };
  const forms = schema.anyOf;
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
  if (type !== "object") throw new TypeError(`schemas/${file}.json: ${at} has the type ${JSON.stringify(type)}, which does not exist`);
  if (schema.properties) {
    const properties = Object.fromEntries(Object.entries(schema.properties).map(([k, s]) => [k, child(s, `.${k}`)]));
    return { ...common, type, properties, required: schema.required ?? [] };
  }
  if (typeof schema.additionalProperties === "object") return { ...common, type: "map", values: child(schema.additionalProperties, ".*") };
  const anything: Shape = { type: "any", description: "Any value.", about: "Any value.", nullable: true, facets: {} };
  return { ...common, type: "map", values: anything };
}

/** The shape that `schemas/<name>.json` describes; a kind is always an object. @throws TypeError for what OpenAPI cannot show */
export function shapeOf(name: SchemaName): ObjectShape {
  const shape = convert(loadSchema(name), name, name, []);
  if (shape.type !== "object") throw new TypeError(`schemas/${name}.json: a kind is an object with properties`);
  return shape;
}
