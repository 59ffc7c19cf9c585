// Waits until Stacks are healthy, or cannot become so: watches each Stack and its pods, feeds trackers, shows progress, answers an exit code.
import { LABELS } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { EXIT } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Client } from "../kube/client.ts";
import type { Style } from "../text/style.ts";
import { type ProgressMode, progressFor } from "./progress.ts";
import { Tracker, type View } from "./tracker.ts";
import type { PodObject, StackObject } from "./types.ts";

export interface Target {
  namespace: string;
  name: string;
  /** The metadata.generation to wait for. */
  generation: number;
}

export interface WaitOptions {
  mode: ProgressMode;
  style: Style;
  /** Milliseconds; 0 or undefined: no limit. */
  timeoutMs: number | undefined;
}

/**
 * Ends when every stack is healthy (0), when all are decided and one failed (5, 6), at the timeout (7), or at Ctrl-C (130). Prints to stderr.
 * @throws what the first look at the API throws
 */
export const waitForStacks = async (client: Client, io: Io, targets: readonly Target[], o: WaitOptions): Promise<number> => {
  const startedAt = io.clock.monotonic();
  const progress = progressFor(o.mode, io, o.style, startedAt);
  const stop = new AbortController();
  const trackers = targets.map((t) => new Tracker(t.name, t.namespace, t.generation));
  let wake: (() => void) | undefined;
  let broken: unknown;
  const poke = (): void => wake?.();
  const feeds = trackers.flatMap((t) => [followStack(client, t, stop.signal, poke), followPods(client, t, stop.signal, poke)]);
  for (const feed of feeds)
    feed.catch((error: unknown) => {
      if (stop.signal.aborted) return;
      broken ??= error;
      poke();
    });
  try {
    for (;;) {
      const now = io.clock.monotonic();
      const views = trackers.map((t) => t.view(now));
      if (broken !== undefined) throw broken;
      if (io.signal.aborted) {
        progress.interrupted(views);
        return EXIT.interrupted;
      }
      const late = !!o.timeoutMs && now - startedAt >= o.timeoutMs;
      // One failed stack does not hide what becomes of the others.
      if (late || views.every((v) => v.outcome !== "progressing")) {
        const codes = views.map((v) => codeOf(v));
        progress.end(views, codes, now);
        return codes.find((c) => c === EXIT.failed) ?? codes.find((c) => c !== EXIT.ok) ?? EXIT.ok;
      }
      progress.update(views, now);
      const left = o.timeoutMs ? o.timeoutMs - (now - startedAt) : Number.POSITIVE_INFINITY;
      await sleepOr(io, Math.min(progress.everyMs, left), (fn) => (wake = fn));
      // At most ten looks a second, however many events arrive.
      await io.clock.sleep(progress.everyMs === 100 ? 20 : 5);
    }
  } finally {
    stop.abort();
    await Promise.allSettled(feeds);
  }
};

const codeOf = (v: View): number =>
  ({ succeeded: EXIT.ok, failed: EXIT.failed, rolledBack: EXIT.rolledBack, deleted: EXIT.failed, progressing: EXIT.timeout })[v.outcome];

const sleepOr = async (io: Io, ms: number, onWake: (fn: (() => void) | undefined) => void): Promise<void> => {
  const done = new AbortController();
  const abort = (): void => done.abort();
  io.signal.addEventListener("abort", abort, { once: true });
  onWake(abort);
  if (io.signal.aborted) abort();
  try {
    await io.clock.sleep(ms, done.signal);
  } catch {
    // Woken.
  } finally {
    onWake(undefined);
    io.signal.removeEventListener("abort", abort);
  }
};

const followStack = async (client: Client, t: Tracker, signal: AbortSignal, poke: () => void): Promise<void> => {
  const selection = { namespace: t.namespace, fieldSelector: `metadata.name=${t.name}` };
  for await (const change of client.follow<StackObject>(RESOURCES.stacks, selection, signal)) {
    if (change.type === "sync") t.setStack(change.items[0]);
    else if (change.type === "set") t.setStack(change.object);
    else if (change.type === "gone") t.setStack(undefined);
    poke();
  }
};

const followPods = async (client: Client, t: Tracker, signal: AbortSignal, poke: () => void): Promise<void> => {
  const selection = { namespace: t.namespace, labelSelector: `${LABELS.stack}=${t.name}` };
  for await (const change of client.follow<PodObject>(RESOURCES.pods, selection, signal)) {
    if (change.type === "sync") t.setPods(change.items);
    else if (change.type === "set") t.setPod(change.object);
    else if (change.type === "gone") t.removePod(change.object);
    poke();
  }
};
