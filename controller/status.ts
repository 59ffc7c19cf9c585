// What became of a Stack, computed from the world each time and written only when it differs. Pure.
import { CLI } from "../schemas/constants.ts";
import type { Condition, Health } from "../schemas/meta.ts";
import type { StackStatus } from "../schemas/types.ts";
import { byName, type CompiledService, type CompiledStack, type PodView, type StackRef } from "./model.ts";
import { isAnswered, isFailing, isLost, isReady, type Nodes } from "./pods.ts";
import type { RolloutPlan } from "./rollout/types.ts";
import { serviceStatus } from "./service-status.ts";
import { withTransitions } from "./times.ts";

export interface StatusInput {
  stack: StackRef;
  compiled: CompiledStack;
  revision: number;
  pods: readonly PodView[];
  nodes: Nodes;
  plan: RolloutPlan;
  previous: StackStatus | undefined;
  /** RFC 3339 in whole seconds, for conditions that change. */
  now: string;
}

interface Problem {
  service: string;
  reason: string;
  message: string;
}

/** How far one replica is, in percent. Source: the steps people can see (assigned, pulling, created, started, ready). */
const replicaProgress = (pod: PodView | undefined, nodes: Nodes): number => {
  if (!pod) return 0;
  if (isReady(pod, nodes)) return isAnswered(pod) ? 100 : 90;
  const o = pod.observed;
  if (!o) return 5;
  if (o.state === "absent") return o.reason === "Pulling" ? 25 : 10;
  return o.state === "created" ? 50 : 60;
};

const describe = (pod: PodView): string => `${pod.desired.name} on ${pod.node}`;

/** What is wrong, not merely unfinished. Names the pod, why, and what next. */
const problemsOf = (s: CompiledService, pods: readonly PodView[], { plan, nodes, stack }: StatusInput): Problem[] => {
  const problems: Problem[] = [];
  for (const p of pods) {
    if (p.desired.deletionTimestamp !== undefined) continue;
    if (isLost(p, nodes)) {
      const why = nodes.get(p.node)?.notReady ?? "not ready";
      problems.push({
        service: s.name,
        reason: "NodeNotReady",
        message: `${describe(p)}: the node is ${why}. Bring it back, or delete the node to have its pods made elsewhere`,
      });
    } else if (isFailing(p)) {
      const o = p.observed;
      const reason = o?.reason ?? (o?.health === "unhealthy" ? "Unhealthy" : "Failed");
      const why =
        o?.message ??
        o?.lastError ??
        (o?.exitCode === undefined ? `the container is ${o?.state}` : `it ended with exit code ${o.exitCode}`);
      problems.push({
        service: s.name,
        reason,
        message: `${describe(p)}: ${reason}: ${why}. Next: ${CLI} status ${stack.name}, or kubectl describe pod ${p.desired.name}`,
      });
    }
  }
  const wait = plan.waits.get(s.name);
  if (wait?.reason === "Unplaceable" || wait?.reason === "NodeNotResponding")
    problems.push({ service: s.name, reason: wait.reason, message: `${s.name}: ${wait.message}` });
  return problems;
};

export const computeStatus = (input: StatusInput): StackStatus => {
  const { stack, compiled, pods, nodes, plan, previous, revision } = input;
  const services: NonNullable<StackStatus["services"]> = {};
  const problems: Problem[] = [];
  const unfinished: string[] = [];
  const changing: number[] = [];
  let desired = 0;
  let ready = 0;
  let complete = plan.steps.length === 0;
  let excused = 0;

  for (const s of compiled.services) {
    const mine = pods.filter((p) => p.desired.service === s.name);
    const slots = plan.slots.get(s.name) ?? [];
    const found = problemsOf(s, mine, input);
    problems.push(...found);
    let serviceReady = 0;
    let updated = 0;
    let firstWaiting: string | undefined;
    for (const slot of slots) {
      const live = mine.filter((p) => p.desired.slot === slot && p.desired.deletionTimestamp === undefined);
      const current = live.find((p) => p.desired.templateHash === s.templateHash);
      if (current) updated += 1;
      const isUp = live.some((p) => isReady(p, nodes));
      if (isUp) serviceReady += 1;
      else if (live.some((p) => isFailing(p)) || (live.length === 0 && plan.waits.get(s.name)?.reason === "Unplaceable")) excused += 1;
      const value = replicaProgress(current, nodes);
      if (value < 100) {
        complete = false;
        firstWaiting ??= current
          ? `${describe(current)}: ${current.observed?.reason ?? current.observed?.state ?? "its agent has not answered yet"}`
          : undefined;
      }
      // Pods that an earlier revision left as they are do not count, or one change among fifty would start at 98.
      if (!current || current.desired.revision >= revision || !isAnswered(current)) changing.push(value);
    }
    if (mine.length > slots.length || plan.waits.has(s.name)) complete = false;
    desired += slots.length;
    ready += serviceReady;
    const wait = plan.waits.get(s.name);
    const worst = found[0]?.reason === wait?.reason ? undefined : found[0]?.message;
    const message = worst ?? wait?.message ?? firstWaiting;
    if (updated < slots.length || serviceReady < slots.length)
      unfinished.push(
        `${s.name} ${updated}/${slots.length} updated, ${serviceReady}/${slots.length} ready${message && !found[0] ? ` (${message})` : ""}`,
      );
    services[s.name] = serviceStatus({
      service: s,
      wantedHash: s.templateHash,
      desired: slots.length,
      ready: serviceReady,
      pods: mine,
      nodes,
      revision,
      message,
      previous: previous?.services?.[s.name],
      now: input.now,
    });
  }
  const strays = pods.filter((p) => !services[p.desired.service]);
  if (strays.length > 0) complete = false;
  const leaving = pods.filter((p) => p.desired.deletionTimestamp !== undefined).length;
  if (unfinished.length === 0 && !complete)
    unfinished.push(leaving > 0 ? `${leaving} ${leaving === 1 ? "pod is" : "pods are"} being removed` : "a change is being carried out");

  const mean = changing.length === 0 ? 100 : Math.floor(changing.reduce((a, b) => a + b, 0) / changing.length);
  const reached = complete ? 100 : Math.min(99, mean);
  const progress = previous?.revision === revision ? Math.max(previous.progress ?? 0, reached) : reached;

  const live = pods.filter((p) => p.desired.deletionTimestamp === undefined);
  const health = healthOf({ complete, desired, ready, excused, problems, allLost: live.length > 0 && live.every((p) => isLost(p, nodes)) });
  const first = problems[0];
  const wrong = problems.length > 1 ? `${first?.message} (and ${problems.length - 1} more)` : (first?.message ?? "");
  const pending = unfinished.join("; ");
  // A rollout that was complete stays so: what breaks later is no part of it.
  const rolledOut = progress === 100 && plan.steps.length === 0;
  const conditions: Omit<Condition, "lastTransitionTime">[] = [
    complete && !first
      ? {
          type: "Ready",
          status: "True",
          reason: desired === 0 ? "NothingWanted" : "AllReady",
          message: `${ready} of ${desired} pods are ready, at revision ${revision}`,
        }
      : {
          type: "Ready",
          status: health === "Unknown" ? "Unknown" : "False",
          reason: first?.reason ?? "RollingOut",
          message: first ? wrong : pending,
        },
    complete || (rolledOut && first)
      ? { type: "Progressing", status: "False", reason: "RolloutComplete", message: `revision ${revision} is rolled out` }
      : first && plan.steps.length === 0
        ? { type: "Progressing", status: "False", reason: "RolloutStuck", message: `${wrong}${pending ? `; ${pending}` : ""}` }
        : { type: "Progressing", status: "True", reason: "RollingOut", message: pending },
    first
      ? { type: "Degraded", status: "True", reason: first.reason, message: wrong }
      : { type: "Degraded", status: "False", reason: "NothingWrong", message: "no pod fails and every pod has its node" },
  ];
  const sortedVolumes = Object.entries(plan.volumes).toSorted(([a], [b]) => byName(a, b));
  return {
    observedGeneration: stack.generation,
    health,
    revision,
    revisionHash: compiled.revisionHash,
    progress,
    ready: `${ready}/${desired}`,
    conditions: withTransitions(
      conditions.map((c) => ({ ...c, observedGeneration: stack.generation })),
      previous?.conditions,
      input.now,
    ),
    services,
    nodes: [...new Set(live.map((p) => p.node))].toSorted(byName),
    ...(sortedVolumes.length > 0 ? { volumes: Object.fromEntries(sortedVolumes) } : {}),
  };
};

const healthOf = (o: {
  complete: boolean;
  desired: number;
  ready: number;
  excused: number;
  problems: readonly Problem[];
  allLost: boolean;
}): Health => {
  if (o.allLost) return "Unknown";
  if (o.problems.length > 0) return o.ready === 0 && o.desired > 0 && o.excused === o.desired ? "Failed" : "Degraded";
  return o.complete ? "Healthy" : "Progressing";
};

/** A Stack whose stored spec cannot be compiled: nothing is touched, and everybody is told. */
export const invalidStatus = (
  stack: StackRef,
  previous: StackStatus | undefined,
  problems: readonly string[],
  now: string,
): StackStatus => {
  const message = `${problems.slice(0, 3).join("; ")}${problems.length > 3 ? ` (and ${problems.length - 3} more)` : ""}. What runs stays as it is; correct the spec`;
  const condition = { reason: "InvalidSpec", message, observedGeneration: stack.generation };
  return {
    ...previous,
    observedGeneration: stack.generation,
    health: "Failed",
    conditions: withTransitions(
      [
        { type: "Ready", status: "False", ...condition },
        { type: "Progressing", status: "False", ...condition },
        { type: "Degraded", status: "True", ...condition },
      ],
      previous?.conditions,
      now,
    ),
  };
};

/** A Stack that is being deleted: what is left of it. */
export const deletingStatus = (
  stack: StackRef,
  previous: StackStatus | undefined,
  pods: readonly PodView[],
  nodes: Nodes,
  now: string,
): StackStatus => {
  const lost = pods.filter((p) => nodes.has(p.node) && isLost(p, nodes));
  const names = pods.slice(0, 3).map(describe).join(", ");
  const left =
    pods.length === 0
      ? "all pods are gone"
      : `${pods.length} ${pods.length === 1 ? "pod is" : "pods are"} left: ${names}${pods.length > 3 ? ", …" : ""}`;
  const first = lost[0];
  const stuck = first
    ? `${describe(first)} cannot be removed: the node is ${nodes.get(first.node)?.notReady ?? "not ready"}; bring it back, or delete the node to give it up`
    : undefined;
  const observedGeneration = stack.generation;
  return {
    ...previous,
    observedGeneration,
    health: stuck ? "Degraded" : "Progressing",
    nodes: [...new Set(pods.map((p) => p.node))].toSorted(byName),
    conditions: withTransitions(
      [
        { type: "Ready", status: "False", reason: "Deleting", message: stuck ?? left, observedGeneration },
        { type: "Progressing", status: stuck ? "False" : "True", reason: "Deleting", message: stuck ?? left, observedGeneration },
        stuck
          ? { type: "Degraded", status: "True", reason: "NodeNotResponding", message: stuck, observedGeneration }
          : { type: "Degraded", status: "False", reason: "Deleting", message: left, observedGeneration },
      ],
      previous?.conditions,
      now,
    ),
  };
};
