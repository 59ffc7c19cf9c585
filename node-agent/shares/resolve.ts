// Finds the containers that a pod shares namespaces or volumes with.
import type { DesiredPod, SharedWith } from "../../schemas/fleet.ts";
import { type Engine, isEngineError } from "../engine.ts";
import { type ContainerFacts, observe } from "../observe.ts";
import type { DesiredEntry } from "../pods.ts";
import type { Joined } from "./joined.ts";
import { type Candidate, type Share, shareOf, sharesWanted } from "./share.ts";

export interface Others {
  allDesired(): Iterable<[string, DesiredEntry]>;
  /** The container of a pod as it was last looked at by this process. */
  factsOf(key: string, uid: string): ContainerFacts | undefined;
  /** Whether this process has looked at the pod at all. */
  wasSeen(key: string, uid: string): boolean;
  engine: Pick<Engine, "inspect">;
  now(): number;
}

/** Asks the engine about foreign containers only. `has`: what the pod's container has joined. @throws EngineError */
export const resolveShares = async (pod: DesiredPod, has: Joined | undefined, o: Others): Promise<Share[]> => {
  const shares: Share[] = [];
  for (const { kind, of } of sharesWanted(pod.container)) {
    const found = "service" in of ? ofService(of.service, pod, has, o) : await byName(of.container, o);
    shares.push(shareOf(kind, of, found, o.now()));
  }
  return shares;
};

/**
 * The pod of the same slot, else of the lowest. While two pods have one slot (the successor starts before the old one goes), whoever
 * has joined one of them stays with it; a newcomer joins the newer one.
 */
const ofService = (service: string, pod: DesiredPod, has: Joined | undefined, o: Others): Candidate => {
  const all = [...o.allDesired()]
    .filter(([, { pod: p }]) => p.stackUid === pod.stackUid && p.service === service && p.deletionTimestamp === undefined)
    .map(([key, { pod: p }]) => ({ pod: p, facts: o.factsOf(key, p.uid), seen: o.wasSeen(key, p.uid) }));
  const slots = all.map((a) => a.pod.slot).toSorted(bySlot);
  const slot = slots.includes(pod.slot) ? pod.slot : slots[0];
  if (slot === undefined) return { none: "has no pod on this node" };
  const mine = all.filter((a) => a.pod.slot === slot).toSorted((a, b) => (a.pod.createdAt > b.pod.createdAt ? -1 : 1));
  const joined = has === undefined ? [] : [has.network, has.pid, has.ipc, ...has.volumes];
  const chosen = mine.find((a) => a.facts !== undefined && joined.includes(a.facts.id)) ?? mine[0];
  return chosen?.facts ?? { none: "has no container yet", ...(chosen?.seen ? {} : { unseen: true }) };
};

const bySlot = (a: string, b: string): number => Number(a) - Number(b) || (a < b ? -1 : 1);

const byName = async (name: string, o: Others): Promise<Candidate> => {
  try {
    return observe(await o.engine.inspect(name));
  } catch (error) {
    if (!isEngineError(error, "notFound")) throw error;
    return { none: "does not exist on this node" };
  }
};

/** Whether the pod needs a container of this service, or (`container`) a foreign one. */
export const sharesWith = (pod: DesiredPod, other: SharedWith): boolean =>
  sharesWanted(pod.container).some(({ of }) =>
    "service" in other ? "service" in of && of.service === other.service : "container" in of && of.container === other.container,
  );
