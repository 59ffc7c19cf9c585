// From `-f` to objects: Stack and other manifests, and bare Compose files. All problems at once, each with its place.
import { API_VERSION, CLI } from "../../schemas/constants.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../../schemas/resources.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Style } from "../text/style.ts";
import { suggest } from "../text/suggest.ts";
import { checkObject } from "./check.ts";
import { composeBody, toValue, withoutNullMaps } from "./compose.ts";
import { folderName, type InputFile, readInputs, stackNameOf, variables } from "./files.ts";
import { type Problem, showProblems } from "./problem.ts";
import { locate, readSources, type Source } from "./source.ts";
import { yamlTraps } from "./traps.ts";

type Obj = Record<string, unknown>;
const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);

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
    const { sources, problems: syntax } = readSources(input.name, input.text);
    problems.push(...syntax);
    if (syntax.length > 0) continue;
    if (sources.length === 0) problems.push({ severity: "error", code: "SF1107", message: "there is nothing in it", file: input.name });
    for (const source of sources) loaded.push(...read(io, input, source, o, problems));
  }
  duplicates(loaded, o, problems);
  const errors = problems.filter((p) => p.severity === "error");
  if (errors.length > 0) throw new CliError(EXIT.usage, errors[0]?.message ?? "", { text: showProblems(problems, texts, style) });
  if (problems.length > 0) io.stderr.write(showProblems(problems, texts, style));
  return loaded;
};

const read = (io: Io, input: InputFile, source: Source, o: LoadOptions, problems: Problem[]): Loaded[] => {
  const has = (key: string): boolean => source.doc.has(key);
  if (!has("apiVersion") && !has("kind") && has("services")) return readCompose(io, input, source, o, problems);
  const traps = yamlTraps(source);
  const value = toValue(source, problems);
  const items = isObj(value) && value["kind"] === "List" && Array.isArray(value["items"]) ? value["items"] : undefined;
  if (items) return items.flatMap((item, i) => readObject(source, item, ["items", i], o, problems));
  problems.push(...traps);
  return readObject(source, value, [], o, problems);
};

const readCompose = (io: Io, input: InputFile, source: Source, o: LoadOptions, problems: Problem[]): Loaded[] => {
  const {
    spec,
    name,
    problems: found,
  } = composeBody(source, { lookup: variables(io, input.dir, o.envFiles), dir: input.dir, home: io.home });
  problems.push(...found);
  const wanted = o.projectName ?? name ?? folderName(input.dir);
  const stack = stackNameOf(wanted);
  if (!stack || (o.projectName !== undefined && stack !== o.projectName))
    throw usage(
      `${JSON.stringify(wanted)} cannot name a Stack: lower-case letters, digits and "-", a letter first, at most 30 characters`,
      stack ? `${CLI} … -p ${stack}` : `choose one: ${CLI} … -p NAME`,
    );
  if (!spec) return [];
  const manifest: Manifest = { apiVersion: API_VERSION, kind: "Stack", metadata: { name: stack, namespace: o.namespace }, spec };
  problems.push(...checkObject(source, manifest, (keys) => (keys[0] === "spec" ? keys.slice(1) : keys[0] === "metadata" ? ["name"] : [])));
  return [{ manifest, resource: RESOURCES.stacks, file: input.name }];
};

const readObject = (source: Source, value: unknown, at: readonly (string | number)[], o: LoadOptions, problems: Problem[]): Loaded[] => {
  const error = (code: string, message: string, path: readonly (string | number)[], more: Partial<Problem> = {}): Loaded[] => {
    problems.push({ severity: "error", code, message, file: source.file, ...locate(source, [...at, ...path], "value"), ...more });
    return [];
  };
  if (!isObj(value)) return error("SF1107", "a manifest must be a map", []);
  const { apiVersion, kind, metadata } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string")
    return error(
      "SF1107",
      `${typeof apiVersion === "string" ? "kind" : typeof kind === "string" ? "apiVersion" : "apiVersion and kind"} missing: this is no manifest`,
      [],
      {
        help: `a Stack begins with:  apiVersion: ${API_VERSION}  kind: Stack`,
      },
    );
  const all = Object.values(RESOURCES);
  const resource = all.find((r) => r.kind === kind && apiVersionOf(r) === apiVersion);
  if (!resource) {
    const sameKind = all.find((r) => r.kind === kind);
    if (sameKind)
      return error("SF1106", `apiVersion ${JSON.stringify(apiVersion)} is not known for kind ${kind}`, ["apiVersion"], {
        hint: `did you mean ${apiVersionOf(sameKind)}?`,
      });
    const near = suggest(
      kind,
      all.map((r) => r.kind),
    );
    return error(
      "SF1106",
      `kind ${JSON.stringify(kind)} is not known`,
      ["kind"],
      near
        ? { hint: `did you mean ${JSON.stringify(near)}?`, help: "kinds are case-sensitive" }
        : { help: `known: ${all.map((r) => r.kind).join(", ")}` },
    );
  }
  if (!isObj(metadata) || typeof metadata["name"] !== "string" || metadata["name"] === "")
    return error("SF1105", "metadata.name is missing", isObj(metadata) ? ["metadata"] : []);
  const named = metadata["namespace"];
  const namespace = resource.namespaced ? { namespace: typeof named === "string" && named !== "" ? named : o.namespace } : {};
  const spec = kind === "Stack" && isObj(value["spec"]) ? { spec: withoutNullMaps(value["spec"]) } : {};
  const { status: _, ...rest } = value;
  const manifest = { ...rest, ...spec, metadata: { ...metadata, ...namespace } } as unknown as Manifest;
  problems.push(...checkObject(source, manifest, (keys) => [...at, ...keys]));
  return [{ manifest, resource, file: source.file }];
};

const duplicates = (loaded: readonly Loaded[], o: LoadOptions, problems: Problem[]): void => {
  const seen = new Map<string, Loaded>();
  for (const l of loaded) {
    const key = `${l.resource.resource}/${l.manifest.metadata.namespace ?? ""}/${l.manifest.metadata.name}`;
    const first = seen.get(key);
    if (first)
      problems.push({
        severity: "error",
        code: "SF1108",
        message: `${l.resource.singular} ${l.manifest.metadata.name} is given twice${first.file === l.file ? "" : `: also in ${first.file}`}`,
        file: l.file,
        help: o.projectName === undefined ? undefined : "-p names one Stack; apply the files one by one",
      });
    else seen.set(key, l);
  }
};
