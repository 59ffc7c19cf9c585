// Containers that a desired pod takes over count as ours while it does: their labels cannot change, so ours are laid over them. Pure.
import { COMPOSE_LABELS, LABELS } from "../../schemas/constants.ts";
import type { DesiredPod } from "../../schemas/fleet.ts";
import { projectName } from "../../schemas/names.ts";
import type { ContainerInspect } from "../engine-objects.ts";
import type { ContainerSummary } from "../engine.ts";

export type Adoption = NonNullable<DesiredPod["adopt"]>;

/** Whether a foreign container is the one meant. */
export const isMeant = ({ labels }: Pick<ContainerSummary, "labels">, { project, service, number }: Adoption): boolean =>
  labels[LABELS.cluster] === undefined &&
  labels[COMPOSE_LABELS.project] === project &&
  labels[COMPOSE_LABELS.service] === service &&
  labels[COMPOSE_LABELS.number] === String(number) &&
  labels["com.docker.compose.oneoff"]?.toLowerCase() !== "true";

/** Labels that it would have if it were ours. Without that of the spec, which nobody hashed. */
export const labelsFor = (pod: DesiredPod, clusterId: string): Record<string, string> => ({
  [LABELS.cluster]: clusterId,
  [LABELS.namespace]: pod.namespace,
  [LABELS.stack]: pod.stack,
  [LABELS.service]: pod.service,
  [LABELS.pod]: pod.name,
  [LABELS.uid]: pod.uid,
  [COMPOSE_LABELS.project]: projectName(pod.namespace, pod.stack),
  [COMPOSE_LABELS.service]: pod.service,
  [COMPOSE_LABELS.number]: /^\d+$/.test(pod.slot) ? String(Number(pod.slot) + 1) : "1",
});

export const withLabels = (i: ContainerInspect, labels: Record<string, string> | undefined): ContainerInspect =>
  labels ? { ...i, Config: { ...i.Config, Labels: { ...i.Config.Labels, ...labels } } } : i;
