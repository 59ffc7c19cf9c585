// What is worth telling about a Stack: the difference between two statuses, and the steps just taken. Pure.
import { API_VERSION } from "../../schemas/constants.ts";
import type { JobStatus, ServiceStatus, StackStatus } from "../../schemas/types.ts";
import type { Happening, Subject } from "../events/plan.ts";
import type { StackRef } from "../model.ts";
import type { RolloutPlan, Step } from "../rollout/types.ts";

export const stackSubject = (s: Pick<StackRef, "namespace" | "name" | "uid">): Subject => ({
  apiVersion: API_VERSION,
  kind: "Stack",
  namespace: s.namespace,
  name: s.name,
  uid: s.uid,
});

const condition = (s: StackStatus | undefined, type: string) => s?.conditions?.find((c) => c.type === type);
const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

/** Another template: its pods are replaced. Statuses from before that was written tell by their counts. */
const isReplaced = (was: ServiceStatus | undefined, is: ServiceStatus | undefined): boolean => {
  if (!was || !is) return false;
  if (was.templateHash !== undefined) return is.templateHash !== undefined && is.templateHash !== was.templateHash;
  return is.updated < is.desired && is.updated < was.updated;
};

/** Runs that began and ended, and times of a schedule that were left out. */
const jobEvents = (name: string, had: JobStatus | undefined, is: JobStatus | undefined): ["Normal" | "Warning", string, string][] => {
  const events: ["Normal" | "Warning", string, string][] = [];
  for (const run of is?.runs ?? []) {
    const was = had?.runs.find((r) => r.name === run.name);
    const what = run.scheduledTime ? `the run of ${name} for ${run.scheduledTime}` : `the job ${name}`;
    if (!was && run.scheduledTime) events.push(["Normal", "JobStarted", `${what} has begun`]);
    if (was?.state === run.state || run.state === "Running") continue;
    if (run.state === "Complete") events.push(["Normal", "JobCompleted", `${what} has completed: ${run.succeeded} of ${run.completions}`]);
    else if (run.state === "Failed") events.push(["Warning", "JobFailed", `${what} ${run.message ?? "failed"}`]);
    else events.push(["Normal", "JobReplaced", `${what} is stopped for a later one`]);
  }
  if (had?.schedule === is?.schedule && !had?.suspended && had?.since !== undefined && is?.since !== had.since && !is?.suspended)
    events.push([
      "Warning",
      "JobSkipped",
      `${name} was due at ${is?.since}, while an earlier run had not ended: it is left out (concurrencyPolicy: Forbid)`,
    ]);
  return events;
};

/** @param at RFC 3339 with milliseconds */
export const stackEvents = (
  stack: StackRef,
  previous: StackStatus | undefined,
  next: StackStatus,
  plan: Pick<RolloutPlan, "waits"> & { steps: readonly Step[] },
  at: string,
): Happening[] => {
  const subject = stackSubject(stack);
  const events: Happening[] = [];
  const say = (type: "Normal" | "Warning", reason: string, message: string): void =>
    void events.push({ subject, type, reason, message, at });
  const first = previous?.revision === undefined;

  if (first && next.revision !== undefined) {
    const wanted = Object.values(next.services ?? {}).reduce((sum, s) => sum + s.desired, 0);
    say("Normal", "Created", `revision 1: ${count(Object.keys(next.services ?? {}).length, "service")}, ${count(wanted, "pod")}`);
  } else if (previous && next.revision !== previous.revision) {
    const updating = Object.keys(next.services ?? {}).filter((name) => isReplaced(previous.services?.[name], next.services?.[name]));
    const added = Object.keys(next.services ?? {}).filter((name) => !previous.services?.[name]);
    const removed = Object.keys(previous.services ?? {}).filter((name) => !next.services?.[name]);
    const parts = [
      ...(updating.length ? [`replaces ${updating.join(", ")}`] : []),
      ...(added.length ? [`adds ${added.join(", ")}`] : []),
      ...(removed.length ? [`removes ${removed.join(", ")}`] : []),
    ];
    say("Normal", "Updating", `revision ${previous.revision} to ${next.revision}${parts.length ? `: ${parts.join("; ")}` : ""}`);
  }
  for (const [name, s] of Object.entries(next.services ?? {})) {
    const had = previous?.services?.[name];
    if (had && !had.paused && s.paused) say("Normal", "Paused", `${name} is paused: its changes wait`);
    if (had?.paused && !s.paused) say("Normal", "Resumed", `${name} is resumed`);
    for (const [type, reason, message] of jobEvents(name, had?.job, s.job)) say(type, reason, message);
    if (had && had.desired !== s.desired) say("Normal", "Scaled", `${name} from ${count(had.desired, "pod")} to ${s.desired}`);
  }
  const [was, is] = [condition(previous, "Degraded"), condition(next, "Degraded")];
  const began = is?.status === "True" && (was?.status !== "True" || was.reason !== is.reason);
  if (began) {
    const rolling = (next.progress ?? 0) < 100 && is.reason !== "InvalidSpec";
    const reason = is.reason === "Unplaceable" || is.reason === "InvalidSpec" ? is.reason : rolling ? "RolloutStuck" : "Degraded";
    say("Warning", reason, is.message);
  }
  const complete = next.progress === 100 && (previous?.progress !== 100 || previous.revision !== next.revision);
  if (complete) say("Normal", "RolloutComplete", `revision ${next.revision} is rolled out: ${next.ready} pods are ready`);
  else if (was?.status === "True" && is?.status === "False" && next.health === "Healthy")
    say("Normal", "Recovered", `${next.ready} pods are ready`);
  for (const step of plan.steps) {
    if (step.type === "markDeleted" && step.reason !== "its stack is deleted") {
      const { namespace, name, uid } = step.pod.desired;
      events.push({
        subject: { apiVersion: "v1", kind: "Pod", namespace, name, uid },
        type: "Normal",
        reason: "Deleting",
        message: step.reason,
        at,
      });
    }
  }
  return events;
};
