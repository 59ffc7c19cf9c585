// What YAML's parser found wrong, in words with a way out.
import type { ErrorCode } from "yaml";

const WORDS: Partial<Record<ErrorCode, { message: string; help: string }>> = {
  TAB_AS_INDENT: { message: "a tab is used for indentation", help: "YAML does not allow tabs there; use 2 spaces." },
  BAD_INDENT: {
    message: "this line is not indented like those it belongs to",
    help: "Give all keys of one map the same number of spaces.",
  },
  MULTILINE_IMPLICIT_KEY: { message: "a key ends at the end of its line", help: 'Is a ":" missing on this line or the one before?' },
  BLOCK_AS_IMPLICIT_KEY: { message: 'a second ": " in one line', help: "Quote the value, or put what follows on a line of its own." },
  BLOCK_IN_FLOW: { message: "a block inside brackets", help: "Inside [ ] and { } separate by commas." },
  BAD_DQ_ESCAPE: { message: "an unknown escape inside double quotes", help: "Use single quotes, or write a backslash as \\\\." },
  BAD_SCALAR_START: { message: "a value cannot begin with this character", help: "Quote the value." },
  BAD_ALIAS: { message: "not an alias", help: 'A value that begins with "*" must be quoted, unless it means an anchor.' },
  KEY_OVER_1024_CHARS: { message: "a key of more than 1024 characters", help: "Is a quote not closed?" },
  NON_STRING_KEY: { message: "a key must be a text", help: "Quote it." },
  MULTIPLE_ANCHORS: { message: "a value with two anchors", help: "Remove one." },
};

/** The parser's words begin in upper case and may end in a period. */
const plainly = (message: string): string => {
  const line = (message.split("\n")[0] ?? "").replace(/\.$/, "");
  return line.slice(0, 1).toLowerCase() + line.slice(1);
};

export const yamlWords = (code: ErrorCode, message: string): { message: string; help?: string } => {
  const words = WORDS[code];
  if (words) return words;
  if (code === "MISSING_CHAR" && /quote/.test(message)) return { message: "a quote is not closed", help: "Close it, or remove it." };
  return { message: `not YAML: ${plainly(message)}` };
};
