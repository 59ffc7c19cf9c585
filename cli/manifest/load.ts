// From `-f` to objects: Stack and other manifests, and Compose projects. All problems at once, each with its place.
import { readFileSync, statSync } from "node:fs";
import { API_VERSION, CLI } from "../../schemas/constants.ts";
import { parseObject, type ParseResult } from "../../schemas/parse.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../../schemas/resources.ts";
import { type ManifestDocument, parseManifests } from "../../schemas/yaml.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Style } from "../text/style.ts";
import { problemOf, warningOf } from "./check.ts";
import { loadProject } from "./compose/project.ts";
import { parseTrees } from "./compose/model.ts";
import { type Files, Session } from "./compose/session.ts";
import { looksLikeCompose, oldCompose } from "./compose/form.ts";
import { withoutNullMaps } from "./null-maps.ts";
import { composeFilesIn, type InputFile, readInputs, shorter, variables } from "./files.ts";
import { type Problem, showProblems } from "./problem.ts";
import { yamlTraps } from "./traps.ts";

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [key: string]: unknown;
}

/** An object to apply, and where it came from. */
export interface Loaded {
  manifest: Manifest;
  resource: Resource;
  file: string;
  /** Comes from a Compose project. */
  compose?: true;
  /** Made of a Compose file's configs and secrets: name of the Stack that it belongs to, and goes with. */
  madeFor?: string;
}

export interface LoadOptions {
  namespace: string;
  projectName?: string | undefined;
  envFiles: readonly string[];
  /** Of a Compose project. Default: COMPOSE_PROFILES. */
  profiles?: readonly string[];
}

type Obj = Record<string, unknown>;
type Document<F> = Extract<ManifestDocument, { form: F }>;

/** A Compose project, or a file of manifests. */
type Unit = { compose: true; inputs: InputFile[] } | { compose: false; input: InputFile };

/**
 * Reads everything, prints warnings to stderr. What a Stack needs comes before it.
 * @throws CliError (exit 2) with all errors as code frames
 */
export const loadManifests = async (io: Io, style: Style, paths: readonly string[], o: LoadOptions): Promise<Loaded[]> => {
  if (paths.length === 0) throw usage("no manifest was named", `for example: ${CLI} apply -f shop.yaml`);
  const problems: Problem[] = [];
  const texts = new Map<string, string>();
  const inputs = await readInputs(io, paths);
  for (const { name, text } of inputs) texts.set(name, text);
  const loaded = unitsOf(inputs).flatMap((unit) => {
    const found = unit.compose ? readProject(io, unit.inputs, o) : readObjects(unit.input, o);
    problems.push(...found.problems);
    for (const [name, text] of found.texts) texts.set(name, text);
    return found.loaded;
  });
  duplicates(loaded, o, problems);
  const errors = problems.filter((p) => p.severity === "error");
  if (errors.length > 0) throw new CliError(EXIT.usage, errors[0]?.message ?? "", { text: showProblems(problems, texts, style) });
  if (problems.length > 0) io.stderr.write(showProblems(problems, texts, style));
  return loaded;
};

/** Compose files that are named are one project, in their order; a directory that has one by its name is one; any other file is itself. */
const unitsOf = (inputs: readonly InputFile[]): Unit[] => {
  const units: Unit[] = [];
  let named: InputFile[] | undefined;
  const folders = new Map<string, readonly string[]>();
  for (const input of inputs) {
    const compose = looksLikeCompose(input.text, named !== undefined && !input.listed);
    if (!input.listed) {
      if (!compose) units.push({ compose: false, input });
      else if (named) named.push(input);
      else units.push({ compose: true, inputs: (named = [input]) });
      continue;
    }
    if (!folders.has(input.dir)) {
      const own = composeFilesIn(input.dir);
      folders.set(input.dir, own);
      const project = own.flatMap((path) => inputs.filter((i) => i.listed && i.path === path));
      if (project.length > 0) units.push({ compose: true, inputs: project });
    }
    const own = folders.get(input.dir) ?? [];
    // Beside a Compose file stand other files: settings of its programs, Compose files for other ends.
    if (own.length > 0 && (own.includes(input.path) || compose || !/^\s*["']?kind["']?\s*:/m.test(input.text))) continue;
    units.push(compose ? { compose: true, inputs: [input] } : { compose: false, input });
  }
  return units;
};

interface Read {
  loaded: Loaded[];
  problems: Problem[];
  texts: ReadonlyMap<string, string>;
}

const readObjects = ({ name, text }: InputFile, o: LoadOptions): Read => {
  const lines = text.split("\n");
  const lineOf = (_file: string, line: number): string => lines[line - 1] ?? "";
  const old = oldCompose(text, name);
  if (old) {
    const message = "this is a Compose file of the first version, whose services stand at top level; Compose no longer reads them either";
    const help = "Write `services:` above them, and move them below it by two spaces.";
    return { loaded: [], problems: [{ severity: "error", code: "SF1104", message, ...old, help }], texts: new Map() };
  }
  const { documents, problems: broken } = parseManifests(text, name);
  const problems = broken.map((p) => problemOf(p, name, lineOf, false));
  if (documents.length === 0 && problems.length === 0)
    problems.push({ severity: "error", code: "SF1107", message: "there is nothing in it", file: name });
  const loaded = documents.flatMap((d) => {
    const result = d.form === "compose" ? parseObject(d.value, { source: d.source }) : d.result;
    return check(result, name, lineOf, false, problems) ? [objectOf((d as Document<"object">).value as Manifest, name, o)] : [];
  });
  if (broken.length === 0) problems.push(...yamlTraps(name, text));
  return { loaded, problems, texts: new Map() };
};

const objectOf = (manifest: Manifest, file: string, o: LoadOptions): Loaded => {
  const resource = Object.values(RESOURCES).find((r) => r.kind === manifest.kind && apiVersionOf(r) === manifest.apiVersion) as Resource;
  const { status: _, ...rest } = manifest;
  const { metadata } = manifest;
  const spec = manifest.kind === "Stack" ? { spec: withoutNullMaps(manifest["spec"] as Obj) } : {};
  const namespace = resource.namespaced ? { namespace: metadata.namespace || o.namespace } : {};
  return { manifest: { ...rest, ...spec, metadata: { ...metadata, ...namespace } }, resource, file };
};

const disk: Files = {
  read: (path) => readFileSync(path),
  isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
};

const readProject = (io: Io, inputs: readonly InputFile[], o: LoadOptions): Read => {
  const [{ dir, name: file }] = inputs as [InputFile];
  const names = new Map(inputs.map((i) => [i.path, i.name]));
  const session = new Session({ files: disk, home: io.home, nameOf: (path) => names.get(path) ?? shorter(io.cwd, path) });
  for (const input of inputs) parseTrees(session, input.path, input.text);
  const lookup = variables(io, dir, o.envFiles);
  const list = (text: string | undefined): string[] =>
    (text ?? "")
      .split(",")
      .map((p) => p.trim())
      .filter((p) => p !== "");
  const project = loadProject(session, {
    files: inputs.map((i) => i.path),
    dir,
    lookup,
    namespace: o.namespace,
    profiles: o.profiles?.length ? o.profiles : list(lookup("COMPOSE_PROFILES")),
    name: o.projectName ?? (lookup("COMPOSE_PROJECT_NAME") || undefined),
  });
  const { problems, texts } = session;
  const manifest: Manifest = {
    apiVersion: API_VERSION,
    kind: "Stack",
    metadata: { name: project.stack, namespace: o.namespace },
    spec: project.spec,
  };
  // What follows from an error is no help; a missing image has been spoken of.
  if (problems.every((p) => p.severity === "warning" || p.code === "SF1201")) {
    const source = {
      position: (keys: readonly (string | number)[], onKey: boolean) => project.place(keys[0] === "spec" ? keys.slice(1) : [], onKey),
    };
    check(parseObject(manifest, { source }), file, (f, line) => session.line({ file: f, line }), true, problems);
  }
  const made = project.objects.map((object): Loaded => {
    const resource = object.kind === "Secret" ? RESOURCES.secrets : RESOURCES.configmaps;
    return { manifest: object, resource, file, compose: true, madeFor: project.stack };
  });
  return { loaded: [...made, { manifest, resource: RESOURCES.stacks, file, compose: true }], problems, texts };
};

/** Whether it is sound; problems and warnings are added. */
const check = (
  result: ParseResult,
  file: string,
  lineOf: (file: string, line: number) => string,
  compose: boolean,
  problems: Problem[],
): boolean => {
  for (const w of result.warnings) problems.push(warningOf(w, file, lineOf, compose));
  if (!("problems" in result)) return true;
  for (const p of result.problems) problems.push(problemOf(p, file, lineOf, compose));
  return false;
};

const duplicates = (loaded: readonly Loaded[], o: LoadOptions, problems: Problem[]): void => {
  const seen = new Map<string, Loaded>();
  for (const l of loaded) {
    const key = `${l.resource.resource}/${l.manifest.metadata.namespace ?? ""}/${l.manifest.metadata.name}`;
    const first = seen.get(key);
    if (!first) {
      seen.set(key, l);
      continue;
    }
    const message = `${l.resource.singular} ${l.manifest.metadata.name} is given twice${first.file === l.file ? "" : `: also in ${first.file}`}`;
    const help = o.projectName === undefined ? undefined : "-p names one Stack; apply the files one by one";
    problems.push({ severity: "error", code: "SF1108", message, file: l.file, help });
  }
};
