// How an answer looks: the object itself, its metadata alone, or a table made by the server.
// Source: Kubernetes API concepts, "Alternate representations of resources", "Receiving resources as Tables".
import { apiVersionOf } from "../schemas/resources.ts";
import type { KubeObject } from "../schemas/meta.ts";
import type { ListMeta } from "./call.ts";
import type { Kind } from "./kind.ts";
import { badRequest, notAcceptable } from "./status.ts";
import { bookmarkTable, type IncludeObject, includeObjectOf, partialMetadata, tableOf } from "./table/index.ts";

export type Form = { as: "object" } | { as: "table" | "metadata"; version: "v1" | "v1beta1" };

export const JSON_TYPE = "application/json";

/** @throws ApiError 406 when nothing in Accept can be served */
export function negotiate(accept: string | undefined): Form {
  if (accept === undefined || accept.trim() === "") return { as: "object" };
  for (const entry of accept.split(",")) {
    const [type = "", ...parameters] = entry.split(";").map((s) => s.trim());
    if (![JSON_TYPE, "application/*", "*/*"].includes(type.toLowerCase())) continue;
    const p = new Map(parameters.map((s) => [s.split("=", 1)[0] ?? "", s.slice(s.indexOf("=") + 1)] as const));
    const as = p.get("as");
    if (as === undefined) return { as: "object" };
    const version = p.get("v") ?? "v1";
    if (p.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) continue;
    if (as === "Table") return { as: "table", version };
    if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return { as: "metadata", version };
  }
  throw notAcceptable([JSON_TYPE, `${JSON_TYPE};as=Table;v=v1;g=meta.k8s.io`, `${JSON_TYPE};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`]);
}

export const contentTypeOf = (form: Form): string => (form.as === "object" ? JSON_TYPE : `${JSON_TYPE};g=meta.k8s.io;v=${form.version}`);

export interface FormOptions {
  kind: Kind;
  form: Form;
  /** Milliseconds since the epoch, for ages. */
  now: number;
  includeObject: IncludeObject;
}

/** @throws ApiError 400 */
export const includeObject = (parameter: string | undefined): IncludeObject => {
  const known = includeObjectOf(parameter);
  if (known === undefined)
    throw badRequest(`includeObject must be None, Metadata or Object; got ${JSON.stringify(parameter?.slice(0, 40))}`);
  return known;
};

export function formObject(object: KubeObject, o: FormOptions): object {
  const { form } = o;
  if (form.as === "object") return object;
  if (form.as === "metadata") return partialMetadata(object.metadata, form.version);
  return tableOf(o.kind, [object], o.now, { version: form.version, includeObject: o.includeObject });
}

/** A list, so that it can be written item by item: `head` with `key` after it, an array of what `item` makes of each object. */
export interface ListShape {
  head: object;
  key: "items" | "rows";
  item(object: KubeObject): object;
}

export function listShape(metadata: ListMeta, o: FormOptions): ListShape {
  const { form, kind } = o;
  if (form.as === "table") {
    const { version } = form;
    const { rows: _none, ...head } = tableOf(kind, [], o.now, { version, metadata });
    const options = { version, includeObject: o.includeObject, columns: false };
    return { head, key: "rows", item: (object) => tableOf(kind, [object], o.now, options).rows[0] ?? {} };
  }
  if (form.as === "metadata") {
    const { version } = form;
    const head = { kind: "PartialObjectMetadataList", apiVersion: `meta.k8s.io/${version}`, metadata };
    return { head, key: "items", item: (object) => partialMetadata(object.metadata, version) };
  }
  return {
    head: { kind: `${kind.resource.kind}List`, apiVersion: apiVersionOf(kind.resource), metadata },
    key: "items",
    item: (object) => object,
  };
}

/** Forms the objects of a watch's events, one after the other: of tables, only the first brings the columns. */
export function eventFormer(o: Omit<FormOptions, "now">, now: () => number): (object: KubeObject) => object {
  let columns = true;
  return (object) => {
    if (o.form.as !== "table") return formObject(object, { ...o, now: now() });
    const table = tableOf(o.kind, [object], now(), { version: o.form.version, includeObject: o.includeObject, columns });
    columns = false;
    return table;
  };
}

/** A BOOKMARK: an object of the kind that is nothing but a revision. */
export function bookmarkOf(kind: Kind, form: Form, revision: number, initialEventsEnd: boolean): object {
  const metadata = {
    resourceVersion: String(revision),
    ...(initialEventsEnd ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
  };
  if (form.as === "table") return bookmarkTable(metadata, form.version);
  if (form.as === "metadata") return partialMetadata(metadata, form.version);
  return { kind: kind.resource.kind, apiVersion: apiVersionOf(kind.resource), metadata: { ...metadata, creationTimestamp: null } };
}
