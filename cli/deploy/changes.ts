// What a change of a Stack does to each service. Pure: from two normalised bodies to words.
import { isDeepStrictEqual } from "node:util";
import type { NormalService, NormalStack } from "../../schemas/compose/normal.ts";

export type Effect = "create" | "replace" | "update" | "scale" | "delete" | "unchanged";

export interface FieldChange {
  /** `image`, `env.VERSION`, `limits.memoryBytes` */
  path: string;
  /** Absent: it was not there. Environment values are never shown. */
  from?: unknown;
  to?: unknown;
}

export interface ServiceChange {
  service: string;
  effect: Effect;
  mode: "replicated" | "global";
  replicas: { from: number; to: number };
  image: string;
  /** What keeps it on a node: named volumes. */
  volumes: string[];
  ports: string[];
  changes: FieldChange[];
}

/** Docker changes these in a running container; every other difference makes another container. Mirrors the controller's template hash. */
const LIVE = new Set(["limits", "restart"]);

export const serviceChanges = (live: NormalStack | undefined, next: NormalStack): ServiceChange[] => {
  const before = new Map((live?.services ?? []).map((s) => [s.name, s]));
  const after = new Map(next.services.map((s) => [s.name, s]));
  return [...new Set([...before.keys(), ...after.keys()])].toSorted().map((name) => change(before.get(name), after.get(name)));
};

const change = (a: NormalService | undefined, b: NormalService | undefined): ServiceChange => {
  const shown = (b ?? a) as NormalService;
  const base = {
    service: shown.name,
    mode: shown.mode,
    replicas: { from: a?.replicas ?? 0, to: b?.replicas ?? 0 },
    image: shown.container.image,
    volumes: shown.container.mounts.flatMap((m) => (m.type === "volume" && m.volume ? [m.volume.key] : [])),
    ports: shown.container.ports.map(
      (p) => `${p.hostIp ? `${p.hostIp}:` : ""}${p.published ?? "auto"}→${p.target}${p.protocol === "tcp" ? "" : `/${p.protocol}`}`,
    ),
  };
  if (!a) return { ...base, effect: "create", changes: [] };
  if (!b) return { ...base, effect: "delete", changes: [] };
  const { container: ca, ...ra } = a;
  const { container: cb, ...rb } = b;
  const inside = differences(ca, cb, []);
  const around = differences(ra, rb, []);
  const changes = [...around, ...inside].map(hideValues);
  const replaced = a.mode !== b.mode || inside.some((c) => !LIVE.has(c.path.split(".")[0] ?? ""));
  const effect: Effect = replaced
    ? "replace"
    : inside.length > 0
      ? "update"
      : around.length === 0
        ? "unchanged"
        : around.every((c) => c.path === "replicas")
          ? "scale"
          : "update";
  return { ...base, effect, changes };
};

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** Maps are compared by key, lists as a whole. */
const differences = (a: unknown, b: unknown, path: readonly string[]): FieldChange[] => {
  if (isObj(a) && isObj(b))
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted().flatMap((key) => differences(a[key], b[key], [...path, key]));
  if (isDeepStrictEqual(a, b)) return [];
  return [{ path: path.join("."), ...(a === undefined ? {} : { from: a }), ...(b === undefined ? {} : { to: b }) }];
};

/** Half of all Compose files keep a password in `environment`: which one changed is told, not its value. */
const hideValues = (c: FieldChange): FieldChange => {
  if (!/^env\b/.test(c.path)) return c;
  return { path: c.path, ...("from" in c ? { from: "*** (before)" } : {}), ...("to" in c ? { to: "*** (after)" } : {}) };
};
