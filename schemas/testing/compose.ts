// Normalises a body that must have passed the schema.
import { normalize } from "../compose/normalize.ts";
import { loadSchema } from "../load.ts";
import { Findings, formatProblem } from "../problems.ts";
import type { StackSpec } from "../types.ts";
import { check } from "../walk.ts";

/** @throws Error when the schema refuses it: then the test does not test what it says */
export const normalizeValid = (spec: StackSpec, metadata = { name: "shop", namespace: "default" }): ReturnType<typeof normalize> => {
  const out = new Findings();
  check({ schema: loadSchema("compose"), base: "compose" }, spec, ["spec"], out);
  if (out.problems.length > 0) throw new Error(`not valid: ${out.problems.map(formatProblem).join("; ")}`);
  return normalize({ metadata, spec });
};
