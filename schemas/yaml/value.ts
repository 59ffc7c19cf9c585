// One YAML document as plain data, for a server: bounded before it is parsed (bounds.ts), aliases and merge keys filled in within bounds.
import { LineCounter } from "yaml";
import { Findings } from "../problems.ts";
import { findExcess } from "./bounds.ts";
import { documentsOf } from "./documents.ts";
import { Reader } from "./read.ts";
import { yamlWords } from "./words.ts";

/** `problem`: the first thing that is wrong, with line and column. Never throws on any text; at most 1 MiB, 64 levels. */
export function yamlValue(text: string): { value: unknown } | { problem: string } {
  const lines = new LineCounter();
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return `line ${Math.max(line, 1)}, column ${Math.max(col, 1)}`;
  };
  const excess = findExcess(text);
  if (excess) return { problem: excess.message };
  const [doc, ...more] = documentsOf(text, lines);
  if (!doc) return { problem: "the document is empty" };
  if (more.length > 0) return { problem: `${more.length + 1} documents; one is expected` };
  const error = doc.errors[0] ?? doc.warnings[0];
  if (error) {
    const { message, help } = yamlWords(error.code, error.message);
    return { problem: `${at(error.pos[0])}: ${message}${help ? ` — ${help}` : ""}` };
  }
  const out = new Findings();
  const places: number[] = [];
  const value = new Reader(doc, { places: new WeakMap(), out, at, locate: (offset) => places.push(offset) }).read(doc.contents);
  const [problem] = out.problems;
  if (!problem) return { value };
  return {
    problem: `${at(places[0] ?? 0)}: ${problem.path ? `${problem.path}: ` : ""}${problem.message}${problem.help ? ` — ${problem.help}` : ""}`,
  };
}
