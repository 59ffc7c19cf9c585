// The media types of a patch.
import type { Kind, Subresource } from "../kind.ts";

export const JSON_PATCH = "application/json-patch+json";
export const MERGE_PATCH = "application/merge-patch+json";
export const STRATEGIC_PATCH = "application/strategic-merge-patch+json";
/** Server-side apply. The body is YAML, of which JSON is a part. */
export const APPLY_PATCH = "application/apply-patch+yaml";

/** Those that the kind understands, or a subresource of it that is an object of another kind (a Scale). */
export const patchTypesOf = (kind: Pick<Kind, "custom">, subresource?: Subresource): string[] => {
  if (subresource?.responseKind) return [JSON_PATCH, MERGE_PATCH];
  return [JSON_PATCH, MERGE_PATCH, ...(kind.custom ? [] : [STRATEGIC_PATCH]), APPLY_PATCH];
};
