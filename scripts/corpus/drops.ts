// The differential check: a key whose value can be another one, or be gone, without a difference in what reaches the nodes, in the warnings or in the
// refusals was dropped in silence.
import { type Node, textOf } from "../../cli/manifest/compose/tree.ts";
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
  /** Whether an anchor or a merge key brings the text to other places of the file, too. */
  shared?: true;
}

const isEmpty = (node: Node): boolean =>
  node.kind === "scalar" ? node.value === null : node.kind === "map" ? node.entries.size === 0 : node.items.length === 0;

/** What is written, each place once, but for extensions. */
const leavesOf = (path: string, document: number, root: Node): Leaf[] => {
  const leaves: Leaf[] = [];
  const seen = new Map<string, Leaf>();
  const visit = (node: Node, keys: readonly Key[], pattern: string): void => {
    if (node.kind !== "scalar" && !isEmpty(node)) {
      if (node.kind === "map")
        for (const [key, e] of node.entries) {
          if (key.startsWith("x-") && key !== "x-steadfleet" && keys.length !== 1) continue;
          visit(e.value, [...keys, key], below(pattern, key));
        }
      else for (const [i, item] of node.items.entries()) visit(item, [...keys, i], `${pattern}.*`);
      return;
    }
    // One text that an anchor or a merge key brings to several services is looked at once.
    const id = `${node.mark.line}:${node.mark.column} ${pattern}`;
    const first = seen.get(id);
    if (first) {
      first.shared = true;
      return;
    }
    const leaf = { path, document, keys, node };
    seen.set(id, leaf);
    leaves.push(leaf);
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
  // -1 and 0 often both mean: no limit.
  if (typeof value === "number") return [as(value + 1), ...(value < 0 ? [as(1000)] : [])];
  const text = textOf(node) ?? "";
  const choices = schemaAt(keys, text)?.schema.enum ?? [];
  // An empty choice says nothing, as does its absence.
  const found = choices.filter((c) => c !== text && c !== "").map(as);
  if (WORDS[0].test(text)) found.push(as("false"));
  if (WORDS[1].test(text)) found.push(as("true"));
  const digits = /\d+/.exec(text);
  if (digits) found.push(as(text.replace(digits[0], String(Number(digits[0]) + 1))));
  return [...found, as(`${text}x`), as(`x${text}`)];
};

const same = (a: Outcome, b: Outcome): boolean =>
  a.view === b.view && said(a) === said(b) && a.refusals.join("\n") === b.refusals.join("\n");
const said = (o: Outcome): string => o.warnings.map((w) => `${w.path} ${w.message}`).join("\n");

/** Keys that matter only in another world than that of the file, with the reason. */
const ELSEWHERE: [RegExp, string][] = [
  [/^services\.[^.]+\.env_file\[\d+\]\.required$/, "where the file is missing"],
  [/^include\[\d+\]\.project_directory$/, "where something that is included has relative paths"],
  [/^services\.[^.]+\.networks\.[^.]+\.priority$/, "where another network would come first"],
  [/^services\.[^.]+\.isolation$/, "where an engine runs Windows"],
  [/^services\.[^.]+\.ports\[\d+\]\.mode$/, "where a service has several pods"],
];

interface Look {
  profiles: readonly string[];
  outcome: Outcome;
}

/** Under which profiles a place is looked at: a service where it is chosen. */
const looksOf = (subject: Subject, sets: readonly (readonly string[])[]): ((leaf: Leaf) => Look | undefined) => {
  const bases = sets.map((profiles) => ({ profiles, outcome: subject.assess(profiles) })).filter((b) => b.outcome.refusals.length === 0);
  return ({ keys: [section, name] }) => {
    if (section !== "services") return bases[0];
    // Chosen with profiles alone that are refused: then nothing of it is dropped.
    return bases.find((b) => b.outcome.services.has(String(name))) ?? (bases.length < sets.length ? undefined : bases[0]);
  };
};

/** Sections of which nothing is left when the files lie over one another. */
const CONSUMED: ReadonlySet<string> = new Set(["include", "name", "version"]);

/** Paths that were dropped in silence. `sets`: profiles to look at, one list after the other; none: everything is refused. */
export const silentDrops = (subject: Subject, sets: readonly (readonly string[])[]): string[] => {
  if (sets.length === 0) return [];
  const model = subject.model();
  const marks = new Set<string>();
  const markOf = (node: Node): string => `${node.mark.file}:${node.mark.line}:${node.mark.column}`;
  const collect = (node: Node): void => {
    marks.add(markOf(node));
    if (node.kind === "map") for (const e of node.entries.values()) collect(e.value);
    if (node.kind === "list") node.items.forEach(collect);
  };
  collect(model);
  const look = looksOf(subject, sets);
  // Which services are chosen is seen where not all are.
  const withoutProfiles = looksOf(subject, [[]]);
  const withAnother = looksOf(subject, [["-"]]);
  const several = subject.paths.length > 1 || subject.paths.some((path) => subject.trees(path).length > 1);
  return subject.paths.flatMap((path) =>
    subject.trees(path).flatMap((tree, i) =>
      leavesOf(path, i, tree).flatMap((leaf) => {
        const [section, , key] = leaf.keys;
        // Another file's value took its place, or nobody takes the service from its file: that is what the author said.
        // Whether a shared text was replaced at this place cannot be told by where it stands.
        if (several && leaf.shared) return [];
        const replaced = several && !marks.has(markOf(leaf.node)) && !CONSUMED.has(String(section)) && key !== "extends";
        if (replaced || leaf.node.tag !== undefined) return [];
        const bases = key === "profiles" ? [withoutProfiles(leaf), withAnother(leaf)] : [look(leaf)];
        return bases.every((base) => base && isDropped(subject, leaf, base)) ? [pathOf(leaf.keys)] : [];
      }),
    ),
  );
};

const isDropped = (subject: Subject, leaf: Leaf, { profiles, outcome: base }: Look): boolean => {
  const name = pathOf(leaf.keys);
  // A warning about a whole section speaks for all that stands in it.
  if (base.warnings.some(({ path: w }) => w !== "" && (name === w || name.startsWith(`${w}.`) || name.startsWith(`${w}[`)))) return false;
  if (ELSEWHERE.some(([pattern]) => pattern.test(name))) return false;
  const trees = subject.trees(leaf.path);
  const tryIt = (node: Node | undefined | { rename: string }): Outcome =>
    subject.assess(profiles, new Map([[leaf.path, trees.map((tree, i) => (i === leaf.document ? put(tree, leaf.keys, node) : tree))]]));
  if (!same(tryIt(undefined), base)) return false;
  let valid = 0;
  for (const other of others(leaf)) {
    const outcome = tryIt(other);
    if (outcome.refusals.length > 0) continue;
    if (!same(outcome, base)) return false;
    valid++;
  }
  return valid > 0;
};
