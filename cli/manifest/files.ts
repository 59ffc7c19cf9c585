// What `-f` names: files, directories, standard input. And the Compose file and the .env that a folder has.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { CLI } from "../../schemas/constants.ts";
import { errorText, usage } from "../errors.ts";
import type { Io } from "../io.ts";
import { parseDotenv } from "./dotenv.ts";
import { MAX_BYTES } from "../../schemas/yaml.ts";

export interface InputFile {
  /** As shown in messages. */
  name: string;
  text: string;
  /** Folder for relative paths and .env. */
  dir: string;
  /** Absolute; standard input's is made up. */
  path: string;
  /** Stands in a directory that was named, not itself. */
  listed?: true;
}

/** Names in a folder, best first. Source: Compose specification, "Compose file". */
export const COMPOSE_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"] as const;

const OVERRIDES = ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yaml", "docker-compose.override.yml"];

/** The Compose files that a folder has by their names: one, and what lies over it. */
export const composeFilesIn = (dir: string): string[] => {
  const first = (names: readonly string[]): string[] =>
    names
      .map((name) => join(dir, name))
      .filter((path) => existsSync(path))
      .slice(0, 1);
  const base = first(COMPOSE_NAMES);
  return base.length === 0 ? [] : [...base, ...first(OVERRIDES)];
};

/**
 * What is meant when nobody names a file: COMPOSE_FILE (of the shell or of .env), else the Compose files of this folder or of the nearest folder above that has some.
 * Paths are relative to the folder where they are below it. @throws CliError (exit 2) when there is none
 */
export const defaultInputs = (io: Io, envFiles: readonly string[]): readonly string[] => {
  const lookup = variables(io, io.cwd, envFiles);
  const named = lookup("COMPOSE_FILE");
  if (named) return named.split(lookup("COMPOSE_PATH_SEPARATOR") || ":").filter((path) => path !== "");
  for (let dir = io.cwd; ; dir = dirname(dir)) {
    const found = composeFilesIn(dir);
    if (found.length > 0) return found.map((path) => shorter(io.cwd, path));
    if (dir === dirname(dir)) break;
  }
  throw usage(`no ${COMPOSE_NAMES.join(", ")} in ${io.cwd}, nor above it`, "name a manifest with -f");
};

/** @throws CliError (exit 2): missing, unreadable, or nothing to read in a directory */
export const readInputs = async (io: Io, paths: readonly string[]): Promise<InputFile[]> => {
  const inputs: InputFile[] = [];
  let stdinRead = false;
  for (const path of paths) {
    if (path === "-") {
      if (stdinRead) throw usage("-f - was given twice");
      stdinRead = true;
      inputs.push({ name: "stdin", text: await io.stdin(), dir: io.cwd, path: join(io.cwd, "-") });
      continue;
    }
    if (/^https?:\/\//.test(path)) throw usage(`-f ${path}: addresses are not supported yet`, `curl -fsSL ${path} | ${CLI} apply -f -`);
    const full = resolve(io.cwd, path);
    let directory: boolean;
    try {
      directory = statSync(full).isDirectory();
    } catch (error) {
      throw usage(`cannot read ${path}: ${errorText(error)}`);
    }
    if (!directory) {
      inputs.push(readInput(io, full, path));
      continue;
    }
    const names = readdirSync(full)
      .filter((name) => /\.(ya?ml|json)$/.test(name) && statSync(join(full, name)).isFile())
      .toSorted();
    if (names.length === 0) throw usage(`${path} has no .yaml, .yml or .json file`);
    for (const name of names) inputs.push({ ...readInput(io, join(full, name), join(path, name)), listed: true });
  }
  return inputs;
};

const readInput = (io: Io, full: string, name: string): InputFile => {
  try {
    const { size } = statSync(full);
    if (size > MAX_BYTES) throw usage(`${name} is larger than ${MAX_BYTES / 1024 / 1024} MiB: not a manifest`);
    const bytes = readFileSync(full);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { name: name.startsWith("/") ? shorter(io.cwd, full) : name, text, dir: dirname(full), path: full };
  } catch (error) {
    if (error instanceof TypeError) throw usage(`${name} is not UTF-8 text`);
    throw error instanceof Error && error.name === "CliError" ? error : usage(`cannot read ${name}: ${errorText(error)}`);
  }
};

/** Relative where that is below the folder. */
export const shorter = (cwd: string, full: string): string => {
  const near = relative(cwd, full);
  return near.startsWith("..") ? full : near;
};

/**
 * Variables for a Compose file in `dir`: the shell's win over the files', later files over earlier ones. Without `named`, those of COMPOSE_ENV_FILES are, else `.env` when it is there.
 * @throws CliError (exit 2): a named file is missing, or a line cannot be read
 */
export const variables = (io: Pick<Io, "env" | "cwd">, dir: string, named: readonly string[]): ((name: string) => string | undefined) => {
  const shell = (name: string): string | undefined => io.env[name];
  const values = new Map<string, string>();
  const own = named.length > 0 ? named : (io.env["COMPOSE_ENV_FILES"] ?? "").split(",").filter((p) => p !== "");
  const fallback = join(dir, ".env");
  const off = /^(1|true|yes|on)$/i.test(io.env["COMPOSE_DISABLE_ENV_FILE"] ?? "");
  for (const path of own.length > 0 ? own.map((p) => resolve(io.cwd, p)) : existsSync(fallback) && !off ? [fallback] : []) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      throw usage(`cannot read the variables in ${shorter(io.cwd, path)}: ${errorText(error)}`);
    }
    const parsed = parseDotenv(text, (name) => shell(name) ?? values.get(name));
    const problem = parsed.problems[0];
    if (problem) throw usage(`${shorter(io.cwd, path)}:${problem.line}: ${problem.message}`);
    for (const [k, v] of parsed.values) values.set(k, v);
  }
  return (name) => shell(name) ?? values.get(name);
};
