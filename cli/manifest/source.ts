// YAML text with places: which line and column a field path is at. Bounded before it is parsed.
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, type Pair } from "yaml";
import type { Problem } from "./problem.ts";

export type Path = readonly (string | number)[];

/** One YAML document of a file. */
export interface Source {
  file: string;
  text: string;
  doc: Document;
  counter: LineCounter;
}

export const MAX_BYTES = 4 * 1024 * 1024;
/** Deeper than any manifest; the parser is recursive and would end the process. */
export const MAX_DEPTH = 100;

/** Documents of a text, without empty ones; or what keeps it from being read. */
export const readSources = (file: string, text: string): { sources: Source[]; problems: Problem[] } => {
  const bound = tooMuch(text);
  if (bound) return { sources: [], problems: [{ severity: "error", code: "SF1003", message: bound, file }] };
  const counter = new LineCounter();
  const clean = text.replace(/^\ufeff/, "");
  const docs = parseAllDocuments(clean, {
    lineCounter: counter,
    merge: true,
    prettyErrors: false,
    logLevel: "silent",
    keepSourceTokens: false,
  });
  const problems: Problem[] = [];
  const sources: Source[] = [];
  for (const doc of Array.isArray(docs) ? docs : []) {
    const source: Source = { file, text: clean, doc, counter };
    // One cause, one message: what follows a broken line is mostly its echo.
    const error = doc.errors[0];
    if (error) problems.push(syntaxProblem(source, error.code, error.message, error.pos));
    for (const warning of doc.warnings) problems.push(syntaxProblem(source, warning.code, warning.message, warning.pos));
    if (doc.contents !== null && !(isScalar(doc.contents) && doc.contents.value === null)) sources.push(source);
  }
  return { sources, problems };
};

/** Lower bound of what the text would cost, without parsing it. */
const tooMuch = (text: string): string | undefined => {
  if (Buffer.byteLength(text) > MAX_BYTES) return `larger than ${MAX_BYTES / 1024 / 1024} MiB: not a manifest`;
  let depth = 0;
  for (const c of text.matchAll(/[[\]{}]|\n/g)) {
    if (c[0] === "[" || c[0] === "{") {
      if (++depth > MAX_DEPTH) return `nested deeper than ${MAX_DEPTH}`;
    } else if (c[0] !== "\n") depth = Math.max(0, depth - 1);
  }
  for (const line of text.matchAll(/^[ -]{200,}\S/gm))
    return line[0].length > 2 * MAX_DEPTH ? `nested deeper than ${MAX_DEPTH}` : undefined;
  return undefined;
};

const SYNTAX: Record<string, { code: string; message?: string; help: string }> = {
  TAB_AS_INDENT: { code: "SF1001", message: "tab used for indentation", help: "YAML does not allow tabs here; use 2 spaces" },
  DUPLICATE_KEY: { code: "SF1002", help: "remove one; YAML parsers disagree about which one wins" },
  TAG_RESOLVE_FAILED: { code: "SF1004", help: "Compose's !reset and !override are not supported yet; merge the files by hand" },
};

const syntaxProblem = (source: Source, code: string, message: string, pos: readonly [number, number]): Problem => {
  const known: { code: string; message?: string; help?: string } = SYNTAX[code] ?? { code: "SF1000" };
  const key = code === "DUPLICATE_KEY" ? /^[^\s:]+/.exec(source.text.slice(pos[0]))?.[0] : undefined;
  const text = key ? `key ${JSON.stringify(key)} appears twice` : (known.message ?? message.split("\n")[0] ?? message);
  const { line, col } = source.counter.linePos(pos[0]);
  const length = key?.length ?? 1;
  return { severity: "error", code: known.code, message: text, file: source.file, line, column: col, length, help: known.help };
};

/** The pair or item at a path; follows aliases and merge keys. */
const nodeAt = (doc: Document, path: Path): { key?: Node; value: Node | null } | undefined => {
  let at: { key?: Node; value: Node | null } = { value: doc.contents };
  for (const part of path) {
    const node = follow(at.value, doc);
    if (isMap(node)) {
      const pair = findPair(node.items, part, doc);
      if (!pair) return undefined;
      at = { key: pair.key as Node, value: pair.value as Node | null };
    } else if (isSeq(node) && typeof part === "number") {
      const item = node.items[part];
      if (item === undefined) return undefined;
      at = { value: item as Node };
    } else return undefined;
  }
  return at;
};

const follow = (node: Node | null, doc: Document): Node | null | undefined => (isAlias(node) ? node.resolve(doc) : node);

const findPair = (items: readonly unknown[], key: string | number, doc: Document): Pair | undefined => {
  let merged: Pair | undefined;
  for (const item of items) {
    if (!isPair(item)) continue;
    const name = isScalar(item.key) ? item.key.value : item.key;
    if (String(name) === String(key)) return item;
    if (!isScalar(item.key) || !(name === "<<" || typeof name === "symbol")) continue;
    const from = follow(item.value as Node, doc);
    for (const map of isSeq(from) ? from.items : [from]) {
      const inner = follow(map as Node, doc);
      if (isMap(inner)) merged ??= findPair(inner.items, key, doc);
    }
  }
  return merged;
};

/** Where a path is, or its nearest parent. `part`: underline the key or the value. */
export const locate = (source: Source, path: Path, part: "key" | "value" = "key"): { line: number; column: number; length: number } => {
  for (let n = path.length; n >= 0; n--) {
    const found = nodeAt(source.doc, path.slice(0, n));
    if (!found) continue;
    const node = n === path.length && part === "value" ? (found.value ?? found.key) : (found.key ?? found.value);
    const range = node?.range ?? found.value?.range;
    if (!range) continue;
    const { line, col } = source.counter.linePos(range[0]);
    const text = source.text.slice(range[0], range[1]);
    return { line, column: col, length: Math.max(1, (text.split("\n", 1)[0] ?? "").trimEnd().length) };
  }
  return { line: 1, column: 1, length: 1 };
};

/** `spec.services.web.ports[0]` */
export const pathText = (path: Path): string =>
  path.map((p, i) => (typeof p === "number" ? `[${p}]` : /^[A-Za-z_$][\w$-]*$/.test(p) ? (i === 0 ? p : `.${p}`) : `["${p}"]`)).join("");

/** The way back: both `.` and `[…]` forms, quoted keys included. */
export const parsePath = (text: string): (string | number)[] => {
  const path: (string | number)[] = [];
  for (const m of text.matchAll(/\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\.?([^.[\]]+)/g)) {
    if (m[1] !== undefined) path.push(Number(m[1]));
    else path.push(m[2] ?? (m[3] as string));
  }
  return path;
};
