// Takes away what a manager applied before and applies no longer, unless someone else owns it.
//
// Two rules keep more than a plain removal of paths would. A field that the schema names (`labels`) is only a place: it goes when
// nothing is left in it, so that what nobody owns (the server's own finalizers) stays. A key of a map by name (a service), or
// an item of a keyed list, is a thing of its own, and goes with all that is in it when nobody owns the thing itself any more.
// Source: sigs.k8s.io/structured-merge-diff, merge/update.go (prune), but for the first rule.
import { isObject, type Json } from "../json.ts";
import { difference, EMPTY, type FieldSet, isEmpty, union } from "./field-set.ts";
import { fieldStep, type Step } from "./steps.ts";
import { formOf, isNamed, itemStep, type ListForm, type MapForm, type Type, typeOfKey } from "./type.ts";

/** `last`: what the manager owned before. `owned`: what every manager owns now, itself included. */
export function prune(type: Type, merged: Json, last: FieldSet, owned: readonly FieldSet[]): Json {
  const all = owned.reduce(union, EMPTY);
  const gone = difference(last, all);
  return isEmpty(gone) ? merged : (without(type, merged, gone, all) ?? {});
}

/** Undefined when nothing is left. */
function without(type: Type, value: Json, gone: FieldSet, owned: FieldSet): Json | undefined {
  const form = formOf(type, value);
  if (form === "scalar") return value;
  if ("map" in form) return form.map.atomic || !isObject(value) ? value : withoutKeys(type, form.map, value, gone, owned);
  return form.list.relation === "atomic" || !Array.isArray(value) ? value : withoutItems(form.list, value, gone, owned);
}

/** What becomes of the value behind a step: undefined when it goes. */
function behind(type: Type, value: Json, step: Step, named: boolean, gone: FieldSet, owned: FieldSet): Json | undefined {
  if (gone.members.has(step) && !(named && isParent(type, value))) return undefined;
  const inside = gone.children.get(step);
  if (!inside) return value;
  const left = without(type, value, inside, owned.children.get(step) ?? EMPTY);
  // Who owns the place itself wants it to be there, empty or not.
  return left === undefined && owned.members.has(step) ? (Array.isArray(value) ? [] : {}) : left;
}

/** Whether the value consists of parts with owners of their own. */
function isParent(type: Type, value: Json): boolean {
  const form = formOf(type, value);
  if (form === "scalar") return false;
  if ("map" in form) return !form.map.atomic && isObject(value) && Object.keys(value).length > 0;
  return form.list.relation !== "atomic" && Array.isArray(value) && value.length > 0;
}

function withoutKeys(type: Type, form: MapForm, value: { [key: string]: Json }, gone: FieldSet, owned: FieldSet): Json | undefined {
  const before = Object.entries(value);
  const after = before.flatMap(([key, entry]) => {
    const step = fieldStep(key);
    const left = behind(typeOfKey(form, key), entry, step, isNamed(type, step), gone, owned);
    return left === undefined ? [] : [[key, left] as const];
  });
  return after.length === 0 && before.length > 0 ? undefined : Object.fromEntries(after);
}

function withoutItems(form: ListForm, value: Json[], gone: FieldSet, owned: FieldSet): Json | undefined {
  const after = value.flatMap((item, i) => {
    const left = behind(form.item, item, itemStep(form, item) ?? `i:${i}`, false, gone, owned);
    return left === undefined ? [] : [left];
  });
  return after.length === 0 && value.length > 0 ? undefined : after;
}
