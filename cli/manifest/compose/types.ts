// A tree becomes plain data of the types that the schema wants: variables are text, and `1.10` is no 1.1 where a text is wanted.
import { type Located, schemaOfKey, typesOf, branchFor } from "../../../schemas/walk.ts";
import { loadSchema } from "../../../schemas/load.ts";
import { pathOf } from "../../../schemas/problems.ts";
import { show } from "../../../schemas/words.ts";
import type { Session } from "./session.ts";
import { isNull, type MapNode, mapNode, listNode, type Node, type ScalarNode } from "./tree.ts";

/** Values that a project may have when everything that is extended and merged is written out. */
const MAX_VALUES = 300_000;

/** The same tree with the types of the schema, and the data that it says. */
export const typed = (s: Session, root: MapNode): { tree: MapNode; value: Record<string, unknown> } => {
  const typer = new Typer(s);
  const tree = typer.type(root, { schema: loadSchema("compose"), base: "compose" }, []) as MapNode;
  return { tree, value: valueOf(tree) as Record<string, unknown> };
};

const isEmpty = (node: Node): boolean =>
  isNull(node) || (node.kind === "list" && node.items.length === 0) || (node.kind === "map" && node.entries.size === 0);

const valueOf = (node: Node): unknown =>
  node.kind === "map"
    ? Object.fromEntries([...node.entries].map(([key, e]) => [key, valueOf(e.value)]))
    : node.kind === "list"
      ? node.items.map(valueOf)
      : node.value;

class Typer {
  #count = 0;
  constructor(private readonly s: Session) {}

  /** undefined: there is nothing to say. */
  type(node: Node, at: Located | undefined, keys: readonly string[]): Node | undefined {
    if (++this.#count > MAX_VALUES) {
      if (this.#count === MAX_VALUES + 1)
        this.s.error(node.mark, "SF1000", `more than ${MAX_VALUES} values when everything is written out`);
      return undefined;
    }
    if (node.kind === "scalar") return this.#scalar(node, at, keys);
    const branch = at && branchFor(at, node.kind === "map" ? {} : []);
    if (node.kind === "list") {
      const items = branch?.schema.items && { schema: branch.schema.items, base: branch.base };
      // A dash with nothing behind it stands for nothing: the schema says so.
      return {
        ...node,
        items: node.items.map((item, i) => (isNull(item) ? item : (this.type(item, items, [...keys, String(i)]) ?? item))),
      };
    }
    const entries = new Map<string, { key: MapNode["mark"]; value: Node }>();
    for (const [key, entry] of node.entries) {
      const found = branch && schemaOfKey(branch, key);
      // `external_links: []`: not supported, and not said either.
      if (found === undefined && isEmpty(entry.value) && Object.hasOwn(branch?.schema["x-not-supported"] ?? {}, key)) continue;
      const value = this.type(entry.value, found === "extension" ? undefined : found, [...keys, key]);
      if (value) entries.set(key, { ...entry, value });
    }
    return { ...node, entries };
  }

  #scalar(node: ScalarNode, at: Located | undefined, keys: readonly string[]): Node | undefined {
    const types = at === undefined ? [] : typesOf(at);
    if (types.length === 0) return node;
    const { value, source } = node;
    if (value === null) return this.#nothing(node, types, keys);
    if (typeof value === "string") {
      // `replicas: ${N}`: a number for whoever reads and scales the Stack, though a text would do.
      if (keys[2] === "deploy" && types.includes("integer") && /^(0|[1-9]\d{0,8})$/.test(value)) return { ...node, value: Number(value) };
      if (types.includes("string")) return node;
      const numeric = types.includes("number") || types.includes("integer");
      if (numeric && /^[-+]?(\d+(\.\d*)?|\.\d+)$/.test(value.trim())) return { ...node, value: Number(value) };
      // Source: compose-go, which takes YAML 1.1's words for booleans.
      if (types.includes("boolean") && /^(true|false|yes|no|y|n|on|off)$/i.test(value))
        return { ...node, value: /^(true|yes|y|on)$/i.test(value) };
      return node;
    }
    if (source === undefined || !types.includes("string")) return node;
    const own = typeof value === "boolean" ? types.includes("boolean") : types.includes("number") || types.includes("integer");
    if (own && source === String(value)) return node;
    // Compose has 64 bits for whole numbers, and makes the same text of them.
    if (own && /^-?[1-9]\d{15,18}$/.test(source)) return { ...node, value: source };
    // The text that was typed, where a text will do.
    if (own && /\.(environment|labels|annotations|args)\.[^.]+$/.test(keys.join(".")))
      this.s.warn(
        node.mark,
        "SF1103",
        `${pathOf(keys)}: ${source} is kept as it is typed; Compose makes ${show(String(value))} of it`,
        "Quote what you mean.",
      );
    return { ...node, value: source };
  }

  /** `data:` with nothing behind it. A JSON merge patch would read null as "remove". */
  #nothing(node: ScalarNode, types: readonly string[], keys: readonly string[]): Node | undefined {
    if (types.includes("object")) return mapNode(node.mark);
    const command = types.includes("string") && types.includes("array");
    if (types.includes("array") && !command) return listNode(node.mark, []);
    if (types.includes("null")) return types.includes("string") && !command ? { ...node, value: "" } : undefined;
    if (keys.length !== 3 || keys[0] !== "services" || keys[2] === "image") return node;
    this.s.warn(node.mark, "SF1103", `${pathOf(keys)} has no value, and says nothing`, "Give it one, or remove the key.");
    return undefined;
  }
}
