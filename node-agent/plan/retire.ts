// A pod that is to go, and containers of pods that nobody wants. Pure.
import type { Desired, Plan, PlanInput } from "./types.ts";
import { nothing, takeDown } from "./steps.ts";

/** No desired pod (orphan), or one that is to go. */
export const retire = (input: PlanInput, desired: Desired | undefined): Plan => {
  const { containers, backoff, now } = input;
  if (containers.length === 0 && (!desired || input.released)) return nothing({ gone: true });
  if (!input.mayRemove)
    return nothing({ waiting: { reason: "WaitingForSync", message: "nothing is removed before the agent has synced" } });
  if (backoff && now < backoff.untilMs) return nothing({ waiting: backoff });
  const c = desired?.pod.container;
  const live = containers.filter((f) => f.state !== "removing");
  if (live.length < containers.length && live.length === 0)
    return nothing({ waiting: { reason: "Removing", message: "the engine is removing the container", lookAtMs: now + 500 } });
  const networks = new Set([
    ...live.flatMap((f) => Object.keys(f.spec.networks)),
    ...(c?.networks ?? []).filter((n) => !n.external).map((n) => n.name),
  ]);
  const volumes = desired?.pod.removeVolumes ? desired.rendered.volumes.filter((v) => !v.external) : [];
  return {
    kind: desired ? "delete" : "orphan",
    actions: [
      ...live.flatMap((f) => takeDown(f, c?.stopGraceMs, f.uid === desired?.pod.uid ? c?.preStop : undefined)),
      ...[...networks].toSorted().map((name) => ({ type: "releaseNetwork", name }) as const),
      ...volumes.map(({ name }) => ({ type: "removeVolume", name }) as const),
    ],
    drift: [],
    cause: desired ? (desired.pod.deletionReason ?? "deleted") : "no pod of this name is desired on this node",
    gone: false,
    ...(live[0] ? { current: live[0] } : {}),
  };
};
