// What a get, a list or a watch asks for, read from its parameters.
// Source: Kubernetes API concepts, "Resource versions", "The resourceVersionMatch parameter", "Retrieving large results sets in chunks".
import type { Scope } from "../cache/snapshot.ts";
import type { Call } from "../call.ts";
import { decodePosition } from "../continue.ts";
import type { Problem } from "../kind.ts";
import { fieldSelector, labelSelector, type Matcher } from "../selectors.ts";
import { badRequest, invalidOptions } from "../status.ts";

export interface Selection {
  matches: Matcher;
  /** Whether anything is selected by more than the namespace. */
  partial: boolean;
  /** Where all matches lie. */
  scope: Scope;
}

/** What the request selects, the namespace included. @throws ApiError 400 */
export function selectionOf(call: Call): Selection {
  const labels = labelSelector(call.query.text("labelSelector"));
  const fields = fieldSelector(call.kind, call.query.text("fieldSelector"));
  const namespace = call.namespace ?? fields?.namespace;
  return {
    partial: labels !== undefined || fields !== undefined,
    matches: (o) =>
      (call.namespace === undefined || o.metadata.namespace === call.namespace) && (labels?.(o) ?? true) && (fields?.matches(o) ?? true),
    scope: { namespace: isKeyPart(namespace) ? namespace : undefined, name: isKeyPart(fields?.name) ? fields?.name : undefined },
  };
}

/** What cannot be part of a key names nothing: then all are looked at, and none matches. */
const isKeyPart = (s: string | undefined): boolean => s !== undefined && /^[a-z0-9][a-z0-9.:-]*$/.test(s);

/** A resourceVersion of a request: undefined for none. @throws ApiError 400 */
export function revisionOf(call: Call): number | undefined {
  const text = call.query.text("resourceVersion");
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text))
    throw badRequest(`invalid resource version ${JSON.stringify(text.slice(0, 40))}: it must be a whole number`);
  return Number(text);
}

/** Of which time the answer is. */
export type At =
  /** Of any: what is at hand. */
  | { type: "any" }
  /** Nothing written before the request is missing. */
  | { type: "newest" }
  | { type: "notOlder" | "exact"; revision: number };

export interface ListOptions {
  selection: Selection;
  at: At;
  limit: number | undefined;
  /** The page begins behind this id. */
  after: string | undefined;
}

const MATCHES = ["Exact", "NotOlderThan"];

/** @throws ApiError 400, and 422 for combinations that Kubernetes refuses as well */
export function listOptionsOf(call: Call): ListOptions {
  const selection = selectionOf(call);
  const revision = revisionOf(call);
  const limit = call.query.number("limit") || undefined;
  const match = call.query.text("resourceVersionMatch");
  const token = call.query.text("continue");
  const problems: Problem[] = [];
  const problem = (message: string): void => void problems.push({ field: "resourceVersionMatch", message, reason: "FieldValueForbidden" });
  if (match !== undefined) {
    if (!MATCHES.includes(match))
      problem(`Unsupported value: ${JSON.stringify(match.slice(0, 40))}: supported values: ${MATCHES.map((m) => `"${m}"`).join(", ")}`);
    if (revision === undefined) problem("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (token !== undefined) problem("resourceVersionMatch is forbidden when continue is provided");
    if (match === "Exact" && revision === 0) problem('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  }
  if (problems.length > 0) throw invalidOptions("ListOptions", problems);
  if (token !== undefined) {
    if (revision) throw badRequest("specifying resource version is not allowed when using continue");
    const position = decodePosition(token);
    if (call.namespace !== undefined && !position.after.startsWith(`${call.namespace}/`))
      throw badRequest("continue key is not valid: it is of a list of another namespace");
    const at: At = position.revision === undefined ? { type: "newest" } : { type: "exact", revision: position.revision };
    return { selection, at, limit, after: position.after };
  }
  return { selection, at: atOf(revision, match, limit), limit, after: undefined };
}

/** Without a match, a list in pages is of just the version that is named: so did Kubernetes before it had matches. */
const atOf = (revision: number | undefined, match: string | undefined, limit: number | undefined): At => {
  if (revision === undefined) return { type: "newest" };
  if (revision === 0) return { type: "any" };
  return { type: match === "Exact" || (match === undefined && limit !== undefined) ? "exact" : "notOlder", revision };
};
