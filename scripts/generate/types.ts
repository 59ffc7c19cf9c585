// The TypeScript types of all kinds, from the JSON Schemas.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { SCHEMA_NAMES } from "../../schemas/load.ts";

const SCHEMAS = fileURLToPath(new URL("../../schemas/", import.meta.url));
const KINDS = SCHEMA_NAMES.filter((n) => n !== "meta" && n !== "compose");
const BANNER = `// Generated from schemas/*.json by \`npm run generate\`. Do not edit.
import type { Condition, Health, ObjectMeta, OwnerReference } from "./meta.ts";
export type { Condition, ObjectMeta, OwnerReference };
`;

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Extension keys would become an index signature that lets every misspelt key through: types do without them. */
const withoutExtensions = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(withoutExtensions);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "patternProperties")
    .map(([key, entry]): [string, Json] => [key, withoutExtensions(entry)]);
  // A reference with words of its own would be declared once more, as `Condition1`.
  const alone = entries.length === 1 || !("$ref" in value);
  return Object.fromEntries(
    alone ? entries : entries.map(([key, entry]) => (key === "$ref" ? ["allOf", [{ $ref: entry }]] : [key, entry])),
  );
};

/** One document with everything, so that shared parts are declared once: `stack.json#/$defs/X` → `#/$defs/X`. */
const bundle = async (): Promise<Record<string, Json>> => {
  const $defs: Record<string, Json> = {};
  const load = async (name: string): Promise<void> => {
    if ($defs[name]) return;
    $defs[name] = {};
    const text = await readFile(`${SCHEMAS}${name}.json`, "utf8");
    // Local references first, then those to other files.
    const global = text
      .replaceAll('"#/$defs/', `"#/$defs/${name}/$defs/`)
      .replace(/"([a-z]+)\.json(#\/)?([^"]*)"/g, (all, file, _hash, rest) => {
        if (file === name) return all;
        return `"#/$defs/${file}${rest ? `/${rest}` : ""}"`;
      });
    const schema = withoutExtensions(JSON.parse(global)) as Record<string, Json>;
    delete schema.$id; // would move the base of the references
    $defs[name] = schema;
    for (const [, file] of text.matchAll(/"([a-z]+)\.json(?:#[^"]*)?"/g)) if (file && file !== name) await load(file);
  };
  for (const kind of KINDS) await load(kind);
  const titles = KINDS.map((kind) => [($defs[kind] as { title: string }).title, { $ref: `#/$defs/${kind}` }]);
  return {
    title: "Kinds",
    description: "All kinds, by name.",
    type: "object",
    additionalProperties: false,
    required: titles.map(([title]) => title as string),
    properties: Object.fromEntries(titles),
    $defs,
  };
};

/** schemas/types.ts. */
export const kindTypes = async (): Promise<string> => {
  const declared = await compile(await bundle(), "Kinds", {
    additionalProperties: false,
    bannerComment: BANNER,
    unreachableDefinitions: false,
    style: { printWidth: 140 },
  });
  // What `tsType` borrows from meta.ts comes out as an alias of itself.
  return declared.replace(/\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport type (\w+) = \1;\n/g, "");
};
