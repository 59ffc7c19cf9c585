// `depends_on: {x: {restart: true}}`: when x has been updated, those who depend on it are started again. Pure.
import type { PodView } from "../model.ts";
import type { ServiceDraft } from "./service.ts";

/**
 * From when on a container of this pod must have been started (RFC 3339). Of each such dependency the oldest of its pods counts, and
 * only once all of them are of the new template and ready: a restart in the middle of a rollout would meet the old ones. Undefined:
 * none was made after the pod.
 */
export const restartAfter = ({ draft, service }: ServiceDraft, pod: PodView): string | undefined => {
  const { createdAt, restartAfter: before } = pod.desired;
  const times = service.dependsOn.flatMap((dependency) => {
    const other = dependency.restart && draft.services.get(dependency.service);
    if (!other) return [];
    const live = draft.livePods().filter((p) => p.desired.service === other.name);
    const settled = live.length > 0 && live.every((p) => p.desired.templateHash === other.templateHash && draft.isReady(p));
    const [oldest] = live.map((p) => p.desired.createdAt).toSorted();
    return settled && live.length >= (draft.slots.get(other.name)?.length ?? 0) && oldest !== undefined ? [oldest] : [];
  });
  const latest = [...times, ...(before === undefined ? [] : [before])].toSorted().at(-1);
  return latest !== undefined && latest > createdAt ? latest : undefined;
};
