// What becomes of a Compose project: refusals, warnings, and all that reaches the nodes.
import { readFileSync, statSync } from "node:fs";
import { relative } from "node:path";
import { variables } from "../../cli/manifest/files.ts";
import { loadModel, readTrees } from "../../cli/manifest/compose/model.ts";
import { loadProject, type Project } from "../../cli/manifest/compose/project.ts";
import { type Lookup, Session } from "../../cli/manifest/compose/session.ts";
import { entriesOf, get, itemsOf, type MapNode, type Node, textOf } from "../../cli/manifest/compose/tree.ts";
import { render, shareKey } from "../../node-agent/render.ts";
import { placementGroups } from "../../schemas/compose/groups.ts";
import { normalize } from "../../schemas/compose/normalize.ts";
import type { NormalService } from "../../schemas/compose/normal.ts";
import { API_VERSION } from "../../schemas/constants.ts";
import type { DesiredPod, SharedWith } from "../../schemas/fleet.ts";
import { parseObject } from "../../schemas/parse.ts";
import { type Key, pathOf } from "../../schemas/problems.ts";
import { type Found, folderOf } from "./find.ts";
import { standIn } from "./stand-in.ts";

export interface Options {
  env: Readonly<Record<string, string>>;
  /**
   * As `steady up` takes it: variables without a value are empty, and missing files of variables, configs and secrets are refused.
   * Otherwise something that fits stands in for such a variable, and a missing file is empty, with a warning: files of a
   * collection seldom come with what lay beside them.
   */
  strict: boolean;
}

export interface Outcome {
  refusals: string[];
  warnings: { path: string; message: string }[];
  /** Everything that reaches the nodes, as JSON; undefined when the project is refused. */
  view: string | undefined;
  /** That were chosen. */
  services: ReadonlySet<string>;
}

/** Trees in place of those of files, by path and index of the document. */
export type Replaced = ReadonlyMap<string, readonly Node[]>;

const WHOLE: ReadonlySet<string> = new Set(["SF1214", "SF1215"]);
const PATH = /^(services|volumes|networks|configs|secrets)(\.[\w-]+)+(?=[ :])/;

export class Subject {
  readonly #files = new Map<string, Uint8Array>();
  readonly #trees = new Map<string, readonly Node[]>();
  readonly #views = new Map<string, unknown>();
  readonly #dir: string;
  readonly #lookup: Lookup;
  readonly #broken: string | undefined;

  constructor(
    readonly found: Found,
    private readonly o: Options,
  ) {
    this.#dir = folderOf(found);
    const shell: Record<string, string> = { HOME: "/root", PWD: this.#dir, USER: "root", UID: "0", ...o.env };
    let lookup: Lookup = (name) => shell[name];
    try {
      lookup = variables({ env: shell, cwd: this.#dir }, this.#dir, []);
    } catch (error) {
      this.#broken = (error as Error).message;
    }
    this.#lookup = lookup;
  }

  /** Paths of all files that were read as Compose files. */
  get paths(): string[] {
    return [...this.#trees.keys()];
  }

  trees(path: string): readonly Node[] {
    return this.#trees.get(path) ?? [];
  }

  #session(replaced: Replaced | undefined): Session {
    const session = new Session({
      files: {
        read: (path) => {
          const known = this.#files.get(path);
          if (known) return known;
          const bytes = readFileSync(path);
          this.#files.set(path, bytes);
          return bytes;
        },
        isFile: (path) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false,
      },
      home: "/root",
      nameOf: (path) => relative(this.#dir, path),
      standIn: this.o.strict ? undefined : standIn,
      lenient: !this.o.strict,
    });
    for (const [path, trees] of [...this.#trees, ...(replaced ?? [])]) session.trees.set(path, trees);
    return session;
  }

  /** Profiles that services have. */
  profiles(): string[] {
    const services = entriesOf(get(this.model(), "services"));
    return [...new Set(services.flatMap(([, { value }]) => itemsOf(get(value, "profiles")).flatMap((p) => textOf(p) ?? [])))];
  }

  /** What the files say together, before anything is chosen or filled in from other files. */
  model(): MapNode {
    const session = this.#session(undefined);
    return loadModel(session, this.found.files, { dir: this.#dir, lookup: this.#lookup, chain: [] });
  }

  assess(profiles: readonly string[], replaced?: Replaced): Outcome {
    const session = this.#session(replaced);
    for (const path of this.found.files) readTrees(session, path);
    const project = loadProject(session, {
      files: this.found.files,
      dir: this.#dir,
      lookup: this.#lookup,
      namespace: "default",
      profiles,
      name: undefined,
    });
    if (!replaced && session.problems.every((p) => p.code !== "SF1000" && p.code !== "SF1002"))
      for (const [path, trees] of session.trees) this.#trees.set(path, trees);
    const refusals = this.#broken === undefined ? [] : [this.#broken];
    const warnings: Outcome["warnings"] = [];
    for (const p of session.problems) {
      // A folder's name that cannot name a Stack is no fault of the file.
      if (p.severity === "error" && /cannot name a Stack/.test(p.message) && get(project.model, "name") === undefined) continue;
      if (p.severity === "error") refusals.push(p.message);
      // Some speak of a whole part: what stands in it needs no word of its own.
      else warnings.push({ path: WHOLE.has(p.code ?? "") ? (PATH.exec(p.message)?.[0] ?? "") : "", message: p.message });
    }
    const services = new Set(entriesOf(get(project.model, "services")).map(([name]) => name));
    if (refusals.length > 0) return { refusals, warnings, view: undefined, services };
    return { ...judge(project, refusals, warnings, this.#views), services };
  }
}

const judge = (
  project: Project,
  refusals: string[],
  warnings: Outcome["warnings"],
  views: Map<string, unknown>,
): Omit<Outcome, "services"> => {
  const manifest = { apiVersion: API_VERSION, kind: "Stack", metadata: { name: project.stack, namespace: "default" }, spec: project.spec };
  const parsed = parseObject(manifest);
  const strip = (keys: readonly Key[]): string => pathOf(keys[0] === "spec" ? keys.slice(1) : keys);
  for (const w of parsed.warnings) warnings.push({ path: strip(w.keys), message: w.message });
  if ("problems" in parsed) {
    for (const p of parsed.problems) refusals.push(`${strip(p.keys)}: ${p.message}`);
    return { refusals, warnings, view: undefined };
  }
  const { normal } = normalize(parsed.object as Parameters<typeof normalize>[0]);
  if (!normal) return { refusals: ["the body cannot be normalised"], warnings, view: undefined };
  const { objects } = project;
  // Most services are as they were the last time.
  const viewed = (s: NormalService): unknown => {
    const key = JSON.stringify([project.stack, s]);
    const known = views.get(key) ?? viewOf(s, project.stack);
    views.set(key, known);
    return known;
  };
  const extension = (project.spec as { "x-steadfleet"?: unknown })["x-steadfleet"];
  const view = {
    stack: project.stack,
    groups: placementGroups(normal.services),
    services: normal.services.map(viewed),
    objects,
    extension,
  };
  return { refusals, warnings, view: JSON.stringify(view) };
};

/** Fields of a container that the agent acts on without the engine's create call carrying them. */
const OUTSIDE_CREATE = ["pullPolicy", "preStop", "postStart", "stopGraceMs", "files", "platform"] as const;

/** What the controller reads of a service, and the container as the agent renders it. */
const viewOf = ({ container, ...service }: NormalService, stack: string): unknown => {
  const pod: DesiredPod = {
    name: `${stack}-${service.name}-0`,
    namespace: "default",
    uid: "uid",
    stack,
    stackUid: "uid",
    stackGeneration: 1,
    service: service.name,
    slot: "0",
    revision: 1,
    templateHash: "hash",
    labels: {},
    createdAt: "2026-01-01T00:00:00.000Z",
    dependsOn: service.dependsOn,
    container,
  };
  // Whatever is shared has an id that says who it is.
  const shared = [container.networkMode, container.pid, container.ipc, ...(container.volumesFrom ?? [])].filter(
    (s): s is SharedWith => typeof s === "object",
  );
  const shares = new Map(shared.map((s) => [shareKey(s), `id-of-${shareKey(s)}`]));
  const rendered = render(pod, "cluster", { shares, fileSource: (file) => `/run/${file.kind}/${file.key}` });
  // Looked at before the container is made.
  const hostPaths = container.mounts.map((m) => m.type === "bind" && m.createHostPath);
  const outside = Object.fromEntries(OUTSIDE_CREATE.map((key) => [key, container[key]]));
  return { service, rendered, outside, hostPaths };
};
