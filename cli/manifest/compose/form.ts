// Whether a text is a Compose file.
import { readDocuments } from "./read.ts";
import { get, type Node } from "./tree.ts";

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
