// Selectors of a request, as one question about an object.
import type { KubeObject } from "../schemas/meta.ts";
import { matchFields, matchLabels, parseFieldSelector, parseLabelSelector, SelectorError } from "../schemas/selectors.ts";
import type { Kind } from "./kind.ts";
import { badRequest } from "./status.ts";

export type Matcher = (o: KubeObject) => boolean;

const MAX_LENGTH = 4096;

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

/** Undefined: everything. @throws ApiError 400 */
export function labelSelector(text: string | undefined): Matcher | undefined {
  if (text === undefined) return undefined;
  const selector = parsed("label", text, parseLabelSelector);
  return selector.length === 0 ? undefined : (o) => matchLabels(selector, o.metadata.labels);
}

/** Undefined: everything. @throws ApiError 400, also for what is not a field of this kind that can be selected by */
export function fieldSelector(kind: Kind, text: string | undefined): Matcher | undefined {
  if (text === undefined) return undefined;
  const selector = parsed("field", text, parseFieldSelector);
  for (const { field } of selector) {
    if (reader(kind, field)) continue;
    const known = ["metadata.name", "metadata.namespace", ...Object.keys(kind.fields)].join(", ");
    throw badRequest(`field label not supported: ${field} (of ${kind.resource.resource} these are: ${known})`);
  }
  return selector.length === 0 ? undefined : (o) => matchFields(selector, (field) => reader(kind, field)?.(o) ?? "");
}

const reader = (kind: Kind, field: string): ((o: KubeObject) => string) | undefined => {
  if (field === "metadata.name") return (o) => o.metadata.name;
  if (field === "metadata.namespace") return (o) => o.metadata.namespace ?? "";
  return Object.hasOwn(kind.fields, field) ? kind.fields[field] : undefined;
};
