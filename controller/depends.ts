// depends_on across nodes. A pod's own node holds its start for pods of the stack that are there too (the agent's part);
// for those elsewhere the controller holds its creation. Pure.
import { dependencyUnmet } from "../schemas/health.ts";
import type { CompiledService, PodView } from "./model.ts";

/**
 * What a new pod of `service` on `node` still waits for, in words; undefined when nothing holds it.
 * @param pods the stack's pods that are not being deleted
 */
export const dependencyHold = (
  service: CompiledService,
  node: string,
  services: ReadonlyMap<string, CompiledService>,
  pods: readonly PodView[],
): string | undefined => {
  for (const { service: name, condition } of service.dependsOn) {
    const other = services.get(name);
    if (!other || (service.group !== undefined && service.group === other.group)) continue;
    if (other.mode === "replicated" && other.replicas === 0) continue;
    const all = pods.filter((p) => p.desired.service === name);
    if (all.length === 0) return `waits for ${name} (${condition}): it has no pod yet`;
    for (const pod of all) {
      if (pod.node === node) continue;
      const why = dependencyUnmet(condition, [pod.observed]);
      if (why) return `waits for ${name} (${condition}): ${pod.desired.name} on ${pod.node} ${why}`;
    }
  }
  return undefined;
};
