// `8000-8002:80-82/udp` and its relatives → one entry for each port.
import { isIP } from "node:net";
import type { PortSpec } from "../fleet.ts";
import { loadSchema } from "../load.ts";
import type { ComposePort } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";

/** Each open port costs the engine a process. */
export const MAX_PORTS = 256;

const FORM = "[host ip:][host port:]container port[/tcp|udp|sctp]";

/** `80` or `80-82` → first and last; undefined: no port of 1 to 65535, or a range that goes down. */
const range = (text: string): { first: number; last: number } | undefined => {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first >= 1 && last <= 65_535 && first <= last ? { first, last } : undefined;
};

const NO_PORT = "is no port; ports are 1 to 65535, ranges go up";

interface Parts {
  target: string;
  published: string | undefined;
  protocol: string;
  hostIp: string | undefined;
}

const expand = (parts: Parts, field: Field): PortSpec[] => {
  const { protocol, hostIp } = parts;
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") {
    field.problem("NotSupported", `the protocol ${show(protocol)} must be tcp, udp or sctp`);
    return [];
  }
  if (hostIp !== undefined && isIP(hostIp) === 0) {
    field.problem("Invalid", `the host ip ${show(hostIp)} must be an IP address`, variableHelp(hostIp));
    return [];
  }
  const target = range(parts.target);
  const published = parts.published === undefined ? undefined : range(parts.published);
  for (const [text, found] of [
    [parts.target, target],
    [parts.published, published],
  ] as const) {
    if (text !== undefined && !found) {
      field.problem("Invalid", `${show(text)} ${NO_PORT}`, variableHelp(text));
      return [];
    }
  }
  if (!target) return [];
  const count = target.last - target.first + 1;
  if (published && published.last > published.first && count === 1) {
    field.warn(
      `${published.first} is opened, the first of the range ${parts.published}; the engine would take any that is free. Name the one you want.`,
    );
  } else if (published && published.last - published.first + 1 !== count) {
    field.problem("Invalid", `the ranges ${show(parts.published)} and ${show(parts.target)} differ in length`);
    return [];
  }
  if (count > MAX_PORTS) {
    field.problem("Invalid", `a range of ${count} ports; at most ${MAX_PORTS} can be opened for a service`);
    return [];
  }
  return Array.from({ length: count }, (_, i) => ({
    target: target.first + i,
    ...(published ? { published: published.first + i } : {}),
    protocol,
    ...(hostIp === undefined ? {} : { hostIp }),
  }));
};

const shortPort = (text: string, field: Field): PortSpec[] => {
  const slash = text.lastIndexOf("/");
  const protocol = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
  const address = slash < 0 ? text : text.slice(0, slash);
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(address);
  const parts = (bracketed ? (bracketed[2] ?? "") : address).split(":");
  const target = parts.pop() ?? "";
  const published = parts.pop();
  // What is left is an address; one of IPv6 has colons of its own.
  const hostIp = bracketed ? bracketed[1] : parts.length > 0 ? parts.join(":") : undefined;
  if (target === "" || (bracketed && (published === undefined || parts.length > 0)) || hostIp === "") {
    field.problem("Invalid", `${show(text)} is no port; expected ${FORM}`, variableHelp(text));
    return [];
  }
  return expand({ target, published: published || undefined, protocol, hostIp }, field);
};

/** Keys that are for people, or for a system that is not here. */
const warnOfDifferences = (port: ComposePort, several: boolean, field: Field): void => {
  const { properties = {} } = loadSchema("compose").$defs?.ComposePort ?? {};
  const told = [port.name && "name", port.app_protocol && "app_protocol", several && port.mode === "ingress" && "mode"].filter(
    (key) => !!key,
  );
  for (const key of told as string[]) field.at(key).warn(properties[key]?.["x-difference"] ?? "");
};

const longPort = (port: ComposePort, several: boolean, field: Field): PortSpec[] => {
  warnOfDifferences(port, several, field);
  const published = port.published === undefined || port.published === "" ? undefined : String(port.published);
  const hostIp = port.host_ip?.replace(/^\[(.*)\]$/, "$1") || undefined;
  return expand({ target: String(port.target), published, protocol: port.protocol ?? "tcp", hostIp }, field);
};

const ANY = new Set([undefined, "0.0.0.0", "::"]);

/** Whether one address may be of IPv4 and the other of IPv6 alone: 0.0.0.0 and :: can both be open. */
const apart = (a: string | undefined, b: string | undefined): boolean => a !== undefined && b !== undefined && isIP(a) !== isIP(b);

/** Whether both cannot be open on one node. */
export const portsClash = (a: PortSpec, b: PortSpec): boolean =>
  a.published !== undefined &&
  a.published === b.published &&
  a.protocol === b.protocol &&
  !apart(a.hostIp, b.hostIp) &&
  (a.hostIp === b.hostIp || ANY.has(a.hostIp) || ANY.has(b.hostIp));

/** `8080`, `127.0.0.1:8080/udp`: a host port in messages. */
export const showPort = (p: PortSpec): string =>
  `${p.hostIp === undefined ? "" : `${p.hostIp}:`}${p.published ?? ""}${p.protocol === "tcp" ? "" : `/${p.protocol}`}`;

/**
 * All entries, expanded, in the order written.
 * @param several whether the service may have more than one pod: only then a routing mesh would make a difference
 */
export const normalizePorts = (ports: readonly (string | number | ComposePort)[], several: boolean, field: Field): PortSpec[] => {
  if (ports.length > MAX_PORTS) {
    field.problem("Invalid", `at most ${MAX_PORTS} ports can be opened for a service; these are ${ports.length}`);
    return [];
  }
  const all: PortSpec[] = [];
  const byPort = new Map<number, PortSpec[]>();
  for (const [i, port] of ports.entries()) {
    const at = field.at(i);
    for (const spec of typeof port === "object" ? longPort(port, several, at) : shortPort(String(port), at)) {
      const others = spec.published === undefined ? [] : (byPort.get(spec.published) ?? []);
      if (others.some((other) => portsClash(other, spec))) {
        at.problem("Duplicate", `the host port ${showPort(spec)} is published twice by this service`);
        break;
      }
      if (spec.published !== undefined) byPort.set(spec.published, [...others, spec]);
      all.push(spec);
    }
    if (all.length > MAX_PORTS) {
      field.problem("Invalid", `at most ${MAX_PORTS} ports can be opened for a service`);
      break;
    }
  }
  return all;
};
