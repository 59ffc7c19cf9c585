// Findings of the schemas → problems with codes, hints and something to underline.
import { type Key, pathOf, type Position, type Problem as Finding, type Warning } from "../../schemas/problems.ts";
import type { Code } from "./codes.ts";
import type { Problem } from "./problem.ts";

const CODES: Record<Finding["reason"], Code> = {
  Unknown: "SF1101",
  NotSupported: "SF1102",
  TypeInvalid: "SF1104",
  Invalid: "SF1105",
  Required: "SF1109",
  Duplicate: "SF1002",
  Forbidden: "SF1111",
};

/** A Compose file knows nothing of `spec`. */
const keysFor = (keys: readonly Key[], compose: boolean): readonly Key[] => (compose && keys[0] === "spec" ? keys.slice(1) : keys);

/** A line of a file, from 1; "" where there is none. */
export type LineOf = (file: string, line: number) => string;

/** @param file for what has no place of its own */
export const problemOf = (f: Finding, file: string, lineOf: LineOf, compose: boolean): Problem => {
  const keys = keysFor(f.keys, compose);
  const [, what = f.message, guess] = /^(.*); (did you mean .*\?)$/s.exec(f.message) ?? [];
  const last = keys.at(-1);
  const path = pathOf(keys);
  const unknown = f.reason === "Unknown" && typeof last === "string";
  const yaml = f.keys.length === 0 && f.reason === "Invalid";
  return {
    severity: "error",
    code: yaml ? "SF1000" : f.reason === "NotSupported" && f.onKey ? "SF1201" : CODES[f.reason],
    message: unknown
      ? `unknown field ${JSON.stringify(last)}${keys.length > 1 ? ` in ${pathOf(keys.slice(0, -1))}` : ""}`
      : path
        ? `${path}: ${what}`
        : what,
    ...placeOf(f, file, lineOf),
    ...(guess === undefined ? {} : { hint: guess }),
    ...(f.help === undefined ? {} : { help: f.help }),
  };
};

export const warningOf = (w: Warning, file: string, lineOf: LineOf, compose: boolean): Problem => {
  const keys = keysFor(w.keys, compose);
  return {
    severity: "warning",
    code: "SF1103",
    message: keys.length > 0 ? `${pathOf(keys)}: ${w.message}` : w.message,
    ...placeOf(w, file, lineOf),
  };
};

const placeOf = (f: { position?: Position }, file: string, lineOf: LineOf): Pick<Problem, "file" | "line" | "column" | "length"> => {
  if (!f.position) return { file };
  const { line, column } = f.position;
  return { ...f.position, length: tokenLength(lineOf(f.position.file, line), column) };
};

/** Length of the YAML token that begins in a column (from 1): a quoted text, or what stands up to the next mark. */
export const tokenLength = (line: string, column: number): number => {
  const rest = line.slice(column - 1);
  const token = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|\$\{[^}]*\}|[[{]|[^\s,\]}#:]+(?:(?::(?!\s|$)| (?!#|\s))[^\s,\]}#:]+)*)/.exec(rest);
  return Math.max(1, token?.[0].length ?? 1);
};
