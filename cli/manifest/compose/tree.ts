// A Compose document while it is put together: plain data in which every part still knows where it was written, through merges, extends and includes.
import type { Key, Position } from "../../../schemas/problems.ts";

export interface MapNode {
  kind: "map";
  mark: Position;
  tag?: Tag;
  entries: ReadonlyMap<string, Entry>;
}

export interface ListNode {
  kind: "list";
  mark: Position;
  tag?: Tag;
  items: readonly Node[];
}

export interface ScalarNode {
  kind: "scalar";
  mark: Position;
  tag?: Tag;
  value: string | number | boolean | null;
  /** As typed, for numbers and booleans: `1.10` is no 1.1 to its author. */
  source?: string;
}

/** `!reset`: as if nobody had said it. `!override`: in place of what stood there, not merged with it. */
export type Tag = "reset" | "override";
export type Node = MapNode | ListNode | ScalarNode;

export interface Entry {
  /** Where the key stands. */
  key: Position;
  value: Node;
}

export const mapNode = (mark: Position, entries: Iterable<readonly [string, Entry]> = []): MapNode => ({
  kind: "map",
  mark,
  entries: new Map(entries),
});
export const listNode = (mark: Position, items: readonly Node[]): ListNode => ({ kind: "list", mark, items });
export const textNode = (mark: Position, value: string): ScalarNode => ({ kind: "scalar", mark, value });
export const scalarNode = (mark: Position, value: ScalarNode["value"]): ScalarNode => ({ kind: "scalar", mark, value });

export const isNull = (node: Node | undefined): boolean => node === undefined || (node.kind === "scalar" && node.value === null);

/** The text of a scalar as typed; undefined for anything else. */
export const textOf = (node: Node | undefined): string | undefined =>
  node?.kind === "scalar" && node.value !== null ? (node.source ?? String(node.value)) : undefined;

export const get = (node: Node | undefined, ...keys: Key[]): Node | undefined => {
  let at = node;
  for (const key of keys) {
    if (at?.kind === "map") at = at.entries.get(String(key))?.value;
    else if (at?.kind === "list") at = at.items[Number(key)];
    else return undefined;
  }
  return at;
};

export const getMap = (node: Node | undefined, ...keys: Key[]): MapNode | undefined => {
  const found = get(node, ...keys);
  return found?.kind === "map" ? found : undefined;
};

/** Entries of a map; none for anything else. */
export const entriesOf = (node: Node | undefined): [string, Entry][] => (node?.kind === "map" ? [...node.entries] : []);
export const itemsOf = (node: Node | undefined): readonly Node[] => (node?.kind === "list" ? node.items : []);

export const withEntry = (map: MapNode, key: string, entry: Entry): MapNode => ({ ...map, entries: new Map(map.entries).set(key, entry) });

export const withoutEntries = (map: MapNode, ...keys: string[]): MapNode => {
  if (!keys.some((key) => map.entries.has(key))) return map;
  const entries = new Map(map.entries);
  for (const key of keys) entries.delete(key);
  return { ...map, entries };
};

/** Each value changed by `fn`; undefined takes the entry away. The same map when nothing changes. */
export const mapEntries = (map: MapNode, fn: (value: Node, key: string, entry: Entry) => Node | undefined): MapNode => {
  let changed = false;
  const entries = new Map<string, Entry>();
  for (const [key, entry] of map.entries) {
    const value = fn(entry.value, key, entry);
    if (value !== entry.value) changed = true;
    if (value !== undefined) entries.set(key, value === entry.value ? entry : { ...entry, value });
  }
  return changed ? { ...map, entries } : map;
};

/** One section's entry changed: `services`, then each service. */
export const mapSection = (root: MapNode, section: string, fn: (value: MapNode, name: string) => Node | undefined): MapNode =>
  mapEntries(root, (value, key) =>
    key === section && value.kind === "map" ? mapEntries(value, (v, name) => (v.kind === "map" ? fn(v, name) : v)) : value,
  );

/** Plain data, numbers and booleans as YAML reads them. */
export const plain = (node: Node): unknown => {
  if (node.kind === "list") return node.items.map(plain);
  if (node.kind === "map") return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]));
  return node.value;
};

/** Where the value (or its key) at `keys` stands, or the nearest part above it that exists. */
export const placeIn = (root: Node, keys: readonly Key[], onKey: boolean): Position => {
  let at: Node = root;
  let place: { key: Position; value: Position } = { key: root.mark, value: root.mark };
  for (const key of keys) {
    const entry: Entry | undefined =
      at.kind === "map"
        ? at.entries.get(String(key))
        : at.kind === "list" && at.items[Number(key)]
          ? { key: (at.items[Number(key)] as Node).mark, value: at.items[Number(key)] as Node }
          : undefined;
    // Missing: the key of the map it is missing in says most.
    if (!entry) return place.key;
    place = { key: entry.key, value: entry.value.mark };
    at = entry.value;
  }
  return onKey ? place.key : place.value;
};
