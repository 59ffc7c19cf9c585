// Environment variables and labels, which Compose writes as a list of lines or as a map.
import { COMPOSE_LABELS, GROUP } from "../constants.ts";
import { show } from "../words.ts";
import type { Field } from "./context.ts";

type Scalar = string | number | boolean | null;
type ListOrMap = readonly string[] | Readonly<Record<string, Scalar>> | null | undefined;

interface Entry {
  name: string;
  /** null: none given. */
  value: string | null;
  field: Field;
}

const entriesOf = (values: ListOrMap, field: Field): Entry[] => {
  if (!values) return [];
  if (!Array.isArray(values)) {
    return Object.entries(values as Record<string, Scalar>).map(([name, value]) => ({
      name,
      value: value === null ? null : String(value),
      field: field.at(name),
    }));
  }
  return values.map((line: string, i) => {
    const equals = line.indexOf("=");
    return equals < 0
      ? { name: line, value: null, field: field.at(i) }
      : { name: line.slice(0, equals), value: line.slice(equals + 1), field: field.at(i) };
  });
};

/** The last of several entries of one name counts, as in Compose. */
const toRecord = (entries: readonly Entry[], missing: (entry: Entry) => string | undefined): Record<string, string> => {
  const found = new Map<string, string>();
  for (const entry of entries) {
    const value = entry.value ?? missing(entry);
    if (found.has(entry.name)) entry.field.warn(`${show(entry.name)} is set twice; the last one counts`);
    if (value !== undefined) found.set(entry.name, value);
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

/** Sorted by name. Each variable needs a value: the server has no environment to take it from. */
export const normalizeEnvironment = (values: ListOrMap, field: Field): Record<string, string> => {
  const entries = entriesOf(values, field).filter((entry) => {
    if (/^[^=\0]+$/.test(entry.name) && !entry.value?.includes("\0")) return true;
    entry.field.problem("Invalid", `${show(entry.name)} is no name of a variable, which has at least one character and no "="`);
    return false;
  });
  return toRecord(entries, ({ name, field: at }) => {
    const help = `Write \`${name}: ""\` for an empty value. \`steady up\` fills in values of your own environment.`;
    at.problem("Required", `${show(name)} has no value, and the server has no environment to take it from`, help);
    return undefined;
  });
};

const RESERVED = [`${GROUP}/`, `${COMPOSE_LABELS.project.slice(0, COMPOSE_LABELS.project.lastIndexOf("."))}.`];

/** Sorted by name. */
export const normalizeLabels = (values: ListOrMap, field: Field): Record<string, string> => {
  const entries = entriesOf(values, field).filter(({ name, field: at }) => {
    const prefix = RESERVED.find((p) => name.startsWith(p));
    if (prefix) at.problem("Forbidden", `labels that begin with ${show(prefix)} are set by the system`, "Use another prefix.");
    else if (name === "") at.problem("Invalid", "a label needs a name");
    return !prefix && name !== "";
  });
  return toRecord(entries, () => "");
};

/** Settings by name, sorted. `wanted`: what must stand behind each name; absent: nothing must. */
export const normalizeOptions = (values: ListOrMap, field: Field, wanted?: string): Record<string, string> => {
  const entries = entriesOf(values, field).filter(({ name, field: at }) => {
    if (name === "") at.problem("Invalid", "a setting needs a name");
    return name !== "";
  });
  return toRecord(entries, ({ name, field: at }) => {
    if (wanted === undefined) return "";
    at.problem("Required", `${show(name)} needs ${wanted}`);
    return undefined;
  });
};
