// ConfigMaps and Secrets may be frozen with `immutable: true`; only deleting them thaws them.
import { isDeepStrictEqual } from "node:util";
import type { Problem } from "../kind.ts";

const problem = (field: string): Problem => ({
  field,
  message: "field is immutable when `immutable` is set",
  reason: "FieldValueForbidden",
});

export const immutableData = <T extends { immutable?: boolean }>(
  object: T,
  old: T | undefined,
  fields: readonly (keyof T & string)[],
): Problem[] => {
  if (!old?.immutable) return [];
  return [
    ...(object.immutable ? [] : [problem("immutable")]),
    ...fields.filter((f) => !isDeepStrictEqual(object[f] ?? {}, old[f] ?? {})).map(problem),
  ];
};
