// Times on the wire. Pure.
import type { Condition } from "../schemas/meta.ts";

/** Milliseconds since the epoch → RFC 3339 with milliseconds: what controller and agents tell each other. */
export const millisOf = (ms: number): string => new Date(ms).toISOString();
/** RFC 3339 in whole seconds, as Kubernetes objects carry it. Takes either form, or milliseconds since the epoch. */
export const secondsOf = (time: string | number): string => `${(typeof time === "number" ? millisOf(time) : time).slice(0, 19)}Z`;

/** Writes `lastTransitionTime` only when the status of a condition changes. */
export const withTransitions = (
  next: readonly Omit<Condition, "lastTransitionTime">[],
  previous: readonly Condition[] | undefined,
  now: string,
): Condition[] =>
  next.map((c) => {
    const had = previous?.find((p) => p.type === c.type);
    return { ...c, lastTransitionTime: had && had.status === c.status ? had.lastTransitionTime : now };
  });
