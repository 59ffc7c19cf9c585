// `extends`: a service begins as a copy of another one, of this file or of another, and lays its own keys over it.
import { dirname } from "node:path";
import { didYouMean, show } from "../../../schemas/words.ts";
import { merge } from "./merge.ts";
import { readFilled } from "./model.ts";
import { absolute } from "./paths.ts";
import type { Lookup, Session } from "./session.ts";
import { type Entry, get, getMap, type MapNode, mapSection, type Node, textOf, withoutEntries } from "./tree.ts";

interface Scope {
  /** The file that the services stand in. */
  path: string;
  /** What `file:` is meant against. */
  dir: string;
  lookup: Lookup;
  /** What stands below this file already: earlier files. */
  before: MapNode | undefined;
}

export const extendServices = (s: Session, root: MapNode, scope: Scope): MapNode => {
  const made = new Map<string, Node>();
  return mapSection(root, "services", (service, name) => {
    if (!service.entries.has("extends")) return service;
    return extend(s, { root, ...scope }, name, service, [], made);
  });
};

interface Step {
  path: string;
  name: string;
}

const extend = (
  s: Session,
  scope: Scope & { root: MapNode },
  name: string,
  service: MapNode,
  chain: readonly Step[],
  made: Map<string, Node>,
): MapNode => {
  const wanted = service.entries.get("extends");
  if (!wanted) return service;
  const own = withoutEntries(service, "extends");
  const key = `${scope.path}\n${name}`;
  const known = made.get(key);
  if (known?.kind === "map") return known;
  const base = baseOf(s, scope, name, wanted, [...chain, { path: scope.path, name }], made);
  if (!base) return own;
  const { node, problems } = merge(base, own, "services.*", ["services", name]);
  s.problems.push(...problems);
  // What replaces the copy's part replaces that of earlier files, too.
  const entries = new Map(node.entries);
  for (const [k, e] of own.entries) {
    const merged = entries.get(k);
    if (e.value.tag === "reset") entries.set(k, e);
    else if (e.value.tag === "override" && merged) entries.set(k, { ...merged, value: { ...merged.value, tag: "override" } });
  }
  const extended = { ...node, entries };
  made.set(key, extended);
  return extended;
};

const baseOf = (
  s: Session,
  scope: Scope & { root: MapNode },
  name: string,
  { value: wanted }: Entry,
  chain: readonly Step[],
  made: Map<string, Node>,
): MapNode | undefined => {
  const service = textOf(wanted) ?? textOf(get(wanted, "service"));
  const file = textOf(get(wanted, "file"));
  if (wanted.kind === "map")
    for (const [key, entry] of wanted.entries)
      if (key !== "service" && key !== "file") {
        s.error(entry.key, "SF1101", `unknown field ${show(key)} in services.${name}.extends${didYouMean(key, ["service", "file"])}`);
        return undefined;
      }
  if (service === undefined) {
    s.error(wanted.mark, "SF1109", `services.${name}.extends needs the name of a service`, "extends: {file: common.yaml, service: base}");
    return undefined;
  }
  const fileNode = get(wanted, "file") ?? wanted;
  const path = file === undefined ? scope.path : absolute(file, s.o.home, scope.dir);
  if (file !== undefined && /^(https?|oci|git):/.test(file)) {
    s.error(fileNode.mark, "SF1208", `${file} is not on this machine; only files are read`, "Copy it beside this file.");
    return undefined;
  }
  const inside =
    path === scope.path
      ? scope
      : { path, dir: dirname(path), lookup: scope.lookup, before: undefined, root: rootOf(s, path, scope.lookup, fileNode) };
  if (!inside.root) return undefined;
  const step = chain.findIndex((c) => c.path === path && c.name === service);
  if (step >= 0) {
    const names = [...chain.slice(step).map((c) => c.name), service];
    s.error(wanted.mark, "SF1209", `services extend one another in a circle: ${names.join(" → ")}`);
    return undefined;
  }
  const own = getMap(inside.root, "services");
  const found = own?.entries.get(service)?.value ?? (file === undefined ? get(scope.before, "services", service) : undefined);
  if (found?.kind !== "map") {
    const where = file === undefined ? "" : ` in ${s.o.nameOf(path)}`;
    const guess = didYouMean(service, own?.entries.keys() ?? []);
    const at = wanted.kind === "map" ? (get(wanted, "service") ?? wanted).mark : wanted.mark;
    s.error(at, "SF1210", `services.${name} extends ${show(service)}: there is no such service${where}${guess}`);
    return undefined;
  }
  return extend(s, { ...inside, root: inside.root }, service, found, chain, made);
};

const rootOf = (s: Session, path: string, lookup: Lookup, at: Node): MapNode | undefined => {
  const [first, ...more] = readFilled(s, path, dirname(path), lookup, at.mark);
  if (!first) return undefined;
  return more.reduce((model, next) => merge(model, next).node, first);
};
