// How a job is doing: what has ended with success counts as ready. Pure.
import { CLI } from "../../schemas/constants.ts";
import type { CompiledService } from "../model.ts";
import type { Held } from "../revisions/hold.ts";
import type { StatusInput } from "../status.ts";
import { type Problem, pauseWords, problemsOf, replicaProgress, type Survey } from "../survey.ts";
import { hasEnded } from "./runs.ts";
import type { JobPlan } from "./types.ts";

/** The run that tells whether something is wrong: the last one that is over, or the one that is not scheduled. */
const judged = ({ runs }: JobPlan): JobPlan["runs"][number] | undefined =>
  runs.findLast((r) => r.prefix === "" || r.status.state !== "Running");

const failure = (s: CompiledService, job: JobPlan, { stack }: StatusInput): Problem[] => {
  const run = judged(job);
  if (run?.status.state !== "Failed") return [];
  const { message = "failed", scheduledTime, templateHash = s.templateHash } = run.status;
  // Another template may have mended it: the next run tells.
  if (templateHash !== s.templateHash) return [];
  const what = scheduledTime === undefined ? `the job ${s.name}` : `the run of ${s.name} for ${scheduledTime}`;
  return [
    {
      service: s.name,
      reason: "JobFailed",
      message: `${what} ${message}. Next: ${CLI} status ${stack.name}, or kubectl rollout restart deploy/${stack.name}-${s.name} to run it again`,
    },
  ];
};

/** A schedule's runs are no part of a rollout: nobody waits for them. */
export const surveyJob = (s: CompiledService, job: JobPlan, input: StatusInput): Survey => {
  const { plan, nodes, held, pods } = input;
  const mine = pods.filter((p) => p.desired.service === s.name);
  const underway = mine.filter((p) => !hasEnded(p));
  const failed = failure(s, job, input);
  const problems = failed.length > 0 ? failed : problemsOf(s, underway, input);
  const wait = plan.waits.get(s.name);
  const hold: Held | undefined = held.get(s.name);
  const said = hold && pauseWords(s.name, hold.waits, input);
  const base = {
    service: s,
    wantedHash: hold?.wanted.templateHash ?? s.templateHash,
    pods: mine,
    problems,
    message: problems[0]?.message ?? wait?.message ?? said,
    waiting: said !== undefined && hold?.waits === "changes" ? `${s.name}: ${said}` : undefined,
  };
  const [run] = job.runs;
  if (s.job?.schedule || !run) {
    return {
      ...base,
      desired: 0,
      ready: 0,
      excused: 0,
      changing: [],
      settled: wait === undefined,
      rolled: wait === undefined,
      unfinished: undefined,
    };
  }
  const { completions: desired, succeeded: ready, state } = run.status;
  const complete =
    state === "Complete" && mine.every((p) => p.desired.templateHash === s.templateHash && p.desired.deletionTimestamp === undefined);
  const changing = run.slots.map((slot) => {
    if (run.succeeded.has(slot)) return 100;
    return Math.min(
      90,
      replicaProgress(
        run.pods.find((p) => p.desired.slot === slot),
        nodes,
      ),
    );
  });
  const first = underway[0];
  const doing =
    first &&
    `${first.desired.name} on ${first.node}: ${first.observed?.reason ?? first.observed?.state ?? "its agent has not answered yet"}`;
  const message = base.message ?? (complete ? undefined : doing);
  const counts = `${s.name} ${ready}/${desired} completed`;
  return {
    ...base,
    message,
    desired,
    ready,
    excused: state === "Failed" ? desired - ready : 0,
    changing,
    settled: complete && wait === undefined,
    rolled: complete && wait === undefined,
    unfinished: complete ? undefined : `${counts}${message && !problems[0] ? ` (${message})` : ""}`,
  };
};
