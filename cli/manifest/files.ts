// What `-f` names: files, directories, standard input. And the Compose file and the .env that a folder has.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
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
}

/** Names in a folder, best first. Source: Compose specification, "Compose file". */
export const COMPOSE_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"] as const;

export const composeFileIn = (dir: string): string | undefined =>
  COMPOSE_NAMES.map((name) => join(dir, name)).find((path) => existsSync(path));

/** @throws CliError (exit 2): missing, unreadable, or nothing to read in a directory */
export const readInputs = async (io: Io, paths: readonly string[]): Promise<InputFile[]> => {
  const inputs: InputFile[] = [];
  let stdinRead = false;
  for (const path of paths) {
    if (path === "-") {
      if (stdinRead) throw usage("-f - was given twice");
      stdinRead = true;
      inputs.push({ name: "stdin", text: await io.stdin(), dir: io.cwd });
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
    for (const name of names) inputs.push(readInput(io, join(full, name), join(path, name)));
  }
  return inputs;
};

const readInput = (io: Io, full: string, name: string): InputFile => {
  try {
    const { size } = statSync(full);
    if (size > MAX_BYTES) throw usage(`${name} is larger than ${MAX_BYTES / 1024 / 1024} MiB: not a manifest`);
    const bytes = readFileSync(full);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { name: name.startsWith("/") ? shorter(io.cwd, full) : name, text, dir: dirname(full) };
  } catch (error) {
    if (error instanceof TypeError) throw usage(`${name} is not UTF-8 text`);
    throw error instanceof Error && error.name === "CliError" ? error : usage(`cannot read ${name}: ${errorText(error)}`);
  }
};

const shorter = (cwd: string, full: string): string => {
  const near = relative(cwd, full);
  return near.startsWith("..") ? full : near;
};

/**
 * Variables for a Compose file in `dir`: the shell's win over the files', later files over earlier ones. Without `named`, `.env` is read when it is there.
 * @throws CliError (exit 2): a named file is missing, or a line cannot be read
 */
export const variables = (io: Io, dir: string, named: readonly string[]): ((name: string) => string | undefined) => {
  const shell = (name: string): string | undefined => io.env[name];
  const values = new Map<string, string>();
  const fallback = join(dir, ".env");
  for (const path of named.length > 0 ? named.map((p) => resolve(io.cwd, p)) : existsSync(fallback) ? [fallback] : []) {
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

/** A Stack's name out of a folder's or project's: lower case, digits and "-", at most 30 characters; undefined when nothing is left. */
export const stackNameOf = (text: string): string | undefined =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[-0-9]+/, "")
    .slice(0, 30)
    .replace(/-+$/, "") || undefined;

export const folderName = (dir: string): string => basename(resolve(dir));
