// The Compose projects below a folder: a file, and the override file beside it.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { looksLikeCompose } from "../../cli/manifest/compose/form.ts";
import { MAX_BYTES } from "../../schemas/yaml.ts";

export interface Found {
  /** Relative to the folder that was named. */
  name: string;
  /** Absolute; later ones lie over earlier ones. */
  files: string[];
}

const SKIPPED = new Set(["node_modules", ".git"]);
const COMPOSE_NAME = /(^|[._-])compose([._-].*)?\.ya?ml$/i;
const OVERRIDE = /\.override\.ya?ml$/i;

const yamlFiles = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : yamlFiles(path);
      return /\.ya?ml$/i.test(entry.name) && entry.isFile() && statSync(path).size <= MAX_BYTES ? [path] : [];
    });

/** Files that have services, and those that are called like Compose files and cannot be read. */
export const findProjects = (root: string): Found[] => {
  const paths = statSync(root).isDirectory() ? yamlFiles(root) : [root];
  const compose = paths.filter((path) => {
    const text = readFileSync(path, "utf8");
    if (looksLikeCompose(text, OVERRIDE.test(path))) return true;
    return COMPOSE_NAME.test(basename(path)) && !/^\s*kind\s*:/m.test(text) && /^\s*services\s*:/m.test(text);
  });
  const all = new Set(compose);
  const taken = new Set<string>();
  const projects = compose
    .filter((path) => !OVERRIDE.test(path))
    .map((path) => {
      const over = [".yaml", ".yml"].map((end) => path.replace(/\.ya?ml$/i, `.override${end}`)).filter((o) => all.has(o));
      for (const o of over) taken.add(o);
      return { name: relative(root, path) || basename(path), files: [path, ...over] };
    });
  const alone = compose.filter((path) => OVERRIDE.test(path) && !taken.has(path));
  return [...projects, ...alone.map((path) => ({ name: relative(root, path), files: [path] }))];
};

export const folderOf = (found: Found): string => dirname(found.files[0] as string);
