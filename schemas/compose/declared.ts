// Networks and volumes as a Stack declares them at top level: names on the engine, and how they are made.
import type { NetworkSettings, VolumeSpec } from "../fleet.ts";
import type { ComposeExternal, ComposeIpam, ComposeNetwork, ComposeSubnet, ComposeVolume } from "../types.ts";
import { show } from "../words.ts";
import { contains, overlap, parseAddress, parseSubnet, type Subnet } from "./addresses.ts";
import { type Declared, type DeclaredNetwork, type DeclaredVolume, type Field, KEY, KEY_WORDS, variableHelp } from "./context.ts";
import { normalizeLabels } from "./values.ts";

const MAX_DECLARED = 200;

type Options = Readonly<Record<string, string | number | boolean>>;

/** Values as texts, sorted by name; undefined where there are none. */
export const textOptions = (options: Options | undefined): Record<string, string> | undefined => {
  const entries = Object.entries(options ?? {});
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([k, v]): [string, string] => [k, String(v)]).toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const labelsOf = (labels: Parameters<typeof normalizeLabels>[0], field: Field): { labels?: Record<string, string> } => {
  const found = normalizeLabels(labels, field);
  return Object.keys(found).length > 0 ? { labels: found } : {};
};

/** Every entry of a top-level section, with its key checked. At most 200. */
export const entriesOf = <T>(section: Readonly<Record<string, T>> | null | undefined, field: Field): [string, T, Field][] => {
  const entries = Object.entries(section ?? {});
  if (entries.length > MAX_DECLARED) field.problem("Invalid", `at most ${MAX_DECLARED}; these are ${entries.length}`);
  return entries.slice(0, MAX_DECLARED).map(([key, settings]) => {
    if (!KEY.test(key) || key.length > 63) field.at(key).keyProblem("Invalid", `the key ${show(key)} ${KEY_WORDS}, at most 63 characters`);
    return [key, settings, field.at(key)];
  });
};

/** `external: true` with `name`, and the old `external: {name}`. */
export const externalOf = (
  settings: { external?: boolean | ComposeExternal; name?: string } | null,
  field: Field,
): { external: boolean; name: string | undefined } => {
  const { external = false, name } = settings ?? {};
  if (typeof external === "boolean") return { external, name };
  if (external.name !== undefined && name !== undefined && external.name !== name) {
    field
      .at("external", "name")
      .problem("Invalid", `is ${show(external.name)}, but \`name\` is ${show(name)}`, "Keep `external: true` and one name.");
  }
  return { external: true, name: external.name ?? name };
};

const nameOf = (key: string, settings: ComposeNetwork | ComposeVolume, ours: (key: string) => string, field: Field): Declared => {
  const { external, name } = externalOf(settings, field);
  if (name !== undefined && (!KEY.test(name) || name.length > 200)) {
    const at = settings?.name === undefined ? field.at("external", "name") : field.at("name");
    at.problem("Invalid", `${show(name)} ${KEY_WORDS}, at most 200 characters`, variableHelp(name));
  }
  for (const other of external ? Object.keys(settings ?? {}) : []) {
    if (other === "external" || other === "name" || other.startsWith("x-")) continue;
    // docker-compose wrote `driver: default` beside it, and kept nothing of it either.
    field.at(other).warn(`has no effect beside \`external\`: what exists already is used as it is`);
  }
  return { key, name: name ?? (external ? key : ours(key)), external };
};

const DRIVER = /^[A-Za-z0-9][A-Za-z0-9_./:@-]*$/;

const checkDriver = (driver: string, field: Field): void => {
  if (!DRIVER.test(driver)) field.problem("Invalid", `${show(driver)} is no name of a driver`, variableHelp(driver));
};

type SubnetConfig = NonNullable<NonNullable<NetworkSettings["ipam"]>["config"]>[number];

const inSubnet = (subnet: Subnet | undefined, text: string, what: string, field: Field): void => {
  const address = parseAddress(text);
  if (!address) field.problem("Invalid", `${show(text)} is no IP address`, variableHelp(text));
  else if (!subnet) field.problem("Invalid", `${what} needs a \`subnet\` that it lies in`);
  else if (!contains(subnet, address)) field.problem("Invalid", `${text} is not in the subnet`);
};

const normalizeSubnet = (config: ComposeSubnet, field: Field): { config: SubnetConfig; subnet: Subnet | undefined } => {
  const { subnet: text, ip_range: range, gateway, aux_addresses: aux } = config;
  const subnet = text === undefined ? undefined : parseSubnet(text);
  if (text !== undefined && !subnet) {
    field.at("subnet").problem("Invalid", `must be a subnet such as 172.28.0.0/16; got ${show(text)}`, variableHelp(text));
    return { config: {}, subnet };
  }
  if (range !== undefined) {
    const parsed = parseSubnet(range);
    const at = field.at("ip_range");
    if (!parsed) at.problem("Invalid", `must be a subnet such as 172.28.5.0/24; got ${show(range)}`, variableHelp(range));
    else if (!subnet || !contains(subnet, parsed)) at.problem("Invalid", `${range} is not in the subnet`);
  }
  if (gateway !== undefined) inSubnet(subnet, gateway, "a gateway", field.at("gateway"));
  const auxAddresses = textOptions(aux);
  for (const [name, address] of Object.entries(auxAddresses ?? {}))
    inSubnet(subnet, address, "an address", field.at("aux_addresses", name));
  return {
    subnet,
    config: {
      ...(text === undefined ? {} : { subnet: text }),
      ...(range === undefined ? {} : { ipRange: range }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(auxAddresses ? { auxAddresses } : {}),
    },
  };
};

const normalizeIpam = (ipam: ComposeIpam | undefined, field: Field): NetworkSettings["ipam"] => {
  const { driver, options, config } = ipam ?? {};
  if (driver !== undefined) checkDriver(driver, field.at("driver"));
  const subnets: Subnet[] = [];
  const configs = (config ?? []).flatMap((entry, i) => {
    const at = field.at("config", i);
    const found = normalizeSubnet(entry, at);
    if (found.subnet) {
      const { subnet } = found;
      if (subnets.some((other) => overlap(other, subnet)))
        at.at("subnet").problem("Duplicate", "overlaps with another subnet of this network");
      subnets.push(subnet);
    }
    return Object.keys(found.config).length > 0 ? [found.config] : [];
  });
  const texts = textOptions(options);
  const all = {
    ...(driver === undefined || driver === "default" ? {} : { driver }),
    ...(texts ? { options: texts } : {}),
    ...(configs.length > 0 ? { config: configs } : {}),
  };
  return Object.keys(all).length > 0 ? all : undefined;
};

/** The engine's own networks: no stack makes them, and names and aliases do not work there. */
const BUILT_IN: Record<string, string> = {
  host: "Use the service's `network_mode: host`.",
  none: "Use the service's `network_mode: none`.",
  bridge: "Remove it: a network of the stack does the same, and services find each other by name.",
};

const normalizeNetworkSettings = (settings: ComposeNetwork, field: Field): NetworkSettings | undefined => {
  const { driver, driver_opts, internal, attachable, enable_ipv4, enable_ipv6, ipam, labels } = settings ?? {};
  if (driver !== undefined) checkDriver(driver, field.at("driver"));
  if (driver === "host" || driver === "none") {
    field.at("driver").problem("NotSupported", `a stack cannot make a network of the driver ${driver}`, BUILT_IN[driver]);
  }
  const overlay = driver === "overlay";
  if (overlay) {
    field
      .at("driver")
      .warn("overlay networks are made as a bridge: services that share a network run on one node, where they reach each other");
    if (driver_opts !== undefined) field.at("driver_opts").warn("has no effect: it is for the driver overlay, and a bridge is made");
  }
  const options = overlay ? undefined : textOptions(driver_opts);
  const addresses = normalizeIpam(ipam ?? undefined, field.at("ipam"));
  const all: NetworkSettings = {
    ...(driver === undefined || driver === "" || driver === "bridge" || driver === "default" || overlay ? {} : { driver }),
    ...(options ? { driverOpts: options } : {}),
    ...(internal ? { internal } : {}),
    ...(attachable ? { attachable } : {}),
    ...(enable_ipv4 === undefined || enable_ipv4 ? {} : { enableIpv4: false }),
    ...(enable_ipv6 ? { enableIpv6: true } : {}),
    ...(addresses ? { ipam: addresses } : {}),
    ...labelsOf(labels, field.at("labels")),
  };
  return Object.keys(all).length > 0 ? all : undefined;
};

/** By key. The network `default` is among them, declared or not. */
export const declaredNetworks = (
  section: Readonly<Record<string, ComposeNetwork>> | null | undefined,
  ours: (key: string) => string,
  field: Field,
): Map<string, DeclaredNetwork> => {
  const found = new Map<string, DeclaredNetwork>();
  for (const [key, settings, at] of entriesOf(section, field)) {
    const network = nameOf(key, settings, ours, at);
    if (network.external && Object.hasOwn(BUILT_IN, network.name)) {
      at.problem("NotSupported", `the engine's own network ${show(network.name)} cannot be joined like another`, BUILT_IN[network.name]);
    }
    const made = network.external ? undefined : normalizeNetworkSettings(settings, at);
    found.set(key, { ...network, ...(made ? { settings: made } : {}) });
  }
  if (!found.has("default")) found.set("default", { key: "default", name: ours("default"), external: false });
  return found;
};

/** The path of the node that the local driver would mount, which is a bind in all but name. */
export const boundPath = (settings: VolumeSpec["settings"]): string | undefined => {
  const { driver, driverOpts = {} } = settings ?? {};
  const bind = (driverOpts["o"] ?? "").split(",").some((word) => word === "bind" || word === "rbind");
  return driver === undefined && bind ? driverOpts["device"] : undefined;
};

const normalizeVolumeSettings = (settings: ComposeVolume, field: Field): VolumeSpec["settings"] => {
  const { driver, driver_opts, labels } = settings ?? {};
  if (driver !== undefined) checkDriver(driver, field.at("driver"));
  const options = textOptions(driver_opts);
  const all: NonNullable<VolumeSpec["settings"]> = {
    ...(driver === undefined || driver === "local" || driver === "default" ? {} : { driver }),
    ...(options ? { driverOpts: options } : {}),
    ...labelsOf(labels, field.at("labels")),
  };
  const path = boundPath(all);
  if (path !== undefined) {
    const at = field.at("driver_opts", "device");
    if (!path.startsWith("/")) at.problem("Invalid", `must be an absolute path of the node; got ${show(path)}`, variableHelp(path));
    else at.warn(`this volume is the path ${path} of whichever node the services run on, which must exist there: a bind, in other words`);
  }
  return Object.keys(all).length > 0 ? all : undefined;
};

/** By key. */
export const declaredVolumes = (
  section: Readonly<Record<string, ComposeVolume>> | null | undefined,
  ours: (key: string) => string,
  field: Field,
): Map<string, DeclaredVolume> =>
  new Map(
    entriesOf(section, field).map(([key, settings, at]) => {
      const volume = nameOf(key, settings, ours, at);
      const made = volume.external ? undefined : normalizeVolumeSettings(settings, at);
      return [key, { ...volume, ...(made ? { settings: made } : {}) }];
    }),
  );
