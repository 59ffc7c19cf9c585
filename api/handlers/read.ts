// get and list.
import type { KubeObject } from "../../schemas/meta.ts";
import { ExpiredError, InvalidError } from "../../store/errors.ts";
import type { Answer, Call, Deps } from "../call.ts";
import type { Kind, Problem } from "../kind.ts";
import { fieldSelector, labelSelector, type Matcher } from "../selectors.ts";
import { badRequest, expired, invalidOptions, notFound, tooNew } from "../status.ts";

/** One object as readers see it, not older than the call. @throws NotFoundError or ApiError 404, UnavailableError */
export async function readOne(
  deps: Deps,
  kind: Kind,
  namespace: string | undefined,
  name: string,
  signal?: AbortSignal,
): Promise<KubeObject> {
  if (kind.reads === "stored") {
    const object = await deps.store.get<KubeObject>(kind.resource, namespace, name);
    return kind.present?.(object) ?? object;
  }
  const { objects } = await deps.cache.read(kind, signal);
  const object = objects.get(kind.resource.namespaced ? `${namespace}/${name}` : name);
  if (!object) throw notFound(kind.resource, name);
  return object;
}

export async function get(deps: Deps, call: Call): Promise<Answer> {
  return { type: "object", code: 200, object: await readOne(deps, call.kind, call.namespace, call.name, call.signal) };
}

export interface Selection {
  matches: Matcher;
  /** Whether anything is selected by more than the namespace. */
  partial: boolean;
}

/** What the request selects, the namespace included. @throws ApiError 400 */
export function selectionOf(call: Call): Selection {
  const labels = labelSelector(call.query.text("labelSelector"));
  const fields = fieldSelector(call.kind, call.query.text("fieldSelector"));
  return {
    partial: labels !== undefined || fields !== undefined,
    matches: (o) =>
      (call.namespace === undefined || o.metadata.namespace === call.namespace) && (labels?.(o) ?? true) && (fields?.(o) ?? true),
  };
}

/** A resourceVersion of a request: undefined for none. @throws ApiError 400 */
export function revisionOf(call: Call): number | undefined {
  const text = call.query.text("resourceVersion");
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(text))
    throw badRequest(`invalid resource version ${JSON.stringify(text.slice(0, 40))}: it must be a whole number`);
  return Number(text);
}

const MATCHES = ["Exact", "NotOlderThan"];

/** @throws ApiError 422 for combinations that Kubernetes refuses as well */
function checkOptions(call: Call, revision: number | undefined): { exact: boolean } {
  const match = call.query.text("resourceVersionMatch");
  const problems: Problem[] = [];
  const problem = (message: string): void => void problems.push({ field: "resourceVersionMatch", message, reason: "FieldValueForbidden" });
  if (match !== undefined) {
    if (!MATCHES.includes(match))
      problem(`Unsupported value: ${JSON.stringify(match)}: supported values: ${MATCHES.map((m) => `"${m}"`).join(", ")}`);
    if (revision === undefined) problem("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (call.query.text("continue") !== undefined) problem("resourceVersionMatch is forbidden when continue is provided");
    if (match === "Exact" && revision === 0) problem('resourceVersionMatch "Exact" is forbidden for resourceVersion "0"');
  }
  if (problems.length > 0) throw invalidOptions("ListOptions", problems);
  return { exact: match === "Exact" };
}

/**
 * A list is of one revision, all pages of it; never older than the call, so that a resourceVersion asks for nothing more
 * but that the store has come so far. Joined kinds come in one piece (a server may ignore `limit`).
 */
export async function list(deps: Deps, call: Call): Promise<Answer> {
  const selection = selectionOf(call);
  const revision = revisionOf(call);
  const { exact } = checkOptions(call, revision);
  const limit = call.query.number("limit") || undefined;
  const token = call.query.text("continue");
  if (token !== undefined && revision) throw badRequest("specifying resource version is not allowed when using continue");
  const answer = call.kind.reads === "stored" ? await stored(deps, call, selection, limit, token) : await joined(deps, call, selection);
  const current = Number(answer.metadata.resourceVersion);
  if (revision !== undefined && revision > current) throw tooNew(revision, current);
  if (exact && revision !== current) throw expired(`lists at an exact resource version are served at the current one only (${current})`);
  return answer;
}

type List = Extract<Answer, { type: "list" }>;

async function joined(deps: Deps, call: Call, selection: Selection): Promise<List> {
  const { objects, revision } = await deps.cache.read(call.kind, call.signal);
  const ids = [...objects.keys()].toSorted();
  const items = ids.flatMap((id) => {
    const o = objects.get(id);
    return o && selection.matches(o) ? [o] : [];
  });
  return { type: "list", items, metadata: { resourceVersion: String(revision) } };
}

/** With a selector, pages are read until enough was found: a page that is not the last is full. */
async function stored(deps: Deps, call: Call, selection: Selection, limit: number | undefined, token: string | undefined): Promise<List> {
  const { kind, namespace, signal } = call;
  const items: KubeObject[] = [];
  let next = token;
  for (;;) {
    const page = await deps.store
      .list<KubeObject>(kind.resource, { namespace, signal, continue: next, limit: limit === undefined ? undefined : limit - items.length })
      .catch((e: unknown) => {
        if (e instanceof InvalidError) throw badRequest(`continue key is not valid: ${e.message}`, e);
        if (e instanceof ExpiredError && next !== undefined)
          throw expired(
            "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
            e,
          );
        throw e;
      });
    for (const object of page.items) {
      const seen = kind.present?.(object) ?? object;
      if (selection.matches(seen)) items.push(seen);
    }
    next = page.continue;
    if (next === undefined || (limit !== undefined && items.length >= limit)) {
      return {
        type: "list",
        items,
        metadata: {
          resourceVersion: page.resourceVersion,
          ...(next === undefined ? {} : { continue: next }),
          // With a selector nobody knows how many of the rest would match.
          ...(next !== undefined && page.remaining !== undefined && !selection.partial ? { remainingItemCount: page.remaining } : {}),
        },
      };
    }
  }
}
