// Networks and a container's place in them. Pure.
import { COMPOSE_LABELS } from "../../schemas/constants.ts";
import type { DesiredPod, NetworkAttachment, NetworkSettings, PortSpec } from "../../schemas/fleet.ts";
import type { EndpointConfig, HostConfig } from "../engine-objects.ts";

export interface NetworkRequest {
  name: string;
  external: boolean;
  /** Those of the manifest, then ours. */
  labels: Record<string, string>;
  /** How it is made; absent: a bridge with everything default. */
  settings?: NetworkSettings;
  /** Those of this container, with the service's own name. */
  aliases: string[];
  /** What a connect asks for: the aliases, and addresses and options where the manifest has some. */
  endpoint: EndpointConfig;
}

/** In the order in which they are connected. */
export const renderNetworks = (pod: DesiredPod, shared: Record<string, string>): NetworkRequest[] =>
  pod.container.networks
    .toSorted((a, b) => (b.priority ?? 0) - (a.priority ?? 0))
    .map((n) => {
      const aliases = [...new Set([pod.service, ...n.aliases])];
      return {
        name: n.name,
        external: n.external,
        labels: { ...n.settings?.labels, ...shared, [COMPOSE_LABELS.network]: n.key },
        ...(n.settings ? { settings: n.settings } : {}),
        aliases,
        endpoint: { Aliases: aliases, ...extras(n) },
      };
    });

const extras = (n: NetworkAttachment): Omit<EndpointConfig, "Aliases"> => {
  const addresses = {
    ...(n.ipv4 === undefined ? {} : { IPv4Address: n.ipv4 }),
    ...(n.ipv6 === undefined ? {} : { IPv6Address: n.ipv6 }),
    ...(n.linkLocalIps ? { LinkLocalIPs: n.linkLocalIps } : {}),
  };
  const options = {
    ...n.driverOpts,
    ...(n.interfaceName === undefined ? {} : { [INTERFACE_NAME]: n.interfaceName }),
  };
  return {
    ...(Object.keys(addresses).length > 0 ? { IPAMConfig: addresses } : {}),
    ...(n.macAddress === undefined ? {} : { MacAddress: n.macAddress }),
    ...(Object.keys(options).length > 0 ? { DriverOpts: options } : {}),
    ...(n.gwPriority === undefined ? {} : { GwPriority: n.gwPriority }),
  };
};

/** Source: moby, libnetwork/netlabel. */
export const INTERFACE_NAME = "com.docker.network.endpoint.ifname";

/** What of the networks makes another container: as it was before there were more settings than aliases, where there are no more. */
export const networksForHash = (networks: readonly NetworkRequest[]): unknown[] =>
  networks.map((n) => (Object.keys(n.endpoint).length > 1 ? [n.name, n.aliases, n.endpoint] : [n.name, n.aliases]));

export const portKey = (p: PortSpec): string => `${p.target}/${p.protocol}`;

export const renderPorts = (ports: PortSpec[]): NonNullable<HostConfig["PortBindings"]> => {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const p of ports) {
    (bindings[portKey(p)] ??= []).push({ HostIp: p.hostIp ?? "", HostPort: p.published === undefined ? "" : String(p.published) });
  }
  return bindings;
};
