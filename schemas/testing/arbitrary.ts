// Random values for a JSON Schema: valid ones, and ones that are wrong in some place.
import * as fc from "fast-check";
import { type JsonSchema, loadSchema, resolveRef, type SchemaName } from "../load.ts";

/** Texts that mean something to some field, so that the checks behind the schema are reached. */
const TEXTS = [
  "",
  "web",
  "db",
  "default",
  "data",
  "nginx:1.27",
  "8080:80",
  "[::1]:53:53/udp",
  "8000-8002:80-82",
  "data:/data:ro",
  "/srv:/srv",
  "./x:/x",
  "/cache",
  "A=b",
  "${X}",
  "sh -c 'a \"b'",
  "1m30s",
  "512M",
  "node.labels.disk==ssd",
  "on-failure:3",
  "NET_ADMIN",
  "SIGINT",
  "CMD",
  "__proto__",
  "2026-01-01T00:00:00Z",
  "0 3 * * *",
  "Europe/Berlin",
  "172.28.0.0/16",
  "172.28.0.5",
];
const text = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TEXTS) }, { weight: 1, arbitrary: fc.string() });
const key = fc.oneof(fc.constantFrom("web", "db", "default", "data", "x.y", "A_b"), fc.string({ minLength: 1, maxLength: 5 }));

const ofType = (schema: JsonSchema, base: SchemaName, type: string, depth: number): fc.Arbitrary<unknown> => {
  if (type === "null") return fc.constant(null);
  if (type === "boolean") return fc.boolean();
  if (type === "integer" || type === "number") {
    return fc.integer({ min: schema.minimum ?? -1, max: schema.maximum ?? 70_000 });
  }
  if (type === "string") {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.format === "date-time") return fc.constant("2026-01-01T00:00:00Z");
    return schema.enum ? fc.constantFrom(...schema.enum) : text;
  }
  if (type === "array") return fc.array(schema.items ? arbitraryOf(schema.items, base, depth + 1) : fc.constant({}), { maxLength: 3 });
  const properties = Object.entries(schema.properties ?? {});
  const declared = fc.record(Object.fromEntries(properties.map(([k, s]) => [k, arbitraryOf(s, base, depth + 1)])), {
    requiredKeys: schema.required ?? [],
  });
  if (typeof schema.additionalProperties !== "object") return declared;
  return fc.dictionary(key, arbitraryOf(schema.additionalProperties, base, depth + 1), { maxKeys: 3, noNullPrototype: true });
};

/** Values that the schema allows. */
export const arbitraryOf = (schema: JsonSchema, base: SchemaName, depth = 0): fc.Arbitrary<unknown> => {
  if (schema.$ref) {
    const target = resolveRef(base, schema.$ref);
    return arbitraryOf(target.schema, target.base, depth);
  }
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((branch) => arbitraryOf(branch, base, depth)));
  const types = schema.type === undefined ? ["string"] : [schema.type].flat();
  return fc.oneof(...types.map((type) => ofType(schema, base, type, depth)));
};

/** Objects of a kind that its schema allows. */
export const arbitraryKind = (name: SchemaName): fc.Arbitrary<unknown> => arbitraryOf(loadSchema(name), name);

const junk = fc.oneof(fc.constantFrom<unknown>(null, 1.5, -1, "", "junk", true, [], {}, [null], { junk: 1 }), text);

/** A copy with something else in a random place: another value, another key, or nothing. */
const spoil = (value: unknown, path: readonly number[], other: unknown, how: number): unknown => {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== "object" || value === null) return other;
  if (Array.isArray(value)) {
    if (value.length === 0) return [other];
    return value.map((item: unknown, i) => (i === step % value.length ? spoil(item, rest, other, how) : item));
  }
  const entries = Object.entries(value);
  const chosen = step % (entries.length + 1);
  if (chosen === entries.length) return { ...value, junk: other };
  return Object.fromEntries(
    entries.flatMap(([k, entry], i) => {
      if (i !== chosen) return [[k, entry]];
      if (rest.length === 0 && how === 0) return [];
      return rest.length === 0 && how === 1 ? [[`${k}x`, entry]] : [[k, spoil(entry, rest, other, how)]];
    }),
  );
};

/** Objects that may be valid, or wrong in one place. */
export const spoiledKind = (name: SchemaName): fc.Arbitrary<unknown> =>
  fc
    .tuple(arbitraryKind(name), fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), junk, fc.nat(3))
    .map(([value, path, other, how]) => spoil(value, path, other, how));
