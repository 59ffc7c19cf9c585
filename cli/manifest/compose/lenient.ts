// What real files say that Compose itself would refuse, and whose meaning is plain all the same: taken, each with a word.
import { didYouMean, show } from "../../../schemas/words.ts";
import { eachOnce } from "./once.ts";
import type { Session } from "./session.ts";
import { settleStoreFiles } from "./store-files.ts";
import {
  entriesOf,
  get,
  getMap,
  isNull,
  itemsOf,
  listNode,
  type MapNode,
  mapEntries,
  mapNode,
  mapSection,
  type Node,
  scalarNode,
  textNode,
  textOf,
  withEntry,
  withoutEntries,
} from "./tree.ts";

/** Keys of a service that only an app store reads. */
const STORE_KEYS: Record<string, string> = { exclude_from_hc: "Coolify" };

export const settleLeniently = (s: Session, root: MapNode): MapNode =>
  eachOnce(s, declareSubnets(s, declareVolumes(s, settleStoreFiles(s, joinNamed(s, withoutStoreKeys(s, withoutProxy(s, root)))))));

/** Umbrel brings the image of its proxy along. Only the published port is lost with it. */
const withoutProxy = (s: Session, root: MapNode): MapNode => {
  const entry = getMap(root, "services")?.entries.get("app_proxy");
  if (!entry || entry.value.kind !== "map" || get(entry.value, "image") || get(entry.value, "build")) return root;
  const environment = get(entry.value, "environment");
  const valueOf = (name: string): string | undefined =>
    textOf(get(environment, name)) ??
    itemsOf(environment)
      .flatMap((item) => textOf(item) ?? [])
      .find((line) => line.startsWith(`${name}=`))
      ?.slice(name.length + 1);
  const port = valueOf("APP_PORT");
  const help =
    port === undefined
      ? undefined
      : `Publish the port yourself: \`ports: ["${port}:${port}"]\` in the service behind ${valueOf("APP_HOST") ?? "it"}.`;
  s.warn(entry.key, "SF1215", "services.app_proxy has no image: it is a part of Umbrel, and is left out", help);
  const withoutIt = (service: MapNode): MapNode =>
    mapEntries(service, (value, key) => {
      if (key !== "depends_on") return value;
      if (value.kind === "map") return withoutEntries(value, "app_proxy");
      return value.kind === "list" ? { ...value, items: value.items.filter((item) => textOf(item) !== "app_proxy") } : value;
    });
  const services = withoutEntries(getMap(root, "services") as MapNode, "app_proxy");
  return mapSection(
    mapEntries(root, (value, key) => (key === "services" ? services : value)),
    "services",
    withoutIt,
  );
};

const withoutStoreKeys = (s: Session, root: MapNode): MapNode =>
  mapSection(root, "services", (service, name) => {
    const found = Object.keys(STORE_KEYS).filter((key) => service.entries.has(key));
    for (const key of found) {
      const at = service.entries.get(key)?.key ?? service.mark;
      s.warn(at, "SF1215", `services.${name}.${key} is read by ${STORE_KEYS[key]} alone, and has no effect`);
    }
    return withoutEntries(service, ...found);
  });

/** `network_mode: proxy_net`: to the engine that is a network which exists already. */
const joinNamed = (s: Session, root: MapNode): MapNode => {
  let networks = getMap(root, "networks") ?? mapNode(root.mark);
  const before = networks;
  const result = mapSection(root, "services", (service, name) => {
    const mode = service.entries.get("network_mode");
    const network = textOf(mode?.value);
    if (!mode || network === undefined || !NAME.test(network) || service.entries.has("networks")) return service;
    if (MODES.includes(network) || didYouMean(network, MODES) !== "") return service;
    const declared = networks.entries.get(network)?.value;
    // Declared as another one: which of them is meant nobody can say.
    if (declared && !get(declared, "external") && textOf(get(declared, "name")) !== network) return service;
    s.warn(
      mode.value.mark,
      "SF1215",
      `services.${name}.network_mode: the network ${show(network)} is joined, which must exist on the node`,
      `networks: [${network}], and at top level networks: {${network}: {external: true}}`,
    );
    const at = mode.key;
    if (!declared)
      networks = withEntry(networks, network, { key: at, value: mapNode(at, [["external", { key: at, value: scalarNode(at, true) }]]) });
    const joined = listNode(mode.value.mark, [textNode(mode.value.mark, network)]);
    return withEntry(withoutEntries(service, "network_mode"), "networks", { key: at, value: joined });
  });
  return networks === before
    ? result
    : withEntry(result, "networks", { key: root.entries.get("networks")?.key ?? root.mark, value: networks });
};

/** A named volume that nobody declares, and that is no slip of the pen for one that somebody does. */
const declareVolumes = (s: Session, root: MapNode): MapNode => {
  const declared = root.entries.get("volumes");
  if (declared && declared.value.kind !== "map" && !isNull(declared.value)) return root;
  let volumes = declared?.value.kind === "map" ? declared.value : mapNode(root.mark);
  const known = [...volumes.entries.keys()];
  for (const [name, { value }] of entriesOf(get(root, "services")))
    for (const item of itemsOf(get(value, "volumes"))) {
      const volume = volumeOf(item);
      if (volume === undefined || volumes.entries.has(volume) || didYouMean(volume, known) !== "") continue;
      s.warn(
        item.mark,
        "SF1215",
        `services.${name}: the volume ${show(volume)} is not declared; it is made as if it were`,
        `volumes: {${volume}: {}}`,
      );
      volumes = withEntry(volumes, volume, { key: item.mark, value: scalarNode(item.mark, null) });
    }
  return volumes.entries.size === known.length ? root : withEntry(root, "volumes", { key: declared?.key ?? root.mark, value: volumes });
};

/** Umbrel's apps choose addresses on a network whose subnet Umbrel declares: the /16 of the first address stands in for it. */
const declareSubnets = (s: Session, root: MapNode): MapNode => {
  let result = root;
  for (const [service, { value }] of entriesOf(get(root, "services")))
    for (const [network, { value: joined }] of entriesOf(get(value, "networks"))) {
      const address = textOf(get(joined, "ipv4_address"));
      const mark = get(joined, "ipv4_address")?.mark ?? value.mark;
      const [, prefix] = /^((?:10|172|192)\.\d{1,3})\.\d{1,3}\.\d{1,3}$/.exec(address ?? "") ?? [];
      const declared = get(result, "networks", network);
      if (prefix === undefined || get(declared, "ipam") || get(declared, "external") || (network !== "default" && declared === undefined))
        continue;
      const subnet = `${prefix}.0.0/16`;
      s.warn(
        mark,
        "SF1215",
        `services.${service}.networks.${network}: the network has no subnet, and only then addresses can be chosen; ${subnet} is taken`,
        `networks: {${network}: {ipam: {config: [{subnet: ${subnet}}]}}}`,
      );
      const entry = (node: Node): { key: Node["mark"]; value: Node } => ({ key: mark, value: node });
      const config = mapNode(mark, [["subnet", entry(textNode(mark, subnet))]]);
      const ipam = mapNode(mark, [["config", entry(listNode(mark, [config]))]]);
      const settings = withEntry(declared?.kind === "map" ? declared : mapNode(mark), "ipam", entry(ipam));
      const networks = getMap(result, "networks") ?? mapNode(mark);
      result = withEntry(result, "networks", entry(withEntry(networks, network, entry(settings))));
    }
  return result;
};

/** What is no name of a network. */
const MODES = ["none", "host", "bridge", "default"];
/** A path of Windows begins like a volume of one letter. */
const DRIVE = /^[A-Za-z]:(\\|\/[^:]*:\/)/;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

const volumeOf = (item: Node): string | undefined => {
  const text = textOf(item);
  const found =
    text === undefined
      ? textOf(get(item, "type")) === "volume"
        ? textOf(get(item, "source"))
        : undefined
      : text.includes(":") && !DRIVE.test(text)
        ? text.split(":")[0]
        : undefined;
  return found !== undefined && NAME.test(found) ? found : undefined;
};
