// `links: [db:database]`: another name for a service, on the networks that both are on.
import type { Dependency } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, type StackContext, variableHelp } from "./context.ts";
import type { NormalService } from "./normal.ts";

interface Link {
  service: string;
  alias: string;
}

const parse = (text: string): Link | undefined => {
  const match = /^([^:]+)(?::([^:]+))?$/.exec(text);
  return match?.[1] === undefined ? undefined : { service: match[1], alias: match[2] ?? match[1] };
};

/** What the service waits for on account of its links. */
export const normalizeLinks = (name: string, links: ComposeService["links"], context: StackContext, field: Field): Dependency[] =>
  (links ?? []).flatMap((text, i): Dependency[] => {
    const at = field.at(i);
    const link = parse(text);
    if (!link || !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(link.alias)) {
      at.problem("Invalid", `must be service[:alias]; got ${show(text)}`, variableHelp(text));
    } else if (!context.services.has(link.service)) {
      const guess = at.guess(link.service, context.services);
      const help = guess ? undefined : "For a container of another project, join its network with `networks`.";
      at.problem("Invalid", `there is no service ${show(link.service)}${guess}`, help);
    } else if (link.service === name) {
      at.problem("Invalid", "a service cannot be linked to itself");
    } else {
      return [{ service: link.service, condition: "service_started" }];
    }
    return [];
  });

/** The services with the aliases that others' links give them. Warns of those that lead nowhere. */
export const withLinks = (
  services: readonly NormalService[],
  linksOf: (service: string) => ComposeService["links"],
  fieldOf: (service: string) => Field,
): NormalService[] => {
  const byName = new Map(services.map((service) => [service.name, service]));
  /** Aliases to add, by service and key of a network. */
  const added = new Map<string, Map<string, Set<string>>>();
  for (const { name, container } of services) {
    for (const [i, text] of (linksOf(name) ?? []).entries()) {
      const link = parse(text);
      const other = link && byName.get(link.service);
      if (!other || other.name === name) continue;
      const at = fieldOf(name).at("links", i);
      const keys = new Set(container.networks.map((network) => network.key));
      const both = other.container.networks.filter((network) => keys.has(network.key));
      if (both.length === 0) at.warn(`"${name}" and "${other.name}" have no network in common, so the link leads nowhere`);
      if (link.alias === other.name) continue;
      if (byName.has(link.alias)) at.warn(`"${link.alias}" is also the name of a service: on a common network it means both`);
      const ofOther = added.get(other.name) ?? new Map<string, Set<string>>();
      for (const { key } of both) ofOther.set(key, (ofOther.get(key) ?? new Set()).add(link.alias));
      added.set(other.name, ofOther);
    }
  }
  return services.map((service) => {
    const more = added.get(service.name);
    if (!more) return service;
    const networks = service.container.networks.map((network) => {
      const aliases = [...new Set([...network.aliases, ...(more.get(network.key) ?? [])])].toSorted();
      return { ...network, aliases };
    });
    return { ...service, container: { ...service.container, networks } };
  });
};
