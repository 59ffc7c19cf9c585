// What pods of this node are to each other: who waits for whom, who uses what.
import type { DesiredPod, ObservedPod } from "../../schemas/fleet.ts";
import { dependencyUnmet } from "../../schemas/health.ts";
import { networkHash } from "../networks/settings.ts";
import type { ContainerFacts } from "../observe.ts";
import type { NetworkRequest } from "../render.ts";
import { podKeyOf, type World } from "../world.ts";
import { sharesWith } from "../shares/resolve.ts";
import type { DesiredEntry } from "../pods.ts";

export interface Neighbourhood {
  allDesired(): Iterable<[string, DesiredEntry]>;
  /** The last report about this pod of this uid. */
  observedOf(key: string, uid: string): ObservedPod | undefined;
  /** Its container as this process last looked at it. */
  factsOf(key: string, uid: string): ContainerFacts | undefined;
  /** Whether this process has looked at it at all. */
  wasSeen(key: string, uid: string): boolean;
}

/** Why a dependency on this node holds the start. Those on other nodes are the controller's matter. */
export const waitingFor = (pod: DesiredPod, hood: Neighbourhood): string | undefined => {
  if (pod.dependsOn.length === 0) return undefined;
  for (const [key, { pod: other }] of hood.allDesired()) {
    if (other.stackUid !== pod.stackUid || other.deletionTimestamp !== undefined) continue;
    const dependency = pod.dependsOn.find((d) => d.service === other.service);
    if (!dependency) continue;
    const seen = hood.observedOf(key, other.uid);
    // Not required: one that will not come any more is not waited for.
    if (dependency.optional && seen?.phase === "Failed") continue;
    if (seen?.reason === "PostStart") return `waiting for ${dependency.service}: ${other.name} has not run its post_start yet`;
    const why = dependencyUnmet(dependency.condition, [seen]);
    if (why !== undefined) return `waiting for ${dependency.service}: ${other.name} ${why}`;
  }
  return undefined;
};

/** Whether a pod that is to stay wants this network. */
export const networkWanted = (name: string, hood: Pick<Neighbourhood, "allDesired">): boolean => {
  for (const [, { pod }] of hood.allDesired())
    if (pod.deletionTimestamp === undefined && pod.container.networks.some((n) => n.name === name)) return true;
  return false;
};

/** Who keeps a network from being made anew as `r` says: foreign containers, and those of pods that do not want it so. */
export const blockersOf = (
  r: NetworkRequest,
  members: readonly string[],
  hood: Pick<Neighbourhood, "allDesired">,
  world: World,
): string[] => {
  const wanting = new Set<string>();
  for (const [key, { pod }] of hood.allDesired())
    if (pod.deletionTimestamp === undefined && pod.container.networks.some((n) => n.name === r.name && networkHash(n) === networkHash(r)))
      wanting.add(key);
  const known = world.usersOfNetwork(r.name);
  const unknown = members.filter((id) => world.get(id) === undefined).map((id) => `container ${id.slice(0, 12)}`);
  const others = known.filter((c) => !wanting.has(podKeyOf(c.labels, world.clusterId) ?? "")).map((c) => `container ${c.name}`);
  return [...others, ...unknown].toSorted();
};

/** Keys of the pods for which it matters how this one is. */
export const dependentsOf = (pod: DesiredPod, hood: Pick<Neighbourhood, "allDesired">): string[] => {
  const keys: string[] = [];
  for (const [key, { pod: other }] of hood.allDesired())
    if (
      other.stackUid === pod.stackUid &&
      (other.dependsOn.some((d) => d.service === pod.service) || sharesWith(other, { service: pod.service }))
    )
      keys.push(key);
  return keys;
};

/** Keys of the pods that share with a container of this name, which is not ours. */
export const sharersOf = (container: string, hood: Pick<Neighbourhood, "allDesired">): string[] =>
  [...hood.allDesired()].filter(([, { pod }]) => sharesWith(pod, { container })).map(([key]) => key);
