// Whether a text is a Compose file.
import type { Position } from "../../../schemas/problems.ts";
import { readDocuments } from "./read.ts";
import { entriesOf, get, type Node } from "./tree.ts";

/** Whether one of its lines could begin a Compose file: most manifests need no closer look. */
const HINT = /(^|[\s{,])["']?(services|include|networks|volumes|configs|secrets|name|version|x-[\w.-]+)["']?\s*:/;

/** @param beside a Compose file that it would lie over: then it may have any of the sections */
export const looksLikeCompose = (text: string, beside = false): boolean => {
  if (!HINT.test(text)) return false;
  const [first] = readDocuments(text, "").documents;
  return first?.kind === "map" && isCompose(first, beside);
};

export const isCompose = (root: Node, beside: boolean): boolean => {
  if (get(root, "apiVersion") !== undefined || get(root, "kind") !== undefined) return false;
  const has = (...keys: string[]): boolean => keys.some((key) => get(root, key) !== undefined);
  return has("services", "include") || (beside && has("networks", "volumes", "configs", "secrets", "name", "version"));
};

/** Where the services of a file of the first version begin, which stand at top level; undefined: it is none. */
export const oldCompose = (text: string, file: string): Position | undefined => {
  if (!/^\s+["']?(image|build)["']?\s*:/m.test(text) || /^["']?(apiVersion|kind)["']?\s*:/m.test(text)) return undefined;
  const [first, second] = readDocuments(text, file).documents;
  const services = entriesOf(first);
  const old = services.length > 0 && services.every(([, { value }]) => get(value, "image") ?? get(value, "build"));
  return old && second === undefined ? services[0]?.[1].key : undefined;
};
