// What a container knows by name, and is known by: DNS, hosts, exposed ports, its name on the engine.
import { isIP } from "node:net";
import type { ContainerSpec } from "../fleet.ts";
import type { ComposeService } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

type Service = Partial<ComposeService>;
type StringOrList = string | readonly string[] | null | undefined;

/** The entries of a text or a list, each with its place. Empty ones are none. */
const entriesOf = (value: StringOrList, field: Field): [string, Field][] => {
  const all: [string, Field][] = typeof value === "string" ? [[value, field]] : (value ?? []).map((text, i) => [text, field.at(i)]);
  return all.filter(([text]) => text !== "");
};

const HOST = /^[A-Za-z0-9_*]([A-Za-z0-9_.-]{0,253})$/;

export const normalizeDns = (service: Service, field: Field): ContainerSpec["dns"] => {
  const servers = entriesOf(service.dns, field.at("dns")).map(([text, at]) => {
    if (isIP(text) === 0) at.problem("Invalid", `must be an IP address; got ${show(text)}`, variableHelp(text));
    return text;
  });
  const search = entriesOf(service.dns_search, field.at("dns_search")).map(([text, at]) => {
    if (text !== "." && !HOST.test(text)) at.problem("Invalid", `must be a domain, or "." for none; got ${show(text)}`, variableHelp(text));
    return text;
  });
  const options = entriesOf(service.dns_opt, field.at("dns_opt")).map(([text]) => text);
  if (servers.length + search.length + options.length === 0) return undefined;
  return {
    ...(servers.length > 0 ? { servers } : {}),
    ...(search.length > 0 ? { search } : {}),
    ...(options.length > 0 ? { options } : {}),
  };
};

/** `name=address`, `name:address` (the address may have colons of its own, and brackets) → `name:address`. */
export const normalizeExtraHosts = (hosts: ComposeService["extra_hosts"], field: Field): string[] => {
  if (!hosts) return [];
  const written: [string, string, Field][] = Array.isArray(hosts)
    ? hosts.map((line, i) => {
        const split = /^([^=:]*)[=:](.*)$/.exec(line);
        return [split?.[1] ?? line, split?.[2] ?? "", field.at(i)];
      })
    : Object.entries(hosts).flatMap(([name, addresses]) =>
        [addresses].flat().map((address): [string, string, Field] => [name, address, field.at(name)]),
      );
  const found = written.map(([rawName, rawAddress, at]) => {
    const name = rawName.trim();
    const address = rawAddress.trim().replace(/^\[(.*)\]$/, "$1");
    if (!HOST.test(name)) {
      at.problem("Invalid", `${show(name)} is no host name`, variableHelp(name));
    } else if (address !== "host-gateway" && isIP(address) === 0) {
      const got = address === "" ? "there is none" : `got ${show(address)}`;
      at.problem("Invalid", `after the name comes an IP address or host-gateway; ${got}`, variableHelp(address));
    }
    return `${name}:${address}`;
  });
  return [...new Set(found)];
};

/** Ports and ranges → `80/tcp`, sorted, each once. */
export const normalizeExpose = (ports: ComposeService["expose"], field: Field): string[] => {
  const all = (ports ?? []).flatMap((port, i) => {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(String(port));
    const first = Number(match?.[1]);
    const last = match?.[2] === undefined ? first : Number(match[2]);
    if (!match || first < 1 || last > 65_535 || first > last || last - first >= 4096) {
      const message = `must be a port from 1 to 65535, or a range, such as 80, "53/udp" or "8000-8010"; got ${show(port)}`;
      field.at(i).problem("Invalid", message, variableHelp(String(port)));
      return [];
    }
    return Array.from({ length: last - first + 1 }, (_, n) => `${first + n}/${(match[3] ?? "tcp").toLowerCase()}`);
  });
  return [...new Set(all)].toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1));
};

/** undefined: the pod's. Source: moby, RestrictedNamePattern. */
export const normalizeContainerName = (name: string | undefined, field: Field): string | undefined => {
  if (!name) return undefined;
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) && name.length <= 200) return name;
  const message = `${show(name)} is no name of a container: letters, digits, "_", "." and "-", at least two, beginning with a letter or digit`;
  field.problem("Invalid", message, variableHelp(name));
  return undefined;
};

/** Lower case, with colons; undefined: none, or a problem. */
export const normalizeMac = (text: string | undefined, field: Field): string | undefined => {
  if (!text) return undefined;
  if (/^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text)) return text.toLowerCase().replaceAll("-", ":");
  field.problem("Invalid", `must be a hardware address such as 02:42:ac:11:65:43; got ${show(text)}`, variableHelp(text));
  return undefined;
};

const ARCHITECTURES: Record<string, string> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm/v7",
  armel: "arm/v6",
  i386: "386",
};
const OSES = ["linux", "windows", "darwin", "freebsd"];

/** `linux/arm64/v8`. An architecture alone is Linux's. Source: containerd, platforms.Parse. */
export const normalizePlatform = (text: string | undefined, field: Field): string | undefined => {
  if (!text) return undefined;
  const parts = text.toLowerCase().split("/");
  const [os = "", arch, variant] = OSES.includes(parts[0] ?? "") ? parts : ["linux", ...parts];
  if (parts.length > 3 || arch === undefined || !parts.every((part) => /^[a-z0-9_-]+$/.test(part)) || !OSES.includes(os)) {
    field.problem("Invalid", `must be os/arch[/variant] such as linux/arm64; got ${show(text)}`, variableHelp(text));
    return undefined;
  }
  if (os !== "linux") field.problem("NotSupported", `containers are Linux's here; got ${show(text)}`);
  return [os, ARCHITECTURES[arch] ?? arch, ...(variant === undefined ? [] : [variant])].join("/");
};
