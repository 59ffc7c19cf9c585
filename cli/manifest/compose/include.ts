// `include`: another project's services, volumes, networks, configs and secrets, loaded with its own folder and variables.
import { isDeepStrictEqual } from "node:util";
import { dirname, join } from "node:path";
import { didYouMean, show } from "../../../schemas/words.ts";
import { readVariables } from "./env-file.ts";
import { loadModel, type ModelOptions } from "./model.ts";
import { absolute } from "./paths.ts";
import type { Session } from "./session.ts";
import { entriesOf, get, itemsOf, type MapNode, mapNode, type Node, plain, textOf, withEntry, withoutEntries } from "./tree.ts";

const SECTIONS = ["services", "volumes", "networks", "configs", "secrets"] as const;
const FIELDS = ["path", "project_directory", "env_file"];

/** The document with what it includes. */
export const takeIncludes = (s: Session, document: MapNode, o: ModelOptions): MapNode => {
  const wanted = document.entries.get("include")?.value;
  if (wanted === undefined) return document;
  let root = withoutEntries(document, "include");
  if (wanted.kind !== "list") {
    s.error(wanted.mark, "SF1104", "include: must be a list of files", "include: [other/compose.yaml]");
    return root;
  }
  for (const item of wanted.items) {
    const included = load(s, item, o);
    if (included) root = take(s, root, included);
  }
  return root;
};

const listOf = (node: Node | undefined): string[] => {
  const one = textOf(node);
  return one === undefined ? itemsOf(node).flatMap((item) => textOf(item) ?? []) : [one];
};

const load = (s: Session, item: Node, o: ModelOptions): MapNode | undefined => {
  for (const [key, entry] of entriesOf(item))
    if (!FIELDS.includes(key)) {
      s.error(entry.key, "SF1101", `unknown field ${show(key)} in include${didYouMean(key, FIELDS)}`);
      return undefined;
    }
  const named = listOf(item.kind === "map" ? get(item, "path") : item);
  if (named.length === 0) {
    s.error(item.mark, "SF1109", "an include needs the path of a file", "include: [other/compose.yaml]");
    return undefined;
  }
  const remote = named.find((path) => /^(https?|oci|git|ssh):|^git@/.test(path));
  if (remote !== undefined) {
    s.error(item.mark, "SF1208", `${remote} is not on this machine; only files are included`, "Copy it beside this file.");
    return undefined;
  }
  const paths = named.map((path) => absolute(path, s.o.home, o.dir));
  const circle = paths.find((path) => o.chain.includes(path));
  if (circle !== undefined) {
    const names = [...o.chain.slice(o.chain.indexOf(circle)), circle].map(s.o.nameOf);
    s.error(item.mark, "SF1209", `files include one another in a circle: ${names.join(" → ")}`);
    return undefined;
  }
  const folder = textOf(get(item, "project_directory"));
  const dir = folder === undefined ? dirname(paths[0] as string) : absolute(folder, s.o.home, o.dir);
  const envFiles = listOf(get(item, "env_file")).map((path) => absolute(path, s.o.home, o.dir));
  const fallback = join(dir, ".env");
  const own = envFiles.length > 0 ? envFiles : s.o.files.isFile(fallback) ? [fallback] : [];
  const at = get(item, "env_file")?.mark ?? item.mark;
  // The including project's variables win.
  const values = new Map<string, string>();
  for (const path of own)
    for (const [k, v] of readVariables(s, path, at, (name) => o.lookup(name) ?? values.get(name))) values.set(k, v.value);
  const lookup = (name: string): string | undefined => o.lookup(name) ?? values.get(name);
  const model = loadModel(s, paths, { dir, lookup, chain: o.chain }, item.mark);
  const name = model.entries.get("name");
  if (name) s.warn(name.key, "SF1103", "name: an included file does not name the project; this has no effect");
  return model;
};

const take = (s: Session, root: MapNode, included: MapNode): MapNode => {
  let result = root;
  for (const section of SECTIONS)
    for (const [name, entry] of entriesOf(get(included, section))) {
      const before = result.entries.get(section);
      const map = before?.value.kind === "map" ? before.value : mapNode(entry.key);
      const other = map.entries.get(name);
      if (other && !isDeepStrictEqual(plain(other.value), plain(entry.value))) {
        const { file, line, column } = entry.key;
        const help = "Rename one, or put the change into compose.override.yaml, which lies over both.";
        s.error(other.key, "SF1211", `${section}.${name} is also in the included ${file}:${line}:${column}, and not the same`, help);
        continue;
      }
      if (!other) result = withEntry(result, section, { key: before?.key ?? entry.key, value: withEntry(map, name, entry) });
    }
  for (const [key, entry] of included.entries)
    if (key === "version") s.warn(entry.key, "SF1103", "version: `version` is obsolete and has no effect; remove it");
  return result;
};
