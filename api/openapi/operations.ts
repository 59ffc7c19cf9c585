// The requests that can be made of each kind, for both OpenAPI documents.
import type { Kind, Subresource, Verb } from "../kind.ts";
import { CONNECT } from "./connect.ts";

export type Method = "get" | "put" | "post" | "delete" | "patch";

export interface Parameter {
  name: string;
  type: "string" | "integer" | "boolean";
  description: string;
}

export interface Operation {
  /** `/apis/steadfleet.dev/v1/namespaces/{namespace}/stacks/{name}` */
  path: string;
  method: Method;
  /** In Kubernetes' words, e.g. `list`, `post`, `deletecollection`. */
  action: string;
  id: string;
  description: string;
  pathParameters: Parameter[];
  query: Parameter[];
  body?: "object" | "patch" | "delete";
  /** `text`: whatever the program says. */
  answer: "object" | "list" | "status" | "text";
  kind: Kind;
  subresource?: Subresource;
  /** Of the body and the answer. */
  gvk: { group: string; version: string; kind: string };
}

const parameter = (name: string, type: Parameter["type"], description: string): Parameter => ({ name, type, description });

const DRY_RUN = parameter("dryRun", "string", "`All`: go through everything but keep nothing. The answer is what would have been kept.");
const MANAGER = parameter(
  "fieldManager",
  "string",
  "Name of the program or person that makes this change, who from then on owns the fields that it sets. Default: the first word of the User-Agent. An apply needs one.",
);
const VALIDATION = parameter(
  "fieldValidation",
  "string",
  "What to do about unknown fields: `Strict` refuses the request, `Warn` drops them and says so in Warning headers, `Ignore` drops them in silence. Of a Stack nothing is ever dropped: unknown fields are always refused. Default: Warn.",
);
const FORCE = parameter("force", "boolean", "Of an apply: take fields from those who own them, instead of refusing. Default: false.");
const WRITE = [DRY_RUN, MANAGER, VALIDATION];
const SELECT = [
  parameter("labelSelector", "string", "Only objects whose labels match, for example `app=shop,tier in (web,db)`."),
  parameter("fieldSelector", "string", "Only objects whose fields match, for example `metadata.name=shop`."),
];
const VERSION = parameter("resourceVersion", "string", "Answer from the state at this version; a watch begins after it.");
const LIST = [
  ...SELECT,
  parameter("limit", "integer", "At most so many objects; the answer's metadata.continue leads to the rest."),
  parameter("continue", "string", "The metadata.continue of the answer before: go on from there, in the same state."),
  VERSION,
  parameter("resourceVersionMatch", "string", "`Exact` or `NotOlderThan`: how to read resourceVersion."),
  parameter("watch", "boolean", "Stream the changes instead of listing the objects."),
  parameter("allowWatchBookmarks", "boolean", "The watch may send BOOKMARK events that carry only a resourceVersion."),
  parameter("timeoutSeconds", "integer", "End the watch after so many seconds."),
  parameter(
    "sendInitialEvents",
    "boolean",
    "The watch begins with what there is; a BOOKMARK ends it. Needs resourceVersionMatch=NotOlderThan.",
  ),
];
const DELETE = [
  DRY_RUN,
  parameter("gracePeriodSeconds", "integer", "Accepted; a pod ends within the stop_grace_period of its service."),
  parameter("propagationPolicy", "string", "What happens to the objects that this one owns: `Background`, `Foreground` or `Orphan`."),
];

export interface Form {
  method: Method;
  action: string;
  /** First word of the operation's id, where the action is not enough. */
  id?: string;
  does: string;
  query: Parameter[];
  body?: "object" | "patch" | "delete";
  answer: Operation["answer"];
}

/** What a verb is in HTTP, on the collection or on one object. A watch is a list with a parameter. */
const COLLECTION: Partial<Record<Verb, Form>> = {
  list: { method: "get", action: "list", does: "List or watch", query: LIST, answer: "list" },
  create: { method: "post", action: "post", does: "Create", query: WRITE, body: "object", answer: "object" },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    does: "Delete all selected",
    query: [...SELECT, ...DELETE],
    body: "delete",
    answer: "status",
  },
};
const ITEM: Partial<Record<Verb, Form>> = {
  get: { method: "get", action: "get", does: "Read", query: [VERSION], answer: "object" },
  update: { method: "put", action: "put", does: "Replace", query: WRITE, body: "object", answer: "object" },
  create: { method: "post", action: "post", does: "Create", query: WRITE, body: "object", answer: "object" },
  patch: { method: "patch", action: "patch", does: "Change parts of", query: [...WRITE, FORCE], body: "patch", answer: "object" },
  delete: { method: "delete", action: "delete", does: "Delete", query: DELETE, body: "delete", answer: "status" },
};

/** A creation is of the collection; of a subresource it is a request like others. */
const withoutCreate = ({ create: _create, ...rest }: typeof ITEM): typeof ITEM => rest;

const NAMESPACE = parameter("namespace", "string", "Namespace of the object.");
const NAME = parameter("name", "string", "Name of the object.");
const capital = (s: string): string => s.charAt(0).toUpperCase() + s.slice(1);

const REFUSABLE = ["create", "update", "patch", "delete", "deletecollection"] as const;

/** All requests of a kind, subresources included. */
export function operationsOf(kind: Kind): Operation[] {
  const { resource: r } = kind;
  const base = r.group === "" ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`;
  const scope = r.namespaced ? `${base}/namespaces/{namespace}` : base;
  const inside = r.namespaced ? [NAMESPACE] : [];
  const own = { group: r.group, version: r.version, kind: r.kind };
  const make = (
    verbs: readonly Verb[],
    forms: Partial<Record<Verb, Form>>,
    path: string,
    pathParameters: Parameter[],
    suffix: string,
    subresource?: Subresource,
  ) =>
    verbs.flatMap((verb): Operation[] => {
      const form = forms[verb];
      if (!form) return [];
      const { does, id: first = form.action, ...rest } = form;
      const what = suffix.startsWith("/") ? `the ${suffix.slice(1)} of ${r.resource}` : r.resource;
      const id = [first, r.group.split(".")[0] ?? "", r.version, r.kind, ...suffix.split(/[^A-Za-z]+/)].map(capital).join("");
      return [
        {
          ...rest,
          path,
          id: id.charAt(0).toLowerCase() + id.slice(1),
          description: suffix === "" && kind.refused?.[verb] ? `Refused: ${kind.refused[verb]}.` : `${does} ${what}.`,
          pathParameters,
          kind,
          ...(subresource && { subresource }),
          gvk: subresource?.responseKind ?? own,
        },
      ];
    });
  // kubectl sends what it finds here, and so shows the server's words instead of a guess of its own.
  const answered = [...kind.verbs, ...REFUSABLE.filter((v) => kind.refused?.[v] !== undefined && !kind.verbs.includes(v))];
  return [
    ...make(answered, COLLECTION, `${scope}/${r.resource}`, inside, ""),
    ...make(answered, withoutCreate(ITEM), `${scope}/${r.resource}/{name}`, [...inside, NAME], ""),
    ...(r.namespaced && kind.verbs.includes("list") ? make(["list"], COLLECTION, `${base}/${r.resource}`, [], " in all namespaces") : []),
    ...kind.subresources.flatMap((s) =>
      make(s.verbs, CONNECT[s.name] ?? ITEM, `${scope}/${r.resource}/{name}/${s.name}`, [...inside, NAME], `/${s.name}`, s),
    ),
  ];
}
