import { LABELS } from "../../schemas/constants.ts";
import type { Pod } from "../../schemas/types.ts";
import type { TableShape } from "../kind.ts";
import { AGE, age, column, NAME, NONE, wide } from "./cells.ts";
import { ageOf } from "./duration.ts";

/** One word for what the pod does, or why it does not: what `kubectl get pods` is asked for most. */
export function podStatus({ metadata, status }: Pod): string {
  const phase = status?.phase ?? "Unknown";
  if (phase === "Unknown") return phase;
  if (metadata.deletionTimestamp) return "Terminating";
  const [container] = status?.containerStatuses ?? [];
  const { waiting, terminated } = container?.state ?? {};
  if (waiting?.reason) return waiting.reason;
  if (terminated) return terminated.reason || `ExitCode:${terminated.exitCode}`;
  return container?.ready ? phase : status?.reason || phase;
}

/** `3 (5m ago)`: how often, and how long ago it last ended. */
function restarts({ status }: Pod, now: number): string {
  const [container] = status?.containerStatuses ?? [];
  const count = container?.restartCount ?? 0;
  const last = container?.lastState?.terminated?.finishedAt;
  return count > 0 && last ? `${count} (${ageOf(last, now)} ago)` : String(count);
}

export const podTable: TableShape<Pod> = {
  columns: [
    NAME,
    column("Ready", "How many of its containers are ready. A pod has one container."),
    column("Status", "What the pod does, or why it does not, as one word."),
    column("Restarts", "How often the container was started again, and when it last ended."),
    AGE,
    wide("IP", "Address of the container in the engine's network."),
    wide("Node", "Node that the pod is on."),
    wide("Stack", "Stack that the pod belongs to."),
    wide("Image", "Image of the container."),
  ],
  cells(pod, now) {
    const statuses = pod.status?.containerStatuses ?? [];
    const containers = pod.spec?.containers ?? [];
    return [
      pod.metadata.name,
      `${statuses.filter((s) => s.ready).length}/${containers.length}`,
      podStatus(pod),
      restarts(pod, now),
      age(pod, now),
      pod.status?.podIP ?? NONE,
      pod.spec?.nodeName ?? NONE,
      pod.metadata.labels?.[LABELS.stack] ?? NONE,
      containers.map((c) => c.image ?? "").join(",") || NONE,
    ];
  },
};
