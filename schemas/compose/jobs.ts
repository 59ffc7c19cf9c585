// What `x-steadfleet` says of a job: how often it runs to its end, how many at once, and when.
import { EXTENSION } from "../constants.ts";
import type { ContainerSpec } from "../fleet.ts";
import { cronProblem, timeZoneProblem } from "../schedule.ts";
import type { ServiceExtension } from "../types.ts";
import type { Field } from "./context.ts";
import type { Deployment } from "./deploy.ts";
import type { JobSpec } from "./normal.ts";

/** As of a Kubernetes Job. */
const BACKOFF_LIMIT = 6;
/** So many runs of a schedule are kept. */
const HISTORY = 3;

const OF_JOBS = ["completions", "parallelism", "backoffLimit"] as const;
const OF_SCHEDULES = ["timeZone", "concurrencyPolicy", "history", "suspend"] as const;

const normalizeSchedule = (extension: ServiceExtension, field: Field): JobSpec["schedule"] => {
  const { schedule: cron, timeZone = "UTC", concurrencyPolicy = "Allow", history = HISTORY, suspend } = extension;
  if (cron === undefined) {
    for (const key of OF_SCHEDULES) {
      if (extension[key] !== undefined) field.at(key).keyProblem("Forbidden", "belongs to a `schedule`", "Remove it, or add `schedule`.");
    }
    return undefined;
  }
  const zone = timeZoneProblem(timeZone);
  if (zone) field.at("timeZone").problem("Invalid", zone);
  const problem = cronProblem(cron);
  if (problem) field.at("schedule").problem("Invalid", problem.message, problem.help);
  return { cron, timeZone, concurrencyPolicy, history, ...(suspend ? { suspend } : {}) };
};

/**
 * The job that the service is; undefined: it is none.
 * @param field of the service
 */
export const normalizeJob = (
  extension: ServiceExtension | undefined = {},
  deploy: Deployment,
  mode: string | undefined,
  restart: ContainerSpec["restart"] | undefined,
  field: Field,
): JobSpec | undefined => {
  const at = field.at(EXTENSION);
  const schedule = normalizeSchedule(extension, at);
  if (!deploy.job) {
    const help = "Remove it, or make it a job: `deploy: {mode: replicated-job}`.";
    for (const key of OF_JOBS)
      if (extension[key] !== undefined) at.at(key).keyProblem("Forbidden", "belongs to a job, and this service runs on", help);
    if (schedule)
      at.at("schedule").keyProblem("Forbidden", `is for jobs, and \`deploy.mode\` is ${mode}`, "Use `deploy: {mode: replicated-job}`.");
    return undefined;
  }
  const { completions, parallelism, backoffLimit } = extension;
  if (completions !== undefined && deploy.mode === "global") {
    at.at("completions").keyProblem("Forbidden", "a global job runs once on each node", "Remove it, or use `mode: replicated-job`.");
  }
  if (restart?.policy === "always" || restart?.policy === "unless-stopped") {
    const help = "Use `on-failure`, which is what a job has when nothing is said.";
    field.at("restart").problem("Invalid", `a job ends, and ${restart.policy} would start it again whenever it has`, help);
  }
  if (restart?.policy === "no" && backoffLimit !== undefined && backoffLimit > 0) {
    at.at("backoffLimit").problem(
      "Invalid",
      'with `restart: "no"` nothing is tried again',
      "Use `restart: on-failure`, or remove one of them.",
    );
  }
  const count = deploy.mode === "global" ? 1 : (completions ?? deploy.replicas);
  return {
    completions: count,
    // 0: as many as there are nodes.
    parallelism: parallelism ?? (deploy.mode === "global" ? 0 : Math.max(1, count)),
    backoffLimit: restart?.policy === "no" ? 0 : (backoffLimit ?? restart?.maxRetries ?? BACKOFF_LIMIT),
    ...(schedule ? { schedule } : {}),
  };
};

/** How the engine tries a job's container again. */
export const jobRestart = (job: JobSpec, restart: ContainerSpec["restart"] | undefined): ContainerSpec["restart"] =>
  restart?.policy === "no" || job.backoffLimit === 0
    ? { policy: "no" }
    : { policy: "on-failure", maxRetries: restart?.maxRetries ?? job.backoffLimit };
