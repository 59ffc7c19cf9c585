// What is declared at top level and used by no service: it is not made, and a warning says so.
import type { Session } from "./session.ts";
import { entriesOf, get, isNull, itemsOf, type MapNode, type Node, textOf } from "./tree.ts";

const SECTIONS = ["volumes", "networks", "configs", "secrets"] as const;

const sourceOf = (item: Node): string | undefined => textOf(item)?.split(":")[0] ?? textOf(get(item, "source"));

/** @param root with the services of all profiles: one that is left out uses things, too */
export const warnUnused = (s: Session, root: MapNode): void => {
  const services = entriesOf(get(root, "services")).map(([, e]) => e.value);
  for (const section of SECTIONS) {
    const used = new Set(
      services.flatMap((service) => {
        const value = get(service, section);
        // Services without networks join the default one.
        const joins = section === "networks" && isNull(get(service, "networks")) && isNull(get(service, "network_mode"));
        return [
          ...(joins ? ["default"] : []),
          ...itemsOf(value).flatMap((item) => sourceOf(item) ?? []),
          ...entriesOf(value).map(([name]) => name),
        ];
      }),
    );
    // Said without settings, it says nothing.
    if (section === "networks" && isNull(get(root, "networks", "default"))) used.add("default");
    for (const [name, entry] of entriesOf(get(root, section)))
      if (!used.has(name) && !name.startsWith("x-"))
        s.warn(entry.key, "SF1214", `${section}.${name} is used by no service, and is left alone`);
  }
};
