// Compose projects on this engine that are not ours: what they are, and what would differ if they were taken over.
import { COMPOSE_LABELS, LABELS } from "../../schemas/constants.ts";
import type { ContainerSpec, DesiredPod } from "../../schemas/fleet.ts";
import type { ComposeDifference, ComposeProject } from "../../schemas/tunnel.ts";
import { driftOf } from "../drift.ts";
import { type Engine, isEngineError } from "../engine.ts";
import type { ContainerInspect, ImageInspect } from "../engine-objects.ts";
import { expected, observe } from "../observe.ts";
import { render } from "../render.ts";
import { isMeant, labelsFor, withLabels } from "./adopted.ts";
import { serviceOf } from "./to-compose.ts";

export type ProjectEngine = Pick<Engine, "list" | "inspect" | "inspectImage" | "abilities">;

interface Seen {
  inspect: ContainerInspect;
  image: ImageInspect | undefined;
}

const look = async (engine: ProjectEngine, id: string): Promise<Seen | undefined> => {
  try {
    const inspect = await engine.inspect(id);
    const image = await engine.inspectImage(inspect.Image).catch(() => undefined);
    return { inspect, image };
  } catch (error) {
    if (isEngineError(error, "notFound")) return undefined;
    throw error;
  }
};

/** `isOurs`: also what was taken over. `project`: only this one, with its services spelled out. */
export const composeProjects = async (
  engine: ProjectEngine,
  isOurs: (id: string) => boolean,
  project?: string,
): Promise<ComposeProject[]> => {
  const found = new Map<string, ComposeProject>();
  for (const c of await engine.list()) {
    const name = c.labels[COMPOSE_LABELS.project];
    const service = c.labels[COMPOSE_LABELS.service];
    if (name === undefined || service === undefined || c.labels[LABELS.cluster] !== undefined || isOurs(c.id)) continue;
    if (project !== undefined && name !== project) continue;
    if (c.labels["com.docker.compose.oneoff"]?.toLowerCase() === "true") continue;
    const entry = found.get(name) ?? { name, file: c.labels["com.docker.compose.project.config_files"] ?? "", services: [] };
    found.set(name, entry);
    const number = Number(c.labels[COMPOSE_LABELS.number] ?? "1");
    const its = entry.services.find((s) => s.name === service) ?? { name: service, containers: [] };
    if (!entry.services.includes(its)) entry.services.push(its);
    its.containers.push({ id: c.id, name: c.name, number, state: c.state });
  }
  for (const p of found.values()) {
    p.services.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const s of p.services) {
      s.containers.sort((a, b) => a.number - b.number);
      const [first] = s.containers;
      const seen = project !== undefined && first ? await look(engine, first.id) : undefined;
      if (seen) s.compose = serviceOf(seen.inspect, seen.image, s.containers.length === 1);
    }
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

export interface Wanted {
  project: string;
  namespace: string;
  stack: string;
  services: { service: string; number: number; container: ContainerSpec }[];
}

/** What keeps containers from being taken over as they are: paths as in the drift of a pod; none: nothing does. */
export const differencesOf = async (engine: ProjectEngine, clusterId: string, wanted: Wanted): Promise<ComposeDifference[]> => {
  const all = await engine.list();
  const { lacks } = await engine.abilities();
  const found: ComposeDifference[] = [];
  for (const { service, number, container } of wanted.services) {
    const adopt = { project: wanted.project, service, number };
    const match = all.find((c) => isMeant(c, adopt));
    const seen = match && (await look(engine, match.id));
    if (!seen) {
      found.push({ service, number, keys: ["/container"] });
      continue;
    }
    const pod: DesiredPod = {
      name: `${wanted.stack}-${service}-${number}`,
      namespace: wanted.namespace,
      uid: "adopt",
      stack: wanted.stack,
      stackUid: "adopt",
      stackGeneration: 1,
      service,
      slot: String(number - 1),
      revision: 1,
      templateHash: "",
      labels: {},
      createdAt: seen.inspect.Created,
      dependsOn: [],
      container,
      adopt,
    };
    const rendered = render(pod, clusterId, { fileSource: () => "/dev/null" });
    const facts = observe(withLabels(seen.inspect, labelsFor(pod, clusterId)), seen.image);
    const drift = driftOf(expected(rendered, seen.image, lacks), facts, rendered).filter(
      (d) => d.remedy !== "rename" || container.containerName !== undefined,
    );
    found.push({ service, number, keys: drift.map((d) => d.path) });
  }
  return found;
};
