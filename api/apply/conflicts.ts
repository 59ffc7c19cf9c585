// Who is in the way of an apply, in Kubernetes' words: kubectl reads the causes and explains what to do.
// Source: k8s.io/apimachinery util/managedfields/internal/conflict.go.
import { ApiError } from "../status.ts";
import type { ManagerId } from "./managers.ts";
import { type Path, pathWords } from "./steps.ts";

/** A path that another manager owns. */
export interface Conflict extends ManagerId {
  path: Path;
}

export class ConflictsError extends Error {
  override name = "ConflictsError";
  constructor(readonly conflicts: readonly Conflict[]) {
    super(`${conflicts.length} conflicts`);
  }
}

/** `"kubectl-edit" with subresource "scale" using v1`; of one that applies the name says enough. */
const managerWords = (c: ManagerId): string =>
  `${JSON.stringify(c.manager)}${c.subresource ? ` with subresource ${JSON.stringify(c.subresource)}` : ""}${c.operation === "Update" ? ` using ${c.apiVersion}` : ""}`;

/** More would not be read; the count says how many there are. */
const MAX_SHOWN = 100;

/** 409 with each conflict as a cause. */
export function conflictStatus({ conflicts }: ConflictsError): ApiError {
  const causes = conflicts.slice(0, MAX_SHOWN).map((c) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${managerWords(c)}`,
    field: pathWords(c.path),
  }));
  return new ApiError(409, "Conflict", words(conflicts), { causes });
}

function words(conflicts: readonly Conflict[]): string {
  const [first] = conflicts;
  if (conflicts.length === 1 && first)
    return `Apply failed with 1 conflict: conflict with ${managerWords(first)}: ${pathWords(first.path)}`;
  const shown = conflicts.slice(0, MAX_SHOWN);
  const managers = [...new Set(shown.map(managerWords))].toSorted();
  const lines = managers.flatMap((m) => [
    `conflicts with ${m}:`,
    ...shown.filter((c) => managerWords(c) === m).map((c) => `- ${pathWords(c.path)}`),
  ]);
  if (shown.length < conflicts.length) lines.push(`and ${conflicts.length - shown.length} more`);
  return `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
}
