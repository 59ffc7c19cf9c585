// What may be stored: the schema and what it cannot say, on the whole final object, for every way of writing alike.
import type { KubeObject } from "../schemas/meta.ts";
import { parseObject } from "../schemas/parse.ts";
import type { Key, Problem as Finding } from "../schemas/problems.ts";
import { type CauseReason, type Kind, type Problem, qualifiedKind } from "./kind.ts";
import { restoreNulls } from "./nulls.ts";
import { badRequest, invalid } from "./status.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

/** @throws ApiError 400 */
export const fieldValidationOf = (text: string | undefined): FieldValidation => {
  if (text === undefined || text === "Warn") return "Warn";
  if (text === "Strict" || text === "Ignore") return text;
  throw badRequest(`fieldValidation must be Strict, Warn or Ignore; got ${JSON.stringify(text.slice(0, 40))}`);
};

const REASONS: Record<Finding["reason"], CauseReason> = {
  Required: "FieldValueRequired",
  Invalid: "FieldValueInvalid",
  NotSupported: "FieldValueNotSupported",
  Unknown: "FieldValueForbidden",
  Duplicate: "FieldValueDuplicate",
  Forbidden: "FieldValueForbidden",
  TypeInvalid: "FieldValueTypeInvalid",
};

export const problemOf = (f: Finding): Problem => ({
  field: f.path,
  message: f.help ? `${f.message} (${f.help})` : f.message,
  reason: REASONS[f.reason],
});

export interface Admitted {
  object: KubeObject;
  warnings: string[];
}

/**
 * The object with defaults, without what only the server may say. `old`: what it replaces.
 * Unknown fields are refused, except that for the kinds of Kubernetes `Warn` and `Ignore` drop them, as there: its typed
 * clients send fields that mean nothing here. Of a Stack nothing is ever dropped.
 * @throws ApiError 422 with everything that is wrong
 */
export function admit(kind: Kind, value: object, o: { old?: KubeObject; fieldValidation: FieldValidation }): Admitted {
  const name = nameOf(value);
  const given = kind.custom ? restoreNulls(value, o.old) : value;
  const { draft, dropped } = prune(kind, withoutServerFields(kind, given), o.fieldValidation);
  const parsed = parseObject(draft, { as: kind });
  const warnings = [
    ...(o.fieldValidation === "Warn" ? dropped.map((f) => `unknown field "${f.path}"${f.message.replace(/^unknown field/, "")}`) : []),
    ...parsed.warnings.map((w) => `${w.path}: ${w.message}`),
  ];
  if ("problems" in parsed) throw invalid(kind.resource, name, parsed.problems.map(problemOf));
  const object = parsed.object as unknown as KubeObject;
  const problems = kind.validate?.(object, o.old) ?? [];
  if (problems.length > 0) throw invalid(kind.resource, name, problems);
  return { object, warnings };
}

function prune(kind: Kind, draft: object, validation: FieldValidation): { draft: object; dropped: Finding[] } {
  if (kind.custom || validation === "Strict") return { draft, dropped: [] };
  const parsed = parseObject(draft, { as: kind });
  const unknown = "problems" in parsed ? parsed.problems.filter((p) => p.reason === "Unknown") : [];
  return { draft: unknown.reduce<object>((d, f) => without(d, f.keys), draft), dropped: unknown };
}

/** A copy without what lies at `keys`. */
function without<T>(value: T, keys: readonly Key[]): T {
  const [key, ...rest] = keys;
  if (key === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((v: unknown, i) => (i === key ? without(v, rest) : v)) as T;
  const entries = Object.entries(value);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([k]) => k !== String(key))
      : entries.map(([k, v]) => [k, k === String(key) ? without<unknown>(v, rest) : v]),
  ) as T;
}

/** Fields with another writer than the client: the store's, or the status' own. Clients send back what they have read. */
export function withoutServerFields(kind: Pick<Kind, "status">, value: object): object {
  const { status, metadata, ...rest } = value as { status?: unknown; metadata?: unknown };
  const kept = !kind.status && status !== undefined ? { status } : {};
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    return { ...rest, ...kept, ...(metadata === undefined ? {} : { metadata }) };
  const { managedFields: _m, selfLink: _s, ...meta } = metadata as Record<string, unknown>;
  // An empty map says nothing, and is not kept: with it, taking the last label away would not lead back to where one came from.
  const said = Object.entries(meta).filter(([k, v]) => !((k === "labels" || k === "annotations") && isEmptyMap(v)));
  return { ...rest, metadata: Object.fromEntries(said), ...kept };
}

const isEmptyMap = (v: unknown): boolean => v === null || (typeof v === "object" && !Array.isArray(v) && Object.keys(v).length === 0);

const nameOf = (value: object): string => {
  const name = (value as { metadata?: { name?: unknown } | null }).metadata?.name;
  return typeof name === "string" ? name : "";
};

/**
 * Brings what a body says it is in line with the path: absent is filled in, different is refused. @throws ApiError 400
 */
export function addressed(
  kind: Kind,
  body: { [key: string]: unknown },
  path: { apiVersion: string; namespace: string | undefined; name: string },
): { [key: string]: unknown } {
  const { apiVersion = path.apiVersion, kind: named = kind.resource.kind, metadata = {} } = body;
  if (named !== kind.resource.kind)
    throw badRequest(`the kind in the body (${JSON.stringify(named)}) is not that of the path (${kind.resource.kind})`);
  if (apiVersion !== path.apiVersion)
    throw badRequest(
      `the API version in the data (${JSON.stringify(apiVersion)}) does not match the expected API version (${path.apiVersion})`,
    );
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))
    throw invalid(kind.resource, path.name, [{ field: "metadata", message: "must be a map", reason: "FieldValueTypeInvalid" }]);
  const meta = metadata as Record<string, unknown>;
  if (path.name !== "" && meta["name"] !== undefined && meta["name"] !== path.name)
    throw badRequest(`the name of the object (${JSON.stringify(meta["name"])}) does not match the name on the URL (${path.name})`);
  if (meta["namespace"] && meta["namespace"] !== path.namespace && kind.resource.namespaced)
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request (${String(path.namespace)})`);
  return {
    ...body,
    apiVersion,
    kind: named,
    metadata: {
      ...meta,
      ...(path.name === "" ? {} : { name: path.name }),
      ...(path.namespace === undefined ? {} : { namespace: path.namespace }),
    },
  };
}

/** 422 for metadata that a change may not touch. A patch may leave the uid out, as kubectl diff and apply do after a replace. */
export function checkIdentity(kind: Kind, old: KubeObject, next: { metadata?: unknown; apiVersion?: unknown; kind?: unknown }): void {
  const meta = (typeof next.metadata === "object" && next.metadata !== null ? next.metadata : {}) as Record<string, unknown>;
  const problems: Problem[] = [];
  for (const field of ["name", "namespace", "uid"] as const)
    if ((meta[field] ?? "") !== (old.metadata[field] ?? "") && !(field === "uid" && !meta[field]))
      problems.push({
        field: `metadata.${field}`,
        message: `field is immutable: it is ${JSON.stringify(old.metadata[field])}`,
        reason: "FieldValueForbidden",
      });
  for (const field of ["apiVersion", "kind"] as const)
    if (next[field] !== old[field])
      problems.push({
        field,
        message: `must stay ${JSON.stringify(old[field])} (${qualifiedKind(kind.resource)})`,
        reason: "FieldValueForbidden",
      });
  if (problems.length > 0) throw invalid(kind.resource, old.metadata.name, problems);
}
