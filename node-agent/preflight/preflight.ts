// Looks for what would keep a container from being made or started, and touches nothing.
import type { ContainerSpec } from "../../schemas/fleet.ts";
import { asksForNewer, type EngineAbilities, tooOldFor } from "../abilities.ts";
import type { ContainerSummary } from "../engine.ts";
import type { Rendered } from "../render.ts";
import { Obstacle, PodFault, type Resources } from "../resources.ts";
import type { HostView } from "./host.ts";
import { takenPorts } from "./ports.ts";

/** `reason` as in ObservedPod: PortConflict, BindPathMissing, NetworkNotFound, VolumeNotFound, NameConflict, EngineTooOld. */
export interface Problem {
  reason: string;
  message: string;
}

export interface PreflightParts {
  /** All containers of the engine, from a list that has just been taken. */
  list(): Promise<ContainerSummary[]>;
  abilities(): Promise<Pick<EngineAbilities, "apiVersion" | "version">>;
  resources: Pick<Resources, "ensureNetwork" | "ensureVolume">;
  host: HostView;
}

/**
 * In the order engine, ports, paths, networks, volumes, name; empty: nothing is in the way. `mine`: ids of containers that will be gone by
 * then, whose ports and name are free. Costs the engine nothing for a container without published ports, binds and externals.
 * @throws EngineError when the engine does not answer
 */
export const preflight = async (
  container: ContainerSpec,
  rendered: Rendered,
  mine: ReadonlySet<string>,
  parts: PreflightParts,
): Promise<Problem[]> => {
  const problems: Problem[] = [];
  const tooOld = asksForNewer(container) ? tooOldFor(container, await parts.abilities()) : undefined;
  if (tooOld !== undefined) problems.push({ reason: "EngineTooOld", message: tooOld });
  const ports = container.ports.filter((p) => p.published !== undefined);
  if (ports.length > 0 || container.containerName !== undefined) {
    const [containers, bound] = await Promise.all([parts.list(), ports.length > 0 ? parts.host.boundPorts() : undefined]);
    for (const message of takenPorts(ports, containers, bound, mine)) problems.push({ reason: "PortConflict", message });
    const holder = containers.find((c) => c.name === rendered.name && !mine.has(c.id));
    if (holder && container.containerName !== undefined)
      problems.push({ reason: "NameConflict", message: `the name ${rendered.name} is taken by container ${holder.id.slice(0, 12)}` });
  }
  for (const m of container.mounts) {
    if (m.type !== "bind" || m.createHostPath) continue;
    if ((await parts.host.pathExists(m.source)) === false)
      problems.push({
        reason: "BindPathMissing",
        message: `${m.source} does not exist on this machine: make it there, or let the engine do so (bind.create_host_path: true)`,
      });
  }
  // Ours are made later; external ones are only looked at.
  for (const network of rendered.networks.filter((n) => n.external)) await noted(problems, parts.resources.ensureNetwork(network));
  for (const volume of rendered.volumes.filter((v) => v.external)) await noted(problems, parts.resources.ensureVolume(volume));
  return problems;
};

const noted = async (problems: Problem[], looked: Promise<unknown>): Promise<void> => {
  try {
    await looked;
  } catch (error) {
    if (!(error instanceof PodFault)) throw error;
    problems.push({ reason: error.reason, message: error.message });
  }
};

/** All of them as one fault: the reason of the first, every message. */
export const faultOf = (problems: readonly Problem[]): Obstacle | undefined => {
  const [first] = problems;
  return first && new Obstacle(first.reason, problems.map((p) => p.message).join("; "));
};
