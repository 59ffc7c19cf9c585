// Says in our words what ajv (judge.ts) would refuse: its own answers cannot be shown to people. That both agree on what is
// valid is tested. An `anyOf` is decided by the JSON type of the value: no two branches share one (tested, too).
import { type JsonSchema, resolveRef, type SchemaName } from "./load.ts";
import { type Findings, type Key, MAX_PROBLEMS } from "./problems.ts";
import { describe, didYouMean, nameTypes, nearest, oneOf, show, typeOf } from "./words.ts";

/** A part of a schema, with the document it lies in. */
export interface Located {
  schema: JsonSchema;
  base: SchemaName;
}

/** What a `$ref` leads to. */
export const follow = (at: Located): Located => {
  let found = at;
  while (found.schema.$ref) found = resolveRef(found.base, found.schema.$ref);
  return found;
};

/** JSON types that a value may have there; none: any. */
export const typesOf = (at: Located): string[] => {
  const { schema, base } = follow(at);
  if (schema.anyOf) return schema.anyOf.flatMap((branch) => typesOf({ schema: branch, base }));
  return schema.type === undefined ? [] : [schema.type].flat();
};

const accepts = (types: readonly string[], value: unknown): boolean => {
  const type = typeOf(value);
  return types.length === 0 || types.includes(type) || (type === "number" && types.includes("integer") && Number.isSafeInteger(value));
};

/** The schema that a value of this type is held against. */
export const branchFor = (at: Located, value: unknown): Located | undefined => {
  const found = follow(at);
  if (!found.schema.anyOf) return accepts(typesOf(found), value) ? found : undefined;
  for (const schema of found.schema.anyOf) {
    const branch = branchFor({ schema, base: found.base }, value);
    if (branch) return branch;
  }
  return undefined;
};

/** The schema of a key of a map. */
export const schemaOfKey = ({ schema, base }: Located, key: string): Located | "extension" | undefined => {
  const own = schema.properties;
  if (own && Object.hasOwn(own, key)) return { schema: own[key] as JsonSchema, base };
  if (schema["x-not-supported"] && Object.hasOwn(schema["x-not-supported"], key)) return undefined;
  if (Object.keys(schema.patternProperties ?? {}).some((pattern) => new RegExp(pattern).test(key))) return "extension";
  if (schema.additionalProperties === true) return "extension";
  return typeof schema.additionalProperties === "object" ? { schema: schema.additionalProperties, base } : undefined;
};

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

const checkScalar = (schema: JsonSchema, value: unknown, keys: readonly Key[], out: Findings): void => {
  const choices = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (choices && !choices.includes(value as string)) {
    const refused = schema["x-not-supported"] ?? {};
    const help = typeof value === "string" && Object.hasOwn(refused, value) ? refused[value] : undefined;
    const guess = typeof value === "string" && !help ? didYouMean(value, choices) : "";
    const said = help ? `${show(value)} is not supported` : `must be ${oneOf(choices)}; got ${show(value)}${guess}`;
    out.problem(keys, "NotSupported", said, help ? { help } : {});
  }
  if (typeof value === "number" && schema.minimum !== undefined && value < schema.minimum) {
    out.problem(keys, "Invalid", `must be at least ${schema.minimum}; got ${show(value)}`);
  }
  if (typeof value === "number" && schema.maximum !== undefined && value > schema.maximum) {
    out.problem(keys, "Invalid", `must be at most ${schema.maximum}; got ${show(value)}`);
  }
  if (schema.format === "date-time" && !(RFC3339.test(String(value)) && Number.isFinite(Date.parse(String(value))))) {
    out.problem(keys, "Invalid", `must be a time such as 2006-01-02T15:04:05Z; got ${show(value)}`);
  }
};

const checkMap = (at: Located, value: object, keys: readonly Key[], out: Findings): void => {
  const { schema } = at;
  const known = Object.keys(schema.properties ?? {});
  const refused = schema["x-not-supported"] ?? {};
  // One cause, one message: what a misspelt or refused key stands for is not missed as well.
  const explained = new Set<string>();
  for (const [key, entry] of Object.entries(value)) {
    const found = schemaOfKey(at, key);
    if (found === "extension") continue;
    if (found) {
      check(found, entry, [...keys, key], out);
      for (const [other, help] of Object.entries(found.schema["x-needs"] ?? {})) {
        if (Object.hasOwn(value, other)) continue;
        out.problem([...keys, key], "NotSupported", `is not supported without \`${other}\``, { help, onKey: true });
        explained.add(other);
      }
    } else if (Object.hasOwn(refused, key)) {
      const help = refused[key] as string;
      out.problem([...keys, key], "NotSupported", "is not supported", { help, onKey: true });
      for (const [, word] of help.matchAll(/`(\w+)`/g)) if (word) explained.add(word);
    } else {
      // Guesses cost time: there are none for problems that are not shown, and there any required key may be meant.
      const shown = out.problems.length < MAX_PROBLEMS;
      const guess = shown ? nearest(key, [...known, ...Object.keys(refused)]) : undefined;
      if (!shown) for (const required of schema.required ?? []) explained.add(required);
      out.problem([...keys, key], "Unknown", `unknown field${guess ? `; did you mean "${guess}"?` : ""}`, { onKey: true });
      if (guess) explained.add(guess);
    }
  }
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key) && !explained.has(key)) out.problem([...keys, key], "Required", "is required");
  }
};

/** `- A: b` where `A=b` was meant, `- 80:80` with a blank: how to write it as a text. */
const asText = (value: unknown, keys: readonly Key[]): string | undefined => {
  if (typeof keys.at(-1) !== "number" || typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const [[key, inner] = ["", undefined], ...more] = Object.entries(value);
  if (key === "" || more.length > 0 || (typeof inner === "object" && inner !== null)) return undefined;
  const rest = inner === undefined || inner === null ? "" : String(inner as string | number | boolean);
  // The value of a variable may be a secret.
  const written = /^[A-Za-z_]/.test(key) ? `${key}=…` : rest === "" && key.includes(":") ? key : `${key}:${rest}`;
  return `The ":" makes a map of it. Write ${show(written)}.`;
};

/** Adds to `out` everything that is wrong with `value`. Recursion is bounded by the schema. */
export const check = (at: Located, value: unknown, keys: readonly Key[], out: Findings): void => {
  const branch = branchFor(at, value);
  if (!branch) {
    const wanted = nameTypes(typesOf(at).filter((t) => t !== "null"));
    if (value === null) out.problem(keys, "TypeInvalid", `has no value; write ${wanted}, or remove the key`);
    else out.problem(keys, "TypeInvalid", `must be ${wanted}; got ${describe(value)}`, { help: asText(value, keys) });
    return;
  }
  if (typesOf(at).includes("string")) {
    const help = asText(value, keys);
    const [key = ""] = help === undefined ? [] : Object.keys(value as object);
    if (help !== undefined && schemaOfKey(branch, key) === undefined) {
      const wanted = nameTypes(typesOf(at).filter((t) => t !== "null"));
      out.problem(keys, "TypeInvalid", `must be ${wanted}; the key ${show(key)} is none that such a map has`, { help });
      return;
    }
  }
  if (Array.isArray(value)) {
    const { items } = branch.schema;
    if (items) value.forEach((item, i) => check({ schema: items, base: branch.base }, item, [...keys, i], out));
  } else if (typeof value === "object" && value !== null) {
    checkMap(branch, value, keys, out);
  } else {
    checkScalar(branch.schema, value, keys, out);
  }
};

/**
 * A copy without empty values where the schema has no use for them: to Kubernetes clients a null is an absent field
 * (`creationTimestamp: null`). Compose bodies are left as written: there an empty value has a meaning.
 */
export const withoutNulls = (at: Located, value: unknown): unknown => {
  const branch = branchFor(at, value);
  if (!branch || branch.base === "compose") return value;
  if (Array.isArray(value)) {
    const { items } = branch.schema;
    return items ? value.map((item) => withoutNulls({ schema: items, base: branch.base }, item)) : value;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) => {
      const found = schemaOfKey(branch, key);
      if (entry === null && found) return [];
      return [[key, found && found !== "extension" ? withoutNulls(found, entry) : entry]];
    }),
  );
};
