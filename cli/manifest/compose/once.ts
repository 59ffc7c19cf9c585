// What one list says twice, and Compose takes once: the last entry counts.
import { show } from "../../../schemas/words.ts";
import { ruleOf } from "./merge-rules.ts";
import type { Session } from "./session.ts";
import { type MapNode, mapEntries, mapSection, type Node } from "./tree.ts";

export const eachOnce = (s: Session, root: MapNode): MapNode =>
  mapSection(root, "services", (service, name) =>
    mapEntries(service, (value, key) => {
      const rule = ruleOf(`services.*.${key}`);
      if (value.kind !== "list" || rule?.type !== "unique") return value;
      const places = new Map<string, number>();
      const items: Node[] = [];
      for (const item of value.items) {
        const id = rule.key(item);
        const place = id === undefined ? undefined : places.get(id);
        if (id === undefined || place === undefined) {
          if (id !== undefined) places.set(id, items.length);
          items.push(item);
          continue;
        }
        s.warn(
          item.mark,
          "SF1215",
          `services.${name}.${key}: ${show(id.replaceAll("|", ":").replace(/^:+/, ""))} is there twice; this one counts`,
        );
        items[place] = item;
      }
      return items.length === value.items.length ? value : { ...value, items };
    }),
  );
