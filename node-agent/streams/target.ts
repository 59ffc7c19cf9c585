// Which container a request is about: the one of ours that runs the pod of that uid, and no other.
import { LABELS } from "../../schemas/constants.ts";
import { type ContainerInspect, type Engine, isEngineError } from "../engine.ts";
import type { World } from "../world.ts";
import { badRequest, conflict, notFound } from "./refusal.ts";

export interface Target {
  /** `<namespace>/<pod>` */
  pod: string;
  inspect: ContainerInspect;
}

/** @throws Refusal 400, 404 */
export const targetOf = async (
  { engine, world }: { engine: Pick<Engine, "inspect">; world: Pick<World, "ofPod"> },
  pod: string,
  uid: string | null,
): Promise<Target> => {
  if (!uid) throw badRequest("the query has no uid: without it another pod of the same name could be meant");
  const all = world.ofPod(pod);
  const mine = all.filter((c) => c.labels[LABELS.uid] === uid);
  // More than one is rare: a container that is being replaced. What is known of their state may be seconds old.
  const inspected = (await Promise.all(mine.map((c) => there(engine.inspect(c.id))))).filter((i) => i !== undefined);
  const inspect = inspected.find((i) => i.State.Status === "running") ?? inspected.at(-1);
  if (inspect) return { pod, inspect };
  if (all.length > mine.length) throw notFound(`pod ${pod} of uid ${uid} is not on this node any more: another pod of that name is`);
  throw notFound(`pod ${pod} has no container on this node (yet, or any more); its status and its events say why`);
};

const there = async <T>(found: Promise<T>): Promise<T | undefined> => {
  try {
    return await found;
  } catch (error) {
    if (isEngineError(error, "notFound")) return undefined;
    throw error;
  }
};

/** @throws Refusal 409 */
export const mustRun = ({ pod, inspect: { State } }: Target): void => {
  if (State.Paused) throw conflict(`the container of pod ${pod} is paused: nothing runs in it until it is unpaused`);
  if (State.Status !== "running") throw conflict(`the container of pod ${pod} is not running: it is ${State.Status}`);
};
