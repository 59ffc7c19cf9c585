// One step of a path into an object, in the words of FieldsV1: `f:<field>`, `k:{"name":"web"}` (an item of a keyed list),
// `v:"x"` (a member of a set), `i:0` (a place in a list; never made here, kept where a client wrote it).
// As texts, steps are keys of maps, and no field's name can be mistaken for anything else (`__proto__` is `f:__proto__`).
// Source: sigs.k8s.io/structured-merge-diff, fieldpath/serialize-pe.go.
import { isObject, type Json, parseJson } from "../json.ts";

export type Step = string;
export type Path = readonly Step[];

export const fieldStep = (name: string): Step => `f:${name}`;
export const valueStep = (value: Json): Step => `v:${canonical(value)}`;
export const keyStep = (keys: { readonly [name: string]: Json }): Step => `k:${canonical({ ...keys })}`;

/** JSON text with sorted keys and no blanks: equal values have equal texts. */
export const canonical = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((k) => `${JSON.stringify(k)}:${canonical(value[k] ?? null)}`).join(",")}}`;
};

/** A step as a client wrote it, in our spelling. @throws TypeError */
export function parseStep(text: string): Step {
  const kind = text.slice(0, 2);
  const rest = text.slice(2);
  if (kind === "f:") return text;
  if (kind === "i:" && /^(0|[1-9][0-9]{0,8})$/.test(rest)) return text;
  if (kind === "v:") return valueStep(parsed(rest, text));
  if (kind === "k:") {
    const keys = parsed(rest, text);
    if (isObject(keys) && Object.keys(keys).length > 0) return keyStep(keys);
  }
  throw new TypeError(`${JSON.stringify(text.slice(0, 80))} is no step of a path: f:<field>, k:<keys>, v:<value> and i:<index> are`);
}

const parsed = (json: string, step: string): Json => {
  try {
    return parseJson(json);
  } catch (cause) {
    throw new TypeError(`${JSON.stringify(step.slice(0, 80))} does not go on with JSON`, { cause });
  }
};

const RANKS = ["f:", "k:", "v:", "i:"];
/** The order in which Kubernetes writes them. */
export const compareSteps = (a: Step, b: Step): number => {
  const rank = RANKS.indexOf(a.slice(0, 2)) - RANKS.indexOf(b.slice(0, 2));
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0;
};

const stepWords = (step: Step): string => {
  const rest = step.slice(2);
  if (step.startsWith("f:")) return `.${rest}`;
  if (step.startsWith("v:")) return `[=${rest}]`;
  if (step.startsWith("i:")) return `[${rest}]`;
  const keys = JSON.parse(rest) as { [key: string]: Json };
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}]`;
};

/** `.spec.containers[name="web"].image`, as messages about conflicts say it. */
export const pathWords = (path: Path): string => path.map(stepWords).join("");
