// A pod that has its container. Pure.
import type { ContainerSpec, DesiredPod } from "../../schemas/fleet.ts";
import { type Drift, driftOf } from "../drift.ts";
import type { ContainerFacts } from "../observe.ts";
import { updateOf } from "../render/limits.ts";
import type { Rendered } from "../render.ts";
import { later, shareHold, shareRepair } from "../shares/share.ts";
import { creation, ensureImage, ensureNetworks, held, nothing, prepare, rehearse, runsOnce, stopping, takeDown } from "./steps.ts";
import type { Action, Desired, Plan, PlanInput } from "./types.ts";

/** How a container that has exited ended for good; undefined: it should run. */
const outcome = (c: ContainerSpec, f: ContainerFacts): "Succeeded" | "Failed" | undefined => {
  if (f.state !== "exited" || f.startedAt === undefined || !runsOnce(c)) return undefined;
  if (f.exitCode === 0) return "Succeeded";
  if (c.restart.policy === "no") return "Failed";
  const max = c.restart.maxRetries ?? 0;
  return max > 0 && f.restartCount >= max ? "Failed" : undefined;
};

/** An image that no registry knows is left as it is: nothing tells whether it is the same. */
const hasOtherBits = ({ pod, pinnedId }: Desired, c: ContainerFacts): boolean =>
  pod.imageDigest !== undefined && c.imageDigests.length > 0 && !c.imageDigests.includes(pod.imageDigest) && c.imageId !== pinnedId;

const LOOK_AGAIN_MS = 10_000;

/** There is one: what is wrong with it? */
export const keep = (input: PlanInput, desired: Desired, c: ContainerFacts): Plan => {
  const { pod, rendered, expected } = desired;
  const finished = outcome(pod.container, c);
  if (finished) return nothing({ current: c, finished });

  // One that was taken over has no hash of ours: it stays as it is called, and as it is, unless its user said otherwise.
  const foreign = pod.adopt !== undefined && c.specHash === "";
  const drift = driftOf(expected, c, rendered, input.networkIds).filter((d) => !(foreign && d.remedy === "rename"));
  if (hasOtherBits(desired, c)) {
    // Only when they are here can they be compared: until then, and when they cannot be had, the container goes on.
    const unknown = desired.pinnedId === undefined;
    if (unknown && c.state === "running")
      return nothing({ actions: [ensureImage(desired)], cause: "the service's other pods run other bits of the image", current: c, drift });
    if (!unknown) drift.push({ op: "replace", path: "/imageDigest", value: pod.imageDigest, remedy: "replace" });
  }
  const repair = shareRepair(input.shares, c);
  const shareless = shareHold(input.shares);
  const replace = drift.filter((d) => d.remedy === "replace");
  if (replace.length > 0 || repair?.how === "replace" || c.state === "dead") {
    const differs = `container differs from its spec in ${replace.map((d) => d.path).join(", ")}`;
    if (foreign && !pod.adopt?.replace && c.state !== "dead" && repair?.how !== "replace")
      return nothing({
        current: c,
        drift,
        waiting: { reason: "AdoptionDiffers", message: `${differs}; it was taken over as it is, and stays` },
      });
    const cause = c.state === "dead" ? "container is dead" : repair?.how === "replace" ? repair.cause : differs;
    const hold = shareless ?? (repair?.how === "replace" ? input.waitingFor : undefined);
    if (hold !== undefined) return nothing({ current: c, drift, waiting: held(hold) });
    // The container may be newer than what a checkpoint says: a dead one is replaced unsynced, or one of the same spec.
    if (!input.mayRemove && c.state !== "dead" && !(repair && c.specHash === rendered.specHash))
      return nothing({
        current: c,
        drift,
        waiting: { reason: "WaitingForSync", message: `${cause}; it is replaced when the agent has synced` },
      });
    const waiting = input.waitingFor === undefined ? {} : { waiting: held(input.waitingFor) };
    const actions = [
      ...rehearse(desired, [c.id]),
      ...prepare(desired),
      ...takeDown(c, pod.container.stopGraceMs, pod.container.preStop),
      ...creation(input, desired),
    ];
    return { kind: "replace", actions, drift, cause, gone: false, current: c, ...waiting };
  }

  const actions: Action[] = [];
  const causes: string[] = [];
  for (const d of drift) {
    switch (d.remedy) {
      case "rename":
        actions.push({ type: "rename", container: c.id, to: rendered.name });
        causes.push(`container was renamed to ${c.name} outside (docker rename)`);
        break;
      case "disconnect":
        actions.push({ type: "disconnect", container: c.id, network: d.network ?? "" });
        causes.push(
          d.op === "remove"
            ? `container was connected to network ${d.network} outside`
            : `its place in network ${d.network} differs (${d.path})`,
        );
        // An endpoint with the wrong aliases is made anew.
        if (d.op === "replace") actions.push(...connection(rendered, c, d.network));
        break;
      case "connect":
        actions.push(...connection(rendered, c, d.network));
        if (c.startedAt !== undefined)
          causes.push(`container was disconnected from network ${d.network} outside (docker network disconnect)`);
        break;
      case "update":
      case "replace":
        break;
    }
  }
  const updates = drift.filter((d) => d.remedy === "update");
  if (updates.length > 0) {
    const limits = updates.filter((d) => d.path.startsWith("/limits/")).map((d) => d.path.slice("/limits/".length));
    actions.push({ type: "update", container: c.id, change: updateOf(rendered.limits, rendered.restart, limits) });
    causes.push(`${updates.map((d) => d.path).join(", ")} differed (docker update, or a live change)`);
  }
  const hold = input.waitingFor ?? shareless;
  let waiting: Plan["waiting"];
  let restart: string | undefined;
  switch (c.state) {
    case "running":
      restart = repair?.cause ?? restartAsked(input, pod, c);
      if (shareless !== undefined && !input.shares.some((s) => s.unseen)) waiting = held(shareless);
      if (restart === undefined) break;
      if (hold !== undefined) waiting = held(hold);
      else actions.push(stopping(c, pod.container.stopGraceMs, pod.container.preStop), { type: "start", container: c.id });
      break;
    case "paused":
      actions.unshift({ type: "unpause", container: c.id });
      causes.push("container was paused outside (docker pause)");
      drift.push({ op: "replace", path: "/paused", value: false, remedy: "update" });
      break;
    case "created":
    case "exited":
      if (c.startedAt !== undefined) {
        causes.push(input.hookFailed ? "post_start failed, and is tried again" : `container was stopped outside (exit code ${c.exitCode})`);
        drift.push({ op: "replace", path: "/running", value: true, remedy: "update" });
      }
      // An endpoint may point at a network that is gone, which would fail every start: look the networks up, then look again.
      if (rendered.networks.some((n) => !input.networkIds.has(n.name)))
        return nothing({ actions: ensureNetworks(rendered), cause: "its networks are not known yet", current: c, drift });
      // What ran before goes on as it was; what is new does not begin in the wrong network.
      if (hold !== undefined) waiting = held(hold);
      else if (c.startedAt !== undefined || input.complaints.every((complaint) => "remake" in complaint))
        actions.push({ type: "start", container: c.id });
      break;
    default:
      break;
  }
  for (const complaint of input.complaints) {
    if (!("remake" in complaint)) waiting ??= { ...complaint, lookAtMs: input.now + LOOK_AGAIN_MS };
    else if (actions.length === 0) {
      actions.push({ type: "ensureNetwork", network: complaint.remake });
      causes.push(`${complaint.message}; it is made anew`);
    }
  }
  const cure = actions.length === 0 && waiting === undefined ? cureOf(input, desired, c, drift) : undefined;
  if (cure) return cure;
  const { postStart } = pod.container;
  // Once for each start, also one by Docker itself.
  if (actions.length === 0 && c.state === "running" && postStart?.length && input.hooked !== startOf(c)) {
    const action = { type: "postStart", container: c.id, hooks: postStart, start: startOf(c) } as const;
    return nothing({ actions: [action], cause: "post_start has not run since its start", current: c, drift });
  }
  if (actions.length === 0) return nothing({ current: c, drift, ...(waiting ? { waiting } : {}) });
  const fresh = c.startedAt === undefined && causes.length === 0;
  const onlyRestart = restart !== undefined && causes.length === 0;
  if (restart !== undefined) causes.push(restart);
  return {
    kind: fresh ? "create" : onlyRestart ? "restart" : "heal",
    actions,
    drift,
    cause: fresh ? "new pod" : causes.join("; "),
    gone: false,
    current: c,
    ...(waiting ? { waiting } : {}),
  };
};

const MINUTE_MS = 60_000;

/** What its policy asks for while the health check fails. */
const cureOf = (input: PlanInput, desired: Desired, c: ContainerFacts, drift: Drift[]): Plan | undefined => {
  const { pod } = desired;
  if (pod.unhealthy === undefined || c.state !== "running" || c.health !== "unhealthy" || input.waitingFor !== undefined) return undefined;
  const { action, budget } = pod.unhealthy;
  const times = `${budget.times} times within ${Math.round(budget.withinMs / MINUTE_MS)} min`;
  if (input.cures >= budget.times) {
    const message = `the health check fails; it was ${action === "restart" ? "restarted" : "made again"} ${times} already, and is left to run for now`;
    return nothing({ current: c, drift, waiting: { reason: "Unhealthy", message, lookAtMs: input.now + MINUTE_MS } });
  }
  const { stopGraceMs, preStop } = pod.container;
  const shared = { drift, cause: "the health check fails", gone: false, current: c, cure: true } as const;
  return action === "restart"
    ? { ...shared, kind: "restart", actions: [stopping(c, stopGraceMs, preStop), { type: "start", container: c.id }] }
    : { ...shared, kind: "replace", actions: [...prepare(desired), ...takeDown(c, stopGraceMs, preStop), ...creation(input, desired)] };
};

/** Names one start of one container. */
const startOf = (c: ContainerFacts): string => `${c.id.slice(0, 12)}@${c.startedAt}`;

/** `depends_on: {x: {restart: true}}`, x having been updated since. */
const restartAsked = (input: PlanInput, pod: DesiredPod, c: ContainerFacts): string | undefined =>
  pod.restartAfter === undefined || input.restarted || c.startedAt === undefined || !later(pod.restartAfter, c.startedAt)
    ? undefined
    : `a service that it depends on was updated (restart: true), ${pod.restartAfter}`;

const connection = (rendered: Rendered, c: ContainerFacts, name: string | undefined): Action[] =>
  rendered.networks
    .filter((n) => n.name === name)
    .flatMap((network) => [
      { type: "ensureNetwork", network } as const,
      { type: "connect", container: c.id, network: network.name, endpoint: network.endpoint } as const,
    ]);
