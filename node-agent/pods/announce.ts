// Which report is news, and which deserves a word. Pure.
import type { ObservedPod } from "../../schemas/fleet.ts";

/** The same retry, computed from another instant, is no news. */
export const steady = (previous: ObservedPod | undefined, said: ObservedPod): ObservedPod =>
  previous?.nextRetryAt !== undefined && said.nextRetryAt !== undefined && sameInstant(previous.nextRetryAt, said.nextRetryAt)
    ? { ...said, nextRetryAt: previous.nextRetryAt }
    : said;

const sameInstant = (a: string, b: string): boolean => Math.abs(Date.parse(a) - Date.parse(b)) < 1_000;

/** Whether those who depend on the pod must look again. */
export const matters = (previous: ObservedPod | undefined, said: ObservedPod): boolean =>
  !previous ||
  previous.state !== said.state ||
  previous.ready !== said.ready ||
  previous.health !== said.health ||
  previous.phase !== said.phase;

/** States that begin by themselves, told once when they begin. */
export const announcement = (
  before: ObservedPod | undefined,
  now: ObservedPod,
): { type: "Warning"; reason: string; message: string } | undefined =>
  (now.reason === "CrashLoopBackOff" ||
    now.reason === "Unhealthy" ||
    now.reason === "OOMKilled" ||
    now.reason === "Error" ||
    now.reason === "NameConflict") &&
  before?.reason !== now.reason
    ? { type: "Warning", reason: now.reason, message: now.message ?? "" }
    : undefined;
