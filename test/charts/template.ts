// Renders the part of Helm's template language that our charts use, so that what they render is known where there is no helm.
// Whatever else a template says is an error: then this must learn it, or the template must do without.
import { stringify } from "yaml";

type Scope = Readonly<Record<string, unknown>>;
type Node = string | { expression: string } | { block: "if" | "with"; expression: string; body: Node[] };

/** Text and actions in turn, with the white space taken away that `{{-` and `-}}` take away. */
const parse = (template: string): Node[] => {
  const root: Node[] = [];
  const open: { body: Node[] }[] = [{ body: root }];
  let trimNext = false;
  let last = 0;
  const text = (from: number, to: number, trimEnd: boolean): void => {
    const piece = template.slice(from, to);
    const started = trimNext ? piece.trimStart() : piece;
    open.at(-1)?.body.push(trimEnd ? started.trimEnd() : started);
  };
  for (const match of template.matchAll(/\{\{(-?)\s*(.*?)\s*(-?)\}\}/gs)) {
    text(last, match.index, match[1] === "-");
    trimNext = match[3] === "-";
    last = match.index + match[0].length;
    const expression = match[2] ?? "";
    const block = /^(if|with)\s+(.*)$/s.exec(expression);
    if (block) {
      const node = { block: block[1] as "if" | "with", expression: block[2] ?? "", body: [] };
      open.at(-1)?.body.push(node);
      open.push(node);
    } else if (expression === "end") {
      open.pop();
    } else {
      open.at(-1)?.body.push({ expression });
    }
  }
  text(last, template.length, false);
  if (open.length !== 1) throw new Error("`if`, `with` and `end` do not match");
  return root;
};

const empty = (value: unknown): boolean => !value || (typeof value === "object" && Object.keys(value).length === 0);

const functions: Record<string, (...args: unknown[]) => unknown> = {
  default: (otherwise, value) => (empty(value) ? otherwise : value),
  fail: (message) => {
    throw new Error(String(message));
  },
  nindent: (width, text) => `\n${String(text).replace(/^/gm, " ".repeat(Number(width)))}`,
  not: empty,
  pick: (map, ...keys) => Object.fromEntries(Object.entries(map as Scope).filter(([key]) => keys.includes(key))),
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
};

const lookUp = (path: string, dot: unknown): unknown => {
  let at = dot;
  for (const key of path.split(".").filter((k) => k !== "")) at = (at as Scope | null | undefined)?.[key];
  return at;
};

/** `a b | c d`: the value of each command is the last argument of the next one. */
const evaluate = (expression: string, dot: unknown): unknown => {
  const words = expression.match(/"[^"]*"|\([^()]*\)|[^\s()|]+|\|/g) ?? [];
  let result: unknown;
  let piped = false;
  for (const command of splitAt(words, "|")) {
    const [head = "", ...rest] = command;
    const args = rest.map((word) => atom(word, dot));
    const called = functions[head];
    if (called) result = called(...args, ...(piped ? [result] : []));
    else if (args.length === 0 && !piped) result = atom(head, dot);
    else throw new Error(`the function ${head} is not known here`);
    piped = true;
  }
  return result;
};

const splitAt = (words: readonly string[], separator: string): string[][] => {
  const parts: string[][] = [[]];
  for (const word of words)
    if (word === separator) parts.push([]);
    else parts.at(-1)?.push(word);
  return parts;
};

const atom = (word: string, dot: unknown): unknown => {
  if (word.startsWith("(")) return evaluate(word.slice(1, -1), dot);
  if (word.startsWith('"')) return JSON.parse(word);
  if (word.startsWith(".")) return lookUp(word, dot);
  if (/^\d+$/.test(word)) return Number(word);
  throw new Error(`${word} is not known here`);
};

const print = (nodes: readonly Node[], dot: unknown): string =>
  nodes
    .map((node) => {
      if (typeof node === "string") return node;
      const value = evaluate(node.expression, dot);
      if (!("block" in node)) {
        if (typeof value === "string" || typeof value === "number") return String(value);
        if (value === undefined || value === null) return "";
        throw new Error(`${node.expression} is no text: toYaml is missing`);
      }
      return empty(value) ? "" : print(node.body, node.block === "with" ? value : dot);
    })
    .join("");

/** `scope`: what the template sees as `.`, such as `{Values, Release, Chart}`. Throws what the template itself fails with, too. */
export const render = (template: string, scope: Scope): string => print(parse(template), scope);
