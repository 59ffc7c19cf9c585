// A command line → words, as Compose does it: quotes and backslashes count, variables and operators of a shell do not.
import { show } from "../words.ts";
import type { Field } from "./context.ts";

/** undefined: a quote is not closed, or a backslash ends the line. */
export const splitWords = (line: string): string[] | undefined => {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (c === "\\" && quote !== "'") {
      const escaped = line[++i];
      if (escaped === undefined) return undefined;
      // Inside double quotes a backslash only escapes what would end or change them. Source: POSIX, "Double-Quotes".
      word = (word ?? "") + (quote === '"' && !'"\\$`\n'.includes(escaped) ? c : "") + (escaped === "\n" ? "" : escaped);
    } else if (quote !== "") {
      if (c === quote) quote = "";
      else word = (word ?? "") + c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + c;
    }
  }
  if (quote !== "") return undefined;
  return word === undefined ? words : [...words, word];
};

const OPERATORS = new Set(["&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"]);

/** undefined: the image's own. `[]` takes the image's away. */
export const normalizeCommand = (command: string | readonly string[] | null | undefined, field: Field): string[] | undefined => {
  if (command === null || command === undefined) return undefined;
  if (typeof command !== "string") return [...command];
  const words = splitWords(command);
  if (!words) {
    field.problem("Invalid", `a quote is not closed, or a backslash ends the line: ${show(command)}`);
    return undefined;
  }
  const operator = words.find((word) => OPERATORS.has(word));
  if (operator !== undefined && !words.includes("-c")) {
    field.warn(`no shell runs this line, so ${show(operator)} is passed to the program; write [sh, -c, "…"] to use a shell`);
  }
  return words;
};
