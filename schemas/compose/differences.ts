// What differs between two values, key by key, as text that may be shown: values that may be secrets are left out. Pure.
import { isDeepStrictEqual } from "node:util";

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

export interface Difference {
  path: string;
  /** Absent: it is not there. */
  from?: string;
  to?: string;
}

export const HIDDEN = "***";
const MAX_TEXT = 200;

/** Keys whose values are nobody's business. */
const SECRET_KEY = /passw|passphrase|secret|token|api[-_.]?key|private[-_.]?key|credential|basicauth|\bauth\b|\bpwd\b/i;
/** Secrets within texts: `--password=x`, `token: x`, `redis://user:x@host`. */
const SECRET_WORDS =
  /((?:password|passwd|passphrase|secret|token|api[-_]?key)["']?\s*[=:]\s*["']?|--(?:password|passwd|secret|token|api-key)\s+)[^\s"',\]]+/gi;
const SECRET_URL = /(:\/\/[^\s/:@]*:)[^\s/@]+@/g;

/** Half of all Compose files keep a password in `environment`: which variable changed is told, not its value. */
const isSecret = (path: readonly string[]): boolean =>
  path.includes("environment") ||
  path.includes("env") ||
  path.includes("content") ||
  path.slice(1).some((key) => SECRET_KEY.test(key)) ||
  path[0] === "driver_opts" ||
  path[0] === "logging";

/** Without what looks like a secret. */
export const redacted = (text: string): string => text.replaceAll(SECRET_WORDS, `$1${HIDDEN}`).replaceAll(SECRET_URL, `$1${HIDDEN}@`);

const shellWord = (word: string): string => (/^[^\s"'$]+$/.test(word) ? word : JSON.stringify(word));

const textOf = (value: unknown, path: readonly string[]): string => {
  if (isSecret(path)) return HIDDEN;
  if (isObj(value) && Object.keys(value).some((k) => isSecret([...path, k]))) return `{${Object.keys(value).join(", ")}}`;
  const words = Array.isArray(value) && value.every((v) => typeof v === "string");
  const text = redacted(typeof value === "string" ? value : words ? value.map(shellWord).join(" ") : JSON.stringify(value));
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
};

/** Maps are compared by key, lists as a whole. Sorted by path. */
export const differences = (a: unknown, b: unknown, path: readonly string[] = []): Difference[] => {
  if (isObj(a) && isObj(b))
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted().flatMap((key) => differences(a[key], b[key], [...path, key]));
  if (isDeepStrictEqual(a, b)) return [];
  // Whole maps that come or go are told by their keys, as long as these are few.
  const [whole, other] = isObj(a) && b === undefined ? [a, "from"] : isObj(b) && a === undefined ? [b, "to"] : [undefined, ""];
  if (whole && path.length === 1 && Object.keys(whole).length > 0)
    return Object.keys(whole)
      .toSorted()
      .flatMap((key) => differences(other === "from" ? whole[key] : undefined, other === "to" ? whole[key] : undefined, [...path, key]));
  return [
    { path: path.join("."), ...(a === undefined ? {} : { from: textOf(a, path) }), ...(b === undefined ? {} : { to: textOf(b, path) }) },
  ];
};
