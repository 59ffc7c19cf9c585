// Which report is news, and which deserves a word. Pure.
import type { ObservedPod } from "../../schemas/fleet.ts";

/** The same retry, computed from another instant, is no news. */
export const steady = (previous: ObservedPod | undefined, said: ObservedPod): ObservedPod =>
  previous?.nextRetryAt !== undefined && said.nextRetryAt !== undefined && sameInstant(previous.nextRetryAt, said.nextRetryAt)
    ? { ...said, nextRetryAt: previous.nextRetryAt }
    : said;

const sameInstant = (a: string, b: string): boolean => Math.abs(Date.parse(a) - Date.parse(b)) < 1_000;

/** What of a pod those who depend on it or share with it go by: when it is another, they must look again. `startedAt`: with all its digits. */
export const standingOf = (said: ObservedPod, startedAt: string | undefined): string =>
  [said.state, said.ready, said.health, said.phase, said.containerId, startedAt, said.reason === "CrashLoopBackOff"].join(" ");

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
