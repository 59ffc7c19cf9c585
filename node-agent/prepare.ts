// Makes this node ready for a pod's successor while the pod still runs: its image is here, and nothing would keep it from starting.
// Touches nothing else. Runs beside the pod's worker, so that a slow pull does not hold up the healing of what runs.
import type { Logger } from "pino";
import type { DesiredPod, ObservedPod } from "../schemas/fleet.ts";
import type { Env } from "../store/env.ts";
import { explain, retryDelayMs } from "./backoff.ts";
import { paced } from "./debounce.ts";
import { type Images, wishOf } from "./images/images.ts";

export type Prepared = NonNullable<ObservedPod["prepared"]>;

export interface PreparerOptions {
  images: Pick<Images, "ensure">;
  env: Env;
  log: Logger;
  /** What would keep this pod from starting here; undefined: nothing. Looks only. */
  check?(pod: DesiredPod, mine: ReadonlySet<string>): Promise<{ reason: string; message: string } | undefined>;
  /** Ids of the pod's containers, which will be gone by then. */
  containersOf?(key: string): string[];
  /** The answer of this pod has changed. */
  told(key: string): void;
}

const PROGRESS_EVERY_MS = 2_000;

interface Task {
  /** What is prepared for: another text is another task. */
  next: string;
  answer: Prepared;
  failures: number;
  cancel(): void;
}

export class Preparer {
  private readonly tasks = new Map<string, Task>();
  constructor(private readonly o: PreparerOptions) {}

  /** How far it is with the pod's `next`, from the first call on; undefined without one. */
  answer(key: string, pod: DesiredPod): Prepared | undefined {
    if (!pod.next || pod.deletionTimestamp !== undefined) {
      this.forget(key);
      return undefined;
    }
    const text = JSON.stringify(pod.next);
    const known = this.tasks.get(key);
    if (known?.next === text) return known.answer;
    this.forget(key);
    const { templateHash } = pod.next;
    const answer: Prepared = { templateHash, ready: false, reason: "Preparing", message: "looks whether what comes next can start here" };
    const task: Task = { next: text, failures: 0, answer, cancel: () => {} };
    this.tasks.set(key, task);
    void this.run(key, pod, task);
    return answer;
  }

  forget(key: string): void {
    this.tasks.get(key)?.cancel();
    this.tasks.delete(key);
  }

  private async run(key: string, pod: DesiredPod, task: Task): Promise<void> {
    const { env, log } = this.o;
    const { next } = pod;
    if (!next) return;
    const { templateHash } = next;
    const say = (answer: Omit<Prepared, "templateHash">): void => {
      if (this.tasks.get(key) !== task) return;
      task.answer = { templateHash, ...answer };
      this.o.told(key);
    };
    try {
      const { next: _, imageDigest: __, pullSecrets: ___, ...own } = pod;
      const successor: DesiredPod = { ...own, ...next };
      const problem = await this.o.check?.(successor, new Set(this.o.containersOf?.(key)));
      if (problem) return this.later(key, pod, task, say, problem, problem);
      let words = { reason: "Pulling", message: "" };
      const tell = paced(env, PROGRESS_EVERY_MS, () => say({ ready: false, ...words }));
      const got = await this.o.images
        .ensure(wishOf(successor, next.imageDigest), (reason, message) => {
          words = { reason, message };
          tell();
        })
        .finally(() => tell.cancel());
      task.failures = 0;
      log.info({ pod: key, templateHash, pulled: got.pulled }, "prepared for what comes next");
      say({ ready: true, ...(got.digest === undefined ? {} : { imageDigest: got.digest }) });
    } catch (error) {
      const { reason, message, lastError } = explain(error);
      log.warn({ pod: key, reason, err: error }, "not prepared for what comes next");
      this.later(key, pod, task, say, { reason, message: `${message}: ${lastError}` }, error);
    }
  }

  /** Says why not, and tries again: what is in the way may go, and an image may come. */
  private later(
    key: string,
    pod: DesiredPod,
    task: Task,
    say: (answer: Omit<Prepared, "templateHash">) => void,
    problem: { reason: string; message: string },
    error?: unknown,
  ): void {
    if (this.tasks.get(key) !== task) return;
    task.failures++;
    task.cancel = this.o.env.timer(retryDelayMs(task.failures, error, this.o.env.random()), () => void this.run(key, pod, task));
    say({ ready: false, ...problem });
  }
}
