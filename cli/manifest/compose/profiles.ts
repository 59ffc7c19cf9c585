// Which services of a project are wanted: those without profiles, those of an active one, and those that these need.
import { show } from "../../../schemas/words.ts";
import type { Session } from "./session.ts";
import { entriesOf, get, getMap, isNull, itemsOf, type MapNode, mapEntries, mapSection, textOf, withoutEntries } from "./tree.ts";

const listed = (profiles: readonly string[]): string => profiles.filter((p) => p !== "").join(", ");

/** @param chosen names; `*` is all of them */
export const chooseServices = (s: Session, root: MapNode, chosen: readonly string[]): MapNode => {
  // Compose reads "nothing chosen" as one empty name: with `profiles: ["", x]` a service is there unless another profile is chosen.
  const active = chosen.length === 0 ? [""] : chosen;
  const services = getMap(root, "services");
  if (!services) return root;
  const profilesOf = (name: string): string[] => itemsOf(get(services, name, "profiles")).flatMap((p) => textOf(p) ?? []);
  const wanted = new Set<string>();
  const queue: string[] = [];
  for (const [name, { value }] of services.entries) {
    const node = get(value, "profiles");
    if (node && node.kind !== "list" && !isNull(node)) s.error(node.mark, "SF1104", `services.${name}.profiles must be a list of names`);
    const own = profilesOf(name);
    if (own.length === 0 || active.includes("*") || own.some((p) => active.includes(p))) queue.push(name);
  }
  const taken = new Map<string, string>();
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    if (wanted.has(name)) continue;
    wanted.add(name);
    for (const other of needs(getMap(services, name)))
      if (services.entries.has(other) && !wanted.has(other) && !queue.includes(other)) {
        taken.set(other, name);
        queue.push(other);
      }
  }
  const left = new Map<string, string[]>();
  for (const [name, entry] of services.entries) {
    const own = profilesOf(name);
    const by = taken.get(name);
    if (!wanted.has(name)) left.set(name, own);
    else if (by !== undefined && !own.some((p) => active.includes(p)))
      s.warn(entry.key, "SF1213", `services.${name} is taken along, since ${by} needs it; of its profiles (${listed(own)}) none is active`);
  }
  if (left.size > 0) {
    const [first = ""] = left.keys();
    const list = [...left].map(([name, own]) => `${name} (${listed(own)})`).join(", ");
    const at = services.entries.get(first)?.key ?? services.mark;
    const help = `--profile ${left.get(first)?.find((p) => p !== "") ?? ""} takes ${left.size === 1 ? "it" : "that one"} along; --profile '*' all.`;
    s.warn(at, "SF1213", `left out, since no profile of theirs is active: ${list}`, help);
  }
  const unknown = chosen.filter((p) => p !== "*" && ![...services.entries.keys()].some((name) => profilesOf(name).includes(p)));
  for (const p of unknown) s.warn(services.mark, "SF1213", `no service has the profile ${show(p)}`);
  const dropped = new Set(left.keys());
  return mapSection(
    mapEntries(root, (value, key) => (key === "services" && value.kind === "map" ? withoutEntries(value, ...dropped) : value)),
    "services",
    (service) => withoutOptional(withoutEntries(service, "profiles"), dropped),
  );
};

const SERVICE = /^service:(.+)$/;

/** Names of services that this one cannot do without. */
const needs = (service: MapNode | undefined): string[] => {
  if (!service) return [];
  const dependsOn = get(service, "depends_on");
  const required = entriesOf(dependsOn).flatMap(([name, { value }]) =>
    textOf(get(value, "required"))?.toLowerCase() === "false" ? [] : [name],
  );
  const shared = ["network_mode", "pid", "ipc"].flatMap((key) => SERVICE.exec(textOf(get(service, key)) ?? "")?.[1] ?? []);
  const lists = [...itemsOf(get(service, "links")), ...itemsOf(get(service, "volumes_from"))].flatMap(
    (item) => textOf(item)?.split(":")[0] ?? [],
  );
  return [...itemsOf(dependsOn).flatMap((item) => textOf(item) ?? []), ...required, ...shared, ...lists];
};

/** `required: false`: who is left out is not waited for. */
const withoutOptional = (service: MapNode, dropped: ReadonlySet<string>): MapNode =>
  mapEntries(service, (value, key) => (key === "depends_on" && value.kind === "map" ? withoutEntries(value, ...dropped) : value));
