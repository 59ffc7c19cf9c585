// What became of a Stack, computed from the world each time and written only when it differs. Pure.
import type { Condition, Health } from "../schemas/meta.ts";
import type { StackStatus } from "../schemas/types.ts";
import type { Jobs } from "./jobs/types.ts";
import type { Pins } from "./images/pins.ts";
import { byName, type CompiledStack, type PodView, type StackRef } from "./model.ts";
import { isLost, type Nodes } from "./pods.ts";
import type { Held } from "./revisions/hold.ts";
import type { RolloutPlan, Step } from "./rollout/types.ts";
import { serviceStatus, unstartedStatus } from "./service-status.ts";
import { describe, pauseWords, type Problem, surveyService } from "./survey.ts";
import { withTransitions } from "./times.ts";

export interface StatusInput {
  stack: StackRef;
  compiled: CompiledStack;
  /** By name: the services that are paused. */
  held: ReadonlyMap<string, Held>;
  revision: number;
  pods: readonly PodView[];
  nodes: Nodes;
  plan: RolloutPlan;
  /** What was planned of the services that are jobs. */
  jobs?: Jobs;
  pins?: Pins;
  /** By service: which pull secrets are missing. */
  lacks?: ReadonlyMap<string, string> | undefined;
  previous: StackStatus | undefined;
  /** RFC 3339 in whole seconds, for conditions that change. */
  now: string;
}

export const computeStatus = (input: StatusInput): StackStatus => {
  const { stack, compiled, held, pods, nodes, plan, previous, revision, now } = input;
  const services: NonNullable<StackStatus["services"]> = {};
  const surveys = compiled.services.map((s) => surveyService(s, input));
  for (const s of surveys) {
    services[s.service.name] = serviceStatus({
      ...s,
      revision,
      nodes,
      job: input.jobs?.get(s.service.name)?.status,
      imageDigest: input.pins?.get(s.service.name),
      previous: previous?.services?.[s.service.name],
      now,
    });
  }
  for (const [name, { wanted, waits }] of held) {
    if (waits === "start") services[name] = unstartedStatus(wanted, pauseWords(name, "start", input), previous?.services?.[name], now);
  }
  const problems = surveys.flatMap((s) => s.problems);
  const paused = [
    ...surveys.flatMap((s) => s.waiting ?? []),
    ...[...held].flatMap(([name, h]) => (h.waits === "start" ? [`${name}: ${services[name]?.message}`] : [])),
  ];
  const strays = pods.some((p) => !compiled.services.some((s) => s.name === p.desired.service));
  // What a schedule starts and sweeps is no part of a rollout.
  const steps = plan.steps.filter((step) => !compiled.services.some((s) => s.job?.schedule && s.name === serviceOf(step)));
  const still = steps.length === 0 && !strays;
  /** Nothing is on its way; `rolled`: and all pods are of this revision; `complete`: and it is all that is asked for. */
  const settled = still && surveys.every((s) => s.settled);
  const rolled = settled && surveys.every((s) => s.rolled);
  const complete = rolled && paused.length === 0;
  const [desired, ready] = ["desired" as const, "ready" as const].map((k) => Object.values(services).reduce((n, s) => n + s[k], 0)) as [
    number,
    number,
  ];

  const changing = surveys.flatMap((s) => s.changing);
  const mean = changing.length === 0 ? 100 : Math.floor(changing.reduce((a, b) => a + b, 0) / changing.length);
  const reached = rolled ? 100 : Math.min(99, mean);
  const progress = previous?.revision === revision ? Math.max(previous.progress ?? 0, reached) : reached;

  const unfinished = surveys.flatMap((s) => s.unfinished ?? []);
  const leaving = pods.filter((p) => p.desired.deletionTimestamp !== undefined).length;
  if (unfinished.length === 0 && !rolled)
    unfinished.push(leaving > 0 ? `${leaving} ${leaving === 1 ? "pod is" : "pods are"} being removed` : "a change is being carried out");

  const live = pods.filter((p) => p.desired.deletionTimestamp === undefined);
  const health = healthOf({
    complete,
    suspended: settled && (paused.length > 0 || held.size > 0),
    desired,
    ready,
    excused: surveys.reduce((n, s) => n + s.excused, 0),
    problems,
    allLost: live.length > 0 && live.every((p) => isLost(p, nodes)),
  });
  const facts = { desired, ready, revision, progress, complete, settled, problems, health, still: steps.length === 0 };
  const conditions = conditionsOf({ ...facts, pending: unfinished.join("; "), paused: paused.join("; ") });
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
      now,
    ),
    services,
    nodes: [...new Set(live.map((p) => p.node))].toSorted(byName),
    ...(sortedVolumes.length > 0 ? { volumes: Object.fromEntries(sortedVolumes) } : {}),
  };
};

const serviceOf = (step: Step): string => ("desired" in step.pod ? step.pod.desired.service : step.pod.service);

const conditionsOf = (o: {
  desired: number;
  ready: number;
  revision: number;
  progress: number;
  complete: boolean;
  settled: boolean;
  /** The plan has no steps. */
  still: boolean;
  problems: readonly Problem[];
  health: Health;
  /** What is under way, and what waits for a person to resume it, in words. */
  pending: string;
  paused: string;
}): Omit<Condition, "lastTransitionTime">[] => {
  const { desired, ready, revision, complete, problems, pending, paused } = o;
  const first = problems[0];
  const wrong = problems.length > 1 ? `${first?.message} (and ${problems.length - 1} more)` : (first?.message ?? "");
  const waits = o.settled && paused !== "";
  // A rollout that was complete stays so: what breaks later is no part of it.
  const rolledOut = o.progress === 100 && o.still;
  return [
    complete && !first
      ? {
          type: "Ready",
          status: "True",
          reason: desired === 0 ? "NothingWanted" : "AllReady",
          message: `${ready} of ${desired} pods are ready, at revision ${revision}`,
        }
      : {
          type: "Ready",
          status: o.health === "Unknown" ? "Unknown" : "False",
          reason: first?.reason ?? (waits ? "Paused" : "RollingOut"),
          message: first ? wrong : waits ? paused : pending,
        },
    complete || (rolledOut && first)
      ? { type: "Progressing", status: "False", reason: "RolloutComplete", message: `revision ${revision} is rolled out` }
      : waits && !first
        ? { type: "Progressing", status: "False", reason: "Paused", message: paused }
        : first && o.still
          ? { type: "Progressing", status: "False", reason: "RolloutStuck", message: `${wrong}${pending ? `; ${pending}` : ""}` }
          : { type: "Progressing", status: "True", reason: "RollingOut", message: pending },
    first
      ? { type: "Degraded", status: "True", reason: first.reason, message: wrong }
      : { type: "Degraded", status: "False", reason: "NothingWrong", message: "no pod fails and every pod has its node" },
  ];
};

const healthOf = (o: {
  complete: boolean;
  /** A person holds what would be done next, or will hold it. */
  suspended: boolean;
  desired: number;
  ready: number;
  excused: number;
  problems: readonly Problem[];
  allLost: boolean;
}): Health => {
  if (o.allLost) return "Unknown";
  if (o.problems.length > 0) return o.ready === 0 && o.desired > 0 && o.excused === o.desired ? "Failed" : "Degraded";
  if (o.suspended) return "Suspended";
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
