// Adds and removes one context of a kubeconfig; everything else in the file stays as it was, comments and order included.
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { type Document, isMap, isSeq, parseDocument, type YAMLSeq } from "yaml";
import { CliError, EXIT, errorCode } from "../errors.ts";
import type { Env } from "../../store/env.ts";

export interface NewContext {
  /** Name of the context, its cluster and its user alike. */
  name: string;
  server: string;
  /** PEM; absent for plain HTTP. */
  ca?: string | undefined;
  token: string;
}

const parse = (text: string): Document => {
  const doc = parseDocument(text);
  if (doc.errors[0])
    throw new CliError(EXIT.usage, `the kubeconfig is not YAML: ${doc.errors[0].message.split("\n")[0]}`, { help: "it was not changed" });
  if (doc.contents !== null && !isMap(doc.contents))
    throw new CliError(EXIT.usage, "the kubeconfig is not a map", { help: "it was not changed" });
  return doc;
};

const listOf = (doc: Document, kind: string): YAMLSeq => {
  const list = doc.get(kind);
  if (isSeq(list)) return list;
  const made = doc.createNode([]) as YAMLSeq;
  doc.set(kind, made);
  return made;
};

const indexOf = (list: YAMLSeq, name: string): number => list.items.findIndex((item) => isMap(item) && item.get("name") === name);

/** Pure: the file's new text, and the context that was current before. */
export const withContext = (text: string, c: NewContext): { text: string; previous: string | undefined } => {
  const doc = parse(text);
  if (!isMap(doc.contents)) doc.contents = doc.createNode({ apiVersion: "v1", kind: "Config" }) as typeof doc.contents;
  const cluster = {
    server: c.server,
    ...(c.ca === undefined ? {} : { "certificate-authority-data": Buffer.from(c.ca).toString("base64") }),
  };
  const entries = { clusters: { cluster }, users: { user: { token: c.token } }, contexts: { context: { cluster: c.name, user: c.name } } };
  for (const [kind, value] of Object.entries(entries)) {
    const list = listOf(doc, kind);
    list.flow = false;
    const at = indexOf(list, c.name);
    const node = doc.createNode({ name: c.name, ...value });
    if (at < 0) list.add(node);
    else list.items[at] = node;
  }
  const before = doc.get("current-context");
  doc.set("current-context", c.name);
  return {
    text: doc.toString({ lineWidth: 0 }),
    previous: typeof before === "string" && before !== "" && before !== c.name ? before : undefined,
  };
};

/** Pure: the text without that context, its cluster and its user; current-context falls back to `previous` when that exists, else to nothing. Undefined: nothing to do. */
export const withoutContext = (text: string, name: string, previous?: string): string | undefined => {
  const doc = parse(text);
  if (!isMap(doc.contents)) return undefined;
  let changed = false;
  for (const kind of ["clusters", "users", "contexts"]) {
    const list = doc.get(kind);
    const at = isSeq(list) ? indexOf(list, name) : -1;
    if (at < 0 || !isSeq(list)) continue;
    list.items.splice(at, 1);
    if (list.items.length === 0) list.flow = true;
    changed = true;
  }
  if (doc.get("current-context") === name) {
    const contexts = doc.get("contexts");
    doc.set("current-context", previous !== undefined && isSeq(contexts) && indexOf(contexts, previous) >= 0 ? previous : "");
    changed = true;
  }
  return changed ? doc.toString({ lineWidth: 0 }) : undefined;
};

/**
 * Reads, edits and replaces the file in one rename, under the lock file that kubectl uses. New files and changed ones get mode 0600.
 * `edit` answers the new text, or undefined to leave the file alone.
 */
export const editKubeconfig = async (path: string, clock: Env, edit: (text: string) => string | undefined): Promise<void> => {
  // A link stays a link: the file behind it is replaced.
  const real = existsSync(path) ? realpathSync(path) : path;
  mkdirSync(dirname(real), { recursive: true, mode: 0o700 });
  const unlock = await lock(`${real}.lock`, clock);
  try {
    const before = existsSync(real) ? readFileSync(real, "utf8") : "";
    const after = edit(before);
    if (after === undefined || after === before) return;
    const next = `${real}.${process.pid}.tmp`;
    try {
      writeFileSync(next, after, { mode: 0o600, flag: "wx" });
      chmodSync(next, 0o600);
      renameSync(next, real);
    } catch (error) {
      rmSync(next, { force: true });
      throw error;
    }
  } finally {
    unlock();
  }
};

const lock = async (path: string, clock: Env): Promise<() => void> => {
  for (let tries = 0; ; tries++) {
    try {
      closeSync(openSync(path, "wx", 0o600));
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      if (tries >= 40)
        throw new CliError(EXIT.conflict, `${path} exists: another program is writing the kubeconfig`, {
          help: "if none is, remove that file",
        });
      await clock.sleep(50);
    }
  }
};
