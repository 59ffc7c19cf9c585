// Configs and secrets: what the Stack declares, and where a service has them as files.
import { posix } from "node:path";
import { EXTENSION } from "../constants.ts";
import type { FileSource, FileSpec } from "../fleet.ts";
import { subdomainProblem } from "../labels.ts";
import type { ComposeConfig, ComposeFile, ComposeSecret } from "../types.ts";
import { show } from "../words.ts";
import { type Field, variableHelp } from "./context.ts";
import { entriesOf, externalOf } from "./declared.ts";
import { permissions } from "./permissions.ts";
import { normalizeLabels } from "./values.ts";

export type Sources = ReadonlyMap<string, FileSource>;

const READABLE = 0o444;
const BASE = { config: "/", secret: "/run/secrets/" } as const;

const objectSource = (
  kind: "ConfigMap" | "Secret",
  key: string,
  name: string | undefined,
  settings: ComposeConfig | ComposeSecret,
  field: Field,
): FileSource => {
  const written = name ?? key;
  const problem = subdomainProblem(written);
  // A swarm's names have letters that those of objects have not: `db_password`.
  const near = written.toLowerCase().replaceAll("_", "-");
  const object = problem && !subdomainProblem(near) ? near : written;
  if (problem) {
    const at = name === undefined ? field : settings.name === undefined ? field.at("external", "name") : field.at("name");
    const help = name === undefined ? `Say which ${kind} it is: \`${key}: {external: true, name: …}\`.` : variableHelp(written);
    if (object === written) at.problem("Invalid", `the name of the ${kind}, ${show(written)}, ${problem}`, help);
    else at.warn(`is read from the ${kind} ${show(object)}: names of objects have lower-case letters, digits, "-" and "."`);
  }
  const item = settings[EXTENSION]?.key;
  if (item !== undefined && !/^[-._a-zA-Z0-9]{1,253}$/.test(item)) {
    field.at(EXTENSION, "key").problem("Invalid", `${show(item)} can be no key of a ${kind}, which has letters, digits, "-", "_" and "."`);
  }
  return { kind, name: object, ...(item === undefined ? {} : { item }) };
};

const checkLabels = (settings: ComposeConfig | ComposeSecret, field: Field): void => {
  const labels = normalizeLabels(settings.labels, field.at("labels"));
  if (Object.keys(labels).length > 0) field.at("labels").warn("has no effect: files have no labels");
};

/** By key. */
export const declaredConfigs = (section: Readonly<Record<string, ComposeConfig>> | null | undefined, field: Field): Sources => {
  const found = new Map<string, FileSource>();
  for (const [key, settings, at] of entriesOf(section, field)) {
    const { external, name } = externalOf(settings, at);
    checkLabels(settings, at);
    const { content } = settings;
    if (external && content !== undefined)
      at.at("content").keyProblem("Forbidden", "what is external has its content already", "Keep one of `content` and `external`.");
    else if (external) found.set(key, objectSource("ConfigMap", key, name, settings, at));
    else if (content === undefined)
      at.problem("Required", "has no content", `Write \`content\`, or \`external: true\` for the ConfigMap ${show(key)}.`);
    else {
      if (settings[EXTENSION]?.key !== undefined)
        at.at(EXTENSION, "key").keyProblem("Forbidden", "belongs to `external: true`", "Remove it.");
      if (name !== undefined && name !== key) at.at("name").warn("has no effect beside `content`: nobody else sees this config");
      found.set(key, { kind: "Inline", content });
    }
  }
  return found;
};

/** By key. */
export const declaredSecrets = (section: Readonly<Record<string, ComposeSecret>> | null | undefined, field: Field): Sources => {
  const found = new Map<string, FileSource>();
  for (const [key, settings, at] of entriesOf(section, field)) {
    const { external, name } = externalOf(settings, at);
    checkLabels(settings, at);
    if (external) found.set(key, objectSource("Secret", key, name, settings, at));
    else
      at.problem(
        "Required",
        "does not say where the value is",
        `Make a Secret (\`kubectl create secret generic ${key} …\`), and write \`external: true\`.`,
      );
  }
  return found;
};

const idOf = (id: string | number | undefined, what: string, field: Field): string | undefined => {
  if (id === undefined || /^\d{1,10}$/.test(String(id))) return id === undefined ? undefined : String(id);
  field.problem("Invalid", `must be the number of a ${what}; got ${show(id)}`, variableHelp(String(id)));
  return undefined;
};

const normalizeFile = (
  kind: FileSpec["kind"],
  written: string | ComposeFile,
  sources: Sources | undefined,
  field: Field,
): FileSpec | undefined => {
  const file = typeof written === "string" ? { source: written } : written;
  const { source: key, target, mode } = file;
  const at = typeof written === "string" ? field : field.at("source");
  const source = sources?.get(key);
  if (sources && !source) {
    const guess = at.guess(key, sources.keys());
    const help = guess ? undefined : `Declare it: \`${kind}s: {${key}: {external: true}}\` beside \`services\`.`;
    at.problem("Invalid", `the ${kind} ${show(key)} is not declared under spec.${kind}s${guess}`, help);
  }
  // A path that leaves its folder is told of, not followed.
  const path = target ?? key;
  const whole = posix.normalize(path.startsWith("/") ? path : `${BASE[kind]}${path}`);
  if (path === "" || /\/\.?$|(^|\/)\.\.(\/|$)|\0/.test(path) || whole.endsWith("/")) {
    const help = variableHelp(path) ?? "Write a plain path, such as `/etc/app.conf`.";
    field.at("target").problem("Invalid", `${show(path)} is no path of a file`, help);
  }
  const uid = idOf(file.uid, "user", field.at("uid"));
  const gid = idOf(file.gid, "group", field.at("gid"));
  const bits = mode === undefined ? READABLE : permissions(mode, field.at("mode"));
  if (!source) return undefined;
  return {
    kind,
    key,
    source,
    target: whole,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    mode: bits ?? READABLE,
  };
};

type Written = readonly (string | ComposeFile)[] | null | undefined;

/** Sorted by target; undefined where there are none. Two at one target are a problem. */
export const normalizeFiles = (
  service: { configs?: Written; secrets?: Written },
  context: { configs: Sources | undefined; secrets: Sources | undefined },
  field: Field,
): FileSpec[] | undefined => {
  const found = new Map<string, FileSpec>();
  for (const [kind, written, sources] of [
    ["config", service.configs, context.configs],
    ["secret", service.secrets, context.secrets],
  ] as const) {
    (written ?? []).forEach((entry, i) => {
      const at = field.at(`${kind}s`, i);
      const file = normalizeFile(kind, entry, sources, at);
      if (!file) return;
      const before = found.get(file.target);
      if (before) at.problem("Duplicate", `the ${before.kind} ${show(before.key)} is at ${file.target} already`);
      found.set(file.target, file);
    });
  }
  return found.size > 0 ? [...found.values()].toSorted((a, b) => (a.target < b.target ? -1 : 1)) : undefined;
};
