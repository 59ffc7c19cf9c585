// Holds an object against the schemas, and gives each problem its place in the file.
import { parseObject } from "../../schemas/parse.ts";
import { type Key, pathOf, type Problem as SchemaProblem, type Warning } from "../../schemas/problems.ts";
import type { Problem } from "./problem.ts";
import { locate, type Source } from "./source.ts";

/** @param place from keys in the object to keys in the file, where a Compose body is not below `spec` */
export const checkObject = (source: Source, value: unknown, place: (keys: readonly Key[]) => readonly Key[]): Problem[] => {
  const result = parseObject(value);
  const problems = "problems" in result ? result.problems.map((p) => problemOf(source, p, place)) : [];
  return [...problems, ...result.warnings.map((w) => warningOf(source, w, place))];
};

const CODES: Record<SchemaProblem["reason"], string> = {
  Unknown: "SF1101",
  NotSupported: "SF1102",
  TypeInvalid: "SF1104",
  Invalid: "SF1105",
  Required: "SF1109",
  Duplicate: "SF1110",
  Forbidden: "SF1111",
};

const problemOf = (source: Source, p: SchemaProblem, place: (keys: readonly Key[]) => readonly Key[]): Problem => {
  const keys = place(p.keys);
  const [, what = p.message, guess] = /^(.*?); (did you mean .*\?)$/s.exec(p.message) ?? [];
  const last = keys.at(-1);
  const message =
    p.reason === "Unknown" && typeof last === "string"
      ? `unknown field ${JSON.stringify(last)}${within(keys.slice(0, -1))}`
      : keys.length > 0
        ? `${pathOf(keys)}: ${what}`
        : what;
  return {
    severity: "error",
    code: p.reason === "NotSupported" && p.onKey ? "SF1201" : CODES[p.reason],
    message,
    file: source.file,
    // What is required is missing: its parent is where it belongs.
    ...locate(source, p.reason === "Required" ? keys.slice(0, -1) : keys, p.onKey || p.reason === "Required" ? "key" : "value"),
    ...(guess === undefined ? {} : { hint: guess }),
    ...(p.help === undefined ? {} : { help: p.help }),
  };
};

const within = (keys: readonly Key[]): string => (keys.length > 0 ? ` in ${pathOf(keys)}` : "");

const warningOf = (source: Source, w: Warning, place: (keys: readonly Key[]) => readonly Key[]): Problem => {
  const keys = place(w.keys);
  return {
    severity: "warning",
    code: "SF1103",
    message: keys.length > 0 ? `${pathOf(keys)}: ${w.message}` : w.message,
    file: source.file,
    ...locate(source, keys, "value"),
  };
};
