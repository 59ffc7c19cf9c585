// The paths that a value occupies: what its author owns.
// Source: sigs.k8s.io/structured-merge-diff, typed/tofieldset.go.
import { isObject, type Json } from "../json.ts";
import { type FieldSet, SetBuilder } from "./field-set.ts";
import { fieldStep, type Path, type Step } from "./steps.ts";
import { formOf, itemStep, type ListForm, type MapForm, type Type, typeOfKey } from "./type.ts";

/** Something about a keyed list or a set that keeps its items from being told apart. */
export interface ListProblem {
  path: Path;
  reason: "Required" | "Duplicate";
  message: string;
}

class Walker {
  readonly set = new SetBuilder();
  readonly problems: ListProblem[] = [];

  walk(type: Type, value: Json, path: Path): void {
    const form = formOf(type, value);
    if (form === "scalar") this.set.insert(path);
    else if ("map" in form) this.map(form.map, value, path);
    else this.list(form.list, value, path);
  }

  private map(form: MapForm, value: Json, path: Path): void {
    if (form.atomic) this.set.insert(path);
    else if (isObject(value)) {
      for (const [key, entry] of Object.entries(value)) {
        const at = [...path, fieldStep(key)];
        this.walk(typeOfKey(form, key), entry, at);
        // A key of a map by name is something by itself, and so is what is empty.
        const empty = entry === null || (isObject(entry) && Object.keys(entry).length === 0);
        if (empty || !form.named(key)) this.set.insert(at);
      }
    }
  }

  private list(form: ListForm, value: Json, path: Path): void {
    if (form.relation === "atomic") this.set.insert(path);
    else if (Array.isArray(value)) {
      const seen = new Set<Step>();
      for (const item of value) {
        const step = itemStep(form, item);
        if (step === undefined) {
          const keys = form.keys.map((k) => k.name).join(" and ");
          this.problems.push({ path, reason: "Required", message: `an item lacks ${keys}, by which items of this list are told apart` });
          continue;
        }
        if (seen.has(step)) this.problems.push({ path: [...path, step], reason: "Duplicate", message: "is in the list twice" });
        seen.add(step);
        const at = [...path, step];
        if (form.relation === "map") this.walk(form.item, item, at);
        this.set.insert(at);
      }
    }
  }
}

/** Never throws; items that cannot be told apart are told as problems. */
export function occupied(type: Type, value: Json): { set: FieldSet; problems: ListProblem[] } {
  const walker = new Walker();
  walker.walk(type, value, []);
  return { set: walker.set.build(), problems: walker.problems };
}
