// Jobs: services that run to their end, once for each template, or whenever their schedule comes. Pure.
import { latestTime, nextTime } from "../../schemas/schedule.ts";
import type { JobRun, JobStatus } from "../../schemas/types.ts";
import { byName, type CompiledService, type NodeView, type PodView } from "../model.ts";
import { closedBy, mayStay } from "../place.ts";
import { secondsOf } from "../times.ts";
import { observeRun } from "./runs.ts";
import type { JobPlan, RunPlan } from "./types.ts";

export interface JobInput {
  /** One that is a job. */
  service: CompiledService;
  /** What the Stack's status remembers. */
  memory: JobStatus | undefined;
  /** The service's own. */
  pods: readonly PodView[];
  nodes: ReadonlyMap<string, NodeView>;
  /** Milliseconds since the epoch. */
  nowMs: number;
}

const MINUTE_MS = 60_000;

/** Slots of one run: ordinals, or the nodes that fit and take pods, or have theirs already. */
const slotsOf = ({ service, nodes }: JobInput, prefix: string, pods: readonly PodView[]): string[] => {
  if (service.mode === "replicated") return Array.from({ length: service.replicas }, (_, i) => String(i));
  const occupied = new Set(pods.filter((p) => p.desired.slot === prefix + p.node).map((p) => p.node));
  return [...nodes.values()]
    .filter((n) => mayStay(n, service.constraints) && (occupied.has(n.name) || (n.ready && closedBy(n) === undefined)))
    .map((n) => n.name)
    .toSorted(byName);
};

const begun = (name: string, now: string, scheduled?: { templateHash: string; scheduledTime: string }): JobRun => ({
  name,
  state: "Running",
  ...scheduled,
  startTime: now,
  completions: 0,
  succeeded: 0,
  failed: 0,
});

const look = (input: JobInput, run: JobRun, now: string): RunPlan => {
  const { service } = input;
  const live = input.pods.filter((p) => p.desired.deletionTimestamp === undefined && input.nodes.has(p.node));
  const prefix = run.scheduledTime === undefined ? "" : `${run.name}-`;
  // Without a schedule, another template is another run.
  const pods = live.filter((p) => (prefix === "" ? p.desired.templateHash === service.templateHash : p.desired.slot.startsWith(prefix)));
  return observeRun({ service, run, prefix, wanted: slotsOf(input, prefix, pods), pods, now });
};

const once = (input: JobInput, now: string): JobPlan => {
  const { service, memory } = input;
  const known = memory?.runs.find((r) => r.name === service.templateHash && r.scheduledTime === undefined);
  const run = look(input, known ?? begun(service.templateHash, now), now);
  return { status: { runs: [run.status] }, runs: [run] };
};

type Schedule = NonNullable<NonNullable<CompiledService["job"]>["schedule"]>;

/** Which of the runs that have ended are kept: the last ones. */
const keptOf = (runs: readonly RunPlan[], history: number): RunPlan[] => {
  const ended = runs.filter((r) => r.status.state !== "Running");
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - history)));
  return runs.filter((r) => !dropped.has(r));
};

const scheduled = (input: JobInput, schedule: Schedule, now: string): JobPlan => {
  const { memory, nowMs } = input;
  const { cron, timeZone, concurrencyPolicy, history, suspend } = schedule;
  const key = `${cron} ${timeZone}`;
  // Times before the schedule was there, or while it was suspended, are not made up for.
  const fresh = memory?.schedule !== key || (memory.suspended === true && !suspend);
  let since = fresh ? now : (memory.since ?? now);
  let last = memory?.lastScheduleTime;
  let runs = (memory?.runs ?? []).filter((r) => r.scheduledTime !== undefined).map((r) => look(input, r, now));
  const due = suspend ? undefined : latestTime(schedule, Math.max(Date.parse(since), last ? Date.parse(last) : 0), nowMs);
  if (due !== undefined) {
    const active = runs.filter((r) => r.status.state === "Running");
    if (active.length > 0 && concurrencyPolicy === "Forbid") since = secondsOf(due);
    else {
      if (concurrencyPolicy === "Replace") {
        runs = runs.map((r) => (active.includes(r) ? look(input, { ...r.status, state: "Replaced" }, now) : r));
      }
      last = secondsOf(due);
      runs.push(
        look(
          input,
          begun(String(Math.floor(due / MINUTE_MS)), now, { templateHash: input.service.templateHash, scheduledTime: last }),
          now,
        ),
      );
    }
  }
  runs = keptOf(runs, history);
  const nextMs = suspend ? undefined : nextTime(schedule, nowMs);
  return {
    runs,
    status: {
      runs: runs.map((r) => r.status),
      schedule: key,
      ...(suspend ? { suspended: true } : {}),
      since,
      ...(last ? { lastScheduleTime: last } : {}),
      ...(nextMs === undefined ? {} : { nextScheduleTime: secondsOf(nextMs) }),
    },
    ...(nextMs === undefined ? {} : { nextMs }),
  };
};

/** What has become of the job, and which runs there shall be. */
export const planJob = (input: JobInput): JobPlan => {
  const now = secondsOf(input.nowMs);
  const schedule = input.service.job?.schedule;
  const plan = schedule ? scheduled(input, schedule, now) : once(input, now);
  return { ...plan, status: { ...plan.status, backoffLimit: input.service.job?.backoffLimit ?? 0 } };
};
