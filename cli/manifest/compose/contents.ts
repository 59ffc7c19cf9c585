// Configs and secrets from files and from the environment: configs become `content`, secrets become Secrets beside the Stack. No value is ever shown.
import { createHash } from "node:crypto";
import { LABELS } from "../../../schemas/constants.ts";
import type { Position } from "../../../schemas/problems.ts";
import { errorText } from "../../errors.ts";
import type { Lookup, Session } from "./session.ts";
import { type Entry, entriesOf, get, isNull, itemsOf, type MapNode, mapNode, mapSection, scalarNode, textNode, textOf } from "./tree.ts";

/** What a Stack keeps as text; larger ones get a ConfigMap of their own. */
const MAX_CONTENT = 256 * 1024;
/** What Kubernetes keeps in one object. */
const MAX_OBJECT = 1024 * 1024;
/** The only data key of the objects made here. */
const KEY = "value";

export interface MadeObject {
  apiVersion: "v1";
  kind: "Secret" | "ConfigMap";
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  [key: string]: unknown;
}

interface Options {
  stack: string;
  namespace: string;
  lookup: Lookup;
}

/** The tree without `file` and `environment` in configs and secrets, and the objects that hold them. */
export const settleContents = (s: Session, root: MapNode, o: Options): { root: MapNode; objects: MadeObject[] } => {
  const objects: MadeObject[] = [];
  const taken = new Map<string, string>();
  let result = root;
  for (const section of ["configs", "secrets"] as const) {
    const used = usedBy(root, section);
    result = mapSection(result, section, (value, key) => {
      const source = sourceOf(value);
      if (!source) return value;
      // Of a service that is left out, or of none, which has been said: it is not read.
      if (!used.has(key)) return undefined;
      const bytes = read(s, `${section}.${key}`, source, o.lookup);
      if (!bytes) return section === "configs" ? withContent(value, source.entry.key, "") : external(value, source.entry.key, "missing");
      const text = section === "configs" && bytes.length <= MAX_CONTENT ? utf8(bytes) : undefined;
      if (text !== undefined) return withContent(value, source.entry.key, text);
      const kind = section === "configs" ? "ConfigMap" : "Secret";
      const name = objectName(o.stack, key, kind, taken);
      objects.push(made(kind, name, o, bytes));
      return external(value, source.entry.key, name);
    });
  }
  return { root: result, objects };
};

interface Source {
  from: "file" | "environment";
  entry: Entry;
}

const sourceOf = (value: MapNode): Source | undefined => {
  // Both, or one beside `external`: the schema says so.
  const found = (["file", "environment"] as const).flatMap((from) => {
    const entry = value.entries.get(from);
    return entry && !isNull(entry.value) ? [{ from, entry }] : [];
  });
  return found.length === 1 && !value.entries.has("external") && !value.entries.has("content") ? found[0] : undefined;
};

const usedBy = (root: MapNode, section: "configs" | "secrets"): Set<string> =>
  new Set(
    entriesOf(get(root, "services")).flatMap(([, { value }]) =>
      itemsOf(get(value, section)).flatMap((item) => textOf(item) ?? textOf(get(item, "source")) ?? []),
    ),
  );

/** The bytes; undefined when there are none, which is a problem then. */
const read = (s: Session, what: string, { from, entry }: Source, lookup: Lookup): Uint8Array | undefined => {
  const at = entry.value.mark;
  const named = textOf(entry.value) ?? "";
  if (from === "environment") {
    const value = lookup(named) ?? s.o.standIn?.(named, what.split("."));
    if (value !== undefined) return Buffer.from(value);
    s.error(at, "SF1203", `${what}: the variable ${named} is not set`, `export ${named}=…, or put it into .env`);
    return undefined;
  }
  const name = s.o.nameOf(named);
  try {
    const bytes = s.o.files.read(named);
    if (bytes.length <= MAX_OBJECT) return bytes;
    s.error(at, "SF1208", `${what}: ${name} is larger than ${MAX_OBJECT / 1024 / 1024} MiB`, "Bind-mount a file of the node.");
  } catch (error) {
    if (s.o.lenient) s.warn(at, "SF1208", `${what}: ${name} is missing`);
    else s.error(at, "SF1208", `${what}: cannot read ${name}: ${errorText(error)}`);
  }
  return undefined;
};

const utf8 = (bytes: Uint8Array): string | undefined => {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
};

const without = (value: MapNode): [string, Entry][] =>
  [...value.entries].filter(([key]) => key !== "file" && key !== "environment" && key !== "name");

const withContent = (value: MapNode, at: Position, text: string): MapNode =>
  mapNode(value.mark, [...without(value), ["content", { key: at, value: textNode(at, text) }]]);

const external = (value: MapNode, at: Position, name: string): MapNode =>
  mapNode(value.mark, [
    ...without(value),
    ["external", { key: at, value: scalarNode(at, true) }],
    ["name", { key: at, value: textNode(at, name) }],
  ]);

/** `<stack>-<key>` in the letters that names of objects have; two keys that differ in others alone do not meet. */
const objectName = (stack: string, key: string, kind: string, taken: Map<string, string>): string => {
  const plain = `${stack}-${key}`
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .replace(/[-.]+$/, "");
  const hash = createHash("sha256").update(key).digest("hex").slice(0, 6);
  const id = `${kind}/${plain}`;
  const name = plain.length > 240 || (taken.get(id) ?? key) !== key ? `${plain.slice(0, 240)}-${hash}` : plain;
  taken.set(id, key);
  return name;
};

const made = (kind: MadeObject["kind"], name: string, o: Options, bytes: Uint8Array): MadeObject => {
  const data = { [KEY]: Buffer.from(bytes).toString("base64") };
  return {
    apiVersion: "v1",
    kind,
    metadata: { name, namespace: o.namespace, labels: { [LABELS.stack]: o.stack } },
    ...(kind === "Secret" ? { type: "steadfleet.dev/compose", data } : { binaryData: data }),
  };
};
