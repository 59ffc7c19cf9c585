import { setTimeout as sleep } from "node:timers/promises";

export interface UntilOptions {
  /** Milliseconds until it gives up. Default 30 s. */
  deadlineMs?: number;
  /** What is waited for, for the message. */
  what?: string;
  /** Milliseconds between two looks. Default 50. */
  everyMs?: number;
  /** Says what was seen last; JSON of the answer by default. */
  show?: (seen: unknown) => string | Promise<string>;
}

const text = (seen: unknown): string => {
  if (seen instanceof Error) return `${seen.name}: ${seen.message}`;
  return typeof seen === "string" ? seen : (JSON.stringify(seen, undefined, 1) ?? String(seen));
};

/**
 * Looks until `look` answers something truthy, and answers that. An error thrown by `look` counts as "not yet".
 * @throws Error at the deadline, with what was waited for and what was seen last
 */
export async function until<T>(look: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const deadlineMs = options.deadlineMs ?? 30_000;
  const end = performance.now() + deadlineMs;
  let seen: unknown;
  for (;;) {
    try {
      const answer = await look();
      if (answer) return answer;
      seen = answer;
    } catch (error) {
      seen = error;
    }
    if (performance.now() >= end) {
      const shown = await (options.show ?? text)(seen);
      const cause = seen instanceof Error ? { cause: seen } : undefined;
      throw new Error(
        `waited ${deadlineMs} ms for ${options.what ?? (look.toString().slice(0, 200) || "a condition")}; last seen: ${shown}`,
        cause,
      );
    }
    await sleep(options.everyMs ?? 50);
  }
}
