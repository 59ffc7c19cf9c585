// `security_opt: [seccomp=./profile.json]`: the profile itself in place of its path, since the server has no files of yours.
import { show } from "../../../schemas/words.ts";
import { readText } from "./model.ts";
import { absolute } from "./paths.ts";
import type { Session } from "./session.ts";
import { listNode, type MapNode, mapEntries, mapSection, type Node, textNode, textOf } from "./tree.ts";

/** @param dir what paths are relative to: the project's folder, whichever file says so */
export const settleSeccomp = (s: Session, root: MapNode, dir: string): MapNode =>
  mapSection(root, "services", (service) =>
    mapEntries(service, (value, key) => {
      if (key !== "security_opt" || value.kind !== "list") return value;
      const items = value.items.map((item) => settle(s, item, dir));
      return items.some((item, i) => item !== value.items[i]) ? listNode(value.mark, items) : value;
    }),
  );

const settle = (s: Session, item: Node, dir: string): Node => {
  const [, path] = /^\s*seccomp[=:](.+)$/.exec(textOf(item) ?? "") ?? [];
  if (path === undefined || path === "unconfined" || path === "builtin" || path.startsWith("{")) return item;
  const full = absolute(path.trim(), s.o.home, dir);
  if (s.o.lenient && !s.o.files.isFile(full)) {
    s.warn(item.mark, "SF1208", `the seccomp profile ${s.o.nameOf(full)} is missing; as if it were empty`);
    return textNode(item.mark, "seccomp={}");
  }
  const text = readText(s, full, item.mark, "the seccomp profile");
  if (text === undefined) return textNode(item.mark, "seccomp={}");
  try {
    return textNode(item.mark, `seccomp=${JSON.stringify(JSON.parse(text))}`);
  } catch {
    s.error(item.mark, "SF1208", `the seccomp profile ${show(s.o.nameOf(full))} is not JSON`);
    return item;
  }
};
