// Field-level comparison: what differs between a container and its spec, and what puts it right. Pure.
import { isDeepStrictEqual } from "node:util";
import type { AgentNote } from "../schemas/fleet.ts";
import { LABELS } from "../schemas/constants.ts";
import { type Comparable, type ComparableEndpoint, isNone, OPTION_NAMES, optionOf } from "./comparable.ts";
import type { ContainerFacts } from "./observe.ts";
import { type ComparableLimits, comparableLimits, NEUTRAL } from "./render/limits.ts";
import { type Rendered, sameRenderVersion } from "./render.ts";

/** What the engine can change on a container that exists; everything else is a replacement. */
export type Remedy = "rename" | "update" | "connect" | "disconnect" | "replace";

/** A JSON Patch operation from observed to desired, and its remedy. `network`: for connect and disconnect. */
export interface Drift {
  op: "add" | "remove" | "replace";
  path: string;
  value?: unknown;
  remedy: Remedy;
  network?: string;
}

/** Values of these may be secrets: the path is told, the value never. */
const SILENT = new Set(["env", "command", "entrypoint", "healthcheck", "labels"]);

/** Of limits: in the order of their names, as drift is told. */
const LIMITS = Object.keys(comparableLimits({})) as (keyof ComparableLimits)[];

const REPLACED = [
  "image",
  "command",
  "entrypoint",
  "user",
  "workingDir",
  "stopSignal",
  "healthcheck",
  "exposed",
  "stopTimeout",
  "mounts",
  "ports",
  "capAdd",
  "capDrop",
  "readOnly",
  "init",
] as const satisfies (keyof Comparable)[];

/**
 * Sorted by path. `networkIds`: ids of the engine's networks where known; an endpoint on a network that was made anew under the same name is dead.
 */
export const driftOf = (
  want: Comparable,
  have: ContainerFacts,
  r: Rendered,
  networkIds: ReadonlyMap<string, string> = new Map(),
): Drift[] => {
  const found: Drift[] = [];
  if (have.name !== r.name) found.push({ op: "replace", path: "/name", value: r.name, remedy: "rename" });
  if (sameRenderVersion(have.specHash, r.specHash) && have.specHash !== r.specHash)
    found.push({ op: "replace", path: "/spec", value: r.specHash, remedy: "replace" });

  for (const field of REPLACED) {
    const wanted = want[field];
    if (wanted === undefined || have.spec[field] === undefined || isDeepStrictEqual(wanted, have.spec[field])) continue;
    found.push({ op: "replace", path: `/${field}`, ...(SILENT.has(field) ? {} : { value: wanted }), remedy: "replace" });
  }
  if (want.hostname !== undefined && want.hostname !== have.spec.hostname)
    found.push({ op: "replace", path: "/hostname", value: want.hostname, remedy: "replace" });
  if (want.env && have.spec.env) found.push(...recordDrift("env", want.env, have.spec.env));
  // The spec label is compared above; the image may have brought others.
  const mine = Object.fromEntries(Object.entries(want.labels).filter(([k]) => k !== LABELS.spec));
  const theirs = Object.fromEntries(Object.entries(have.spec.labels).filter(([k]) => k in mine));
  found.push(...recordDrift("labels", mine, theirs));

  if (want.platform !== undefined && have.spec.platform !== undefined && !samePlatform(want.platform, have.spec.platform))
    found.push({ op: "replace", path: "/platform", value: want.platform, remedy: "replace" });
  found.push(...optionDrift(want, have), ...limitDrift(want, have));
  if (!isDeepStrictEqual(want.restart, have.spec.restart))
    found.push({ op: "replace", path: "/restart", value: want.restart, remedy: "update" });

  found.push(...networkDrift(want, have, r, networkIds));
  return found.toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
};

const recordDrift = (field: string, want: Record<string, string>, have: Record<string, string>): Drift[] => {
  const drift: Drift[] = [];
  for (const key of new Set([...Object.keys(want), ...Object.keys(have)])) {
    if (want[key] === have[key]) continue;
    const op = have[key] === undefined ? "add" : want[key] === undefined ? "remove" : "replace";
    drift.push({ op, path: `/${field}/${escape(key)}`, remedy: "replace" });
  }
  return drift;
};

const optionDrift = (want: Comparable, have: ContainerFacts): Drift[] => {
  const drift: Drift[] = [];
  for (const name of OPTION_NAMES) {
    const { rule, silent } = optionOf(name);
    const wanted = want.options[name];
    const actual = have.spec.options[name];
    // Not known, or the daemon's own choice.
    if (wanted === undefined) continue;
    if (rule === "kept" && isNone(actual)) continue;
    const agrees = rule === "contains" ? contains(actual, wanted) : isDeepStrictEqual(wanted, actual);
    if (!agrees) drift.push({ op: "replace", path: `/${name}`, ...(silent ? {} : { value: wanted }), remedy: "replace" });
  }
  return drift;
};

const contains = (all: unknown, some: unknown): boolean =>
  Object.entries(some as Record<string, string>).every(([k, v]) => (all as Record<string, string> | undefined)?.[k] === v);

const limitDrift = (want: Comparable, have: ContainerFacts): Drift[] => {
  const drift: Drift[] = [];
  for (const name of LIMITS) {
    const wanted = want.limits[name];
    const actual = have.spec.limits[name];
    if (wanted === undefined || wanted === actual) continue;
    // There is no swap limit without a memory limit.
    if (name === "memorySwap" && wanted === 0) continue;
    const none = wanted === 0 || wanted === "";
    // "As it is" is what no limit means in an update: only some can be taken away from a container that exists.
    const remedy = none && NEUTRAL[name] === undefined ? "replace" : "update";
    drift.push({ op: none ? "remove" : "replace", path: `/limits/${name}`, ...(none ? {} : { value: wanted }), remedy });
  }
  return drift;
};

/** Names of the kernel for those of images. Source: containerd, platforms/database.go. */
const ARCHITECTURES: Record<string, string> = { x86_64: "amd64", "x86-64": "amd64", aarch64: "arm64", i386: "386" };

/** An image for `linux/arm64/v8` is what `linux/arm64` asks for; one that does not say its variant may be any; the system may go without saying. */
const samePlatform = (want: string, have: string): boolean => {
  const parts = want.toLowerCase().split("/");
  const [os = "", architecture = "", variant] = parts.length === 1 && parts[0] !== "linux" ? ["linux", ...parts] : parts;
  const [hasOs, hasArchitecture, hasVariant] = have.toLowerCase().split("/");
  if (os !== hasOs) return false;
  if (architecture !== "" && (ARCHITECTURES[architecture] ?? architecture) !== hasArchitecture) return false;
  return variant === undefined || hasVariant === undefined || variant === hasVariant;
};

const networkDrift = (want: Comparable, have: ContainerFacts, r: Rendered, ids: ReadonlyMap<string, string>): Drift[] => {
  const drift: Drift[] = [];
  for (const [network, endpoint] of Object.entries(want.networks)) {
    const path = `/networks/${escape(network)}`;
    const actual = have.spec.networks[network];
    const id = ids.get(network);
    if (!actual) drift.push({ op: "add", path, value: endpoint.aliases, remedy: "connect", network });
    else if (id !== undefined && have.networkIds[network] !== "" && have.networkIds[network] !== id)
      drift.push({ op: "replace", path: `${path}/id`, value: id, remedy: "replace", network });
    else {
      // All that belongs to the endpoint is put right by making that anew: told as one, or it would be made anew more than once.
      const [first, ...more] = endpointDrift(endpoint, actual, [have.id.slice(0, SHORT_ID), have.name, r.name, have.spec.hostname ?? ""]);
      if (first === undefined) continue;
      const [at, value] = more.length > 0 ? [path, endpoint] : [`${path}/${first}`, endpoint[first]];
      drift.push({ op: "replace", path: at, value, remedy: "disconnect", network });
    }
  }
  for (const network of Object.keys(have.spec.networks)) {
    if (!(network in want.networks)) drift.push({ op: "remove", path: `/networks/${escape(network)}`, remedy: "disconnect", network });
  }
  return drift;
};

/** Characters of a container's id that the engine shows and makes an alias of. */
const SHORT_ID = 12;

/** `own`: aliases that the engine (short id, host name) and Compose v2 (the container's name) add by themselves. */
const endpointDrift = (want: ComparableEndpoint, have: ComparableEndpoint, own: readonly string[]): (keyof ComparableEndpoint)[] =>
  (Object.keys(want) as (keyof ComparableEndpoint)[]).filter((field) => {
    if (field === "aliases") {
      const extra = have.aliases.filter((a) => !want.aliases.includes(a) && !own.includes(a));
      return extra.length > 0 || want.aliases.some((a) => !have.aliases.includes(a));
    }
    if (field === "driverOpts") return !contains(have.driverOpts, want.driverOpts);
    if (field === "mac" && have.mac === undefined) return false;
    return !isDeepStrictEqual(want[field], have[field]);
  });

const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** As an AgentNote tells it. */
export const asPatch = (drift: readonly Drift[]): NonNullable<AgentNote["drift"]> =>
  drift.map(({ op, path, value }) => ({ op, path, ...(value === undefined ? {} : { value }) }));
