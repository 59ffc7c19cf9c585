// An applied configuration on top of what is there: the configuration wins where both say something.
// Source: sigs.k8s.io/structured-merge-diff, typed/merge.go.
import { isObject, type Json } from "../json.ts";
import type { Step } from "./steps.ts";
import { type Form, formOf, itemStep, type ListForm, type MapForm, type Type, typeOfKey } from "./type.ts";

/** Never mutates; undefined is absent. */
export function merge(type: Type, live: Json | undefined, config: Json | undefined): Json | undefined {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const form = formOf(type, config, live);
  if (form === "scalar" || !sameForm(form, formOf(type, live, config))) return config;
  if ("map" in form) return mergeMaps(form.map, live, config);
  return mergeLists(form.list, live, config);
}

export const sameForm = (a: Form, b: Form): boolean => a === b || (a !== "scalar" && b !== "scalar" && "map" in a === "map" in b);

const entriesOf = (v: Json): { [key: string]: Json } => (isObject(v) ? v : {});
const itemsOf = (v: Json): Json[] => (Array.isArray(v) ? v : []);

function mergeMaps(form: MapForm, live: Json, config: Json): Json {
  const [a, b] = [entriesOf(live), entriesOf(config)];
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  if (form.atomic || keys.size === 0) return config;
  const own = (o: { [key: string]: Json }, key: string): Json | undefined => (Object.hasOwn(o, key) ? o[key] : undefined);
  return Object.fromEntries([...keys].map((key) => [key, merge(typeOfKey(form, key), own(a, key), own(b, key)) as Json]));
}

/** Items in the order of the configuration; those that only the live list has stay behind the items that they followed. */
function mergeLists(form: ListForm, live: Json, config: Json): Json {
  const [a, b] = [itemsOf(live), itemsOf(config)];
  if (form.relation === "atomic" || (a.length === 0 && b.length === 0)) return config;
  const step = (item: Json, i: number): Step => itemStep(form, item) ?? `i:${i}`;
  const [left, right] = [a.map(step), b.map(step)];
  const [inLeft, inRight] = [firsts(left), firsts(right)];
  const shared = right.filter((s) => inLeft.has(s));
  const done = new Set<Step>();
  const out: Json[] = [];
  let l = 0;
  let r = 0;
  const take = (s: Step): void => {
    const [i, j] = [inLeft.get(s), inRight.get(s)];
    out.push(merge(form.item, i === undefined ? undefined : a[i], j === undefined ? undefined : b[j]) as Json);
    done.add(s);
    if (inLeft.has(s)) shared.shift();
  };
  while (l < left.length || r < right.length) {
    const [mine, theirs] = [left[l], right[r]];
    if (mine !== undefined && mine === theirs) {
      take(mine);
      l++;
      r++;
    } else if (mine !== undefined && theirs !== undefined && inRight.has(mine) && shared[0] !== undefined && shared[0] !== mine) {
      // It is taken when the configuration's order comes to it.
      l++;
    } else if (mine !== undefined && !inRight.has(mine)) {
      out.push(a[l] as Json);
      l++;
    } else {
      if (mine !== undefined && done.has(mine)) l++;
      if (theirs !== undefined) {
        take(theirs);
        r++;
      }
    }
  }
  return out;
}

const firsts = (steps: readonly Step[]): Map<Step, number> => {
  const found = new Map<Step, number>();
  for (const [i, s] of steps.entries()) if (!found.has(s)) found.set(s, i);
  return found;
};
