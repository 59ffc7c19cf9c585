// The differential check: a key whose value can be another one, or be gone, without a difference in what reaches the nodes, in the warnings or in the
// refusals was dropped in silence.
import { get, type Node, textOf } from "../../cli/manifest/compose/tree.ts";
import { below } from "../../cli/manifest/compose/merge-rules.ts";
import { loadSchema } from "../../schemas/load.ts";
import { type Key, pathOf } from "../../schemas/problems.ts";
import { branchFor, type Located, schemaOfKey } from "../../schemas/walk.ts";
import type { Outcome, Subject } from "./assess.ts";

interface Leaf {
  path: string;
  document: number;
  keys: readonly Key[];
  node: Node;
}

const isEmpty = (node: Node): boolean =>
  node.kind === "scalar" ? node.value === null : node.kind === "map" ? node.entries.size === 0 : node.items.length === 0;

/** What is written, each place once, but for extensions. */
const leavesOf = (path: string, document: number, root: Node): Leaf[] => {
  const leaves: Leaf[] = [];
  const seen = new Set<string>();
  const visit = (node: Node, keys: readonly Key[], pattern: string): void => {
    if (node.kind !== "scalar" && !isEmpty(node)) {
      if (node.kind === "map")
        for (const [key, e] of node.entries) {
          if (key.startsWith("x-") && key !== "x-steadfleet" && keys.length !== 1) continue;
          visit(e.value, [...keys, key], below(pattern, key));
        }
      else node.items.forEach((item, i) => void visit(item, [...keys, i], `${pattern}.*`));
      return;
    }
    // One text that an anchor or a merge key brings to several services is looked at once.
    const id = `${node.mark.line}:${node.mark.column} ${pattern}`;
    if (seen.has(id)) return;
    seen.add(id);
    leaves.push({ path, document, keys, node });
  };
  visit(root, [], "");
  return leaves;
};

/** The tree with another node at `keys`; undefined takes it away, a text names its key anew. */
const put = (root: Node, keys: readonly Key[], node: Node | undefined | { rename: string }): Node => {
  const [key, ...rest] = keys;
  if (key === undefined) return node as Node;
  if (root.kind === "list") {
    const items = root.items.flatMap((item, i) => {
      if (i !== Number(key)) return [item];
      return rest.length === 0 ? (node === undefined || "rename" in node ? [] : [node]) : [put(item, rest, node)];
    });
    return { ...root, items };
  }
  if (root.kind !== "map") return root;
  const entries = [...root.entries].flatMap(([k, e]): [string, typeof e][] => {
    if (k !== key) return [[k, e]];
    if (rest.length > 0) return [[k, { ...e, value: put(e.value, rest, node) }]];
    if (node === undefined) return [];
    return "rename" in node ? [[node.rename, e]] : [[k, { ...e, value: node }]];
  });
  return { ...root, entries: new Map(entries) };
};

const schemaAt = (keys: readonly Key[], value: unknown): Located | undefined => {
  let at: Located | undefined = { schema: loadSchema("compose"), base: "compose" };
  for (const key of keys) {
    const branch: Located | undefined = at && branchFor(at, typeof key === "number" ? [] : {});
    if (!branch) return undefined;
    const next: Located | "extension" | undefined =
      typeof key === "number" ? branch.schema.items && { schema: branch.schema.items, base: branch.base } : schemaOfKey(branch, key);
    at = next === "extension" ? undefined : next;
  }
  return at && branchFor(at, value);
};

const WORDS = [/^(true|yes|on)$/i, /^(false|no|off)$/i] as const;

/** Other values that may be as valid. */
const others = (leaf: Leaf): (Node | { rename: string })[] => {
  const { node, keys } = leaf;
  const key = keys.at(-1);
  if (isEmpty(node)) return typeof key === "string" ? [{ rename: `${key}-other` }] : [];
  if (node.kind !== "scalar") return [];
  const { value } = node;
  const as = (v: string | number | boolean): Node => ({
    kind: "scalar",
    mark: node.mark,
    value: v,
    ...(typeof v === "string" ? {} : { source: String(v) }),
  });
  if (typeof value === "boolean") return [as(!value)];
  if (typeof value === "number") return [as(value + 1)];
  const text = textOf(node) ?? "";
  const choices = schemaAt(keys, text)?.schema.enum ?? [];
  const found = choices.filter((c) => c !== text).map(as);
  if (WORDS[0].test(text)) found.push(as("false"));
  if (WORDS[1].test(text)) found.push(as("true"));
  const digits = /\d+/.exec(text);
  if (digits) found.push(as(text.replace(digits[0], String(Number(digits[0]) + 1))));
  return [...found, as(`${text}x`), as(`x${text}`)];
};

const same = (a: Outcome, b: Outcome): boolean =>
  a.view === b.view && said(a) === said(b) && a.refusals.join("\n") === b.refusals.join("\n");
const said = (o: Outcome): string => o.warnings.map((w) => `${w.path} ${w.message}`).join("\n");

/** Paths that were dropped in silence. `base`: the outcome with these profiles. */
export const silentDrops = (subject: Subject, base: Outcome, profiles: readonly string[]): string[] => {
  const model = subject.model();
  const marks = new Set<string>();
  const collect = (node: Node): void => {
    marks.add(`${node.mark.file}:${node.mark.line}:${node.mark.column}`);
    if (node.kind === "map") for (const e of node.entries.values()) collect(e.value);
    if (node.kind === "list") node.items.forEach(collect);
  };
  collect(model);
  // A warning about a whole section speaks for all that stands in it.
  const warned = base.warnings.map((w) => w.path).filter((path) => path !== "");
  const dropped: string[] = [];
  let without: Outcome | undefined;
  for (const path of subject.paths) {
    const trees = subject.trees(path);
    const main = subject.found.files.includes(path);
    for (const leaf of trees.flatMap((tree, i) => leavesOf(path, i, tree))) {
      const mark = `${leaf.node.mark.file}:${leaf.node.mark.line}:${leaf.node.mark.column}`;
      const there = get(model, ...leaf.keys);
      // Another file's value took its place: that is what its author said.
      const overridden = there !== undefined && !marks.has(mark);
      const unused = !main && !marks.has(mark);
      const name = pathOf(leaf.keys);
      if (
        overridden ||
        unused ||
        leaf.node.tag !== undefined ||
        warned.some((w) => name === w || name.startsWith(`${w}.`) || name.startsWith(`${w}[`))
      )
        continue;
      const ofProfiles = leaf.keys[2] === "profiles";
      const active = ofProfiles ? [] : profiles;
      const reference = ofProfiles ? (without ??= subject.assess([])) : base;
      const tryIt = (node: Node | undefined | { rename: string }): Outcome =>
        subject.assess(active, new Map([[path, trees.map((tree, i) => (i === leaf.document ? put(tree, leaf.keys, node) : tree))]]));
      if (!same(tryIt(undefined), reference)) continue;
      let different = false;
      let valid = 0;
      for (const other of others(leaf)) {
        const outcome = tryIt(other);
        if (outcome.refusals.length > 0) continue;
        valid++;
        if (!same(outcome, reference)) different = true;
        if (different) break;
      }
      if (!different && valid > 0) dropped.push(name);
    }
  }
  return dropped;
};
