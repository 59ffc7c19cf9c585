// Fills in the variables of a tree. Extension keys are read by nobody and stay as they are; what they hold has been merged where it is used.
import { EXTENSION } from "../../../schemas/constants.ts";
import { type Key, pathOf, type Position } from "../../../schemas/problems.ts";
import { tokenLength } from "../check.ts";
import { interpolate } from "../interpolate.ts";
import type { Problem } from "../problem.ts";
import type { Lookup, Session } from "./session.ts";
import type { Node } from "./tree.ts";

export const fill = (s: Session, node: Node, lookup: Lookup, keys: readonly Key[] = []): Node => {
  if (node.kind === "list") {
    const items = node.items.map((item, i) => fill(s, item, lookup, [...keys, i]));
    return items.some((item, i) => item !== node.items[i]) ? { ...node, items } : node;
  }
  if (node.kind === "map") {
    let changed = false;
    const entries = new Map(node.entries);
    for (const [key, entry] of node.entries) {
      if (key.startsWith("x-") && key !== EXTENSION && keys.length !== 1) continue;
      const value = fill(s, entry.value, lookup, [...keys, key]);
      if (value === entry.value) continue;
      changed = true;
      entries.set(key, { ...entry, value });
    }
    return changed ? { ...node, entries } : node;
  }
  return typeof node.value === "string" && node.value.includes("$")
    ? { ...node, value: filled(s, node.value, lookup, keys, node.mark) }
    : node;
};

const filled = (s: Session, value: string, lookup: Lookup, keys: readonly Key[], mark: Position): string => {
  const { text, problems } = interpolate(value, lookup, (name) => s.o.standIn?.(name, keys));
  for (const p of problems) {
    const name = p.variable;
    const at = placeOf(s, mark, value, name);
    const place = ` (in ${pathOf(keys)})`;
    if (p.kind === "unset") {
      if (name !== undefined && !s.unset.has(name))
        s.unset.set(name, { severity: "warning", code: "SF1203", message: pathOf(keys), ...at });
    } else if (p.kind === "required") {
      const message = p.message.includes(String(name)) ? p.message : `${name}: ${p.message}`;
      s.problems.push({
        severity: "error",
        code: "SF1203",
        message: message + place,
        ...at,
        help: `export ${name}=…, or put it into .env`,
      });
    } else s.problems.push({ severity: "error", code: "SF1205", message: p.message + place, ...at });
  }
  return text;
};

/** A variable's own place: on the value's line, or below it where the text has several. */
const placeOf = (
  s: Session,
  mark: Position,
  value: string,
  variable: string | undefined,
): Pick<Problem, "file" | "line" | "column" | "length"> => {
  const pattern = variable === undefined ? /\$/ : new RegExp(`\\$\\{?${variable}(?![A-Za-z0-9_])`);
  const last = mark.line + value.split("\n").length + 1;
  for (let line = mark.line; line <= last; line++) {
    const from = line === mark.line ? mark.column - 1 : 0;
    const text = s.line({ file: mark.file, line });
    const inside = text.slice(from).search(pattern);
    if (inside >= 0) return { file: mark.file, line, column: from + inside + 1, length: tokenLength(text, from + inside + 1) };
  }
  return { ...mark, length: tokenLength(s.line(mark), mark.column) };
};

/** One warning for all variables without a value, as Compose fills them in: an empty text. */
export const unsetWarning = (s: Session): Problem[] => {
  const [first] = s.unset.values();
  if (!first) return [];
  const names = [...s.unset.keys()];
  const what = names.length === 1 ? `variable ${names[0]} is not set` : `variables are not set: ${names.join(", ")}`;
  const message = `${what}; an empty text stands in${names.length === 1 ? ` (in ${first.message})` : ""}`;
  return [{ ...first, message, help: `export ${names[0]}=…, put it into .env, or write \${${names[0]}:-default}` }];
};
