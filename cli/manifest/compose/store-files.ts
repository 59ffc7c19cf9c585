// Coolify's words for mounts: `content` is a file that comes with the Compose file, `is_directory` a folder of the node.
import type { Session } from "./session.ts";
import {
  get,
  getMap,
  isNull,
  itemsOf,
  listNode,
  type MapNode,
  mapNode,
  mapSection,
  type Node,
  scalarNode,
  textNode,
  textOf,
  withEntry,
  withoutEntries,
} from "./tree.ts";

/** A mount with `content` becomes a config of the service: the node has no such file. */
export const settleStoreFiles = (s: Session, root: MapNode): MapNode => {
  let configs = getMap(root, "configs") ?? mapNode(root.mark);
  const before = configs;
  const result = mapSection(root, "services", (service, name) => {
    const volumes = service.entries.get("volumes");
    const used: Node[] = [];
    const items = itemsOf(volumes?.value).flatMap((item, i): Node[] => {
      if (item.kind !== "map" || textOf(get(item, "type")) !== "bind") return [item];
      const content = item.entries.get("content");
      if (!content || isNull(content.value) || textOf(content.value) === undefined)
        return [withoutDirectory(s, item, `${name}.volumes[${i}]`)];
      const at = content.key;
      const key = freeKey(`${name}-${(textOf(get(item, "target")) ?? "").split("/").at(-1)}`, configs);
      const readOnly = textOf(get(item, "read_only")) === "true";
      s.warn(
        at,
        "SF1215",
        `services.${name}.volumes[${i}].content: the file is delivered as a config${readOnly ? "" : ", read-only"}; none is made at ${s.o.nameOf(textOf(get(item, "source")) ?? "")}`,
      );
      configs = withEntry(configs, key, { key: at, value: mapNode(at, [["content", content]]) });
      const target = item.entries.get("target");
      used.push(mapNode(item.mark, [["source", { key: at, value: textNode(at, key) }], ...(target ? [["target", target] as const] : [])]));
      return [];
    });
    if (!volumes || volumes.value.kind !== "list") return service;
    const changed = withEntry(service, "volumes", { ...volumes, value: { ...volumes.value, items } });
    if (used.length === 0) return changed;
    const own = service.entries.get("configs");
    const value = listNode(own?.value.mark ?? volumes.key, [...itemsOf(own?.value), ...used]);
    return withEntry(changed, "configs", { key: own?.key ?? volumes.key, value });
  });
  return configs === before ? result : withEntry(result, "configs", { key: root.entries.get("configs")?.key ?? root.mark, value: configs });
};

/** A folder is made on the node where none is, as by Coolify. */
const withoutDirectory = (s: Session, item: MapNode, path: string): MapNode => {
  const said = item.entries.get("is_directory");
  if (!said) return item;
  s.warn(said.key, "SF1215", `services.${path}.is_directory is read by Coolify alone; a folder that is missing is made on the node`);
  const plain = withoutEntries(item, "is_directory");
  if (get(plain, "bind", "create_host_path")) return plain;
  const bind = withEntry(getMap(plain, "bind") ?? mapNode(said.key), "create_host_path", {
    key: said.key,
    value: scalarNode(said.key, true),
  });
  return withEntry(plain, "bind", { key: said.key, value: bind });
};

/** A name for a config that nobody has, in the letters that such names have. */
const freeKey = (wanted: string, configs: MapNode): string => {
  const plain = wanted.replace(/[^a-zA-Z0-9_.-]+/g, "-").slice(0, 60);
  for (let n = 1; ; n++) {
    const key = n === 1 ? plain : `${plain}-${n}`;
    if (!configs.entries.has(key)) return key;
  }
};
