// Bounds a text before it is parsed. The parser recurses and can end the whole process (40 KB of "["), so its own lexer, which is
// linear and does not recurse, counts first: what the lexer takes for a bracket is what the parser will nest by.
import { Lexer } from "yaml";

export const MAX_BYTES = 1024 * 1024;
export const MAX_NESTING = 64;
/** Keys and list items in one file. */
export const MAX_ENTRIES = 50_000;
export const MAX_DOCUMENTS = 1000;

export interface Excess {
  /** Where in the text, in UTF-16 units. */
  offset: number;
  message: string;
}

/** Marks without length that the lexer puts between tokens. */
const DOCUMENT = "\u0002";
const FLOW_END = "\u0018";
const SCALAR = "\u001f";
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

const tooDeep = (offset: number): Excess => ({ offset, message: `nested deeper than ${MAX_NESTING} levels` });

/** Nesting of blocks, by the columns that keys and list marks stand in; that of brackets is added. */
class Nesting {
  private columns: number[] = [];
  private flow = 0;

  reset(): void {
    this.columns = [];
    this.flow = 0;
  }

  open(): void {
    this.flow++;
  }

  close(): void {
    if (this.flow > 0) this.flow--;
  }

  /** A key or list mark in this column. Two kinds may share a column (`key:` and `- ` below it). */
  mark(column: number): void {
    if (this.flow > 0) return;
    while ((this.columns.at(-1) ?? -1) >= column) this.columns.pop();
    this.columns.push(column);
  }

  get depth(): number {
    return this.columns.length + this.flow;
  }
}

/** The first bound that the text breaks. Linear in time, without recursion. */
export const findExcess = (text: string): Excess | undefined => {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES) return { offset: 0, message: `larger than ${MAX_BYTES} bytes (${bytes})` };
  const control = CONTROL.exec(text);
  if (control) {
    const code = control[0].codePointAt(0) ?? 0;
    return { offset: control.index, message: `the control character U+${code.toString(16).toUpperCase().padStart(4, "0")} is not allowed` };
  }
  const nesting = new Nesting();
  let offset = 0;
  let lineStart = 0;
  // Where the key that a ":" ends began: behind the last mark, or at the line's first word.
  let wordStart: number | undefined;
  let entries = 0;
  let documents = 0;
  let scalar = false;
  for (const token of new Lexer().lex(text)) {
    if (token === DOCUMENT || token === FLOW_END || token === SCALAR) {
      if (token === SCALAR) scalar = true;
      continue;
    }
    const start = offset;
    offset += token.length;
    if (scalar) {
      scalar = false;
      wordStart ??= start;
      continue;
    }
    const first = token[0];
    if (token === "\n" || token === "\r\n") {
      lineStart = offset;
      wordStart = undefined;
    } else if (token === "[" || token === "{") {
      wordStart ??= start;
      nesting.open();
    } else if (token === "]" || token === "}") {
      nesting.close();
    } else if (token === "-" || token === "?") {
      nesting.mark(start - lineStart);
      wordStart = undefined;
      entries++;
    } else if (token === ":") {
      nesting.mark((wordStart ?? start) - lineStart);
      entries++;
    } else if (token === ",") {
      entries++;
    } else if (token === "---" || token === "...") {
      nesting.reset();
      if (token === "---") documents++;
    } else if (first !== " " && first !== "\t" && first !== "#") {
      wordStart ??= start;
    }
    if (nesting.depth > MAX_NESTING) return tooDeep(start);
    if (entries > MAX_ENTRIES) return { offset: start, message: `more than ${MAX_ENTRIES} keys and list items` };
    if (documents > MAX_DOCUMENTS) return { offset: start, message: `more than ${MAX_DOCUMENTS} documents` };
  }
  return undefined;
};
