// Words for how things are, and when a dependency counts as met. Used by controller, agent, API and CLI alike.
import type { DependencyCondition, ObservedPod } from "./fleet.ts";
import { type Health } from "./meta.ts";

/** Best first. Unknown is worse than Progressing: nobody is working on it. */
const ORDER: readonly Health[] = ["Healthy", "Suspended", "Progressing", "Unknown", "Degraded", "Failed"];

/** The worst of them; Healthy for none. */
export const worstHealth = (words: Iterable<Health>): Health => {
  let worst = 0;
  for (const word of words) worst = Math.max(worst, ORDER.indexOf(word));
  return ORDER[worst] ?? "Healthy";
};

/** Why one pod does not meet the condition yet, in words that follow the pod's name; undefined when it does. */
const unmet = (condition: DependencyCondition, pod: ObservedPod | undefined): string | undefined => {
  if (!pod || pod.state === "absent" || pod.phase === "Removed") return "does not exist yet";
  if (condition === "service_completed_successfully") {
    if (pod.state === "exited" && pod.exitCode === 0) return undefined;
    if (pod.state === "exited" || pod.state === "dead") return `ended with exit code ${pod.exitCode ?? "unknown"}`;
    return pod.startedAt ? "has not ended yet" : "has not started yet";
  }
  if (condition === "service_started") {
    // A container that ran and ended has started, too, as in Compose.
    if (pod.state === "running" || pod.state === "restarting" || pod.state === "paused") return undefined;
    return pod.startedAt && pod.state === "exited" ? undefined : "has not started yet";
  }
  if (pod.state !== "running") return pod.state === "created" ? "has not started yet" : `is ${pod.state}`;
  if (pod.health === "healthy") return undefined;
  if (pod.health === "unhealthy") return "is unhealthy";
  return pod.health === "starting" ? "is not healthy yet" : "has no health check, so it never becomes healthy";
};

/**
 * Why a dependency is not met, e.g. `is not healthy yet`; undefined when it is. `observed` has one entry for every pod that
 * the service should have (undefined: nothing observed); a service that should have none holds up nobody.
 */
export const dependencyUnmet = (condition: DependencyCondition, observed: readonly (ObservedPod | undefined)[]): string | undefined => {
  for (const pod of observed) {
    const why = unmet(condition, pod);
    if (why) return why;
  }
  return undefined;
};

/** Whether every pod of the dependency meets the condition. `observed` as in `dependencyUnmet`. */
export const dependencySatisfied = (condition: DependencyCondition, observed: readonly (ObservedPod | undefined)[]): boolean =>
  dependencyUnmet(condition, observed) === undefined;
