// What is wrong with the lists of an applied configuration, as an answer.
import type { Kind } from "../kind.ts";
import { type ApiError, invalid } from "../status.ts";
import type { ListProblem } from "./owned.ts";
import { pathWords } from "./steps.ts";

/** 422 with each as a cause. */
export const listProblems = (kind: Pick<Kind, "resource">, name: string, problems: readonly ListProblem[]): ApiError =>
  invalid(
    kind.resource,
    name,
    problems.map((p) => ({
      field: pathWords(p.path).slice(1),
      message: p.message,
      reason: p.reason === "Duplicate" ? "FieldValueDuplicate" : "FieldValueRequired",
    })),
  );
