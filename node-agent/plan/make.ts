// A pod without a container. Pure.
import type { Desired, Plan, PlanInput } from "./types.ts";
import { shareHold } from "../shares/share.ts";
import { creation, held, nothing, prepare, rehearse, runsOnce } from "./steps.ts";

/** There is no container. */
export const make = (input: PlanInput, desired: Desired): Plan => {
  // A job that has ended stays ended when somebody sweeps its container away.
  if (input.finished && runsOnce(desired.pod.container)) return nothing({ finished: input.finished });
  if (input.nameHolder !== undefined)
    return nothing({
      waiting: {
        reason: "NameConflict",
        message: `the name ${desired.rendered.name} is taken by ${input.nameHolder}, which is not ours and stays; rename or remove it`,
      },
    });
  // Which one it joins is fixed at its creation.
  const hold = shareHold(input.shares);
  if (hold !== undefined) return nothing({ waiting: held(hold) });
  return {
    kind: input.hadContainer ? "heal" : "create",
    actions: [...rehearse(desired, []), ...prepare(desired), ...creation(input, desired)],
    drift: input.hadContainer ? [{ op: "add", path: "/container", value: desired.rendered.name, remedy: "replace" }] : [],
    cause: input.hadContainer ? "container was removed outside (docker rm)" : "new pod",
    gone: false,
    ...(input.waitingFor === undefined ? {} : { waiting: held(input.waitingFor) }),
  };
};
