// Data that claims to be an object → the typed object with defaults, or everything that is wrong with it.
import { API_VERSION } from "./constants.ts";
import { checkBody } from "./compose/normalize.ts";
import { judge } from "./judge.ts";
import { loadSchema, type SchemaName } from "./load.ts";
import { checkMetadata } from "./metadata.ts";
import { dataKeyProblem } from "./labels.ts";
import type { ObjectMeta } from "./meta.ts";
import { Findings, locate, MAX_PROBLEMS, type Key, pathOf, type Position, type Problem, type Warning, warningsBeside } from "./problems.ts";
import { apiVersionOf, RESOURCES, type Resource } from "./resources.ts";
import type { ConfigMap, Kinds, Secret, Stack } from "./types.ts";
import { check, withoutNulls } from "./walk.ts";
import { describe, didYouMean, nearest, oneOf, show, typeOf } from "./words.ts";

/** Where the parts of a value stand in a text. */
export interface Source {
  /** Of the key (`onKey`) or value at `keys`, or of the nearest part above it that exists. */
  position(keys: readonly Key[], onKey: boolean): Position | undefined;
}

/** An object as people write it: the server fills in the rest of the metadata. */
export type Manifest<T extends { metadata: ObjectMeta }> = Omit<T, "metadata"> & { metadata: Partial<ObjectMeta> };
export type KindName = keyof Kinds;
export type AnyManifest = { [K in KindName]: Manifest<Kinds[K]> }[KindName];

export type ParseResult = { object: AnyManifest; warnings: Warning[] } | { problems: Problem[]; warnings: Warning[] };

/** Kinds of the same name in different groups are different kinds. */
const BY_KIND = new Map<string, Resource[]>();
for (const r of Object.values(RESOURCES)) BY_KIND.set(r.kind, [...(BY_KIND.get(r.kind) ?? []), r]);
const schemaName = (resource: Resource): SchemaName => resource.singular as SchemaName;

/** A kind that no manifest may name (a view, a question), and the schema of its objects. */
export interface As {
  resource: Resource;
  schema: SchemaName;
}

/**
 * Holds a value against a schema, and nothing else: the way to read what has no name and is not kept. The copy is without
 * empty values where the schema has no use for them.
 */
export const checkShape = (schema: SchemaName, value: unknown): { value: unknown; problems: Problem[] } => {
  const out = new Findings();
  const at = { schema: loadSchema(schema), base: schema };
  const draft = structuredClone(withoutNulls(at, value));
  check(at, draft, [], out);
  const verdict = out.problems.length === 0 ? judge(schema, draft) : undefined;
  if (verdict) out.problem(verdict.keys, "Invalid", verdict.message);
  return { value: draft, problems: out.problems };
};

const isService = (value: unknown): boolean =>
  typeOf(value) === "object" && ["image", "build"].some((key) => Object.hasOwn(value as object, key));

/** Whether there are services at the top level, or one level below it. */
const looksLikeServices = (value: Record<string, unknown>): boolean =>
  Object.values(value).some((v) => isService(v) || (typeOf(v) === "object" && Object.values(v as object).some(isService)));

/** Which kind a value says it is. Adds a problem and answers undefined when that is none of ours. */
const kindOf = (value: Record<string, unknown>, out: Findings): Resource | undefined => {
  const { apiVersion, kind } = value;
  const has = (key: string): boolean => typeof value[key] === "string" && value[key] !== "";
  if (!has("apiVersion") && !has("kind") && typeOf(value.services) === "object") {
    const help = `Wrap it: \`apiVersion: ${API_VERSION}\`, \`kind: Stack\`, \`metadata: {name: …}\`, and all of this below \`spec\`.`;
    out.problem([], "Required", 'no apiVersion and kind: this looks like a Compose file (found "services")', { help });
    return undefined;
  }
  if (kind === undefined && apiVersion === undefined && looksLikeServices(value)) {
    const typo = Object.keys(value).find((key) => nearest(key, ["services"]) !== undefined);
    const help = typo ? undefined : "Write `services:` above them, and indent them below it.";
    const message = typo
      ? `this looks like a Compose file; ${show(typo)} is no part of one; did you mean "services"?`
      : "this looks like a Compose file of old, with services at the top level";
    out.problem(typo ? [typo] : [], "Required", message, { help, onKey: typo !== undefined });
    return undefined;
  }
  const candidates = typeof kind === "string" ? (BY_KIND.get(kind) ?? []) : [];
  if (!has("kind")) {
    out.problem(
      ["kind"],
      kind === undefined ? "Required" : "TypeInvalid",
      kind === undefined ? "is required, for example `Stack`" : `must be a text; got ${describe(kind)}`,
    );
  } else if (candidates.length === 0) {
    const help = `Kinds are case-sensitive. Known: ${[...BY_KIND.keys()].toSorted().join(", ")}.`;
    out.problem(["kind"], "NotSupported", `the kind ${show(kind)} is not known${didYouMean(kind as string, BY_KIND.keys())}`, { help });
  }
  const versions = [...new Set((candidates.length > 0 ? candidates : [...BY_KIND.values()].flat()).map(apiVersionOf))];
  const found = candidates.find((r) => apiVersionOf(r) === apiVersion);
  if (!has("apiVersion")) {
    out.problem(["apiVersion"], "Required", `is required: ${oneOf(versions)}`);
  } else if (candidates.length > 0 && !found) {
    out.problem(["apiVersion"], "NotSupported", `must be ${oneOf(versions)} for ${kind as string}; got ${show(apiVersion)}`);
  }
  return out.problems.length === 0 ? found : undefined;
};

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const checkData = (object: Manifest<ConfigMap> | Manifest<Secret>, out: Findings): void => {
  const encoded = object.kind === "Secret" ? "data" : "binaryData";
  const { data, binaryData, stringData }: Partial<Record<string, Record<string, string>>> =
    object.kind === "Secret"
      ? { data: object.data ?? {}, stringData: object.stringData ?? {} }
      : { data: object.data ?? {}, binaryData: object.binaryData ?? {} };
  for (const [field, entries] of Object.entries({ data, binaryData, stringData })) {
    for (const [key, text] of Object.entries(entries ?? {})) {
      const problem = dataKeyProblem(key);
      if (problem) out.problem([field, key], "Invalid", `the name ${problem}`, { onKey: true });
      // The value itself is never shown: it may be a secret.
      if (field === encoded && !BASE64.test(text.replace(/[\r\n]/g, ""))) {
        const help = object.kind === "Secret" ? "Plain text goes into `stringData`." : "Plain text goes into `data`.";
        out.problem([field, key], "Invalid", "must be base64", { help });
      }
    }
  }
  if (object.kind !== "ConfigMap") return;
  for (const key of Object.keys(object.binaryData ?? {})) {
    if (Object.hasOwn(object.data ?? {}, key)) out.problem(["binaryData", key], "Duplicate", "is in `data`, too", { onKey: true });
  }
};

/** What stands for what is not said. */
const defaulted = (object: AnyManifest): AnyManifest => {
  if (object.kind !== "Secret") return object;
  const { stringData, ...secret } = object;
  const encoded = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text, "utf8").toString("base64")]);
  const data = { ...secret.data, ...Object.fromEntries(encoded) };
  return { ...secret, type: secret.type ?? "Opaque", ...(stringData || secret.data ? { data } : {}) };
};

/** Answers whether nothing is wrong at, above or below a place that is at most four keys deep. */
const intactness = (problems: readonly Problem[]): ((...keys: Key[]) => boolean) => {
  const touched = new Set<string>();
  const exact = new Set<string>();
  for (const { keys } of problems) {
    exact.add(pathOf(keys));
    for (let depth = 1; depth <= 4; depth++) touched.add(pathOf(keys.slice(0, depth)));
  }
  return (...keys) => !touched.has(pathOf(keys)) && !keys.some((_, i) => exact.has(pathOf(keys.slice(0, i))));
};

const finish = (out: Findings, source: Source | undefined): { problems: Problem[]; warnings: Warning[] } => {
  const find = source?.position.bind(source);
  const extra = out.problems.length - MAX_PROBLEMS;
  const problems = locate(out.problems.slice(0, MAX_PROBLEMS), find);
  if (extra > 0) problems.push({ path: "", keys: [], reason: "Invalid", message: `and ${extra} more problems` });
  return { problems, warnings: locate(warningsBeside(out.problems, out.warnings), find) };
};

/** Metadata may be missing or broken; its problems are told elsewhere. */
const namesOf = (metadata: unknown): { name?: string; namespace?: string } => {
  const { name, namespace } = (typeOf(metadata) === "object" ? metadata : {}) as Record<string, unknown>;
  return { ...(typeof name === "string" ? { name } : {}), ...(typeof namespace === "string" ? { namespace } : {}) };
};

/**
 * Checks all there is to check and answers all problems at once, in the order of the manifest. The answer's object is a copy
 * with defaults; `value` is left alone. A Stack's body is kept as written: `normalize` spells it out.
 * `as`: what the value is known to be; otherwise it says so itself, and is one of the stored kinds.
 */
export const parseObject = (value: unknown, options: { source?: Source; as?: As } = {}): ParseResult => {
  const out = new Findings();
  if (typeOf(value) !== "object") {
    out.problem([], "TypeInvalid", `must be a map with apiVersion, kind and metadata; got ${describe(value)}`);
    return finish(out, options.source);
  }
  const resource = options.as?.resource ?? kindOf(value as Record<string, unknown>, out);
  if (!resource) return finish(out, options.source);
  const shaped = checkShape(options.as?.schema ?? schemaName(resource), value);
  const draft = shaped.value;
  out.problems.push(...shaped.problems);
  const valid = out.problems.length === 0;
  const intact = intactness(out.problems);
  const { metadata } = draft as { metadata?: unknown };
  if (typeOf(metadata) === "object") checkMetadata(resource, metadata as Record<string, unknown>, out);
  if (resource === RESOURCES.stacks && typeOf((draft as { spec?: unknown }).spec) === "object") {
    const { spec } = draft as Manifest<Stack>;
    checkBody({ metadata: namesOf(metadata), spec }, out, intact);
  }
  if ((resource === RESOURCES.configmaps || resource === RESOURCES.secrets) && valid) {
    checkData(draft as Manifest<ConfigMap>, out);
  }
  const { problems, warnings } = finish(out, options.source);
  if (problems.length > 0) return { problems, warnings };
  return { object: defaulted(draft as AnyManifest), warnings };
};
