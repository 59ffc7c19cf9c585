// Looks at one pod: what is on the engine, what should be, and the plan that follows.
import type { Env } from "../../store/env.ts";
import { type Engine, isEngineError } from "../engine.ts";
import type { PodFiles } from "../files/files.ts";
import { withLabels } from "../import/adopted.ts";
import { bitsOf, pinned } from "../images/reference.ts";
import { POST_START_FAILED } from "../hooks/run.ts";
import type { Memory } from "../memory.ts";
import { type ContainerFacts, expected, observe } from "../observe.ts";
import { type Desired, type Plan, plan } from "../plan/plan.ts";
import type { DesiredEntry } from "../pods.ts";
import { render } from "../render.ts";
import { resolveShares } from "../shares/resolve.ts";
import { type Share, shareIds } from "../shares/share.ts";
import type { Resources } from "../resources.ts";
import type { World } from "../world.ts";
import { type Neighbourhood, waitingFor } from "./neighbours.ts";

export interface Look {
  desired: Desired | undefined;
  facts: ContainerFacts[];
  plan: Plan;
}

export interface Looker extends Neighbourhood {
  engine: Pick<Engine, "inspect" | "abilities">;
  env: Env;
  world: World;
  resources: Resources;
  desired(key: string): DesiredEntry | undefined;
  mayRemove(key: string): boolean;
  files?: Pick<PodFiles, "sourceOf">;
}

/** Inspects what is not known since the last event. @throws EngineError */
export const lookAt = async (key: string, memory: Memory, o: Looker): Promise<Look> => {
  const { world, env, resources } = o;
  memory.lookedAt = env.monotonic();
  const adopter = o.desired(key);
  if (adopter) world.adopt(adopter.pod);
  else world.release(key);
  const facts = await containersOf(key, memory, o);
  const entry = o.desired(key);
  const mine = entry && facts.find((f) => f.uid === entry.pod.uid);
  const shares = entry ? await resolveShares(entry.pod, mine?.joined, { ...o, now: () => env.now() }) : [];
  const desired = entry && (await desiredOf(entry, memory, mine, shares, o));
  const rendered = desired?.rendered;
  const holder = rendered && world.named(rendered.name);
  const nameHolder = holder && !facts.some((f) => f.id === holder.id) ? `container ${holder.id.slice(0, 12)}` : undefined;
  const now = env.now();
  const next = plan({
    desired,
    containers: facts,
    nameHolder,
    mayRemove: o.mayRemove(key),
    networkIds: resources.networkIds,
    waitingFor: entry && waitingFor(entry.pod, o),
    shares,
    complaints:
      desired && (mine?.state === "running" || mine?.state === "created")
        ? await resources.complaints(desired.rendered.networks, desired.rendered.volumes)
        : [],
    hooked: memory.hooked,
    cures: memory.curedWithin(entry?.pod.unhealthy?.budget.withinMs ?? 0, env.monotonic()),
    hookFailed: memory.failure?.reason === POST_START_FAILED,
    restarted: memory.wasRestarted(entry?.pod.restartAfter),
    finished: finishedBefore(memory.observed?.phase),
    hadContainer: memory.observed?.containerId !== undefined || memory.current !== undefined,
    released: memory.released,
    backoff: memory.failure && { ...memory.failure, untilMs: now + memory.retryInMs(env.monotonic()) },
    now,
  });
  return { desired, facts, plan: next };
};

const containersOf = async (key: string, memory: Memory, { engine, env, world, resources }: Looker): Promise<ContainerFacts[]> => {
  const facts: ContainerFacts[] = [];
  for (const { id } of world.ofPod(key)) {
    const known = memory.known(id);
    if (known) {
      facts.push(known);
      continue;
    }
    memory.looking(id, env.now());
    try {
      const inspect = await engine.inspect(id);
      const seen = observe(withLabels(inspect, world.laidOver(id)), await resources.images.image(inspect.Image));
      memory.saw(seen);
      facts.push(seen);
    } catch (error) {
      if (!isEngineError(error, "notFound")) throw error;
      world.delete(id);
    }
  }
  memory.forgetExcept(facts.map((f) => f.id));
  return facts;
};

const desiredOf = async (
  entry: DesiredEntry,
  memory: Memory,
  current: ContainerFacts | undefined,
  shares: readonly Share[],
  { engine, world, resources: { images }, files }: Looker,
): Promise<Desired> => {
  const digest = bitsOf(entry.pod, memory.observed);
  const pod = digest === undefined ? entry.pod : { ...entry.pod, imageDigest: digest };
  const rendered = render(pod, world.clusterId, {
    shares: shareIds(shares, current?.joined),
    ...(files ? { fileSource: files.sourceOf(pod) } : {}),
  });
  const other = current !== undefined && digest !== undefined && !current.imageDigests.includes(digest);
  const { lacks } = await engine.abilities();
  return {
    pod,
    rendered,
    expected: expected(rendered, current && images.known(current.imageId), lacks),
    pinnedId: other ? (await images.image(pinned(pod.container.image, digest)))?.Id : undefined,
  };
};

const finishedBefore = (phase: string | undefined): "Succeeded" | "Failed" | undefined =>
  phase === "Succeeded" || phase === "Failed" ? phase : undefined;
