// From `-f` to objects: Stack and other manifests, and bare Compose files. All problems at once, each with its place.
import { API_VERSION, CLI } from "../../schemas/constants.ts";
import { parseObject, type ParseResult } from "../../schemas/parse.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../../schemas/resources.ts";
import { type ManifestDocument, parseManifests } from "../../schemas/yaml.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Style } from "../text/style.ts";
import { problemOf, tokenLength, warningOf } from "./check.ts";
import { composeBody, type VariableProblem, withoutNullMaps } from "./compose.ts";
import { folderName, type InputFile, readInputs, stackNameOf, variables } from "./files.ts";
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
}

export interface LoadOptions {
  namespace: string;
  projectName?: string | undefined;
  envFiles: readonly string[];
}

type Obj = Record<string, unknown>;
type Document<F> = Extract<ManifestDocument, { form: F }>;

/**
 * Reads everything, prints warnings to stderr.
 * @throws CliError (exit 2) with all errors as code frames
 */
export const loadManifests = async (io: Io, style: Style, paths: readonly string[], o: LoadOptions): Promise<Loaded[]> => {
  if (paths.length === 0) throw usage("no manifest was named", `for example: ${CLI} apply -f shop.yaml`);
  const loaded: Loaded[] = [];
  const problems: Problem[] = [];
  const texts = new Map<string, string>();
  for (const input of await readInputs(io, paths)) {
    texts.set(input.name, input.text);
    const found = new InputReader(io, input, o);
    loaded.push(...found.read());
    problems.push(...found.problems);
  }
  duplicates(loaded, o, problems);
  const errors = problems.filter((p) => p.severity === "error");
  if (errors.length > 0) throw new CliError(EXIT.usage, errors[0]?.message ?? "", { text: showProblems(problems, texts, style) });
  if (problems.length > 0) io.stderr.write(showProblems(problems, texts, style));
  return loaded;
};

class InputReader {
  readonly problems: Problem[] = [];
  readonly #io: Io;
  readonly #input: InputFile;
  readonly #o: LoadOptions;
  readonly #lines: readonly string[];

  constructor(io: Io, input: InputFile, o: LoadOptions) {
    this.#io = io;
    this.#input = input;
    this.#o = o;
    this.#lines = input.text.split("\n");
  }

  read(): Loaded[] {
    const { name, text } = this.#input;
    const { documents, problems } = parseManifests(text, name);
    for (const p of problems) this.problems.push(problemOf(p, name, this.#lines, false));
    if (documents.length === 0 && problems.length === 0)
      this.problems.push({ severity: "error", code: "SF1107", message: "there is nothing in it", file: name });
    const loaded = documents.flatMap((d) => (d.form === "compose" ? this.#compose(d) : this.#object(d)));
    // Compose files go to no kubectl: only manifests are warned about.
    if (documents.some((d) => d.form === "object") && problems.length === 0) this.problems.push(...yamlTraps(name, text));
    return loaded;
  }

  #object({ value, result }: Document<"object">): Loaded[] {
    if (!this.#check(result, false)) return [];
    const manifest = value as Manifest;
    const resource = Object.values(RESOURCES).find((r) => r.kind === manifest.kind && apiVersionOf(r) === manifest.apiVersion) as Resource;
    const { status: _, ...rest } = manifest;
    const { metadata } = manifest;
    const spec = manifest.kind === "Stack" ? { spec: withoutNullMaps(manifest["spec"] as Obj) } : {};
    const namespace = resource.namespaced ? { namespace: metadata.namespace || this.#o.namespace } : {};
    return [{ manifest: { ...rest, ...spec, metadata: { ...metadata, ...namespace } }, resource, file: this.#input.name }];
  }

  #compose({ value, source }: Document<"compose">): Loaded[] {
    const { dir, name: file } = this.#input;
    const lookup = variables(this.#io, dir, this.#o.envFiles);
    const { spec, name, problems } = composeBody(value, { lookup, dir, home: this.#io.home });
    for (const p of problems) this.problems.push(this.#variable(p, source.position(["spec", ...p.keys], false)));
    const stack = this.#stackName(name, dir);
    if (problems.length > 0) return [];
    const manifest: Manifest = { apiVersion: API_VERSION, kind: "Stack", metadata: { name: stack, namespace: this.#o.namespace }, spec };
    const sound = this.#check(parseObject(manifest, { source }), true);
    // It means nothing, and the API would say so with every apply.
    const { version: _, ...body } = spec;
    return sound ? [{ manifest: { ...manifest, spec: body }, resource: RESOURCES.stacks, file }] : [];
  }

  /** `-p`, else `name:`, else the folder. @throws CliError (exit 2) when that cannot name a Stack */
  #stackName(named: string | undefined, dir: string): string {
    const asked = this.#o.projectName;
    const wanted = asked ?? named ?? folderName(dir);
    const stack = stackNameOf(wanted);
    if (stack && (asked === undefined || stack === asked)) return stack;
    throw usage(
      `${JSON.stringify(wanted)} cannot name a Stack: lower-case letters, digits and "-", a letter first, at most 30 characters`,
      stack ? `for example: -p ${stack}` : "choose one: -p NAME",
    );
  }

  #check(result: ParseResult, compose: boolean): boolean {
    const { name } = this.#input;
    for (const w of result.warnings) this.problems.push(warningOf(w, name, this.#lines, compose));
    if (!("problems" in result)) return true;
    for (const p of result.problems) this.problems.push(problemOf(p, name, this.#lines, compose));
    return false;
  }

  /** A variable's own place, where its value begins on the same line. */
  #variable(p: VariableProblem, position: { line: number; column: number } | undefined): Problem {
    const base = { severity: "error", code: p.code, message: p.message, file: this.#input.name, help: p.help } as const;
    if (!position) return base;
    const line = this.#lines[position.line - 1] ?? "";
    const rest = line.slice(position.column - 1);
    const inside = p.variable === undefined ? rest.indexOf("$") : rest.search(new RegExp(`\\$\\{?${p.variable}(?![A-Za-z0-9_])`));
    const column = position.column + Math.max(0, inside);
    return { ...base, line: position.line, column, length: tokenLength(line, column) };
  }
}

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
