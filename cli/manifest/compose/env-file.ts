// `env_file` and `label_file` become `environment` and `labels`; names without a value take it from where the command runs.
import type { Position } from "../../../schemas/problems.ts";
import { didYouMean, show } from "../../../schemas/words.ts";
import { parseDotenv } from "../dotenv.ts";
import { asPairs } from "./merge.ts";
import { readText } from "./model.ts";
import type { Lookup, Session } from "./session.ts";
import {
  type Entry,
  entriesOf,
  get,
  isNull,
  type MapNode,
  mapNode,
  mapSection,
  type Node,
  textNode,
  textOf,
  withEntry,
  withoutEntries,
} from "./tree.ts";

interface Variable {
  value: string;
  place: Position;
}

/** Variables of a file, each with its place there. Problems are added to the session; lines are never shown, since such files hold secrets. */
export const readVariables = (s: Session, path: string, at: Position, lookup: Lookup, raw = false): Map<string, Variable> => {
  const text = readText(s, path, at, "the file of variables");
  if (text === undefined) return new Map();
  const file = s.o.nameOf(path);
  const { values, problems, lines } = parseDotenv(text, lookup, raw);
  for (const p of problems) s.error({ file, line: p.line, column: 1 }, "SF1212", p.message);
  return new Map([...values].map(([name, value]) => [name, { value, place: { file, line: lines.get(name) ?? 1, column: 1 } }]));
};

interface Wanted {
  path: string;
  required: boolean;
  raw: boolean;
  at: Position;
}

const FIELDS = ["path", "required", "format"];

const wantedFiles = (s: Session, node: Node, what: string): Wanted[] => {
  if (isNull(node)) return [];
  if (node.kind === "list") return node.items.flatMap((item) => wantedFiles(s, item, what));
  const text = textOf(node);
  if (text !== undefined) return [{ path: text, required: true, raw: false, at: node.mark }];
  for (const [key, entry] of entriesOf(node))
    if (!FIELDS.includes(key)) {
      s.error(entry.key, "SF1101", `unknown field ${show(key)} in ${what}${didYouMean(key, FIELDS)}`);
      return [];
    }
  const path = textOf(get(node, "path"));
  const format = textOf(get(node, "format"));
  const required = textOf(get(node, "required"));
  if (path === undefined) s.error(node.mark, "SF1109", `${what} needs a path`);
  else if (format !== undefined && format !== "raw")
    s.error((get(node, "format") as Node).mark, "SF1102", `${what}.format must be raw; got ${show(format)}`);
  else if (required !== undefined && !/^(true|false)$/i.test(required))
    s.error((get(node, "required") as Node).mark, "SF1104", `${what}.required must be true or false; got ${show(required)}`);
  else return [{ path, required: required?.toLowerCase() !== "false", raw: format === "raw", at: node.mark }];
  return [];
};

/** Later files win over earlier ones. */
const readAll = (s: Session, files: readonly Wanted[], lookup: Lookup): Map<string, Variable> => {
  const all = new Map<string, Variable>();
  for (const { path, required, raw, at } of files) {
    if (!s.o.files.isFile(path)) {
      if (!required) continue;
      const name = s.o.nameOf(path);
      const help = "Make it, or say that it may be missing: `env_file: [{path: …, required: false}]`.";
      if (s.o.lenient) s.warn(at, "SF1208", `the file of variables ${name} is missing`);
      else s.error(at, "SF1208", `the file of variables ${name} is missing`, help);
      continue;
    }
    for (const [name, v] of readVariables(s, path, at, (n) => lookup(n) ?? all.get(n)?.value, raw)) all.set(name, v);
  }
  return all;
};

/** Every service's files of variables and labels read in, below what it says itself. */
export const settleEnvironment = (s: Session, root: MapNode, lookup: Lookup): MapNode => {
  const without = new Set<string>();
  const settled = mapSection(root, "services", (service, name) => {
    let result = service;
    for (const [key, target] of [
      ["env_file", "environment"],
      ["label_file", "labels"],
    ] as const) {
      const entry = service.entries.get(key);
      if (!entry) continue;
      const what = `services.${name}.${key}`;
      const found = readAll(s, wantedFiles(s, entry.value, what), lookup);
      result = below(withoutEntries(result, key), target, found, entry.key);
    }
    return withValues(s, result, name, lookup, without);
  });
  return settled;
};

const below = (service: MapNode, target: string, found: ReadonlyMap<string, Variable>, key: Position): MapNode => {
  if (found.size === 0) return service;
  const own = service.entries.get(target);
  const said = own && !isNull(own.value) ? asPairs(own.value, { separators: /=/, bare: target === "labels" ? "" : null }) : mapNode(key);
  // Of another shape: the schema says so.
  if (!said) return service;
  const entries = new Map<string, Entry>();
  for (const [name, { value, place }] of found) entries.set(name, { key: place, value: textNode(place, value) });
  for (const [name, entry] of said.entries) entries.set(name, entry);
  return withEntry(service, target, { key: own?.key ?? key, value: { ...said, entries } });
};

/** A name without a value takes it from where the command runs; one that has none there is left out, with a word. */
const withValues = (s: Session, service: MapNode, name: string, lookup: Lookup, said: Set<string>): MapNode => {
  const entry = service.entries.get("environment");
  if (!entry) return service;
  const given = (variable: string, at: Position): string | undefined => {
    const value = lookup(variable) ?? s.o.standIn?.(variable, ["services", name, "environment", variable]);
    if (value === undefined && !said.has(variable)) {
      said.add(variable);
      s.warn(
        at,
        "SF1203",
        `services.${name}.environment: ${variable} has no value here and is left out`,
        `export ${variable}=…, or put it into .env`,
      );
    }
    return value;
  };
  const { value } = entry;
  if (value.kind === "list") {
    const items = value.items.flatMap((item): Node[] => {
      const line = textOf(item);
      if (line === undefined || line.includes("=")) return [item];
      const found = given(line, item.mark);
      return found === undefined ? [] : [textNode(item.mark, `${line}=${found}`)];
    });
    return withEntry(service, "environment", { ...entry, value: { ...value, items } });
  }
  if (value.kind !== "map") return service;
  const entries = new Map<string, Entry>();
  for (const [key, e] of value.entries) {
    const found = isNull(e.value) ? given(key, e.key) : undefined;
    if (!isNull(e.value)) entries.set(key, e);
    else if (found !== undefined) entries.set(key, { ...e, value: textNode(e.key, found) });
  }
  return withEntry(service, "environment", { ...entry, value: { ...value, entries } });
};
