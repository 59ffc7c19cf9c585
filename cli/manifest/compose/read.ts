// The text of a Compose file → trees, one for each document. Anchors and merge keys are filled in, within bounds.
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node as YamlNode, type Scalar, type YAMLMap } from "yaml";
import type { Position } from "../../../schemas/problems.ts";
import { show } from "../../../schemas/words.ts";
import { findExcess, MAX_ENTRIES, MAX_NESTING } from "../../../schemas/yaml/bounds.ts";
import { documentsOf } from "../../../schemas/yaml/documents.ts";
import { yamlWords } from "../../../schemas/yaml/words.ts";
import type { Problem } from "../problem.ts";
import type { Entry, MapNode, Node, ScalarNode, Tag } from "./tree.ts";

const TAGS: Record<string, Tag> = { "!reset": "reset", "!override": "override" };

/**
 * @param file name for positions
 * Never throws on any text; at most 1 MiB, 64 levels, 100,000 values when aliases are filled in.
 */
export const readDocuments = (text: string, file: string): { documents: Node[]; problems: Problem[] } => {
  const excess = findExcess(text);
  if (excess) {
    const before = text.slice(0, excess.offset).split("\n");
    return { documents: [], problems: [problem({ file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }, excess.message)] };
  }
  const lines = new LineCounter();
  const documents: Node[] = [];
  const problems: Problem[] = [];
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  for (const doc of documentsOf(text, lines)) {
    const error = doc.errors[0] ?? doc.warnings.find((w) => !(w.code === "TAG_RESOLVE_FAILED" && /!(reset|override)\b/.test(w.message)));
    if (error) {
      const { message, help } = yamlWords(error.code, error.message);
      problems.push(problem(at(error.pos[0]), message, help));
      continue;
    }
    const reader = new TreeReader(doc, at);
    const tree = reader.root();
    problems.push(...reader.problems);
    // An empty document says nothing.
    if (reader.problems.length === 0 && !(tree.kind === "scalar" && tree.value === null)) documents.push(tree);
  }
  return { documents, problems };
};

const problem = (mark: Position, message: string, help?: string): Problem => ({
  severity: "error",
  code: "SF1000",
  message,
  ...mark,
  ...(help === undefined ? {} : { help }),
});

const offsetOf = (node: unknown): number => (node as YamlNode | null | undefined)?.range?.[0] ?? 0;
const isMerge = (key: unknown): boolean => isScalar(key) && key.value === "<<" && key.type === "PLAIN";

/** Plain words that another tag's resolution left as text, and octal numbers, which the parser reads as decimal. Source: yaml.v3, which Compose uses. */
const resolvePlain = (node: Scalar, tagged: boolean): ScalarNode["value"] => {
  const { value, source } = node;
  if (node.type !== "PLAIN" || source === undefined) return typeof value === "bigint" ? Number(value) : (value as ScalarNode["value"]);
  if (typeof value === "number" && /^[-+]?0[0-7]+$/.test(source)) return Number.parseInt(source, 8);
  if (typeof value === "number" && !Number.isFinite(value)) return source;
  if (!tagged || typeof value !== "string") return typeof value === "bigint" ? Number(value) : (value as ScalarNode["value"]);
  if (/^(~|null|Null|NULL|)$/.test(source)) return null;
  if (/^(true|True|TRUE|false|False|FALSE)$/.test(source)) return source.toLowerCase() === "true";
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(source)) return Number(source);
  return value;
};

class TreeReader {
  readonly problems: Problem[] = [];
  /** Nodes with an anchor that have been read, and how many values they hold. */
  readonly #anchors = new Map<string, { node: Node; size: number; depth: number } | "open">();
  #entries = 0;
  #full = false;

  constructor(
    private readonly doc: Document.Parsed,
    private readonly at: (offset: number) => Position,
  ) {}

  root(): Node {
    return this.#read(this.doc.contents, 0);
  }

  #problem(node: unknown, message: string, help?: string): void {
    this.problems.push(problem(this.at(offsetOf(node)), message, help));
  }

  #nothing(node: unknown): ScalarNode {
    return { kind: "scalar", mark: this.at(offsetOf(node)), value: null };
  }

  #count(node: unknown, size: number, depth: number): boolean {
    if (this.#full) return false;
    this.#entries += size;
    if (this.#entries <= 2 * MAX_ENTRIES && depth <= MAX_NESTING) return true;
    this.#full = true;
    const what = depth > MAX_NESTING ? `nested deeper than ${MAX_NESTING} levels` : `more than ${2 * MAX_ENTRIES} values`;
    this.#problem(node, `${what} when its aliases are filled in`);
    return false;
  }

  #read(node: unknown, depth: number): Node {
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (target === undefined)
        this.#problem(node, `there is no anchor &${node.source} before this alias`, 'Quote a text that begins with "*".');
      else if (target === "open") this.#problem(node, `the alias *${node.source} contains itself`);
      else if (this.#count(node, target.size, depth + target.depth)) return target.node;
      return this.#nothing(node);
    }
    if (!this.#count(node, 1, depth)) return this.#nothing(node);
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor === undefined) return this.#plain(node, depth);
    const before = this.#entries;
    this.#anchors.set(anchor, "open");
    const read = this.#plain(node, depth);
    this.#anchors.set(anchor, { node: read, size: this.#entries - before + 1, depth: depthOf(read) });
    return read;
  }

  #plain(node: unknown, depth: number): Node {
    const mark = this.at(offsetOf(node));
    const tag = TAGS[(node as { tag?: string } | null)?.tag ?? ""];
    const tagged = tag === undefined ? {} : { tag };
    if (isMap(node)) return { kind: "map", mark, ...tagged, entries: this.#map(node, depth) };
    if (isSeq(node)) return { kind: "list", mark, ...tagged, items: node.items.map((item) => this.#read(item, depth + 1)) };
    if (!isScalar(node)) return this.#nothing(node);
    const value = resolvePlain(node, tag !== undefined);
    const typed = typeof value === "number" || typeof value === "boolean" ? { source: node.source ?? String(value) } : {};
    return { kind: "scalar", mark, ...tagged, value, ...typed };
  }

  #map(map: YAMLMap, depth: number): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    const merges: MapNode[] = [];
    for (const { key, value } of map.items) {
      if (isMerge(key)) {
        merges.push(...this.#merged(value, depth + 1));
        continue;
      }
      const name = isScalar(key) && typeof key.value === "string" ? key.value : "";
      const place = this.at(offsetOf(key));
      const first = entries.get(name);
      if (first) {
        const message = `the key ${show(name)} appears twice (first at ${first.key.line}:${first.key.column})`;
        this.problems.push({ ...problem(place, message, "Remove one; YAML parsers disagree about which one wins."), code: "SF1002" });
        continue;
      }
      const read = value === null || value === undefined ? { ...this.#nothing(key), mark: place } : this.#read(value, depth + 1);
      // An empty value is best shown at its key.
      const shown = isScalar(value) && value.source === "" && value.type === "PLAIN" ? { ...read, mark: place } : read;
      entries.set(name, { key: place, value: shown });
    }
    for (const merge of merges) for (const [name, entry] of merge.entries) if (!entries.has(name)) entries.set(name, entry);
    return entries;
  }

  /** What `<<` adds: a map, or several of which the first wins. */
  #merged(node: unknown, depth: number): MapNode[] {
    const read = this.#read(node, depth);
    const list = read.kind === "list" ? read.items : [read];
    const maps = list.filter((item) => item.kind === "map");
    if (maps.length < list.length && !this.#full) this.#problem(node, "a merge key needs a map, or a list of maps");
    return maps;
  }
}

const depthOf = (node: Node): number => {
  if (node.kind === "scalar") return 0;
  const parts = node.kind === "map" ? [...node.entries.values()].map((e) => e.value) : node.items;
  return 1 + parts.reduce((most, part) => Math.max(most, depthOf(part)), 0);
};
