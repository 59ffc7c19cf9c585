// What a container's environment and limits are in Compose. Pure.
import type { ComposeService } from "../../../schemas/types.ts";
import { isObject, type Json } from "../../json.ts";

type Body = Partial<ComposeService>;

/** Variables by name; undefined: not all of them are a name with a value, or one is there twice. */
const variablesOf = (list: Json | undefined): Map<string, string> | undefined => {
  const found = new Map<string, string>();
  for (const v of Array.isArray(list) ? list : []) {
    if (!isObject(v)) return undefined;
    const { name, value = "", ...rest } = v;
    if (typeof name !== "string" || name === "" || name.includes("=") || typeof value !== "string" || found.has(name)) return undefined;
    if (Object.values(rest).some((r) => r !== null)) return undefined;
    found.set(name, value);
  }
  return found;
};

/**
 * The service with the variables of `after` in place of those of `before`, written as it wrote them (lines, or a map); what
 * does not change stays as it is written. Undefined: there is something that Compose has no form for.
 */
export const withEnvironment = (body: Body, before: Json | undefined, after: Json | undefined): Body | undefined => {
  const [was, is] = [variablesOf(before) ?? new Map<string, string>(), variablesOf(after)];
  if (!is) return undefined;
  const { environment, ...rest } = body;
  const same = (name: string): boolean => is.has(name) && is.get(name) === was.get(name);
  const changed = [...is].filter(([name]) => !same(name));
  if (Array.isArray(environment) || !environment) {
    const nameOf = (line: string): string => line.split("=", 1)[0] ?? "";
    const lines = [...(environment ?? []).filter((line) => same(nameOf(line))), ...changed.map(([name, value]) => `${name}=${value}`)];
    return lines.length === 0 ? rest : { ...rest, environment: lines };
  }
  const kept = Object.entries(environment).filter(([name]) => same(name));
  const entries = [...kept, ...changed];
  return entries.length === 0 ? rest : { ...rest, environment: Object.fromEntries(entries) };
};

const UNITS = [
  ["g", 1024 ** 3],
  ["m", 1024 ** 2],
  ["k", 1024],
] as const;
/** Bytes as Compose has them: `512m`. */
const size = (bytes: number): string | number => {
  const unit = UNITS.find(([, factor]) => bytes >= factor && bytes % factor === 0);
  return unit ? `${bytes / unit[1]}${unit[0]}` : bytes;
};

/** `amount` in cores or bytes; undefined takes the limit away. Whether it is a sound one is asked of the whole Stack. */
export const withLimit = (body: Body, what: "cpu" | "memory", amount: Json | undefined): Body => {
  const limit = typeof amount !== "number" ? amount : what === "cpu" ? String(amount) : size(amount);
  // The service may have said so itself, with `cpus` or `mem_limit`: both words must not differ.
  const { [what === "cpu" ? "cpus" : "mem_limit"]: _own, ...others } = body;
  const { deploy: { resources: { limits: was, ...resources } = {}, ...deploy } = {}, ...rest } = others;
  const limits = said({ ...was, [what === "cpu" ? "cpus" : "memory"]: limit });
  const all = said({ ...deploy, resources: said({ ...resources, limits }) });
  return { ...rest, ...(all && { deploy: all }) };
};

/** Without what is undefined; undefined itself when that leaves nothing. */
const said = (map: { [key: string]: unknown }): { [key: string]: unknown } | undefined => {
  const entries = Object.entries(map).filter(([, v]) => v !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
};
