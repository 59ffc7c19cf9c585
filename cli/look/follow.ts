// `steady logs --follow`: pods come and go, connections break; every line is shown once.
import { RESOURCES } from "../../schemas/resources.ts";
import type { Env } from "../../store/env.ts";
import { ApiError, CliError, EXIT } from "../errors.ts";
import type { PodObject } from "../rollout/types.ts";
import { Bookmark, type Line, merged } from "./lines.ts";
import { queryOf, type Reading, readLog } from "./logs.ts";
import { inOrder } from "./target.ts";

/** Between two tries of the same log. */
const RETRY_MS = { first: 200, most: 5_000 };
/** A log that ended in order is looked at again when its container has another run, and without word of one after so long. */
const ENDED_MS = 10_000;
/** For the last lines of a pod that is gone. */
const LAST_WORDS_MS = 2_000;
/** Without any pod left: whether the Stack is still there. */
const LOOK_MS = 1_000;

/** Goes on until Ctrl-C, or until what was named is gone for good. */
export const follow = async (reading: Reading): Promise<number> => new Follower(reading).run();

class Followed {
  readonly bookmark = new Bookmark();
  readonly stop = new AbortController();
  /** It will not come back. */
  gone = false;
  /** Told of trouble, and not yet that it is over. */
  troubled = false;
  /** When it was first asked for, of the monotonic clock. */
  asked: number | undefined;
  readonly #wake = new Set<() => void>();

  constructor(
    public pod: PodObject,
    /** It was there when the command began. */
    readonly early: boolean,
  ) {}

  change(pod: PodObject): void {
    this.pod = pod;
    for (const wake of this.#wake) wake();
  }
  leave(): void {
    this.gone = true;
    for (const wake of this.#wake) wake();
  }
  /** Waits for the next change of the pod, so long at most. */
  async changed(clock: Env, ms: number, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const wake = (): void => over.abort();
    this.#wake.add(wake);
    await clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
    this.#wake.delete(wake);
  }

  /** Another value: the container was started anew. */
  get run(): string {
    const status = this.pod.status?.containerStatuses?.[0];
    return JSON.stringify([status?.containerID, status?.state?.running?.startedAt]);
  }
  /** A container that was never made has no log. */
  get hasLog(): boolean {
    const status = this.pod.status?.containerStatuses?.[0];
    return status !== undefined && (status.containerID !== undefined || status.state?.waiting === undefined);
  }
  /** Its container has ended and will not be started again. */
  get over(): boolean {
    return this.gone || this.pod.status?.phase === "Succeeded" || this.pod.status?.phase === "Failed";
  }
}

class Follower {
  readonly #r: Reading;
  readonly #pods = new Map<string, Followed>();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #began: number;
  readonly #tasks = new Set<Promise<void>>();
  #failure: unknown;

  constructor(reading: Reading) {
    this.#r = reading;
    const { io } = reading.ctx;
    this.#signal = AbortSignal.any([io.signal, this.#stop.signal]);
    this.#began = io.clock.monotonic();
  }

  async run(): Promise<number> {
    const { ctx, c, target } = this.#r;
    let first = true;
    let told = false;
    try {
      for await (const change of c.client.follow<PodObject>(RESOURCES.pods, target.selection, this.#signal)) {
        if (change.type === "broken") {
          if (!told) ctx.io.stderr.write(`${ctx.err.dim(`${change.message}; trying again`)}\n`);
          told = true;
          continue;
        }
        told = false;
        if (change.type === "sync") await this.#sync(change.items.filter(target.has).toSorted(inOrder), first);
        else if (change.type === "gone") this.#pods.get(change.object.metadata.uid)?.leave();
        else if (target.has(change.object)) this.#seen(change.object, false);
        if (first) this.#task(this.#watchEnd());
        first = false;
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#stop.abort();
      await Promise.allSettled(this.#tasks);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return ctx.io.signal.aborted ? EXIT.interrupted : EXIT.ok;
  }

  async #sync(pods: readonly PodObject[], first: boolean): Promise<void> {
    const now = new Set(pods.map((p) => p.metadata.uid));
    for (const [uid, followed] of this.#pods) if (!now.has(uid)) followed.leave();
    if (!first) {
      for (const pod of pods) this.#seen(pod, false);
      return;
    }
    for (const pod of pods) this.#r.printer.expect(pod);
    const early = pods.map((pod) => new Followed(pod, true));
    for (const f of early) this.#pods.set(f.pod.metadata.uid, f);
    if (early.length > 1 && this.#r.o.tail !== 0) await this.#soFar(early);
    for (const f of early) this.#start(f);
  }

  #seen(pod: PodObject, early: boolean): void {
    const known = this.#pods.get(pod.metadata.uid);
    if (known) return known.change(pod);
    const followed = new Followed(pod, early);
    this.#pods.set(pod.metadata.uid, followed);
    this.#start(followed);
  }

  #start(f: Followed): void {
    this.#task(
      this.#tail(f).finally(() => {
        if (f.gone) this.#pods.delete(f.pod.metadata.uid);
      }),
    );
  }

  /** The first that fails ends all. */
  #task(running: Promise<void>): void {
    const task = running.catch((error: unknown) => {
      if (this.#signal.aborted) return;
      this.#failure ??= error;
      this.#stop.abort();
    });
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }

  /** What was written before, in the order of time. What cannot be read now is told when it is followed. */
  async #soFar(all: readonly Followed[]): Promise<void> {
    const signal = this.#signal;
    const { c, o, printer } = this.#r;
    const logOf = async function* (f: Followed): AsyncGenerator<Line & { f: Followed }, void> {
      if (!f.hasLog) return;
      try {
        for await (const line of readLog(c, f.pod, queryOf(o), signal)) yield { ...line, f };
      } catch (error) {
        if (signal.aborted || isFatal(error)) throw error;
      }
    };
    for await (const line of merged(all.map(logOf))) if (line.f.bookmark.take(line)) printer.print(line.f.pod, line);
  }

  async #tail(f: Followed): Promise<void> {
    const { c, printer, ctx, target } = this.#r;
    const { clock } = ctx.io;
    const signal = AbortSignal.any([this.#signal, f.stop.signal]);
    let failures = 0;
    while (!signal.aborted) {
      if (f.gone) return;
      if (!f.hasLog) {
        await f.changed(clock, ENDED_MS, signal);
        continue;
      }
      const { run } = f;
      f.bookmark.reopen();
      const leaving = this.#lastWords(f, signal);
      try {
        for await (const line of readLog(c, f.pod, this.#query(f), signal)) {
          failures = 0;
          f.troubled = false;
          if (f.bookmark.take(line)) printer.print(f.pod, line);
        }
        for (const until = clock.monotonic() + ENDED_MS; !signal.aborted && !f.over && f.run === run && clock.monotonic() < until; )
          await f.changed(clock, until - clock.monotonic(), signal);
        if (f.over && target.pod !== undefined) return this.#stop.abort();
        if (f.over && f.run === run) await f.changed(clock, ENDED_MS, signal);
      } catch (error) {
        if (signal.aborted || (f.gone && !isFatal(error))) return;
        if (isFatal(error)) throw error;
        // The pod's end is told by the watch.
        const notYet = error instanceof ApiError && (error.code === 400 || error.code === 404);
        if (!f.troubled && !notYet) this.#r.note(f.pod, `${error instanceof Error ? error.message : String(error)}; trying again`);
        f.troubled ||= !notYet;
        const ms = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(failures++, 10));
        await clock.sleep(ms, signal).catch(() => {});
      } finally {
        leaving.abort();
      }
    }
  }

  #query(f: Followed): Record<string, string | undefined> {
    if (f.bookmark.time !== undefined) return { follow: "true", sinceTime: f.bookmark.time };
    const { tail, ...whole } = this.#r.o;
    const now = this.#r.ctx.io.clock.monotonic();
    const elapsed = now - this.#began;
    const asked = f.asked;
    f.asked ??= now;
    // Asked for the end and nothing came of it: on from then.
    if (tail === 0 && f.early && asked !== undefined) return { follow: "true", ...queryOf({ since: now - asked, previous: false }) };
    // Of a pod that came later everything is new.
    return { follow: "true", ...queryOf(f.early && tail !== undefined ? { ...whole, tail } : whole, elapsed) };
  }

  /** Ends the reading of a pod that is gone, after a moment. Abort what is answered when the reading has ended by itself. */
  #lastWords(f: Followed, signal: AbortSignal): AbortController {
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const wait = async (): Promise<void> => {
      const { clock } = this.#r.ctx.io;
      while (!f.gone && !until.aborted) await f.changed(clock, ENDED_MS, until);
      await clock.sleep(LAST_WORDS_MS, until);
      f.stop.abort();
    };
    wait().catch(() => {});
    return over;
  }

  /** A pod that was named ends the command with itself, a Stack when it is gone with all its pods. */
  async #watchEnd(): Promise<void> {
    const { target, c, ctx } = this.#r;
    while (!this.#signal.aborted) {
      await ctx.io.clock.sleep(LOOK_MS, this.#signal);
      if (this.#pods.size > 0 || (target.pod === undefined && target.stack === undefined)) continue;
      if (target.stack !== undefined) {
        const found = await c.client.find(RESOURCES.stacks, c.namespace, target.stack, this.#signal).catch(() => true);
        if (found) continue;
      }
      ctx.io.stderr.write(`${ctx.err.dim(`${target.words} is gone`)}\n`);
      this.#stop.abort();
    }
  }
}

/** Nothing that waiting mends. */
const isFatal = (error: unknown): boolean =>
  error instanceof ApiError ? [401, 403, 422].includes(error.code) : !(error instanceof CliError);
