// A YAML document → plain data, with the place of every part. Anchors and merge keys are resolved, within bounds.
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node, type Scalar, visit, type YAMLMap } from "yaml";
import type { Findings, Key } from "../problems.ts";
import { show } from "../words.ts";
import { MAX_ENTRIES, MAX_NESTING } from "./bounds.ts";

/** Offsets in the text. */
export interface Place {
  key: number;
  value: number;
}

/** Of each map and list, by key. */
export type Places = WeakMap<object, Map<Key, Place>>;

export interface ReadOptions {
  places: Places;
  out: Findings;
  /** `line:column` of an offset, for messages. */
  at(offset: number): string;
  /** Where a finding of this very document is: offsets by finding, since the places of a half-read value are not known yet. */
  locate(offset: number): void;
}

const offsetOf = (node: unknown): number => (node as Node | null | undefined)?.range?.[0] ?? 0;

/** Each alias → what it stands for: the last anchor of that name before it. */
const linkAliases = (doc: Document): Map<Alias, Node> => {
  const anchors = new Map<string, Node>();
  const links = new Map<Alias, Node>();
  visit(doc, {
    Node(_key, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) links.set(node, target);
      } else if (node.anchor) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return links;
};

/** A variable or label of a service keeps the text that was typed: `1.10` is no 1.1 to its author. */
const keepsText = (keys: readonly Key[]): boolean => {
  // What a merge key brings in stands where it is merged.
  const [services, , section] = keys.filter((key) => key !== "<<").slice(-4);
  return services === "services" && (section === "environment" || section === "labels");
};

const isMerge = (key: unknown): boolean => isScalar(key) && key.value === "<<" && key.type === "PLAIN";

export class Reader {
  private entries = 0;
  private full = false;
  private readonly links: Map<Alias, Node>;
  /** Aliased nodes that are being read: one inside itself has no end. */
  private readonly open = new Set<Node>();

  constructor(
    doc: Document,
    private readonly o: ReadOptions,
  ) {
    this.links = linkAliases(doc);
  }

  private problem(
    node: unknown,
    keys: readonly Key[],
    reason: "Invalid" | "Duplicate",
    message: string,
    help?: string,
    onKey = false,
  ): void {
    this.o.out.problem(keys, reason, message, { help, onKey });
    this.o.locate(offsetOf(node));
  }

  private scalar(node: Scalar, keys: readonly Key[]): unknown {
    const { value, source } = node;
    if (typeof value !== "number") return value;
    if (!Number.isFinite(value)) {
      this.problem(node, keys, "Invalid", `${source ?? value} is no number that can be stored`, "Quote it to mean the text.");
      return null;
    }
    return source !== undefined && source !== String(value) && /^[-+]?[\d.]+$/.test(source) && keepsText(keys) ? source : value;
  }

  private alias(node: Alias, keys: readonly Key[]): unknown {
    const target = this.links.get(node);
    if (!target) {
      this.problem(node, keys, "Invalid", `there is no anchor &${node.source} before this alias`, 'Quote a text that begins with "*".');
      return null;
    }
    if (this.open.has(target)) {
      this.problem(node, keys, "Invalid", `the alias *${node.source} contains itself`);
      return null;
    }
    this.open.add(target);
    const value = this.read(target, keys);
    this.open.delete(target);
    return value;
  }

  /** What `<<` adds: a map, or several of which the first wins. */
  private merged(node: unknown, keys: readonly Key[]): { value: object; places: Map<Key, Place> }[] {
    const value = this.read(node, keys);
    const list = Array.isArray(value) ? value : [value];
    if (list.some((item) => typeof item !== "object" || item === null || Array.isArray(item))) {
      if (!this.full) this.problem(node, keys, "Invalid", "a merge key needs a map, or a list of maps");
      return [];
    }
    return list.map((item: object) => ({ value: item, places: this.o.places.get(item) ?? new Map<Key, Place>() }));
  }

  private map(node: YAMLMap, keys: readonly Key[]): object {
    const entries = new Map<string, unknown>();
    const places = new Map<Key, Place>();
    const merges: ReturnType<Reader["merged"]> = [];
    for (const { key, value } of node.items) {
      if (isMerge(key)) {
        merges.push(...this.merged(value, [...keys, "<<"]));
        continue;
      }
      const name = isScalar(key) && typeof key.value === "string" ? key.value : "";
      const before = places.get(name);
      if (before) {
        const message = `the key ${show(name)} appears twice (first at ${this.o.at(before.key)})`;
        this.problem(key, [...keys, name], "Duplicate", message, "Remove one; YAML parsers disagree about which one wins.", true);
        continue;
      }
      places.set(name, { key: offsetOf(key), value: value ? offsetOf(value) : offsetOf(key) });
      entries.set(name, this.read(value, [...keys, name]));
    }
    for (const merge of merges) {
      for (const [name, value] of Object.entries(merge.value)) {
        if (entries.has(name)) continue;
        entries.set(name, value);
        places.set(name, merge.places.get(name) ?? { key: offsetOf(node), value: offsetOf(node) });
      }
    }
    const value = Object.fromEntries(entries);
    this.o.places.set(value, places);
    return value;
  }

  private list(items: readonly unknown[], keys: readonly Key[]): unknown[] {
    const value = items.map((item, i) => this.read(item, [...keys, i]));
    this.o.places.set(value, new Map(items.map((item, i): [Key, Place] => [i, { key: offsetOf(item), value: offsetOf(item) }])));
    return value;
  }

  /** Data of a node. `keys`: where it will stand. Problems are added to `out`. */
  read(node: unknown, keys: readonly Key[] = []): unknown {
    if (this.full) return null;
    this.entries++;
    if (this.entries > 2 * MAX_ENTRIES || keys.length > MAX_NESTING) {
      this.full = true;
      const what = keys.length > MAX_NESTING ? `nested deeper than ${MAX_NESTING} levels` : `more than ${2 * MAX_ENTRIES} values`;
      this.problem(node, keys.slice(0, 3), "Invalid", `${what} when its aliases are filled in`);
      return null;
    }
    if (isAlias(node)) return this.alias(node, keys);
    if (isMap(node)) return this.map(node, keys);
    if (isSeq(node)) return this.list(node.items, keys);
    return isScalar(node) ? this.scalar(node, keys) : null;
  }
}
