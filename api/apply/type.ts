// What merging needs to know of a value's type: its forms (map, list, scalar), and which maps and lists are one piece.
// Read from our JSON Schemas and the markers in them:
//   x-kubernetes-list-type  `atomic` (default), `set` (each value once), `map` (items told apart by x-kubernetes-list-map-keys)
//   x-kubernetes-map-type   `granular` (default), `atomic`
// Source: Kubernetes, "Server-Side Apply", section "Merge strategy".
import { isObject, type Json } from "../json.ts";
import { type JsonSchema, loadSchema, resolveRef, type SchemaName } from "../../schemas/load.ts";
import { keyStep, type Step, valueStep } from "./steps.ts";

export interface MapForm {
  /** One piece: whoever sets a part sets it all. */
  atomic: boolean;
  /** The type of a field that the schema names; undefined for the keys of a map by name. */
  named(field: string): Type | undefined;
  /** Of all other keys. */
  element: Type;
}

export interface ListForm {
  relation: "atomic" | "set" | "map";
  /** Of a `map`: fields that tell items apart, and what an absent one counts as. */
  keys: readonly { name: string; absent?: Json }[];
  item: Type;
}

/** A value has one of these forms; a type may allow several (Compose's `environment` is a map or a list). */
export interface Type {
  scalar: boolean;
  map?: MapForm;
  list?: ListForm;
}

/** A value of which no schema says anything: maps merge key by key, lists are one piece. */
export const ANYTHING: Type = {
  scalar: true,
  get map() {
    return { atomic: false, named: () => undefined, element: ANYTHING };
  },
  get list() {
    return { relation: "atomic" as const, keys: [], item: ANYTHING };
  },
};

const known = new WeakMap<JsonSchema, Type>();

/** The type of a kind's objects. */
export const typeOfSchema = (name: SchemaName): Type => typeOf(loadSchema(name), name);

function typeOf(schema: JsonSchema, base: SchemaName): Type {
  const before = known.get(schema);
  if (before) return before;
  const type = read(schema, base);
  known.set(schema, type);
  return type;
}

function read(schema: JsonSchema, base: SchemaName): Type {
  if (schema.$ref !== undefined) {
    const target = resolveRef(base, schema.$ref);
    return typeOf(target.schema, target.base);
  }
  if (schema.anyOf) {
    // No two branches share a JSON type (a test of the schemas sees to it).
    const forms = schema.anyOf.map((s) => typeOf(s, base));
    const [map, list] = [forms.find((f) => f.map)?.map, forms.find((f) => f.list)?.list];
    return { scalar: forms.some((f) => f.scalar), ...(map ? { map } : {}), ...(list ? { list } : {}) };
  }
  if (schema.type === undefined) return ANYTHING;
  const types = [schema.type].flat();
  return {
    scalar: types.some((t) => ["string", "number", "integer", "boolean"].includes(t)),
    ...(types.includes("object") ? { map: mapForm(schema, base) } : {}),
    ...(types.includes("array") ? { list: listForm(schema, base) } : {}),
  };
}

const mapForm = (schema: JsonSchema, base: SchemaName): MapForm => ({
  atomic: schema["x-kubernetes-map-type"] === "atomic",
  named: (field) => {
    const own = schema.properties;
    const found = own && Object.hasOwn(own, field) ? own[field] : undefined;
    return found && typeOf(found, base);
  },
  get element() {
    return typeof schema.additionalProperties === "object" ? typeOf(schema.additionalProperties, base) : ANYTHING;
  },
});

const listForm = (schema: JsonSchema, base: SchemaName): ListForm => {
  const item = (): { schema: JsonSchema; base: SchemaName } => {
    let at = { schema: schema.items ?? {}, base };
    while (at.schema.$ref !== undefined) at = resolveRef(at.base, at.schema.$ref);
    return at;
  };
  return {
    relation: schema["x-kubernetes-list-type"] ?? "atomic",
    get keys() {
      return (schema["x-kubernetes-list-map-keys"] ?? []).map((name) => {
        const absent = item().schema.properties?.[name]?.default as Json | undefined;
        return { name, ...(absent === undefined ? {} : { absent }) };
      });
    },
    get item() {
      return schema.items ? typeOf(schema.items, base) : ANYTHING;
    },
  };
};

export type Form = { map: MapForm } | { list: ListForm } | "scalar";

/**
 * The form in which a value of this type is looked at. An empty one (null, or absent) takes that of `beside`, the value it is
 * compared with. A value that does not fit its type is looked at as if there were no schema; validation will refuse it.
 */
export function formOf(type: Type, value: Json | undefined, beside?: Json): Form {
  const seen = value ?? beside;
  if (seen === undefined || seen === null) return type.map ? { map: type.map } : type.scalar || !type.list ? "scalar" : { list: type.list };
  if (Array.isArray(seen)) return { list: (type.list ?? ANYTHING.list) as ListForm };
  if (isObject(seen)) return { map: (type.map ?? ANYTHING.map) as MapForm };
  return "scalar";
}

/** The type of a key of a map. */
export const typeOfKey = (map: MapForm, key: string): Type => map.named(key) ?? map.element;

/** Which item of a `set` or `map` list this is; undefined when it lacks all keys by which items are told apart. */
export function itemStep(list: ListForm, item: Json): Step | undefined {
  if (list.relation === "set") return valueStep(item);
  if (!isObject(item)) return undefined;
  const keys = list.keys.map(({ name, absent }) => [name, Object.hasOwn(item, name) ? item[name] : absent] as const);
  if (keys.every(([, value]) => value === undefined)) return undefined;
  return keyStep(Object.fromEntries(keys.map(([name, value]) => [name, value ?? null])));
}

/** The type of what lies behind a step. */
export function typeBehind(type: Type, step: Step): Type {
  if (step.startsWith("f:")) return type.map ? typeOfKey(type.map, step.slice(2)) : ANYTHING;
  return type.list?.item ?? ANYTHING;
}

/** Whether the step leads to a field that the schema names, which has no existence of its own beside what is in it. */
export const isNamed = (type: Type, step: Step): boolean => step.startsWith("f:") && type.map?.named(step.slice(2)) !== undefined;
