// How a service joins networks, as a list or with settings.
import type { NetworkAttachment } from "../fleet.ts";
import type { ComposeService, ComposeServiceNetwork } from "../types.ts";
import { show } from "../words.ts";
import { contains, parseAddress, parseSubnet, sameAddress } from "./addresses.ts";
import { type DeclaredNetwork, type Field, type StackContext, variableHelp } from "./context.ts";
import { textOptions } from "./declared.ts";

type Settings = NonNullable<ComposeServiceNetwork>;

const checkFixed = (text: string, family: 4 | 6, network: DeclaredNetwork | undefined, field: Field): void => {
  const address = parseAddress(text);
  if (address?.family !== family) return field.problem("Invalid", `${show(text)} is no IPv${family} address`, variableHelp(text));
  // What exists already has its own subnets.
  if (!network || network.external) return;
  const config = network.settings?.ipam?.config ?? [];
  const subnets = config.flatMap((c) => {
    const subnet = c.subnet === undefined ? undefined : parseSubnet(c.subnet);
    return subnet?.family === family ? [{ ...c, parsed: subnet }] : [];
  });
  if (subnets.length === 0) {
    const help = `Declare one that it lies in: \`networks: {${network.key}: {ipam: {config: [{subnet: …}]}}}\`.`;
    return field.problem(
      "Invalid",
      `the network ${show(network.key)} declares no IPv${family} subnet, and only then addresses can be chosen`,
      help,
    );
  }
  const home = subnets.find((s) => contains(s.parsed, address));
  if (!home) {
    return field.problem(
      "Invalid",
      `${text} is not in ${subnets.map((s) => s.subnet).join(" or ")}, the subnet of the network ${show(network.key)}`,
    );
  }
  if (home.gateway !== undefined && sameAddress(home.gateway, text))
    field.problem("Duplicate", `${text} is the gateway of the network ${show(network.key)}`);
  const taken = Object.entries(home.auxAddresses ?? {}).find(([, other]) => sameAddress(other, text));
  if (taken) field.problem("Duplicate", `${text} is kept for ${show(taken[0])} (aux_addresses of the network ${show(network.key)})`);
};

const MAC = /^[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}$/i;

/** Lower case with colons, as the engine answers. Reported when it is none. */
export const normalizeMac = (text: string, field: Field): string => {
  if (!MAC.test(text)) field.problem("Invalid", `${show(text)} is no MAC address, such as 02:42:ac:11:00:02`, variableHelp(text));
  return text.toLowerCase().replaceAll("-", ":");
};

const checkInterface = (name: string, field: Field): void => {
  if (/^[^\s/:]{1,15}$/.test(name) && name !== "." && name !== "..") return;
  field.problem(
    "Invalid",
    `${show(name)} is no name of an interface, which has at most 15 characters, none of them a space, "/" or ":"`,
    variableHelp(name),
  );
};

type Chosen = Omit<NetworkAttachment, "key" | "name" | "external" | "aliases" | "settings">;

const normalizeSettings = (settings: Settings, network: DeclaredNetwork | undefined, field: Field): Chosen => {
  // An empty address is none: `ipv4_address: ${ADDRESS:-}`.
  const [ipv4, ipv6] = [settings.ipv4_address || undefined, settings.ipv6_address || undefined];
  const { mac_address: mac, driver_opts, priority, gw_priority, interface_name } = settings;
  const linkLocalIps = settings.link_local_ips ?? [];
  if (ipv4 !== undefined) checkFixed(ipv4, 4, network, field.at("ipv4_address"));
  if (ipv6 !== undefined) checkFixed(ipv6, 6, network, field.at("ipv6_address"));
  linkLocalIps.forEach((text, i) => {
    if (!parseAddress(text)) field.at("link_local_ips", i).problem("Invalid", `${show(text)} is no IP address`, variableHelp(text));
  });
  if (interface_name !== undefined) checkInterface(interface_name, field.at("interface_name"));
  const driverOpts = textOptions(driver_opts);
  return {
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(linkLocalIps.length > 0 ? { linkLocalIps: [...new Set(linkLocalIps)].toSorted() } : {}),
    ...(mac === undefined ? {} : { macAddress: normalizeMac(mac, field.at("mac_address")) }),
    ...(driverOpts ? { driverOpts } : {}),
    ...(priority ? { priority } : {}),
    ...(gw_priority ? { gwPriority: gw_priority } : {}),
    ...(interface_name === undefined ? {} : { interfaceName: interface_name }),
  };
};

/**
 * Sorted by key. Nothing said: the network `default`.
 * @param service its name, which is an alias anyway
 */
export const normalizeNetworks = (
  service: string,
  networks: ComposeService["networks"],
  context: Pick<StackContext, "networks">,
  field: Field,
): NetworkAttachment[] => {
  const written: [string, ComposeServiceNetwork, Field][] = Array.isArray(networks)
    ? networks.map((key, i) => [key, null, field.at(i)])
    : Object.entries(networks ?? {}).map(([key, settings]) => [key, settings, field.at(key)]);
  const entries: typeof written = written.length > 0 ? written : [["default", null, field]];
  const found = new Map<string, NetworkAttachment>();
  for (const [key, settings, at] of entries) {
    const declared = context.networks?.get(key);
    if (context.networks && !declared) {
      const guess = at.guess(key, context.networks.keys());
      const help = guess ? undefined : `Declare it: \`networks: {${key}: {}}\` beside \`services\`.`;
      at.problem("Invalid", `the network ${show(key)} is not declared under spec.networks${guess}`, help);
    }
    if (found.has(key)) at.warn(`the network ${show(key)} is listed twice`);
    const aliases = [...new Set(settings?.aliases ?? [])];
    const bad = aliases.findIndex((alias) => !/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(alias));
    if (bad >= 0) at.at("aliases", bad).problem("Invalid", `${show(aliases[bad])} is no host name`);
    const chosen = normalizeSettings(settings ?? {}, declared, at);
    if (declared) found.set(key, { ...declared, aliases: aliases.filter((alias) => alias !== service).toSorted(), ...chosen });
  }
  return [...found.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
};
