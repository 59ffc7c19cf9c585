// Selectors of a request, as one question about an object.
import type { KubeObject } from "../schemas/meta.ts";
import { matchFields, matchLabels, parseFieldSelector, parseLabelSelector, SelectorError } from "../schemas/selectors.ts";
import type { Kind } from "./kind.ts";
import { badRequest } from "./status.ts";

export type Matcher = (o: KubeObject) => boolean;

const MAX_LENGTH = 4096;
/** Requirements, and the values they name: each is compared with each object. */
const MAX_TERMS = 256;

/** @throws ApiError 400 */
const parsed = <T>(what: string, text: string, parse: (text: string) => T): T => {
  if (text.length > MAX_LENGTH) throw badRequest(`the ${what} selector is longer than ${MAX_LENGTH} characters`);
  try {
    return parse(text);
  } catch (e) {
    if (e instanceof SelectorError) throw badRequest(e.message, e);
    throw e;
  }
};

const bounded = (what: string, terms: number): void => {
  if (terms > MAX_TERMS)
    throw badRequest(`the ${what} selector has ${terms} terms; at most ${MAX_TERMS} are taken: ask for more, and choose in the client`);
};

/** Undefined: everything. @throws ApiError 400 */
export function labelSelector(text: string | undefined): Matcher | undefined {
  if (text === undefined) return undefined;
  const selector = parsed("label", text, parseLabelSelector);
  bounded(
    "label",
    selector.reduce((n, r) => n + 1 + r.values.length, 0),
  );
  return selector.length === 0 ? undefined : (o) => matchLabels(selector, o.metadata.labels);
}

export interface FieldChoice {
  matches: Matcher;
  /** What every match is called, and where it lies, if the selector says so: then nothing else needs to be looked at. */
  name?: string;
  namespace?: string;
}

/** Undefined: everything. @throws ApiError 400, also for what is not a field of this kind that can be selected by */
export function fieldSelector(kind: Kind, text: string | undefined): FieldChoice | undefined {
  if (text === undefined) return undefined;
  const selector = parsed("field", text, parseFieldSelector);
  bounded("field", selector.length);
  for (const { field } of selector) {
    if (reader(kind, field)) continue;
    const known = ["metadata.name", "metadata.namespace", ...Object.keys(kind.fields)].join(", ");
    throw badRequest(`field label not supported: ${field} (of ${kind.resource.resource} these are: ${known})`);
  }
  if (selector.length === 0) return undefined;
  const exact = (field: string): string | undefined => selector.find((r) => r.field === field && r.operator === "=")?.value;
  const name = exact("metadata.name");
  const namespace = kind.resource.namespaced ? exact("metadata.namespace") : undefined;
  return {
    matches: (o) => matchFields(selector, (field) => reader(kind, field)?.(o) ?? ""),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
  };
}

const reader = (kind: Kind, field: string): ((o: KubeObject) => string) | undefined => {
  if (field === "metadata.name") return (o) => o.metadata.name;
  if (field === "metadata.namespace") return (o) => o.metadata.namespace ?? "";
  return Object.hasOwn(kind.fields, field) ? kind.fields[field] : undefined;
};
