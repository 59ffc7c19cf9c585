// What an agent observed, in the words of a Kubernetes pod's status.
import type { DesiredPod, ObservedPod } from "../fleet.ts";
import type { ContainerStatus, PodCondition, PodContainerState, PodStatus } from "../types.ts";
import { type PodContext, seconds } from "./common.ts";

const terminatedOf = (o: ObservedPod): PodContainerState => ({
  terminated: {
    exitCode: o.exitCode ?? 0,
    reason: o.oomKilled ? "OOMKilled" : (o.exitCode ?? 0) === 0 ? "Completed" : "Error",
    ...(o.logTail?.length ? { message: o.logTail.join("\n") } : o.lastError ? { message: o.lastError } : {}),
    ...(o.startedAt ? { startedAt: seconds(o.startedAt) } : {}),
    ...(o.finishedAt ? { finishedAt: seconds(o.finishedAt) } : {}),
    ...(o.containerId ? { containerID: `docker://${o.containerId}` } : {}),
  },
});

/** `reason` in words, with the engine's own words and when it is tried again. */
const explain = (o: ObservedPod): string | undefined => {
  const parts = [o.message, o.lastError && o.lastError !== o.message ? `last error: ${o.lastError}` : undefined];
  const text = parts.filter((p) => p).join("; ");
  const retry = o.nextRetryAt ? `next try at ${seconds(o.nextRetryAt)}` : "";
  return [text, retry].filter((p) => p).join("; ") || undefined;
};

const waitingOf = (reason: string, message: string | undefined): PodContainerState => ({
  waiting: { reason, ...(message ? { message } : {}) },
});

const stateOf = (o: ObservedPod): { state: PodContainerState; lastState?: PodContainerState } => {
  const ended = o.exitCode !== undefined && o.finishedAt !== undefined;
  const lastState = ended ? { lastState: terminatedOf(o) } : {};
  if (o.state === "running")
    return { state: { running: o.startedAt ? { startedAt: seconds(o.startedAt) } : {} }, ...(o.restarts > 0 ? lastState : {}) };
  if (o.phase === "Succeeded" || o.phase === "Failed") return { state: terminatedOf(o) };
  const words: Record<Exclude<ObservedPod["state"], "running">, string> = {
    absent: "ContainerCreating",
    created: "ContainerCreating",
    paused: "Paused",
    restarting: "CrashLoopBackOff",
    removing: "Terminating",
    exited: "Exited",
    dead: "Dead",
  };
  return { state: waitingOf(o.reason ?? words[o.state], explain(o)), ...lastState };
};

const imageIdOf = (o: ObservedPod): string =>
  o.imageDigest ? `docker-pullable://${o.imageDigest}` : o.imageId ? `docker://${o.imageId}` : "";

export const podStatusOf = (d: DesiredPod, o: ObservedPod | undefined, context: PodContext): PodStatus => {
  const lost = context.connected === false;
  const base: PodStatus = {
    phase: "Pending",
    ...(context.hostIp ? { hostIP: context.hostIp } : {}),
    startTime: seconds(d.createdAt),
  };
  const scheduled: PodCondition = { type: "PodScheduled", status: "True", lastTransitionTime: seconds(d.createdAt) };
  const why = lost
    ? { reason: "NodeStatusUnknown", message: "the node's agent is not connected; this is what it last reported" }
    : o
      ? { ...(o.reason ? { reason: o.reason } : {}), ...(explain(o) ? { message: explain(o) as string } : {}) }
      : { reason: "WaitingForAgent", message: "the node's agent has not answered yet" };
  const ready = lost ? "Unknown" : o?.ready ? "True" : "False";
  const since = o ? { lastTransitionTime: seconds(o.since) } : { lastTransitionTime: seconds(d.createdAt) };
  const conditions: PodCondition[] = [
    scheduled,
    { type: "ContainersReady", status: ready, ...(ready === "True" ? {} : why), ...since },
    { type: "Ready", status: ready, ...(ready === "True" ? {} : why), ...since },
  ];
  if (!o) {
    const status: ContainerStatus = {
      name: d.service,
      ready: false,
      started: false,
      restartCount: 0,
      image: d.container.image,
      imageID: "",
      state: waitingOf("ContainerCreating", why.message),
    };
    return { ...base, ...(lost ? { ...why, phase: "Unknown" } : {}), conditions, containerStatuses: [status] };
  }
  const ips = Object.keys(o.addresses ?? {})
    .toSorted()
    .flatMap((network) => (o.addresses?.[network] ? [{ ip: o.addresses[network] }] : []));
  return {
    ...base,
    // A tombstone: nothing is left on the node, and the controller is about to let the pod go.
    phase: lost ? "Unknown" : o.phase === "Removed" ? "Succeeded" : o.phase,
    ...why,
    ...(ips[0] ? { podIP: ips[0].ip, podIPs: ips } : {}),
    observedRevision: String(o.desiredRevision),
    conditions,
    containerStatuses: [
      {
        name: d.service,
        ready: o.ready && !lost,
        started: o.state === "running",
        restartCount: o.restarts,
        image: o.image ?? d.container.image,
        imageID: imageIdOf(o),
        ...(o.containerId ? { containerID: `docker://${o.containerId}` } : {}),
        ...(o.health ? { health: o.health } : {}),
        ...stateOf(o),
      },
    ],
  };
};
