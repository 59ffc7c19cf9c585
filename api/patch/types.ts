// The media types of a patch.
import type { Kind } from "../kind.ts";

export const JSON_PATCH = "application/json-patch+json";
export const MERGE_PATCH = "application/merge-patch+json";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
/** Server-side apply. The body is YAML, of which JSON is a part. */
export const APPLY_PATCH = "application/apply-patch+yaml";

/** Those that the kind understands. */
export const patchTypesOf = (kind: Pick<Kind, "custom">): string[] => [
  JSON_PATCH,
  MERGE_PATCH,
  ...(kind.custom ? [] : [STRATEGIC_PATCH]),
  APPLY_PATCH,
];
