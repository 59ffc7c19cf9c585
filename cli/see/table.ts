// Server-side tables: what the API says the columns are, laid out as kubectl does. Source: Kubernetes API concepts, "Receiving resources as Tables".
import { columns } from "../text/style.ts";

export interface Table {
  kind: "Table";
  metadata?: { resourceVersion?: string; continue?: string };
  columnDefinitions: { name: string; type?: string; priority?: number }[] | null;
  rows: { cells: unknown[]; object?: { metadata?: { name?: string; namespace?: string; resourceVersion?: string } } }[] | null;
}

export const TABLE_ACCEPT = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const cell = (v: unknown): string =>
  (v === null || v === undefined ? "" : typeof v === "string" ? v : JSON.stringify(v)).replace(/\s*\n\s*/g, " ");

export interface TableOptions {
  wide: boolean;
  namespaces: boolean;
  header: boolean;
  /** `stack.steadfleet.dev/` before each name, when several kinds are shown. */
  prefix?: string;
}

/** Lines without line feeds. Columns of priority above 0 show only when `wide`. */
export const tableLines = (table: Table, o: TableOptions, definitions = table.columnDefinitions ?? []): string[] => {
  const shown = definitions
    .map((d, i) => ({ name: d.name.toUpperCase(), i, priority: d.priority ?? 0 }))
    .filter((d) => o.wide || d.priority === 0);
  const nameAt = shown.findIndex((d) => d.name === "NAME");
  const head = [...(o.namespaces ? ["NAMESPACE"] : []), ...shown.map((d) => d.name)];
  const rows = (table.rows ?? []).map((row) => [
    ...(o.namespaces ? [row.object?.metadata?.namespace ?? ""] : []),
    ...shown.map((d, at) => (at === nameAt ? (o.prefix ?? "") : "") + cell(row.cells[d.i])),
  ]);
  return columns([...(o.header ? [head] : []), ...rows]);
};
