// How one service of a Stack is doing: what it counts, what is wrong with it, what it waits for. Pure.
import { CLI } from "../schemas/constants.ts";
import { surveyJob } from "./jobs/survey.ts";
import type { CompiledService, PodView } from "./model.ts";
import { isAnswered, isFailing, isLost, isReady, type Nodes } from "./pods.ts";
import type { Held } from "./revisions/hold.ts";
import type { Wait } from "./rollout/types.ts";
import type { StatusInput } from "./status.ts";

export interface Problem {
  service: string;
  reason: string;
  message: string;
}

export interface Survey {
  service: CompiledService;
  /** Hash of the template that the manifest asks for. */
  wantedHash: string;
  pods: readonly PodView[];
  /** Slots that shall be filled; slots with a ready pod; slots that are empty or failing, and so excuse that nothing is ready. */
  desired: number;
  ready: number;
  excused: number;
  problems: readonly Problem[];
  /** Percent, of each replica that the revision changes. */
  changing: readonly number[];
  /** Nothing is on its way. */
  settled: boolean;
  /** All pods are of this revision. Settled without that: it is paused. */
  rolled: boolean;
  /** What is not as it should be, in words. */
  message: string | undefined;
  /** Counts and message, while it is not finished. */
  unfinished: string | undefined;
  /** With its name: what waits because it is paused. */
  waiting: string | undefined;
}

/** It does not go away by itself. */
const needsSomebody = ({ reason }: Wait): boolean => !["WaitingForPods", "WaitingForDependency", "Preparing"].includes(reason);

export const describe = (pod: PodView): string => `${pod.desired.name} on ${pod.node}`;

/** How far one replica is, in percent. Source: the steps people can see (assigned, pulling, created, started, ready). */
export const replicaProgress = (pod: PodView | undefined, nodes: Nodes): number => {
  if (!pod) return 0;
  if (isReady(pod, nodes)) return isAnswered(pod) ? 100 : 90;
  const o = pod.observed;
  if (!o) return 5;
  if (o.state === "absent") return o.reason === "Pulling" ? 25 : 10;
  return o.state === "created" ? 50 : 60;
};

/** What is wrong, not merely unfinished. Names the pod, why, and what next. */
export const problemsOf = (s: CompiledService, pods: readonly PodView[], { plan, nodes, stack, lacks }: StatusInput): Problem[] => {
  const missing = lacks?.get(s.name);
  /** A registry refuses, and the password that was meant for it is not there. */
  const why = (text: string): string => (missing !== undefined && text.includes("ImageDenied") ? `${text}. ${missing}` : text);
  const problems: Problem[] = [];
  for (const p of pods) {
    if (p.desired.deletionTimestamp !== undefined) continue;
    if (isLost(p, nodes)) {
      const state = nodes.get(p.node)?.notReady ?? "not ready";
      problems.push({
        service: s.name,
        reason: "NodeNotReady",
        message: `${describe(p)}: the node is ${state}. Bring it back, or delete the node to have its pods made elsewhere`,
      });
    } else if (isFailing(p)) {
      const o = p.observed;
      const reason = o?.reason ?? (o?.health === "unhealthy" ? "Unhealthy" : "Failed");
      const words =
        o?.message ??
        o?.lastError ??
        (o?.exitCode === undefined ? `the container is ${o?.state}` : `it ended with exit code ${o.exitCode}`);
      problems.push({
        service: s.name,
        reason,
        message: `${why(`${describe(p)}: ${reason}: ${words}`)}. Next: ${CLI} status ${stack.name}, or kubectl describe pod ${p.desired.name}`,
      });
    }
  }
  const wait = plan.waits.get(s.name);
  if (wait && needsSomebody(wait)) problems.push({ service: s.name, reason: wait.reason, message: why(`${s.name}: ${wait.message}`) });
  return problems;
};

/** What it is at. Of a pull, how far. */
const stageOf = ({ observed: o }: PodView): string =>
  (o?.reason === "Pulling" ? o.message : undefined) ?? o?.reason ?? o?.state ?? "its agent has not answered yet";

/** What a paused service waits for, and how it goes on. */
export const pauseWords = (
  name: string,
  waits: Held["waits"],
  { stack, held }: Pick<StatusInput, "stack" | "held">,
  behind?: string,
): string => {
  const resume = `kubectl rollout resume deploy/${stack.name}-${name}${stack.namespace === "default" ? "" : ` -n ${stack.namespace}`}`;
  const next = `resume it with ${resume}, or take x-steadfleet.paused out`;
  if (waits === "start") return `paused before its first container, so none is started: ${next}`;
  if (waits === "changes") return `paused, so a change waits (image ${held.get(name)?.wanted.container.image}): ${next}`;
  return behind === undefined ? "paused: what is changed waits until it is resumed" : `paused with ${behind}: ${next}`;
};

export const surveyService = (s: CompiledService, input: StatusInput): Survey => {
  const job = input.jobs?.get(s.name);
  if (job) return surveyJob(s, job, input);
  const { plan, nodes, revision, held } = input;
  const mine = input.pods.filter((p) => p.desired.service === s.name);
  const slots = plan.slots.get(s.name) ?? [];
  const wait = plan.waits.get(s.name);
  const problems = problemsOf(s, mine, input);
  const changing: number[] = [];
  let [ready, updated, excused, behind] = [0, 0, 0, 0];
  let firstWaiting: string | undefined;
  let settled = mine.length <= slots.length && !wait;
  for (const slot of slots) {
    const live = mine.filter((p) => p.desired.slot === slot && p.desired.deletionTimestamp === undefined);
    const current = live.find((p) => p.desired.templateHash === s.templateHash);
    if (current) updated += 1;
    if (live.some((p) => isReady(p, nodes))) ready += 1;
    else if (live.some((p) => isFailing(p)) || (live.length === 0 && wait && needsSomebody(wait) && wait.reason !== "NodeNotResponding"))
      excused += 1;
    // What a paused service leaves as it is need not become anything.
    const left = s.paused && !current ? live[0] : undefined;
    if (left) behind += 1;
    const awaited = current ?? left;
    if (replicaProgress(awaited, nodes) < 100) {
      settled = false;
      if (awaited) firstWaiting ??= `${describe(awaited)}: ${stageOf(awaited)}`;
    }
    // Pods that an earlier revision left as they are do not count, or one change among fifty would start at 98.
    if (!current || current.desired.revision >= revision || !isAnswered(current)) changing.push(replicaProgress(current, nodes));
  }
  const hold = held.get(s.name);
  const worst = problems[0]?.reason === wait?.reason ? undefined : problems[0]?.message;
  const said = hold && pauseWords(s.name, hold.waits, input, behind > 0 ? `${updated} of ${slots.length} pods updated` : undefined);
  const message = worst ?? wait?.message ?? firstWaiting;
  const counts = `${s.name} ${updated}/${slots.length} updated, ${ready}/${slots.length} ready`;
  return {
    service: s,
    wantedHash: hold?.wanted.templateHash ?? s.templateHash,
    pods: mine,
    desired: slots.length,
    ready,
    excused,
    problems,
    changing,
    settled,
    rolled: settled && behind === 0,
    message: message ?? said,
    unfinished: updated < slots.length || ready < slots.length ? `${counts}${message && !problems[0] ? ` (${message})` : ""}` : undefined,
    waiting: said !== undefined && (behind > 0 || hold?.waits === "changes") ? `${s.name}: ${said}` : undefined,
  };
};
