// A bare Compose file becomes the body of a Stack: variables, typed text, the environment and local paths are settled here; the server never sees them.
import { isAbsolute, join, resolve } from "node:path";
import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Scalar, visit } from "yaml";
import { interpolate } from "./interpolate.ts";
import type { Problem } from "./problem.ts";
import { locate, type Path, pathText, type Source } from "./source.ts";

export interface ComposeOptions {
  /** Variables: the shell's, then the .env files'. */
  lookup: (name: string) => string | undefined;
  /** Folder that relative paths are meant against. */
  dir: string;
  home: string;
}

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** Settles what only the client can; changes the source's document in place. `spec` is undefined when an error makes it worthless. */
export const composeBody = (
  source: Source,
  o: ComposeOptions,
): { spec: Obj | undefined; name: string | undefined; problems: Problem[] } => {
  const problems: Problem[] = [];
  interpolateDocument(source, o, problems);
  const value = toValue(source, problems);
  if (!isObj(value) || problems.some((p) => p.severity === "error")) return { spec: undefined, name: nameOf(value), problems };
  const { name: _, version, ...spec } = value;
  if (version !== undefined)
    problems.push({
      severity: "warning",
      code: "SF1204",
      message: "`version` is obsolete and means nothing; remove it",
      file: source.file,
      ...locate(source, ["version"]),
    });
  return { spec: settleBody(spec, o), name: nameOf(value), problems };
};

const nameOf = (value: unknown): string | undefined => (isObj(value) && typeof value["name"] === "string" ? value["name"] : undefined);

/** The document as plain data, with what people typed for numbers and booleans where Compose means text. */
export const toValue = (source: Source, problems: Problem[]): unknown => {
  keepTypedText(source.doc);
  try {
    return source.doc.toJS({ maxAliasCount: 1000 });
  } catch (error) {
    problems.push({
      severity: "error",
      code: "SF1003",
      message: error instanceof Error ? error.message : String(error),
      file: source.file,
    });
    return undefined;
  }
};

/** Maps whose values are text: `VERSION: 1.10` is "1.10", not "1.1". */
const TEXT_MAPS = new Set(["environment", "labels"]);

const keepTypedText = (doc: Document): void => {
  visit(doc, {
    Pair(_, pair, parents) {
      const key = isScalar(pair.key) ? String(pair.key.value) : "";
      if (!TEXT_MAPS.has(key) || !inService(parents) || !isMap(pair.value)) return;
      for (const item of pair.value.items) {
        const v = item.value;
        if (isScalar(v) && v.value !== null && typeof v.value !== "string") v.value = v.source ?? JSON.stringify(v.value);
      }
    },
  });
};

/** True for keys of a service, a network, a volume, or a `deploy`; not for an object's own metadata. */
const inService = (parents: readonly unknown[]): boolean =>
  parents.some((p) => isPair(p) && isScalar(p.key) && ["services", "networks", "volumes"].includes(String(p.key.value))) ||
  // Anchors under extension keys hold pieces of services.
  parents.some((p) => isPair(p) && isScalar(p.key) && String(p.key.value).startsWith("x-"));

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

const cast = (path: Path, text: string): unknown => {
  const kind = CASTS.find(([pattern]) => pattern.test(path.join(".")))?.[1];
  if (kind === "integer" && /^-?\d+$/.test(text)) return Number(text);
  if (kind === "boolean" && /^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  return text;
};

const interpolateDocument = (source: Source, o: ComposeOptions, problems: Problem[]): void => {
  const done = new Set<Scalar>();
  const walk = (node: unknown, path: Path): void => {
    if (isMap(node)) {
      // Extension keys are no part of what runs, but anchors in them are: a scalar is settled where it is first met.
      for (const pair of node.items) walk(pair.value, [...path, isScalar(pair.key) ? String(pair.key.value) : ""]);
    } else if (isSeq(node)) node.items.forEach((item, i) => walk(item, [...path, i]));
    else if (isAlias(node)) {
      const target = node.resolve(source.doc);
      if (target && path.length < 50) walk(target, path);
    } else if (isScalar(node) && !done.has(node) && typeof node.value === "string" && node.value.includes("$")) {
      done.add(node);
      settle(node, path, source, o, problems);
    }
  };
  walk(source.doc.contents, []);
};

const settle = (node: Scalar, path: Path, source: Source, o: ComposeOptions, problems: Problem[]): void => {
  const result = interpolate(node.value as string, o.lookup);
  for (const p of result.problems) {
    const from = node.range?.[0] ?? 0;
    const raw = source.text.slice(from, node.range?.[1] ?? from);
    const inside = p.variable ? raw.search(new RegExp(`\\$\\{?${p.variable}(?![A-Za-z0-9_])`)) : raw.indexOf("$");
    const { line, col } = source.counter.linePos(from + Math.max(0, inside));
    const length = p.variable ? p.variable.length + (raw[Math.max(0, inside) + 1] === "{" ? 3 : 1) : 1;
    problems.push({
      severity: "error",
      code: p.kind === "syntax" ? "SF1205" : "SF1203",
      message: p.kind === "required" ? `${p.message} (${p.variable}, in ${pathText(path)})` : `${p.message} (in ${pathText(path)})`,
      file: source.file,
      line,
      column: col,
      length,
      help:
        p.kind === "syntax"
          ? undefined
          : p.kind === "required"
            ? `export ${p.variable}=…, or put it into .env`
            : `export ${p.variable}=…, put it into .env, or write \${${p.variable}:-default}`,
    });
  }
  node.value = cast(path, result.text);
  // So that typed text is the settled one.
  delete node.source;
};

const settleBody = (spec: Obj, o: ComposeOptions): Obj => {
  const services = spec["services"];
  if (!isObj(services)) return withoutNullMaps(spec);
  return withoutNullMaps({
    ...spec,
    services: Object.fromEntries(Object.entries(services).map(([name, s]) => [name, isObj(s) ? settleService(s, o) : s])),
  });
};

const settleService = (service: Obj, o: ComposeOptions): Obj => {
  const settled = { ...service };
  if (service["environment"] !== undefined && service["environment"] !== null)
    settled["environment"] = environment(service["environment"], o);
  if (Array.isArray(service["volumes"])) settled["volumes"] = service["volumes"].map((v) => volume(v, o));
  return settled;
};

/** A name without a value takes it from where the command runs; one that has none there is left out. */
const environment = (value: unknown, o: ComposeOptions): unknown => {
  if (Array.isArray(value))
    return value.flatMap((item) => {
      if (typeof item !== "string" || item.includes("=")) return [item];
      const found = o.lookup(item);
      return found === undefined ? [] : [`${item}=${found}`];
    });
  if (!isObj(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([k, v]) => {
      if (v !== null) return [[k, v]];
      const found = o.lookup(k);
      return found === undefined ? [] : [[k, found]];
    }),
  );
};

const localPath = (path: string, o: ComposeOptions): string =>
  path === "~" || path.startsWith("~/") ? join(o.home, path.slice(1)) : isAbsolute(path) ? path : resolve(o.dir, path);

const volume = (v: unknown, o: ComposeOptions): unknown => {
  if (typeof v === "string") {
    const at = v.indexOf(":");
    const from = at < 0 ? v : v.slice(0, at);
    return at > 0 && /^[.~]/.test(from) ? localPath(from, o) + v.slice(at) : v;
  }
  if (isObj(v) && v["type"] === "bind" && typeof v["source"] === "string") return { ...v, source: localPath(v["source"], o) };
  return v;
};

/** `volumes: {data: }` means "with defaults". A JSON merge patch would read null as "remove". */
export const withoutNullMaps = (spec: Obj): Obj => {
  const filled = { ...spec };
  for (const key of ["volumes", "networks"]) if (isObj(filled[key])) filled[key] = fill(filled[key]);
  if (isObj(filled["services"]))
    filled["services"] = Object.fromEntries(
      Object.entries(filled["services"]).map(([name, s]) => [
        name,
        isObj(s) && isObj(s["networks"]) ? { ...s, networks: fill(s["networks"]) } : s,
      ]),
    );
  return filled;
};

const fill = (map: Obj): Obj => Object.fromEntries(Object.entries(map).map(([k, v]) => [k, v === null ? {} : v]));
