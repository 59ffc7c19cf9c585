// A stored Stack → what a rollout needs, or what is wrong with it. Pure.
import { normalize } from "../../schemas/compose/normalize.ts";
import { formatProblem } from "../../schemas/problems.ts";
import type { Stack } from "../../schemas/types.ts";
import { compile } from "../compile.ts";
import type { Compiled } from "./plan.ts";

/** Admission has checked the Stack; an older version of it may have let pass what this one does not know. */
export const compileStack = (stack: Stack): Compiled => {
  try {
    const result = normalize(stack);
    return result.problems ? { problems: result.problems.map(formatProblem) } : { normal: result.normal, compiled: compile(result.normal) };
  } catch (err) {
    return { problems: [`spec cannot be read: ${err instanceof Error ? err.message : String(err)}`] };
  }
};
