// Client-side apply: the three-way merge that kubectl does for kinds without a strategy, and the annotation that lets both be mixed.
// Source: k8s.io/apimachinery/pkg/util/jsonmergepatch, k8s.io/kubectl/pkg/util/apply.go
import { isDeepStrictEqual } from "node:util";

export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

type Json = unknown;
type Obj = Record<string, Json>;

const isObj = (v: Json): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/**
 * JSON as Go's encoder writes it for a map: keys sorted by code point, <, >, & and the line separators escaped, a line feed at the end.
 * Equal bytes keep kubectl and this program from rewriting the annotation in turns.
 */
export const goJson = (value: Json): string => `${encode(value)}\n`;

const encode = (v: Json): string => {
  if (Array.isArray(v)) return `[${v.map(encode).join(",")}]`;
  if (isObj(v))
    return `{${Object.keys(v)
      .filter((k) => v[k] !== undefined)
      .toSorted(byCodePoint)
      .map((k) => `${escape(JSON.stringify(k))}:${encode(v[k])}`)
      .join(",")}}`;
  return typeof v === "string" ? escape(JSON.stringify(v)) : JSON.stringify(v ?? null);
};

const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
const escape = (s: string): string => s.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`);

/** The manifest with the annotation that remembers it. */
export const withLastApplied = (manifest: Obj): Obj => {
  const meta = isObj(manifest["metadata"]) ? manifest["metadata"] : {};
  const annotations = isObj(meta["annotations"]) ? { ...meta["annotations"] } : {};
  delete annotations[LAST_APPLIED];
  const remembered = goJson({ ...manifest, metadata: { ...meta, annotations } });
  return { ...manifest, metadata: { ...meta, annotations: { ...annotations, [LAST_APPLIED]: remembered } } };
};

/** What was applied last, by kubectl or by us; undefined when nobody applied. */
export const lastApplied = (live: Obj): Obj | undefined => {
  const meta = live["metadata"];
  const text = isObj(meta) && isObj(meta["annotations"]) ? meta["annotations"][LAST_APPLIED] : undefined;
  if (typeof text !== "string") return undefined;
  try {
    const value: Json = JSON.parse(text);
    return isObj(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

/**
 * A JSON merge patch that brings `live` to `modified`: what the manifest says is set, what the last manifest said and this one does not is removed,
 * all else (defaults, other people's fields) is left alone. Lists are replaced whole. Undefined: nothing to do.
 */
export const threeWay = (original: Obj | undefined, modified: Obj, live: Obj): Obj | undefined => {
  const patch = merge(original, modified, live);
  return Object.keys(patch).length === 0 ? undefined : patch;
};

const merge = (original: Obj | undefined, modified: Obj, live: Obj): Obj => {
  const patch: Obj = {};
  const put = (key: string, value: Json): void => {
    Object.defineProperty(patch, key, { value, enumerable: true, writable: true, configurable: true });
  };
  const own = (o: Obj | undefined, key: string): Json => (o && Object.hasOwn(o, key) ? o[key] : undefined);
  for (const key of Object.keys(modified)) {
    const want = modified[key];
    const have = own(live, key);
    const was = own(original, key);
    // A merge patch cannot set null: it removes. A manifest that says null wants the key gone.
    if (want === undefined || want === null) {
      if (have !== undefined) put(key, null);
    } else if (isObj(want) && isObj(have)) {
      const inner = merge(isObj(was) ? was : undefined, want, have);
      if (Object.keys(inner).length > 0) put(key, inner);
    } else if (!isDeepStrictEqual(want, have)) {
      put(key, isObj(want) ? withoutNulls(want) : want);
    }
  }
  for (const key of Object.keys(original ?? {})) if (!Object.hasOwn(modified, key) && own(live, key) !== undefined) put(key, null);
  return patch;
};

const withoutNulls = (o: Obj): Obj =>
  Object.fromEntries(
    Object.entries(o)
      .filter(([, v]) => v !== null && v !== undefined)
      .map(([k, v]) => [k, isObj(v) ? withoutNulls(v) : v]),
  );
