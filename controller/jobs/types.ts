// What is planned of a job, and what its Stack's status remembers of it.
import type { JobRun, JobStatus } from "../../schemas/types.ts";
import type { PodView } from "../model.ts";

/** A run, and the slots it is made of. */
export interface RunPlan {
  status: JobRun;
  /** What the slots of its pods begin with: nothing, or `<run>-`. */
  prefix: string;
  /** Slots (with the prefix) that have ended with success. */
  succeeded: ReadonlySet<string>;
  /** Slots (with the prefix) whose pods are made or kept, sorted. */
  slots: readonly string[];
  /** Its live pods. */
  pods: readonly PodView[];
}

export interface JobPlan {
  /** What to remember. */
  status: JobStatus;
  /** Oldest first. */
  runs: readonly RunPlan[];
  /** When the schedule comes next, in milliseconds since the epoch. */
  nextMs?: number;
}

/** By name of the service. */
export type Jobs = ReadonlyMap<string, JobPlan>;
