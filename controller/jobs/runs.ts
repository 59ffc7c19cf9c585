// One run of a job: what has ended with success, how often it has failed, and whether it is over. Pure.
import type { ObservedPod } from "../../schemas/fleet.ts";
import type { JobRun } from "../../schemas/types.ts";
import type { CompiledService, PodView } from "../model.ts";
import { readSlots, writeSlots } from "./slots.ts";
import type { RunPlan } from "./types.ts";

/** It has ended, one way or the other, and is not started again. */
export const hasEnded = (pod: PodView): boolean => pod.observed?.phase === "Succeeded" || pod.observed?.phase === "Failed";

/** How often a pod has failed: each restart follows a failure. */
const failuresOf = (o: ObservedPod | undefined): number => (o ? o.restarts + (o.phase === "Failed" ? 1 : 0) : 0);

const times = (n: number): string => (n === 1 ? "once" : `${n} times`);

const whyFailed = (failed: number, limit: number, pods: readonly PodView[]): string => {
  const last = pods
    .filter((p) => failuresOf(p.observed) > 0)
    .toSorted((a, b) => ((a.observed?.finishedAt ?? "") < (b.observed?.finishedAt ?? "") ? 1 : -1))[0];
  const o = last?.observed;
  const code = o?.exitCode === undefined ? "" : ` (exit code ${o.exitCode}${o.oomKilled ? ", out of memory" : ""})`;
  const log = o?.logTail && o.logTail.length > 0 ? `: ${o.logTail.slice(-3).join(" | ")}` : "";
  return `failed ${times(failed)}, with a backoffLimit of ${limit}; last ${last ? `${last.desired.name} on ${last.node}${code}${log}` : "a pod that is gone"}`;
};

export interface RunInput {
  service: CompiledService;
  /** As remembered, or as it begins. */
  run: JobRun;
  prefix: string;
  /** Slots without the prefix that the run is made of while it is under way. */
  wanted: readonly string[];
  /** The service's pods of this run that are not being removed. */
  pods: readonly PodView[];
  /** Whole seconds, RFC 3339. */
  now: string;
}

/** The run as the world shows it. What has succeeded stays so; a scheduled run that is over stays over. */
export const observeRun = ({ service, run, prefix, wanted, pods, now }: RunInput): RunPlan => {
  const { job } = service;
  const global = service.mode === "global";
  const limit = job?.backoffLimit ?? 0;
  const bare = (slot: string): string => slot.slice(prefix.length);
  const done = readSlots(run.slots, global);
  for (const p of pods) if (p.observed?.phase === "Succeeded") done.add(bare(p.desired.slot));
  const failed = Math.max(
    run.failed,
    pods.reduce((sum, p) => sum + failuresOf(p.observed), 0),
  );
  const over = run.scheduledTime !== undefined && run.state !== "Running";
  // A global job without a node to run on has not run.
  const all = wanted.every((slot) => done.has(slot)) && (wanted.length > 0 || !global);
  // A pod that has used up the tries of its own has failed for good, and the job with it.
  const lost = failed > limit || pods.some((p) => p.observed?.phase === "Failed");
  const state = over || run.state === "Failed" ? run.state : all ? "Complete" : lost ? "Failed" : "Running";
  const ended = state !== "Running";
  const message = state !== "Failed" ? undefined : (run.message ?? whyFailed(failed, limit, pods));
  const status: JobRun = {
    name: run.name,
    state,
    ...(run.templateHash ? { templateHash: run.templateHash } : {}),
    ...(run.scheduledTime ? { scheduledTime: run.scheduledTime } : {}),
    startTime: run.startTime,
    ...(ended ? { completionTime: run.completionTime ?? now } : {}),
    completions: over ? run.completions : wanted.length,
    succeeded: done.size,
    ...(done.size > 0 ? { slots: writeSlots(done, global) } : {}),
    failed,
    ...(message ? { message } : {}),
  };
  const held = pods.filter((p) => state !== "Replaced" || hasEnded(p)).map((p) => p.desired.slot);
  // A run that is over makes no more pods, and keeps what it has for its logs; one that repeats nothing keeps its slots.
  const slots = over || (state === "Failed" && run.scheduledTime !== undefined) ? held : wanted.map((slot) => prefix + slot);
  return { status, prefix, succeeded: new Set([...done].map((slot) => prefix + slot)), slots: [...new Set(slots)].toSorted(), pods };
};
