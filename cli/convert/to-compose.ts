// A Stack → a Compose file that says the same: the way back, so that nobody is locked in. Pure.
import type { KubeObject } from "../../schemas/meta.ts";

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

/** What a Stack says about itself outside its body; Compose keeps `x-` keys and reads none of them. */
export const ABOUT = "x-steadfleet-stack";

/** Annotations that tools write for themselves. */
const MACHINES = /^(kubectl\.kubernetes\.io|deployment\.kubernetes\.io)\//;

export interface ComposeFile {
  body: Obj;
  /** Configs and secrets that live in the cluster: the file names them, it does not hold them. */
  external: string[];
}

/** The body as it was written, with `$` escaped: Compose fills in variables, a Stack has none. */
export const composeOf = (stack: Pick<KubeObject, "metadata"> & { spec?: unknown }): ComposeFile => {
  const { name, namespace, labels, annotations } = stack.metadata;
  const { name: _named, version: _version, ...spec } = isObj(stack.spec) ? stack.spec : {};
  const said = Object.fromEntries(Object.entries(annotations ?? {}).filter(([key]) => !MACHINES.test(key)));
  const about = {
    ...(namespace && namespace !== "default" ? { namespace } : {}),
    ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(said).length > 0 ? { annotations: said } : {}),
  };
  return {
    body: {
      name,
      ...Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, key.startsWith("x-") ? value : escaped(value)])),
      ...(Object.keys(about).length > 0 ? { [ABOUT]: about } : {}),
    },
    external: ["configs", "secrets"].flatMap((section) =>
      Object.entries(isObj(spec[section]) ? spec[section] : {}).flatMap(([key, v]) =>
        isObj(v) && v["external"] === true ? [`${section}.${key}`] : [],
      ),
    ),
  };
};

/** Keys are no place for variables. */
const escaped = (value: unknown): unknown => {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(escaped);
  return isObj(value) ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, escaped(v)])) : value;
};
