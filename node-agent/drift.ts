// Field-level comparison: what differs between a container and its spec, and what puts it right. Pure.
import { isDeepStrictEqual } from "node:util";
import type { AgentNote } from "../schemas/fleet.ts";
import { LABELS } from "../schemas/constants.ts";
import type { Comparable, ContainerFacts } from "./observe.ts";
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

const REPLACED = [
  "image",
  "command",
  "entrypoint",
  "user",
  "workingDir",
  "stopSignal",
  "healthcheck",
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

  for (const [path, wanted, actual] of [
    ["/limits/nanoCpus", want.limits.nanoCpus, have.spec.limits.nanoCpus],
    ["/limits/memory", want.limits.memory, have.spec.limits.memory],
    ["/limits/memorySwap", want.limits.memorySwap, have.spec.limits.memorySwap],
  ] as const) {
    if (wanted === actual || (path === "/limits/memorySwap" && actual <= 0)) continue;
    // 0 means "leave as it is" in an update: a limit cannot be taken away from a container that exists.
    if (path === "/limits/memorySwap" && wanted === 0) continue;
    found.push({
      op: wanted === 0 ? "remove" : "replace",
      path,
      ...(wanted === 0 ? {} : { value: wanted }),
      remedy: wanted === 0 ? "replace" : "update",
    });
  }
  if (!isDeepStrictEqual(want.restart, have.spec.restart))
    found.push({ op: "replace", path: "/restart", value: want.restart, remedy: "update" });

  found.push(...networkDrift(want, have, networkIds));
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

const networkDrift = (want: Comparable, have: ContainerFacts, ids: ReadonlyMap<string, string>): Drift[] => {
  const drift: Drift[] = [];
  for (const [network, aliases] of Object.entries(want.networks)) {
    const path = `/networks/${escape(network)}`;
    const actual = have.spec.networks[network];
    const id = ids.get(network);
    if (!actual) drift.push({ op: "add", path, value: aliases, remedy: "connect", network });
    else if (id !== undefined && have.networkIds[network] !== "" && have.networkIds[network] !== id)
      drift.push({ op: "replace", path: `${path}/id`, value: id, remedy: "replace", network });
    else if (aliases.some((a) => !actual.includes(a)))
      // Aliases belong to the endpoint: it is made anew, in two looks (disconnect now, connect when it is found missing).
      drift.push({ op: "replace", path: `${path}/aliases`, value: aliases, remedy: "disconnect", network });
  }
  for (const network of Object.keys(have.spec.networks)) {
    if (!(network in want.networks)) drift.push({ op: "remove", path: `/networks/${escape(network)}`, remedy: "disconnect", network });
  }
  return drift;
};

const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** As an AgentNote tells it. */
export const asPatch = (drift: readonly Drift[]): NonNullable<AgentNote["drift"]> =>
  drift.map(({ op, path, value }) => ({ op, path, ...(value === undefined ? {} : { value }) }));
