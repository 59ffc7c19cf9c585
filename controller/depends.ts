// depends_on across nodes. A pod's own node holds its start for pods of the stack that are there too (the agent's part);
// for those elsewhere the controller holds its creation, and for a job that is to complete, of whose pods an agent sees only its own. Pure.
import type { Dependency } from "../schemas/fleet.ts";
import { dependencyUnmet } from "../schemas/health.ts";
import type { Jobs } from "./jobs/types.ts";
import type { CompiledService, PodView } from "./model.ts";

/** Why a job has not completed; undefined: it has. */
const jobUnmet = (job: NonNullable<ReturnType<Jobs["get"]>>): string | undefined => {
  const run = job.runs.at(-1)?.status;
  if (!run) return "it has not run yet";
  if (run.state === "Complete") return undefined;
  return run.state === "Failed" ? "the job has failed" : `${run.succeeded} of ${run.completions} completed`;
};

/** It will not become what it is waited for. */
const failedForGood = (pods: readonly PodView[], job: ReturnType<Jobs["get"]>): boolean =>
  job?.runs.at(-1)?.status.state === "Failed" || pods.some((p) => p.observed?.phase === "Failed");

/**
 * What a new pod of `service` on `node` still waits for, in words; undefined when nothing holds it.
 * @param pods the stack's pods that are not being deleted
 */
export const dependencyHold = (
  service: CompiledService,
  node: string,
  services: ReadonlyMap<string, CompiledService>,
  pods: readonly PodView[],
  jobs?: Jobs,
): string | undefined => {
  for (const dependency of service.dependsOn) {
    const other = services.get(dependency.service);
    if (!other || (other.mode === "replicated" && other.replicas === 0)) continue;
    const why = holds(service, node, dependency, other, pods, jobs?.get(other.name));
    if (why) return `waits for ${other.name} (${dependency.condition}): ${why}`;
  }
  return undefined;
};

const holds = (
  service: CompiledService,
  node: string,
  { condition, optional }: Dependency,
  other: CompiledService,
  pods: readonly PodView[],
  job: ReturnType<Jobs["get"]>,
): string | undefined => {
  const all = pods.filter((p) => p.desired.service === other.name);
  if (optional && failedForGood(all, job)) return undefined;
  if (job && condition === "service_completed_successfully") return jobUnmet(job);
  if (service.group !== undefined && service.group === other.group) return undefined;
  // Its pods have been swept since.
  if (job && jobUnmet(job) === undefined) return undefined;
  if (all.length === 0) return "it has no pod yet";
  for (const pod of all) {
    if (pod.node === node) continue;
    const why = dependencyUnmet(condition, [pod.observed]);
    if (why) return `${pod.desired.name} on ${pod.node} ${why}`;
  }
  return undefined;
};
