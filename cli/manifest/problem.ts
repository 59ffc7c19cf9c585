// What is wrong with a text, and how it is shown: code, place, the line itself, and what to do.
import type { Code } from "./codes.ts";
import { cut, harmless, type Style } from "../text/style.ts";

export interface Problem {
  severity: "error" | "warning";
  /** `SF1101`; docs/errors.md has a section for each. */
  code?: Code;
  message: string;
  /** As the user named it; "" where there is no file. */
  file: string;
  /** From 1; absent where there is no place. */
  line?: number;
  column?: number;
  /** Characters to underline. */
  length?: number;
  /** Behind the underline: `did you mean "image"?` */
  hint?: string;
  help?: string | undefined;
}

const MOST = 20;

/** All problems, by place; at most 20 errors in full. `texts`: the source of each file. */
export const showProblems = (problems: readonly Problem[], texts: ReadonlyMap<string, string>, s: Style): string => {
  const sorted = problems.toSorted(
    (a, b) =>
      a.file.localeCompare(b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      a.message.localeCompare(b.message),
  );
  const blocks = sorted.slice(0, MOST).map((p) => showProblem(p, texts.get(p.file), s));
  const errors = problems.filter((p) => p.severity === "error").length;
  const tail = [
    ...(sorted.length > MOST ? [`… and ${sorted.length - MOST} more`] : []),
    ...(errors > 1 ? [`${errors} errors; nothing was sent`] : []),
  ];
  return `${[...blocks, ...tail].join("\n")}\n`;
};

const showProblem = (p: Problem, text: string | undefined, s: Style): string => {
  const word = `${p.severity}${p.code ? `[${p.code}]` : ""}`;
  const lines = [`${p.severity === "error" ? s.red(word) : s.yellow(word)}: ${harmless(p.message)}`];
  const place = p.line === undefined ? p.file : `${p.file}:${p.line}${p.column === undefined ? "" : `:${p.column}`}`;
  if (place) lines.push(`  ${s.dim("-->")} ${place}`);
  const source = p.line === undefined ? undefined : text?.split("\n", p.line)[p.line - 1];
  if (p.line !== undefined && source !== undefined) lines.push(...codeFrame(p, p.line, source.replace(/\r$/, ""), s));
  else if (p.hint) lines.push(`  help: ${harmless(p.hint)}`);
  if (p.help) lines.push(...p.help.split("\n").map((h) => `  help: ${harmless(h)}`));
  return lines.join("\n");
};

const WIDEST = 120;

const codeFrame = (p: Problem, line: number, source: string, s: Style): string[] => {
  const number = String(line);
  const gutter = " ".repeat(number.length);
  // A tab is drawn as one arrow, so that the underline stays below its character.
  const shown = cut(source.replaceAll("\t", "→").replace(/[\p{Cc}]/gu, "\ufffd"), WIDEST);
  const lines = [`  ${s.dim(`${number} |`)} ${shown}`];
  if (p.column === undefined || p.column > WIDEST) return p.hint ? [...lines, `  help: ${harmless(p.hint)}`] : lines;
  const length = Math.max(1, Math.min(p.length ?? 1, shown.length - p.column + 1));
  lines.push(`  ${s.dim(`${gutter} |`)} ${" ".repeat(p.column - 1)}${s.red("^".repeat(length))}${p.hint ? ` ${harmless(p.hint)}` : ""}`);
  return lines;
};
