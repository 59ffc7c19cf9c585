// A Compose project out of texts: no file is read.
import { join, relative } from "node:path";
import { loadProject, type Project } from "../manifest/compose/project.ts";
import { Session } from "../manifest/compose/session.ts";

export interface ComposeCase {
  /** By path below /app; those that `-f` names are the keys in `named`. */
  files: Record<string, string | Uint8Array>;
  named?: string[];
  env?: Record<string, string>;
  profiles?: string[];
  name?: string;
  lenient?: boolean;
}

export const DIR = "/app";

/** `problems`: `error file:line:column message`, in the order found. */
export const composeProject = (c: ComposeCase): Project & { problems: string[]; session: Session } => {
  const at = (path: string): string => relative(DIR, path);
  const named = c.named ?? ["compose.yaml"];
  const session = new Session({
    files: {
      read: (path) => {
        const found = c.files[at(path)];
        if (found === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
        return typeof found === "string" ? Buffer.from(found) : found;
      },
      isFile: (path) => Object.hasOwn(c.files, at(path)),
    },
    home: "/home/ann",
    nameOf: (path) => (path.startsWith(`${DIR}/`) ? at(path) : path),
    lenient: c.lenient,
  });
  const project = loadProject(session, {
    files: named.map((path) => join(DIR, path)),
    dir: DIR,
    lookup: (name) => c.env?.[name],
    namespace: "default",
    profiles: c.profiles ?? [],
    name: c.name,
  });
  const problems = session.problems.map(
    (p) => `${p.severity} ${p.file}${p.line === undefined ? "" : `:${p.line}:${p.column}`} ${p.message}`,
  );
  return { ...project, problems, session };
};

/** Of a project without problems; what is declared and not used is none. */
export const composeSpec = (c: ComposeCase): Record<string, unknown> => {
  const { spec, session } = composeProject(c);
  const problems = session.problems.filter((p) => p.code !== "SF1214").map((p) => `${p.file}:${p.line}:${p.column} ${p.message}`);
  if (problems.length > 0) throw new Error(problems.join("\n"));
  return spec;
};
