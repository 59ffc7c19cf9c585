// Paths that are relative to the file they were written for: made absolute, since the server knows no folder of yours.
import { isAbsolute, join, resolve } from "node:path";
import { show } from "../../../schemas/words.ts";
import type { Session } from "./session.ts";
import { get, type MapNode, mapEntries, mapSection, type Node, type ScalarNode, textNode, textOf } from "./tree.ts";

/** An address that a build reads from elsewhere, or an image. */
const REMOTE = /^(https?:\/\/|git(@|:\/\/)|ssh:\/\/|github\.com\/|docker-image:\/\/|oci-layout:\/\/|service:|target:)/;
/** A drive is not a volume of one letter: behind its path stands another one. */
const WINDOWS = /^[A-Za-z]:\\|^[A-Za-z]:\/[^:]*:\/|^\\\\|^\.{1,2}\\/;

/** @param dir absolute folder */
export const absolutePaths = (s: Session, root: MapNode, dir: string): MapNode => {
  const at = (node: Node): Node => settle(s, node, dir);
  const all = (node: Node): Node =>
    node.kind === "list"
      ? { ...node, items: node.items.map(all) }
      : node.kind === "map"
        ? mapEntries(node, (v, k) => (k === "path" ? at(v) : v))
        : at(node);
  let found = mapSection(root, "services", (service) =>
    mapEntries(service, (value, key) => {
      if (key === "env_file" || key === "label_file") return all(value);
      if (key === "volumes" && value.kind === "list") return { ...value, items: value.items.map((v) => volume(s, v, dir)) };
      if (key === "build") {
        if (value.kind !== "map") return at(value);
        return mapEntries(value, (v, k) =>
          k === "context" ? at(v) : k === "additional_contexts" && v.kind === "map" ? mapEntries(v, at) : v,
        );
      }
      return value;
    }),
  );
  const file = (value: MapNode): MapNode => mapEntries(value, (v, k) => (k === "file" ? at(v) : v));
  found = mapSection(mapSection(found, "configs", file), "secrets", file);
  return mapSection(found, "volumes", (value) => {
    const o = textOf(get(value, "driver_opts", "o"));
    // The local driver's way to say "bind".
    if (o === undefined || !/(^|,)r?bind(,|$)/.test(o)) return value;
    return mapEntries(value, (v, k) =>
      k === "driver_opts" && v.kind === "map" ? mapEntries(v, (d, name) => (name === "device" ? at(d) : d)) : v,
    );
  });
};

const settle = (s: Session, node: Node, dir: string): Node => {
  const path = textOf(node);
  if (node.kind !== "scalar" || path === undefined || path === "" || REMOTE.test(path)) return node;
  if (refuseWindows(s, path, node)) return node;
  return textNode(node.mark, absolute(path, s.o.home, dir));
};

export const absolute = (path: string, home: string, dir: string): string =>
  path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : isAbsolute(path) ? path : resolve(dir, path);

const refuseWindows = (s: Session, path: string, node: ScalarNode): boolean => {
  if (!WINDOWS.test(path)) return false;
  s.error(
    node.mark,
    "SF1207",
    `${show(path)} is a path of Windows; nodes run Linux`,
    'Write an absolute path of the node, or one relative to this file: "./data".',
  );
  return true;
};

/** `source:target[:mode]` whose source is a path, or a bind in the long form. */
const volume = (s: Session, node: Node, dir: string): Node => {
  if (node.kind === "map") {
    if (textOf(get(node, "type")) !== "bind") return node;
    return mapEntries(node, (v, k) => (k === "source" ? settle(s, v, dir) : v));
  }
  const text = textOf(node);
  if (node.kind !== "scalar" || text === undefined) return node;
  if (refuseWindows(s, text, node)) return node;
  const colon = text.indexOf(":");
  return colon > 0 && /^[.~]/.test(text) ? textNode(node.mark, absolute(text.slice(0, colon), s.o.home, dir) + text.slice(colon)) : node;
};
