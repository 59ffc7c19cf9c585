// A bare Compose file becomes the body of a Stack: variables, the environment and local paths are settled here; the server never sees them. Pure.
import { isAbsolute, join, resolve } from "node:path";
import { type Key, pathOf } from "../../schemas/problems.ts";
import type { Code } from "./codes.ts";
import { interpolate } from "./interpolate.ts";

export interface ComposeOptions {
  /** Variables: the shell's, then the .env files'. */
  lookup: (name: string) => string | undefined;
  /** Folder that relative paths are meant against. */
  dir: string;
  home: string;
}

export interface VariableProblem {
  keys: readonly Key[];
  code: Code;
  message: string;
  /** Name of the variable, to find it in the line. */
  variable: string | undefined;
  help: string | undefined;
}

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** @param value what the file says, with anchors and merge keys resolved */
export const composeBody = (value: Obj, o: ComposeOptions): { spec: Obj; name: string | undefined; problems: VariableProblem[] } => {
  const problems: VariableProblem[] = [];
  // Extension keys at top level are read by nobody; what they hold has been merged where it is used.
  const settled = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, k.startsWith("x-") ? v : fill(v, [k], o, problems)]));
  const { name, ...spec } = settled;
  return { spec: settleBody(spec, o), name: typeof name === "string" ? name : undefined, problems };
};

const fill = (value: unknown, keys: readonly Key[], o: ComposeOptions, problems: VariableProblem[]): unknown => {
  if (Array.isArray(value)) return value.map((item, i) => fill(item, [...keys, i], o, problems));
  if (isObj(value)) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, fill(v, [...keys, k], o, problems)]));
  if (typeof value !== "string" || !value.includes("$")) return value;
  const { text, problems: found } = interpolate(value, o.lookup);
  for (const p of found) {
    const place = ` (in ${pathOf(keys)})`;
    const name = p.variable;
    problems.push({
      keys,
      code: p.kind === "syntax" ? "SF1205" : "SF1203",
      message: p.kind === "required" && !p.message.includes(String(name)) ? `${name}: ${p.message}${place}` : `${p.message}${place}`,
      variable: name,
      help:
        p.kind === "syntax"
          ? undefined
          : p.kind === "required"
            ? `export ${name}=…, or put it into .env`
            : `export ${name}=…, put it into .env, or write \${${name}:-default}`,
    });
  }
  return cast(keys, text);
};

/** Fields that are no text: what a variable puts there is a number or a boolean. Source: compose-go, interpolation type casts. */
const CASTS: readonly [RegExp, "integer" | "boolean"][] = [
  [/^services\.[^.]+\.(init|read_only|privileged|tty|stdin_open|oom_kill_disable)$/, "boolean"],
  [/^services\.[^.]+\.healthcheck\.disable$/, "boolean"],
  [/^services\.[^.]+\.healthcheck\.retries$/, "integer"],
  [/^services\.[^.]+\.deploy\.replicas$/, "integer"],
  [/^services\.[^.]+\.ports\.\d+\.target$/, "integer"],
  [/^services\.[^.]+\.volumes\.\d+\.(read_only|bind\.create_host_path|volume\.nocopy)$/, "boolean"],
  [/^services\.[^.]+\.depends_on\.[^.]+\.(required|restart)$/, "boolean"],
  [/^(networks|volumes|secrets|configs)\.[^.]+\.(external|internal|attachable)$/, "boolean"],
];

const cast = (keys: readonly Key[], text: string): unknown => {
  // A service's name may have dots.
  const path = keys.map((k) => String(k).replaceAll(".", "_")).join(".");
  const kind = CASTS.find(([pattern]) => pattern.test(path))?.[1];
  if (kind === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (kind === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
};

const settleBody = (spec: Obj, o: ComposeOptions): Obj => {
  const { services } = spec;
  if (!isObj(services)) return withoutNullMaps(spec);
  return withoutNullMaps({
    ...spec,
    services: Object.fromEntries(Object.entries(services).map(([name, s]) => [name, isObj(s) ? settleService(s, o) : s])),
  });
};

const settleService = (service: Obj, o: ComposeOptions): Obj => ({
  ...service,
  ...(service["environment"] === undefined || service["environment"] === null
    ? {}
    : { environment: environment(service["environment"], o) }),
  ...(Array.isArray(service["volumes"]) ? { volumes: service["volumes"].map((v) => volume(v, o)) } : {}),
});

/** A name without a value takes it from where the command runs; one that has none there is left out. */
const environment = (value: unknown, o: ComposeOptions): unknown => {
  const given = (name: string): string[] => {
    const found = o.lookup(name);
    return found === undefined ? [] : [found];
  };
  if (Array.isArray(value))
    return value.flatMap((item: unknown) =>
      typeof item !== "string" || item.includes("=") ? [item] : given(item).map((found) => `${item}=${found}`),
    );
  if (!isObj(value)) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === null ? given(k).map((found) => [k, found]) : [[k, v]])));
};

const localPath = (path: string, o: ComposeOptions): string =>
  path === "~" || path.startsWith("~/") ? join(o.home, path.slice(1)) : isAbsolute(path) ? path : resolve(o.dir, path);

const volume = (v: unknown, o: ComposeOptions): unknown => {
  if (typeof v === "string") {
    const at = v.indexOf(":");
    return at > 0 && /^[.~]/.test(v) ? localPath(v.slice(0, at), o) + v.slice(at) : v;
  }
  if (isObj(v) && v["type"] === "bind" && typeof v["source"] === "string") return { ...v, source: localPath(v["source"], o) };
  return v;
};

/** `volumes: {data: }` means "with defaults". A JSON merge patch would read null as "remove". */
export const withoutNullMaps = (spec: Obj): Obj => {
  const filled = { ...spec };
  for (const key of ["volumes", "networks"]) if (isObj(filled[key])) filled[key] = emptyForNull(filled[key]);
  if (isObj(filled["services"]))
    filled["services"] = Object.fromEntries(
      Object.entries(filled["services"]).map(([name, s]) => [
        name,
        isObj(s) && isObj(s["networks"]) ? { ...s, networks: emptyForNull(s["networks"]) } : s,
      ]),
    );
  return filled;
};

const emptyForNull = (map: Obj): Obj => Object.fromEntries(Object.entries(map).map(([k, v]) => [k, v === null ? {} : v]));
