// Lays one Compose file over another. Each part keeps the place it was written at.
import { pathOf } from "../../../schemas/problems.ts";
import type { Problem } from "../problem.ts";
import { below, type Rule, ruleOf } from "./merge-rules.ts";
import { type Entry, get, isNull, itemsOf, listNode, type MapNode, mapNode, type Node, scalarNode, textNode, textOf } from "./tree.ts";

export interface MergeResult {
  node: MapNode;
  problems: Problem[];
}

/** `over` on `base`. `pattern` and `keys` say what they are: `services.*` for two services. */
export const merge = (base: MapNode, over: MapNode, pattern = "", keys: readonly string[] = []): MergeResult => {
  const merger = new Merger();
  return { node: merger.maps(base, over, pattern, keys), problems: merger.problems };
};

/** Removes `!reset` parts and unfolds lists and maps whose entries the rules say are unique: for a file that lies on nothing. */
export const settle = (root: MapNode): MapNode => resolved(root) as MapNode;

const KINDS = { map: "a map", list: "a list", scalar: "a single value" } as const;

class Merger {
  readonly problems: Problem[] = [];

  maps(base: MapNode, over: MapNode, pattern: string, keys: readonly string[]): MapNode {
    const entries = new Map(base.entries);
    for (const [key, entry] of over.entries) {
      const before = entries.get(key);
      if (entry.value.tag === "reset") {
        entries.delete(key);
        continue;
      }
      if (!before || entry.value.tag === "override" || (key.startsWith("x-") && key !== "x-steadfleet")) {
        entries.set(key, { ...entry, value: resolved(entry.value) });
        continue;
      }
      const value = this.#nodes(before.value, entry.value, below(pattern, key), [...keys, key]);
      entries.set(key, value === before.value ? before : { key: entry.key, value });
    }
    return { ...over, entries };
  }

  #nodes(base: Node, over: Node, pattern: string, keys: readonly string[]): Node {
    const rule = ruleOf(pattern);
    if (rule?.type === "replace") return resolved(over);
    // Nothing said.
    if (isNull(over)) return base;
    if (isNull(base)) return resolved(over);
    const made = rule && this.#special(rule, base, over, pattern, keys);
    if (made) return made;
    if (base.kind === "map" && over.kind === "map") return this.maps(base, over, pattern, keys);
    if (base.kind === "list" && over.kind === "list") return listNode(over.mark, [...base.items, ...kept(over.items)]);
    const free = /^services\.\*\.(ulimits\.\*|gpus|restart)$|\.(external|published|target)$/.test(pattern);
    if (base.kind !== over.kind && !free && !pattern.includes(".x-")) {
      const message = `${pathOf(keys)} is ${KINDS[over.kind]} here and ${KINDS[base.kind]} in ${base.mark.file}:${base.mark.line}:${base.mark.column}`;
      this.problems.push({
        severity: "error",
        code: "SF1206",
        message,
        ...over.mark,
        help: "Write both in one form, or replace the first: `!override` before the value.",
      });
    }
    return resolved(over);
  }

  #special(rule: Rule, base: Node, over: Node, pattern: string, keys: readonly string[]): Node | undefined {
    switch (rule.type) {
      case "pairs": {
        const [a, b] = [asPairs(base, rule), asPairs(over, rule)];
        return a && b && this.maps(a, b, pattern, keys);
      }
      case "words": {
        if (base.kind === "map" && over.kind === "map") return this.maps(base, over, pattern, keys);
        const [a, b] = [asList(base, rule.lines), asList(over, rule.lines)];
        return (
          a &&
          b &&
          listNode(
            over.mark,
            uniqueBy([...a, ...b], (item) => textOf(item) ?? textOf(get(item, "path"))),
          )
        );
      }
      case "unique":
        return base.kind === "list" && over.kind === "list"
          ? listNode(over.mark, uniqueBy([...base.items, ...kept(over.items)], rule.key))
          : undefined;
      case "names": {
        const [a, b] = [asNames(base, rule.mark), asNames(over, rule.mark)];
        return a && b && this.maps(a, b, pattern, keys);
      }
      case "logging": {
        const [a, b] = [textOf(get(base, "driver")), textOf(get(over, "driver"))];
        return a !== undefined && b !== undefined && a !== b ? resolved(over) : undefined;
      }
      case "build": {
        const [a, b] = [asBuild(base), asBuild(over)];
        return a && b && this.maps(a, b, pattern, keys);
      }
      default:
        return undefined;
    }
  }
}

/** Without what `!reset` takes away, and without tags: what a part means where nothing lies below it. */
const resolved = (node: Node): Node => {
  if (!hasTag(node)) return node;
  const { tag: _, ...bare } = node;
  if (bare.kind === "list") return { ...bare, items: kept(bare.items).map(resolved) };
  if (bare.kind === "scalar") return bare;
  const entries = [...bare.entries].filter(([, e]) => e.value.tag !== "reset");
  return { ...bare, entries: new Map(entries.map(([key, e]): [string, Entry] => [key, { ...e, value: resolved(e.value) }])) };
};

const hasTag = (node: Node): boolean =>
  node.tag !== undefined ||
  (node.kind === "list" ? node.items.some(hasTag) : node.kind === "map" && [...node.entries.values()].some((e) => hasTag(e.value)));

const kept = (items: readonly Node[]): readonly Node[] => items.filter((item) => item.tag !== "reset");

/** The last of several entries of one key, in the first one's place. */
const uniqueBy = (items: readonly Node[], keyOf: (item: Node) => string | undefined): Node[] => {
  const places = new Map<string, number>();
  const found: Node[] = [];
  for (const item of items) {
    const key = keyOf(item);
    const place = key === undefined ? undefined : places.get(key);
    if (place !== undefined) found[place] = item;
    else {
      if (key !== undefined) places.set(key, found.length);
      found.push(item);
    }
  }
  return found;
};

/** @param lines what joins name and value of a map's entry in a list */
const asList = (node: Node, lines: string | undefined): readonly Node[] | undefined => {
  if (node.kind === "list") return kept(node.items);
  if (node.kind === "scalar") return [node];
  if (lines === undefined) return undefined;
  return [...node.entries].flatMap(([name, { key, value }]) =>
    (value.kind === "list" ? value.items : [value]).map((item) => textNode(key, `${name}${lines}${textOf(item) ?? ""}`)),
  );
};

/** `KEY=value` lines as a map; undefined where something else stands. */
export const asPairs = (node: Node, rule: { separators: RegExp; bare: null | "" }): MapNode | undefined => {
  if (node.kind === "map") return node;
  if (node.kind !== "list") return undefined;
  const entries = new Map<string, Entry>();
  for (const item of node.items) {
    const line = textOf(item);
    if (line === undefined) return undefined;
    const at = line.search(rule.separators);
    const value = at < 0 ? scalarNode(item.mark, rule.bare) : textNode(item.mark, line.slice(at + 1));
    entries.set(at < 0 ? line : line.slice(0, at), { key: item.mark, value: item.tag === undefined ? value : { ...value, tag: item.tag } });
  }
  return { ...mapNode(node.mark, entries), ...(node.tag ? { tag: node.tag } : {}) };
};

const asNames = (node: Node, mark: "dependency" | "nothing"): MapNode | undefined => {
  if (node.kind === "map") return node;
  if (node.kind !== "list") return undefined;
  const entries = new Map<string, Entry>();
  for (const item of itemsOf(node)) {
    const name = textOf(item);
    if (name === undefined) return undefined;
    const condition = { key: item.mark, value: textNode(item.mark, "service_started") };
    const value = mark === "nothing" ? scalarNode(item.mark, null) : mapNode(item.mark, [["condition", condition]]);
    entries.set(name, { key: item.mark, value });
  }
  return mapNode(node.mark, entries);
};

const asBuild = (node: Node): MapNode | undefined =>
  node.kind === "map" ? node : node.kind === "scalar" ? mapNode(node.mark, [["context", { key: node.mark, value: node }]]) : undefined;
