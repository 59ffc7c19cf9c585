// Many calls, one run. `debounced`: at most one at a time, `ms` after the first call, and once more for calls during the run. `rarely`: what was found
// a moment ago is good enough.
import type { Env } from "../store/env.ts";

export interface Debounced {
  (): void;
  /** Runs what is due now, and resolves when nothing runs any more. */
  flush(): Promise<void>;
  cancel(): void;
}

export const debounced = (env: Env, ms: number, run: () => Promise<void>, onError: (error: unknown) => void): Debounced => {
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  const go = async (): Promise<void> => {
    cancelTimer?.();
    cancelTimer = undefined;
    again = false;
    running = run().catch(onError);
    await running;
    running = undefined;
    if (again) schedule();
  };
  const schedule = (): void => {
    if (running) again = true;
    else cancelTimer ??= env.timer(ms, () => void go());
  };
  return Object.assign(schedule, {
    flush: async () => {
      await running;
      if (cancelTimer || again) await go();
    },
    cancel: () => {
      cancelTimer?.();
      cancelTimer = undefined;
      again = false;
    },
  });
};

/** Runs at once, and then at most every `ms`: what comes in between is followed at the end of the pause. */
export const paced = (env: Env, ms: number, run: () => void): { (): void; cancel(): void } => {
  let cancelTimer: (() => void) | undefined;
  let again = false;
  const call = (): void => {
    if (cancelTimer) {
      again = true;
      return;
    }
    again = false;
    cancelTimer = env.timer(ms, () => {
      cancelTimer = undefined;
      if (again) call();
    });
    run();
  };
  return Object.assign(call, {
    cancel: () => {
      cancelTimer?.();
      cancelTimer = undefined;
      again = false;
    },
  });
};

/** What `look` answers, at most `everyMs` old. */
export const rarely = <T>(env: Env, everyMs: number, look: () => T): (() => T) => {
  let last: { at: number; answer: T } | undefined;
  return () => {
    if (!last || env.monotonic() - last.at >= everyMs) last = { at: env.monotonic(), answer: look() };
    return last.answer;
  };
};
