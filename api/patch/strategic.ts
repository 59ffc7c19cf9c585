// Strategic merge patch, as far as our core kinds need it: maps merge, keyed lists merge by their key, other lists are
// replaced; $patch, $retainKeys, $setElementOrder and $deleteFromPrimitiveList as in Kubernetes.
// Source: Kubernetes, "Strategic Merge Patch" (sig-api-machinery).
import { isObject, type Json } from "../json.ts";
import type { MergeKeys } from "../kind.ts";
import { badRequest } from "../status.ts";

type Obj = { [key: string]: Json };
const DELETE_FROM = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";

/** Of the envelope, for every kind. */
const META_KEYS: MergeKeys = { "metadata.ownerReferences": "uid", "metadata.finalizers": "" };

/** @throws ApiError 400 for a directive that makes no sense */
export const strategicPatch = (target: Json, patch: Json, keys: MergeKeys): Json => {
  if (!isObject(patch)) throw badRequest("a strategic merge patch is an object");
  return mergeMap(isObject(target) ? target : {}, patch, { ...META_KEYS, ...keys }, "");
};

const join = (path: string, key: string): string => (path ? `${path}.${key}` : key);

function mergeMap(target: Obj, patch: Obj, keys: MergeKeys, path: string): Json {
  const { $patch: directive, $retainKeys: retain, ...rest } = patch;
  if (directive === "replace") return plain(rest);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw badRequest(`unknown directive $patch: ${JSON.stringify(directive)} at ${path || "the top"}`);
  let out: Obj = { ...target };
  if (retain !== undefined) {
    if (!Array.isArray(retain)) throw badRequest(`$retainKeys at ${path || "the top"} is not a list`);
    out = Object.fromEntries(Object.entries(out).filter(([key]) => retain.includes(key)));
  }
  for (const [key, value] of Object.entries(rest)) {
    if (key.startsWith(DELETE_FROM)) {
      const name = key.slice(DELETE_FROM.length);
      const gone = value;
      const list = out[name];
      if (Array.isArray(list) && Array.isArray(gone)) out[name] = list.filter((v) => !gone.includes(v));
    } else if (key.startsWith(ORDER)) continue;
    else if (value === null) delete out[key];
    else if (isObject(value)) out[key] = mergeMap(own(out, key, isObject) ?? {}, value, keys, join(path, key));
    else if (Array.isArray(value)) out[key] = mergeList(own(out, key, Array.isArray) ?? [], value, keys, join(path, key));
    else out[key] = value;
  }
  for (const [key, order] of Object.entries(rest)) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    const list = out[name];
    if (Array.isArray(list) && Array.isArray(order)) out[name] = ordered(list, order, keys[join(path, name)]);
  }
  return out;
}

function mergeList(target: Json[], patch: Json[], keys: MergeKeys, path: string): Json[] {
  const key = keys[path];
  if (key === undefined) return plain(patch) as Json[];
  if (key === "") return [...new Set([...target, ...patch])];
  if (patch.some((item) => isObject(item) && item["$patch"] === "replace"))
    return plain(patch.filter((i) => !(isObject(i) && "$patch" in i))) as Json[];
  let out = [...target];
  for (const item of patch) {
    if (!isObject(item) || item[key] === undefined) throw badRequest(`an item of ${path} has no ${key}, by which the list merges`);
    const at = out.findIndex((o) => isObject(o) && o[key] === item[key]);
    if (item["$patch"] === "delete") out = out.filter((o) => !(isObject(o) && o[key] === item[key]));
    else {
      const old = at >= 0 ? out[at] : undefined;
      const merged = mergeMap(isObject(old) ? old : {}, item, keys, path);
      if (at >= 0) out[at] = merged;
      else out.push(merged);
    }
  }
  return out;
}

/** Listed items in the listed order; the others stay in place behind those they followed. */
function ordered(list: Json[], order: Json[], key: string | undefined): Json[] {
  const rank = (v: Json): number => order.findIndex((o) => (key && isObject(o) && isObject(v) ? o[key] === v[key] : o === v));
  let last = -1;
  const ranked = list.map((v, i) => {
    const r = rank(v);
    if (r >= 0) last = r;
    return { v, i, rank: r >= 0 ? r : last + 0.5 };
  });
  return ranked.toSorted((a, b) => a.rank - b.rank || a.i - b.i).map((r) => r.v);
}

/** What a patch puts where nothing was: without nulls and directives. */
function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([k, v]) => v !== null && !k.startsWith("$"))
      .map(([k, v]) => [k, plain(v)]),
  );
}

const own = <T extends Json>(o: Obj, key: string, is: (v: unknown) => v is T): T | undefined => {
  const v = Object.hasOwn(o, key) ? o[key] : undefined;
  return is(v) ? v : undefined;
};
