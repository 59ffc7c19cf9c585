// What a write changes, as sets of paths.
// Source: sigs.k8s.io/structured-merge-diff, typed/compare.go.
import { isDeepStrictEqual } from "node:util";
import { isObject, type Json } from "../json.ts";
import { type FieldSet, SetBuilder } from "./field-set.ts";
import { sameForm } from "./merge.ts";
import { fieldStep, type Path, type Step } from "./steps.ts";
import { type Form, formOf, itemStep, type ListForm, type MapForm, type Type, typeOfKey } from "./type.ts";

export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}

/** Order within sets and keyed lists is no change. */
export function compare(type: Type, before: Json | undefined, after: Json | undefined): Comparison {
  const walker = new Comparer();
  walker.compare(type, before, after, []);
  return { added: walker.added.build(), modified: walker.modified.build(), removed: walker.removed.build() };
}

type Values = Json | undefined;

class Comparer {
  readonly added = new SetBuilder();
  readonly modified = new SetBuilder();
  readonly removed = new SetBuilder();

  compare(type: Type, before: Values, after: Values, path: Path): void {
    if (before === undefined && after === undefined) return;
    const [was, is] = [formOf(type, before, after), formOf(type, after, before)];
    const leaf = this.as(was, before, after, path);
    // A map that became a list has lost its keys, and the list is new.
    if (!sameForm(was, is)) this.as(is, before, after, path);
    else if (!leaf) this.whole(before, after, path);
  }

  /** What came or went as a whole. */
  private whole(before: Values, after: Values, path: Path): void {
    if (before === undefined) this.added.insert(path);
    else if (after === undefined) this.removed.insert(path);
  }

  /** Looks at both in one form. Answers whether they were one piece. */
  private as(form: Form, before: Values, after: Values, path: Path): boolean {
    if (form !== "scalar") {
      if ("map" in form && this.maps(form.map, before, after, path)) return false;
      if ("list" in form && this.lists(form.list, before, after, path)) return false;
    }
    this.whole(before, after, path);
    if (before !== undefined && after !== undefined && !isDeepStrictEqual(before, after)) this.modified.insert(path);
    return true;
  }

  private maps(form: MapForm, before: Values, after: Values, path: Path): boolean {
    const [a, b] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    if (form.atomic || keys.size === 0) return false;
    const own = (o: { [key: string]: Json }, key: string): Values => (Object.hasOwn(o, key) ? o[key] : undefined);
    for (const key of keys) this.compare(typeOfKey(form, key), own(a, key), own(b, key), [...path, fieldStep(key)]);
    return true;
  }

  private lists(form: ListForm, before: Values, after: Values, path: Path): boolean {
    const [a, b] = [Array.isArray(before) ? before : [], Array.isArray(after) ? after : []];
    if (form.relation === "atomic" || (a.length === 0 && b.length === 0)) return false;
    const [left, right] = [byStep(form, a), byStep(form, b)];
    for (const step of new Set([...left.keys(), ...right.keys()]))
      this.items(form, left.get(step) ?? [], right.get(step) ?? [], [...path, step]);
    return true;
  }

  /** Items of one step; several of them, which only a write that is no apply can leave behind, are one piece. */
  private items(form: ListForm, before: readonly Json[], after: readonly Json[], path: Path): void {
    if (before.length > 1 && after.length > 1) {
      if (!isDeepStrictEqual(before, after)) this.modified.insert(path);
      return;
    }
    if (before.length > 1) {
      if (after.length > 0) this.item(form, undefined, after[0], path);
      this.removed.insert(path);
    } else if (after.length > 1) {
      if (before.length > 0) this.item(form, before[0], undefined, path);
      this.added.insert(path);
    } else this.item(form, before[0], after[0], path);
  }

  private item(form: ListForm, before: Values, after: Values, path: Path): void {
    if (form.relation === "map") this.compare(form.item, before, after, path);
    else this.whole(before, after, path);
  }
}

const byStep = (form: ListForm, items: readonly Json[]): Map<Step, Json[]> => {
  const found = new Map<Step, Json[]>();
  for (const [i, item] of items.entries()) {
    const step = itemStep(form, item) ?? `i:${i}`;
    found.set(step, [...(found.get(step) ?? []), item]);
  }
  return found;
};
