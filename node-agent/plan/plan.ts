// What to do next about one pod: data in, data out. No clock, no I/O, no logger.
import type { ContainerFacts } from "../observe.ts";
import { keep } from "./keep.ts";
import { make } from "./make.ts";
import { retire } from "./retire.ts";
import { nothing, takeDown } from "./steps.ts";
import type { Plan, PlanInput } from "./types.ts";

export type * from "./types.ts";

export const plan = (input: PlanInput): Plan => {
  const { desired, containers, backoff, now } = input;
  const removing = containers.find((c) => c.state === "removing");
  if (!desired || desired.pod.deletionTimestamp !== undefined) return retire(input, desired);
  const { uid } = desired.pod;
  const current = choose(containers.filter((c) => c.uid === uid));
  const others = containers.filter((c) => c !== current && c.state !== "removing");

  if (backoff && now < backoff.untilMs) return nothing({ ...(current ? { current } : {}), waiting: backoff });
  if (others.length > 0) {
    if (!input.mayRemove)
      return nothing({
        ...(current ? { current } : {}),
        waiting: {
          reason: "WaitingForSync",
          message: `container ${others[0]?.name} of another pod of this name stays until the agent has synced`,
        },
      });
    const cause = `container ${others.map((c) => c.name).join(", ")} belongs to an earlier pod of this name`;
    return { kind: "orphan", actions: others.flatMap((c) => takeDown(c)), drift: [], cause, gone: false, ...(current ? { current } : {}) };
  }
  if (removing)
    return nothing({ waiting: { reason: "Removing", message: `the engine is removing container ${removing.name}`, lookAtMs: now + 500 } });
  return current ? keep(input, desired, current) : make(input, desired);
};

/** The one to keep of several with the right uid: the one that runs, then the oldest. */
const choose = (containers: readonly ContainerFacts[]): ContainerFacts | undefined =>
  containers
    .filter((c) => c.state !== "removing")
    .toSorted(
      (a, b) => Number(b.state === "running") - Number(a.state === "running") || (a.createdAt + a.id < b.createdAt + b.id ? -1 : 1),
    )[0];
