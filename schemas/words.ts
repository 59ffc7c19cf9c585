// How messages name values, and guess what was meant.

/** Insertions, deletions, replacements and swaps of neighbours between two words. Source: optimal string alignment. */
export const distance = (a: string, b: string): number => {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row[j] = best;
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
};

const plain = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, "");

/** The candidate that was most likely meant, if any is near: one slip in short words, up to a third of long ones. */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  if (word.length > 64) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = plain(word) === plain(candidate) ? 0 : distance(word.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
};

/** `; did you mean "image"?`, or nothing. */
export const didYouMean = (word: string, candidates: Iterable<string>): string => {
  const guess = nearest(word, candidates);
  return guess === undefined ? "" : `; did you mean "${guess}"?`;
};

/** A value in a message: quoted, and cut when long. */
export const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…${typeof value === "string" ? '"' : ""}` : text;
};

export type JsonType = "null" | "boolean" | "number" | "string" | "array" | "object";

export const typeOf = (value: unknown): JsonType => {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "boolean" || type === "number" || type === "string" ? type : "object";
};

const TYPES: Record<string, string> = {
  null: "empty",
  boolean: "true or false",
  number: "a number",
  integer: "a whole number",
  string: "a text",
  array: "a list",
  object: "a map",
};

/** `a text, a list or a map` */
export const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;

export const nameTypes = (types: readonly string[]): string => oneOf([...new Set(types)].map((t) => TYPES[t] ?? t));

/** `the number 8080`, `the text "x"`, `a list` */
export const describe = (value: unknown): string => {
  const type = typeOf(value);
  if (type === "string") return `the text ${show(value)}`;
  if (type === "number") return `the number ${show(value)}`;
  if (type === "boolean") return show(value);
  return type === "null" ? "nothing" : (TYPES[type] ?? type);
};
