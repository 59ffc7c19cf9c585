// Files → one tree: read, filled in, paths made absolute, includes taken in, extends followed, laid over one another.
import { dirname } from "node:path";
import type { Position } from "../../../schemas/problems.ts";
import { MAX_BYTES } from "../../../schemas/yaml/bounds.ts";
import { errorText } from "../../errors.ts";
import { extendServices } from "./extends.ts";
import { takeIncludes } from "./include.ts";
import { fill } from "./interpolate.ts";
import { merge } from "./merge.ts";
import { absolutePaths } from "./paths.ts";
import { readDocuments } from "./read.ts";
import type { Lookup, Session } from "./session.ts";
import { getMap, type MapNode, mapNode, type Node } from "./tree.ts";

/** More than anybody names, and few enough that files which include each other twice come to an end. */
const MAX_FILES = 200;
/** Services of one file: each may extend a large one. */
const MAX_SERVICES = 1000;

export interface ModelOptions {
  /** Absolute: what relative paths are meant against. */
  dir: string;
  lookup: Lookup;
  /** Files that are being included, outermost first. */
  chain: readonly string[];
}

/** The UTF-8 text of a file, or a problem at `at`. */
export const readText = (s: Session, path: string, at: Position | undefined, what: string): string | undefined => {
  const name = s.o.nameOf(path);
  const place = at ?? { file: name, line: 1, column: 1 };
  try {
    const bytes = s.o.files.read(path);
    if (bytes.length > MAX_BYTES) s.error(place, "SF1208", `${what} ${name} is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
    else return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    s.error(
      place,
      "SF1208",
      error instanceof TypeError ? `${what} ${name} is not UTF-8 text` : `cannot read ${what} ${name}: ${errorText(error)}`,
    );
  }
  return undefined;
};

/** The documents of a file; none when it cannot be read, which is a problem then. */
export const readTrees = (s: Session, path: string, at?: Position): readonly Node[] => {
  const known = s.trees.get(path);
  if (known) return known;
  if (s.trees.size >= MAX_FILES) {
    s.error(at ?? { file: s.o.nameOf(path), line: 1, column: 1 }, "SF1208", `more than ${MAX_FILES} files`);
    return [];
  }
  const text = readText(s, path, at, "the Compose file");
  return text === undefined ? [] : parseTrees(s, path, text);
};

export const parseTrees = (s: Session, path: string, text: string): readonly Node[] => {
  const name = s.o.nameOf(path);
  s.texts.set(name, text);
  const { documents, problems } = readDocuments(text, name);
  s.problems.push(...problems);
  s.trees.set(path, documents);
  return documents;
};

/** The documents that are maps, with variables and paths settled. */
export const readFilled = (s: Session, path: string, dir: string, lookup: Lookup, at?: Position): MapNode[] =>
  readTrees(s, path, at).flatMap((tree) => {
    if (tree.kind !== "map") {
      s.error(tree.mark, "SF1104", "a Compose file is a map with `services`");
      return [];
    }
    const filled = fill(s, tree, lookup) as MapNode;
    const count = getMap(filled, "services")?.entries.size ?? 0;
    if (count > MAX_SERVICES) {
      s.error(filled.mark, "SF1105", `at most ${MAX_SERVICES} services; these are ${count}`);
      return [];
    }
    return [absolutePaths(s, filled, dir)];
  });

/** All files laid over one another, in the order given. */
export const loadModel = (s: Session, paths: readonly string[], o: ModelOptions, at?: Position): MapNode => {
  let model: MapNode | undefined;
  for (const path of paths)
    for (const document of readFilled(s, path, o.dir, o.lookup, at)) {
      const included = takeIncludes(s, document, { ...o, chain: [...o.chain, path] });
      const extended = extendServices(s, included, { path, dir: o.dir, lookup: o.lookup, before: model });
      const { node, problems } = merge(model ?? mapNode(document.mark), extended);
      s.problems.push(...problems);
      model = node;
    }
  return model ?? mapNode(at ?? { file: s.o.nameOf(paths[0] ?? ""), line: 1, column: 1 });
};

export const folderOf = (path: string): string => dirname(path);
