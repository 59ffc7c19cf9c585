// A Compose project → the body of a Stack, and the objects beside it.
import { basename } from "node:path";
import type { Position } from "../../../schemas/problems.ts";
import { interpolate } from "../interpolate.ts";
import { refuseBuilds } from "./build.ts";
import { type MadeObject, settleContents } from "./contents.ts";
import { settleEnvironment } from "./env-file.ts";
import { unsetWarning } from "./interpolate.ts";
import { settleLeniently } from "./lenient.ts";
import { loadModel, readTrees } from "./model.ts";
import { chooseServices } from "./profiles.ts";
import { settleSeccomp } from "./seccomp.ts";
import type { Lookup, Session } from "./session.ts";
import { get, type MapNode, placeIn, textOf, withoutEntries } from "./tree.ts";
import { typed } from "./types.ts";
import { warnUnused } from "./unused.ts";

export interface ProjectOptions {
  /** Absolute; at least one. Later files lie over earlier ones. */
  files: readonly string[];
  /** Absolute: what relative paths are meant against. */
  dir: string;
  /** The shell's variables, then those of .env. */
  lookup: Lookup;
  namespace: string;
  profiles: readonly string[];
  /** `-p` or COMPOSE_PROJECT_NAME: wins over `name:`. */
  name: string | undefined;
}

export interface Project {
  stack: string;
  /** Body of the Stack, without what only the command line reads. */
  spec: Record<string, unknown>;
  objects: MadeObject[];
  /** What the files say together, with the services that were chosen. */
  model: MapNode;
  place: (keys: readonly (string | number)[], onKey: boolean) => Position;
}

/** A Stack's name out of a folder's or project's: lower case, digits and "-", at most 30 characters; undefined when nothing is left. */
export const stackNameOf = (text: string): string | undefined =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[-0-9]+/, "")
    .slice(0, 30)
    .replace(/-+$/, "") || undefined;

/** What the files, the last first, call the project. */
const named = (s: Session, o: ProjectOptions): string | undefined => {
  for (const path of o.files.toReversed())
    for (const tree of readTrees(s, path).toReversed()) {
      const text = textOf(get(tree, "name"));
      // `name: ${X}` without a value says nothing, as in Compose.
      if (text !== undefined) return interpolate(text, o.lookup).text || undefined;
    }
  return undefined;
};

/** Problems are in the session; the answer is of use when none of them is an error. */
export const loadProject = (s: Session, o: ProjectOptions): Project => {
  const given = o.name ?? named(s, o);
  const wanted = given ?? basename(o.dir);
  const stack = stackNameOf(wanted);
  const start = { file: s.o.nameOf(o.files[0] ?? ""), line: 1, column: 1 };
  if (stack === undefined || (o.name !== undefined && o.name !== stack)) {
    const message = `${JSON.stringify(wanted)} cannot name a Stack: lower-case letters, digits and "-", a letter first, at most 30 characters`;
    s.error(start, "SF1105", message, stack ? `for example: -p ${stack}` : "choose one: -p NAME");
  }
  const name = stack ?? "stack";
  const lookup: Lookup = (variable) => (variable === "COMPOSE_PROJECT_NAME" ? (o.lookup(variable) ?? name) : o.lookup(variable));
  const model = loadModel(s, o.files, { dir: o.dir, lookup, chain: [] });
  const nameEntry = model.entries.get("name");
  if (nameEntry && given !== undefined && o.name === undefined && stack !== given)
    s.warn(nameEntry.value.mark, "SF1103", `name: the Stack is called ${name}: lower-case letters, digits and "-"`);
  warnUnused(s, model);
  const chosen = chooseServices(s, model, o.profiles);
  const settled = settleSeccomp(s, settleEnvironment(s, chosen, lookup), o.dir);
  const buildless = refuseBuilds(s, settleLeniently(s, settled), name);
  const { root, objects } = settleContents(s, buildless, { stack: name, namespace: o.namespace, lookup });
  // `name` is metadata; `version` means nothing.
  const { tree, value } = typed(s, withoutEntries(warnVersion(s, root), "name", "version"));
  s.problems.push(...unsetWarning(s));
  return { stack: name, spec: value, objects, model: chosen, place: (keys, onKey) => placeIn(tree, keys, onKey) };
};

const warnVersion = (s: Session, root: MapNode): MapNode => {
  const version = root.entries.get("version");
  if (version) s.warn(version.value.mark, "SF1103", "version: `version` is obsolete and has no effect; remove it");
  return root;
};
