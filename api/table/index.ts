// Objects as rows of text, as `kubectl get` prints them. Source: Kubernetes API concepts, "Receiving resources as Tables".
import type { KubeObject, ObjectMeta } from "../../schemas/meta.ts";
import type { Cell, Column, Kind } from "../kind.ts";
import { plainTable } from "./core.ts";

/** What a row carries beside its cells. kubectl asks for `Object` when it sorts, and needs the metadata for labels and namespaces. */
export type IncludeObject = "None" | "Metadata" | "Object";
export type TableVersion = "v1" | "v1beta1";

export interface PartialObjectMetadata {
  kind: "PartialObjectMetadata";
  apiVersion: `meta.k8s.io/${TableVersion}`;
  metadata: Partial<ObjectMeta>;
}

export interface Row {
  cells: Cell[];
  object?: KubeObject | PartialObjectMetadata;
}

export interface Table {
  kind: "Table";
  apiVersion: `meta.k8s.io/${TableVersion}`;
  /** Of the list, where it is one. */
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number };
  /** Null in all but the first event of a watch. */
  columnDefinitions: Column[] | null;
  rows: Row[];
}

export interface TableOptions {
  /** Default: Metadata. */
  includeObject?: IncludeObject;
  /** Default: the resourceVersion of the one object, where there is just one. */
  metadata?: Table["metadata"];
  /** Default: v1. */
  version?: TableVersion;
  /** False for all but the first event of a watch. Default: true. */
  columns?: boolean;
}

const isIncludeObject = (s: string): s is IncludeObject => s === "None" || s === "Metadata" || s === "Object";

/** Reads the query parameter of that name; undefined when the server does not know the word. */
export const includeObjectOf = (parameter: string | undefined): IncludeObject | undefined =>
  parameter === undefined || parameter === "" ? "Metadata" : isIncludeObject(parameter) ? parameter : undefined;

export const partialMetadata = (metadata: Partial<ObjectMeta>, version: TableVersion = "v1"): PartialObjectMetadata => ({
  kind: "PartialObjectMetadata",
  apiVersion: `meta.k8s.io/${version}`,
  metadata,
});

/** One row for each object. `now` in milliseconds since the epoch: ages are text, and the client does not count them on. */
export function tableOf(kind: Kind, objects: readonly KubeObject[], now: number, options: TableOptions = {}): Table {
  const { includeObject = "Metadata", version = "v1", columns = true } = options;
  const shape = kind.table ?? plainTable;
  const [only] = objects;
  const carried = (o: KubeObject): Pick<Row, "object"> => {
    if (includeObject === "None") return {};
    return { object: includeObject === "Object" ? o : partialMetadata(o.metadata, version) };
  };
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: options.metadata ?? (only && objects.length === 1 ? { resourceVersion: only.metadata.resourceVersion } : {}),
    columnDefinitions: columns ? [...shape.columns] : null,
    rows: objects.map((o) => ({ cells: shape.cells(o, now), ...carried(o) })),
  };
}

/** A BOOKMARK in a watch of tables: one row without cells, whose object carries the version. */
export const bookmarkTable = (metadata: Partial<ObjectMeta>, version: TableVersion = "v1"): Table => ({
  kind: "Table",
  apiVersion: `meta.k8s.io/${version}`,
  metadata: metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion },
  columnDefinitions: null,
  rows: [{ cells: [], object: partialMetadata(metadata, version) }],
});
