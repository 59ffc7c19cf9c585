// What somebody changed in an object, field by field, whatever way his client writes what is the same. Pure.
import { isDeepStrictEqual } from "node:util";
import { isObject, type Json } from "../../json.ts";

export interface Difference {
  keys: (string | number)[];
  /** Undefined: there was none. */
  before: Json | undefined;
  /** Undefined: it is gone. */
  after: Json | undefined;
}

/** `["spec", "containers", 0, "image"]` → `spec.containers[0].image`; keys that are no words are quoted. */
export const pathOf = (keys: readonly (string | number)[]): string =>
  keys
    .map((key) => (typeof key === "number" ? `[${key}]` : /^[A-Za-z0-9_-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
    .join("")
    .replace(/^\./, "");

const SCALE: Record<string, number> = { n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 };
const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** Clients write quantities in their own form: `1000` and `1k` are one. */
const quantity = (text: Json): Json => {
  const match = typeof text === "string" ? /^(\d+(?:\.\d+)?)([numkMGTPE]?|[KMGTPE]i)$/.exec(text) : null;
  if (!match) return text;
  const [, digits, unit = ""] = match;
  const factor = unit.endsWith("i") ? 1024 ** (BINARY.indexOf(unit) + 1) : (SCALE[unit] ?? 1);
  return Number((Number(digits) * factor).toPrecision(15));
};

/**
 * Without what says nothing (null, and what holds nothing), which typed clients add, and without the one field of ours that
 * they do not know and drop.
 */
export const plain = (value: Json | undefined, key = ""): Json | undefined => {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map((v) => plain(v) ?? null);
  if (!isObject(value)) return value;
  const entries = Object.entries(value)
    // Go leaves an empty value of a variable out, too.
    .filter(([k, v]) => k !== "dockerVolume" && !(k === "value" && v === ""))
    .map(([k, v]) => [k, key === "limits" || key === "requests" || k === "sizeLimit" ? quantity(v) : plain(v, k)] as const)
    .filter(([, v]) => v !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as Json);
};

/** Lists are one field, except where both have the same number of named items in the same order. */
const sameItems = (a: readonly Json[], b: readonly Json[]): boolean =>
  a.length === b.length && a.every((v, i) => isObject(v) && isObject(b[i]) && v["name"] !== undefined && v["name"] === b[i]?.["name"]);

const walk = (before: Json | undefined, after: Json | undefined, keys: (string | number)[]): Difference[] => {
  if (isDeepStrictEqual(before, after)) return [];
  // A map that is not there is an empty one, if it is one at all.
  const maps = [before, after].every((v) => v === undefined || isObject(v));
  if (maps && (before !== undefined || after !== undefined)) {
    const [b, a] = [before ?? {}, after ?? {}] as { [key: string]: Json }[];
    return [...new Set([...Object.keys(b ?? {}), ...Object.keys(a ?? {})])].flatMap((k) => walk(b?.[k], a?.[k], [...keys, k]));
  }
  if (Array.isArray(before) && Array.isArray(after) && sameItems(before, after))
    return before.flatMap((v, i) => walk(v, after[i], [...keys, i]));
  return [{ keys, before, after }];
};

/** In the order of the fields. None: they say the same. */
export const differences = (before: Json, after: Json): Difference[] => walk(plain(before), plain(after), []);
