// The configuration file: YAML whose keys are the long names of flags, at top level for all commands or below a command's name.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorCode, errorText, usage } from "./errors.ts";
import type { FileConfig, FlagSpec } from "./flags.ts";
import type { Io } from "./io.ts";
import { nearest as suggest } from "../schemas/words.ts";

/** Where the file is looked for when nobody names one, first match wins. */
export const defaultConfigPaths = (io: Pick<Io, "env" | "home">): string[] => [
  join(io.env["XDG_CONFIG_HOME"] || join(io.home, ".config"), "steadfleet", "config.yaml"),
  "/etc/steadfleet/config.yaml",
];

/**
 * Reads the file named by `--config` or STEADY_CONFIG, else the first default that exists.
 * @throws CliError (exit 2): the named file is missing, not YAML, or has a key that no command knows
 */
export const loadConfig = async (
  io: Pick<Io, "env" | "home" | "cwd">,
  named: string | undefined,
  commands: ReadonlyMap<string, readonly FlagSpec[]>,
): Promise<FileConfig | undefined> => {
  const wanted = named || io.env["STEADY_CONFIG"];
  for (const path of wanted ? [resolve(io.cwd, wanted)] : defaultConfigPaths(io)) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT" && !wanted) continue;
      if (!wanted && errorCode(error) === "EACCES") continue;
      throw usage(`cannot read the configuration file ${path}: ${errorText(error)}`);
    }
    return { path, values: await parse(path, text, commands) };
  }
  return undefined;
};

const parse = async (path: string, text: string, commands: ReadonlyMap<string, readonly FlagSpec[]>): Promise<Record<string, unknown>> => {
  const { parseDocument } = await import("yaml");
  const doc = parseDocument(text, { prettyErrors: true });
  const error = doc.errors[0];
  if (error) throw usage(`${path}: ${error.message}`);
  const values: unknown = doc.toJS() ?? {};
  if (!isMap(values)) throw usage(`${path}: expected a map of flags`, "for example: namespace: shop");
  const every = new Set<string>();
  for (const flags of commands.values()) for (const f of flags) if (!f.lineOnly) every.add(f.name);
  for (const [key, value] of Object.entries(values)) {
    const own = commands.get(key);
    if (own && isMap(value)) check(path, `${key}.`, Object.keys(value), new Set(own.filter((f) => !f.lineOnly).map((f) => f.name)));
    else if (own && !every.has(key)) throw usage(`${path}: ${key} is a command: expected a map of its flags`);
    else check(path, "", [key], new Set([...every, ...commands.keys()]));
  }
  return values;
};

const check = (path: string, prefix: string, keys: readonly string[], known: ReadonlySet<string>): void => {
  for (const key of keys) {
    if (known.has(key)) continue;
    const near = suggest(key, known);
    throw usage(
      `${path}: unknown key ${JSON.stringify(prefix + key)}`,
      near ? `did you mean ${prefix}${near}?` : "keys are the long names of flags: steady <command> --help",
    );
  }
};

const isMap = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);
