// FieldsV1 as a client sends it → a set of paths.
import { isObject } from "../json.ts";
import type { FieldSet } from "./field-set.ts";
import { parseStep, type Step } from "./steps.ts";

/** Objects nest 64 deep at most (json.ts), and so do paths into them. */
const MAX_DEPTH = 64;

/** @throws TypeError that says what is wrong */
export const decodeFields = (value: unknown): FieldSet => decode(value, 0).set;

/** `self`: whether the node itself belongs to the set; one without anything inside always does. */
function decode(value: unknown, depth: number): { set: FieldSet; self: boolean } {
  if (!isObject(value)) throw new TypeError("fieldsV1 consists of maps");
  if (depth > MAX_DEPTH) throw new TypeError(`fieldsV1 is nested deeper than ${MAX_DEPTH}`);
  const members = new Set<Step>();
  const children = new Map<Step, FieldSet>();
  let self = Object.keys(value).length === 0;
  for (const [key, inner] of Object.entries(value)) {
    if (key === ".") {
      self = true;
      continue;
    }
    const step = parseStep(key);
    const child = decode(inner, depth + 1);
    if (child.self) members.add(step);
    if (child.set.members.size > 0 || child.set.children.size > 0) children.set(step, child.set);
  }
  return { set: { members, children }, self };
}
