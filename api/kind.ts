// What a kind declares about itself. The handlers, discovery, OpenAPI and tables are generic and read this.
import type { SchemaName } from "../schemas/load.ts";
import type { KubeObject } from "../schemas/meta.ts";
import type { Resource } from "../schemas/resources.ts";
import type { ObjectStore } from "../store/objects.ts";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

export interface Subresource {
  name: string;
  verbs: readonly Verb[];
  /** Answers with text, whatever the client says that it accepts. */
  text?: true;
  /** Absent: the kind of the object itself. */
  responseKind?: { group: string; version: string; kind: string };
  /** Of bodies and answers, for the OpenAPI documents; absent: the object's own. */
  schema?: SchemaName;
}

/** One thing that is wrong with a field; becomes a cause of a 422. */
export interface Problem {
  /** `spec.services.web.ports[0]` */
  field: string;
  message: string;
  reason?: CauseReason;
}

export type CauseReason =
  | "FieldValueInvalid"
  | "FieldValueRequired"
  | "FieldValueNotSupported"
  | "FieldValueDuplicate"
  | "FieldValueForbidden"
  | "FieldValueTypeInvalid";

/** A column of a server-side table. Exactly one has `format: "name"`; `priority` > 0 shows with `-o wide` only. */
export interface Column {
  name: string;
  type: "string" | "integer" | "number" | "boolean";
  format: "" | "name" | "int32";
  description: string;
  priority: number;
}
export type Cell = string | number | boolean | null;

/** Pure. `now` in milliseconds, for ages. One cell per column. */
export interface TableShape<T extends KubeObject = KubeObject> {
  columns: readonly Column[];
  cells(object: T, now: number): Cell[];
}

/** What a write says about itself: the answer carries the warnings as `Warning` headers. */
export interface Admission<T extends KubeObject> {
  object: T;
  problems?: Problem[];
  warnings?: string[];
}

/**
 * A strategic merge patch needs to know which lists are keyed: path of the list (`secrets`) → the name of
 * its items' key, or "" for a list of scalars that merges as a set. Other lists are replaced.
 */
export type MergeKeys = Readonly<Record<string, string>>;

/** How views are worked out. */
export interface Derivation {
  from: Kind;
  /** Another kind whose objects the views take in. `belongsTo`: id (`<namespace>/<name>`) of the source that one of them is of. */
  beside?: { kind: Kind; belongsTo: (other: KubeObject) => string };
  /** `others`: those of the second kind that belong to the source. */
  views: (source: KubeObject, others: readonly KubeObject[]) => KubeObject[];
}

/** `T` is the kind's object as `schemas/types.ts` declares it. All hooks are pure: they answer new objects and change none. */
export interface Kind<T extends KubeObject = KubeObject> {
  resource: Resource;
  /** What the kind is for, in one sentence; shown by `kubectl explain` where the schema has no text of its own. */
  description: string;
  /** Name of the JSON Schema: `schemas/<schema>.json`. */
  schema: SchemaName;
  verbs: readonly Verb[];
  /**
   * What clients of Kubernetes may try and has no meaning here (`create`, `status/patch`): why not and what to do instead, as
   * a sentence. Answered with 405, which unlike 403 says that no right would help; kubectl shows the sentence for both.
   */
  refused?: Partial<Record<Verb | `${string}/${Verb}`, string>>;
  subresources: readonly Subresource[];
  /**
   * Where reads come from: `stored` is the object in etcd as written; `nodes` and `pods` are joined from the keys below
   * `/steadfleet/nodes/` (schemas/views/); `derived` is worked out from another stored kind; `none` is not kept at all, and
   * each of its verbs has a handler of its own (handlers/registry.ts).
   */
  reads: "stored" | "nodes" | "pods" | "derived" | "none";
  /** Of `derived` kinds. Pure; a view has the resourceVersion of its source; no two objects have a view of the same id. */
  derived?: Derivation;
  /** Carries `metadata.generation`, which rises when anything outside metadata and status changes. */
  generation: boolean;
  /** Has a status that only `/status` writes; writes of the object itself keep the stored one. */
  status: boolean;
  /** Added at create. */
  finalizers: readonly string[];
  /** A custom resource in the eyes of clients: no strategic merge patch, and PUT needs a resourceVersion. */
  custom: boolean;
  /** Of lists that a strategic merge patch merges. Empty for custom kinds. */
  mergeKeys: MergeKeys;
  /** Field selectors beyond `metadata.name` and `metadata.namespace`, with how to read them; absent values are "". */
  fields: Readonly<Record<string, (object: T) => string>>;
  /** Absent: NAME and AGE. */
  table?: TableShape<T>;
  /** What readers see of a stored object; for fields that are computed rather than stored. */
  present?(object: T): T;
  /** What only other stored objects can tell. Asked of every write, after everything else was found right. */
  validateAmong?(store: Pick<ObjectStore, "get">, object: T, old?: T): Promise<Problem[]>;
  /** What the schema cannot say. `old` is set for an update; immutable fields are checked here. */
  validate?(object: T, old?: T): Problem[];
}

/** `stacks.steadfleet.dev`, or `pods`: how messages call the collection. */
export const qualifiedResource = (r: Resource): string => (r.group ? `${r.resource}.${r.group}` : r.resource);
/** `Stack.steadfleet.dev`, or `Pod`. */
export const qualifiedKind = (r: Resource): string => (r.group ? `${r.kind}.${r.group}` : r.kind);

/** What most kinds say of themselves: stored, without status and generation, with nothing to merge or to select by. */
export const PLAIN = {
  subresources: [],
  reads: "stored",
  generation: false,
  status: false,
  finalizers: [],
  custom: false,
  mergeKeys: {},
  fields: {},
} as const satisfies Partial<Kind>;

export const READ_VERBS: readonly Verb[] = ["get", "list", "watch"];
export const ALL_VERBS: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
