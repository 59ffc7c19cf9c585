// ajv decides whether a value is valid; walk.ts says in our words why it is not. Should the two ever differ, ajv's word counts.
import { createRequire } from "node:module";
import type { Ajv2020, ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import { loadSchema, SCHEMA_NAMES, type SchemaName } from "./load.ts";
import type { Key } from "./problems.ts";

const require = createRequire(import.meta.url);
const judges = new Map<SchemaName, ValidateFunction>();
let ajv: Ajv2020 | undefined;

/** Loaded at the first use: most commands of the CLI validate nothing, and should start quickly. */
const load = (): Ajv2020 => {
  const { Ajv2020: Constructor } = require("ajv/dist/2020.js") as { Ajv2020: typeof Ajv2020 };
  const made = new Constructor({ allErrors: false, strictTypes: false, allowUnionTypes: true });
  made.addVocabulary(["tsType", "x-not-supported", "x-difference", "x-needs"]);
  made.addVocabulary(["x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"]);
  // With an offset, too: `kubectl rollout restart` writes the time of its own zone.
  made.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
  for (const name of SCHEMA_NAMES) made.addSchema(loadSchema(name));
  return made;
};

/** The compiled schema of that name. Throws when the schema itself is none. */
export const judgeOf = (name: SchemaName): ValidateFunction => {
  const known = judges.get(name);
  if (known) return known;
  ajv ??= load();
  const judge = ajv.getSchema(`${name}.json`);
  if (!judge) throw new Error(`there is no schema ${name}`);
  judges.set(name, judge);
  return judge;
};

/** Compiles what is not yet compiled, about 100 ms: for servers, so that the first request does not pay for it. */
export const compileAll = (): void => {
  for (const name of SCHEMA_NAMES) judgeOf(name);
};

/** The first thing wrong with `value`, or nothing. `keys` lead to its place. */
export const judge = (name: SchemaName, value: unknown): { keys: Key[]; message: string } | undefined => {
  const valid = judgeOf(name);
  if (valid(value)) return undefined;
  const [error] = valid.errors ?? [];
  return { keys: error ? keysOf(error, value) : [], message: error?.message ?? "is not valid" };
};

/** A JSON pointer as keys: numbers where there are lists. */
const keysOf = (error: ErrorObject, value: unknown): Key[] => {
  let at = value;
  return error.instancePath
    .split("/")
    .slice(1)
    .map((part) => {
      const text = part.replaceAll("~1", "/").replaceAll("~0", "~");
      const key = Array.isArray(at) ? Number(text) : text;
      at = (at as Record<Key, unknown> | undefined)?.[key];
      return key;
    });
};
