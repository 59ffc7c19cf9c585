// Reconciles one pod at a time: look, plan, act, look again, report. The queue above runs it serially for each pod.
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import type { DesiredPod, ObservedPod } from "../schemas/fleet.ts";
import type { Env } from "../store/env.ts";
import { explain, type Failure, retryDelayMs } from "./backoff.ts";
import { type Engine, type EngineEvent, isEngineError } from "./engine.ts";
import { paced } from "./debounce.ts";
import { execute } from "./execute.ts";
import { IMAGE_PROBLEMS } from "../schemas/image-problems.ts";
import { Memory } from "./memory.ts";
import { noteOf } from "./notes.ts";
import type { ContainerFacts } from "./observe.ts";
import type { Plan } from "./plan/plan.ts";
import { announcement, standingOf, steady } from "./pods/announce.ts";
import { type Look, type Looker, lookAt } from "./pods/look.ts";
import type { PodFiles } from "./files/files.ts";
import { blockersOf, dependentsOf, networkWanted, sharersOf } from "./pods/neighbours.ts";
import { blindHost, type HostView } from "./preflight/host.ts";
import { faultOf, preflight } from "./preflight/preflight.ts";
import { Preparer } from "./prepare.ts";
import { render } from "./render.ts";
import { isLooping, report, UP_AFTER_MS } from "./report.ts";
import type { Resources } from "./resources.ts";
import type { World } from "./world.ts";

export interface DesiredEntry {
  pod: DesiredPod;
  /** mod revision of its key. */
  revision: number;
}

export interface PodsOptions {
  engine: Engine;
  env: Env;
  log: Logger;
  world: World;
  resources: Resources;
  host?: HostView;
  /** Absent: pods have no configs and secrets. */
  files?: PodFiles;
  desired(key: string): DesiredEntry | undefined;
  allDesired(): Iterable<[string, DesiredEntry]>;
  /** I8: desired has synced in this connection, and the engine's lists agree. */
  mayRemove(key: string): boolean;
  available(): boolean;
  /** A call went unanswered. */
  suspect(): void;
  /** undefined: the pod is gone, and so is its report. */
  write(key: string, observed: ObservedPod | undefined): void;
  enqueue(key: string): void;
  /** Images of so many templates of a service are remembered as needed. */
  keepImages?: number;
  /** Resolves when what was written is on disk. */
  flush?(): Promise<void>;
}

const KEEP_IMAGES = 3;

/** A look and a plan follow each round of actions; a pod that needs more rounds goes to the back of the queue. */
const ROUNDS = 5;
const LOOK_AGAIN_MS = 10_000;
const PROGRESS_EVERY_MS = 2_000;
/** Each container is inspected at least this often, whatever events say. */
const INSPECT_EVERY_MS = 60_000;

/** An event, and the reasons that it may have ended. */
const IMAGE_CAME = IMAGE_PROBLEMS.map((p) => p.reason).filter((reason) => reason !== "NoSpace");
const WAKES: Record<string, string[]> = {
  "image tag": IMAGE_CAME,
  "image pull": IMAGE_CAME,
  "image load": IMAGE_CAME,
  "image import": IMAGE_CAME,
  "container die": ["NameConflict", "PortConflict"],
  "container destroy": ["NameConflict", "PortConflict"],
  "container rename": ["NameConflict", "PortConflict"],
  "network create": ["NetworkNotFound"],
  "network destroy": ["NetworkAmbiguous", "NetworkNotOwned"],
  "volume create": ["VolumeNotFound"],
  "volume destroy": ["VolumeNotOwned"],
};

export class Pods {
  private readonly memories = new Map<string, Memory>();
  private readonly looker: Looker;
  private readonly preparer: Preparer;

  constructor(private readonly o: PodsOptions) {
    const { resources, env, log, world, engine } = o;
    this.preparer = new Preparer({
      images: resources.images,
      env,
      log,
      check: async (pod, mine) => {
        const missing = o.files?.missing(pod);
        if (missing) return missing;
        const rendered = render(pod, world.clusterId, o.files ? { fileSource: o.files.sourceOf(pod) } : {});
        const parts = { list: () => engine.list(), abilities: () => engine.abilities(), resources, host: o.host ?? blindHost };
        return faultOf(await preflight(pod.container, rendered, mine, parts));
      },
      containersOf: (key) => world.ofPod(key).map((c) => c.id),
      told: (key) => o.enqueue(key),
    });
    resources.blockers = (r, found) => blockersOf(r, Object.keys(found.Containers ?? {}), o, world);
    resources.usersOf = (name) => world.usersOfNetwork(name).map((c) => c.id);
    this.looker = {
      ...o,
      wasSeen: (key, uid) => this.memories.get(key)?.uid === uid && this.memories.get(key)?.standing !== undefined,
      factsOf: (key, uid) => {
        const seen = this.memories.get(key);
        return seen?.uid === uid ? seen.currentFacts() : undefined;
      },
      observedOf: (key, uid) => {
        const seen = this.memories.get(key);
        return seen?.uid === uid ? seen.observed : undefined;
      },
    };
  }

  /** What was last reported, for a process that has just started. */
  recall(key: string, observed: ObservedPod): void {
    const memory = this.memory(key);
    if (memory.observed) return;
    memory.uid = observed.uid;
    memory.observed = observed;
    memory.hooked = observed.postStart;
    memory.seq = observed.notes.at(-1)?.seq ?? 0;
  }
  observed(key: string): ObservedPod | undefined {
    return this.memories.get(key)?.observed;
  }
  *allObserved(): IterableIterator<[string, ObservedPod]> {
    for (const [key, memory] of this.memories) if (memory.observed) yield [key, memory.observed];
  }

  /** An event about a container of this pod. False: what it tells is known already. */
  hint(key: string, event: EngineEvent): boolean {
    const id = event.type === "network" ? (event.attributes["container"] ?? "") : event.id;
    return this.memory(key).hint(id, event.atMs);
  }
  /** Inspect again at the next look. */
  stale(key: string): void {
    this.memory(key).staleAll();
  }
  /** Pods whose last inspect is old. */
  due(): string[] {
    const before = this.o.env.monotonic() - INSPECT_EVERY_MS;
    return [...this.memories].filter(([, m]) => m.lookedAt < before).map(([key]) => key);
  }
  /** Forget waiting times: the engine is back. */
  fresh(): void {
    for (const memory of this.memories.values()) {
      memory.staleAll();
      memory.recovered();
    }
  }

  /** Something has gone, come or changed its name: whoever waits for that tries again now. */
  kick({ type, action }: Pick<EngineEvent, "type" | "action">): void {
    const waiting = WAKES[`${type} ${action}`];
    if (!waiting) return;
    for (const [key, memory] of this.memories)
      if (waiting.includes(memory.observed?.reason ?? "") && memory.tryNow(this.o.env.monotonic())) this.o.enqueue(key);
  }

  /** What it waited for has come. */
  wake(key: string, reasons: readonly string[]): void {
    const memory = this.memories.get(key);
    if (memory && reasons.includes(memory.observed?.reason ?? "") && memory.tryNow(this.o.env.monotonic())) this.o.enqueue(key);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<{ afterMs?: number } | void> {
    if (!this.o.available()) return; // Everything is queued again when the engine is back.
    const memory = this.memory(key);
    memory.meet(this.o.desired(key));
    try {
      for (let round = 0; round < ROUNDS && !signal.aborted; round++) {
        const look = await lookAt(key, memory, this.looker);
        const pause = this.pause(memory, look.plan);
        if (pause > 0) return await this.settle(key, memory, { ...look, plan: held(look.plan, pause, this.o.env.now()) });
        if (look.plan.actions.length === 0) return await this.settle(key, memory, look);
        await this.act(key, memory, look, signal);
      }
      return { afterMs: 0 };
    } catch (error) {
      if (signal.aborted) return;
      return await this.failed(key, memory, error);
    }
  }

  private memory(key: string): Memory {
    let memory = this.memories.get(key);
    if (!memory) this.memories.set(key, (memory = new Memory()));
    return memory;
  }

  /** How long to hold back what somebody outside undoes again and again. */
  private pause(memory: Memory, next: Plan): number {
    if (next.kind === "heal" || next.kind === "restart") return memory.budget.delayMs(this.o.env.monotonic());
    if (next.kind === "replace") return memory.replacePauseMs(this.o.env.monotonic());
    return 0;
  }

  private async act(key: string, memory: Memory, { desired, plan: next }: Look, signal: AbortSignal): Promise<void> {
    const { env, log } = this.o;
    const began = env.monotonic();
    if (next.kind === "heal" || next.kind === "restart") memory.budget.take();
    if (next.kind === "replace") memory.replaced(began);
    const tell = paced(env, PROGRESS_EVERY_MS, () => this.tell(key, memory, next, memory.currentFacts()));
    const done = await execute(next.actions, {
      engine: this.o.engine,
      world: this.o.world,
      resources: this.o.resources,
      ...(this.o.host ? { host: this.o.host } : {}),
      ...(this.o.files ? { files: this.o.files } : {}),
      desired,
      networkWanted: (name) => this.networkWanted(name),
      env,
      cancelled: () => signal.aborted || this.o.desired(key)?.pod.deletionTimestamp !== undefined || !this.o.desired(key),
      progress: (reason, message) => {
        memory.progress = { reason, message };
        tell();
      },
    }).finally(() => {
      tell.cancel();
      memory.progress = undefined;
      memory.staleAll();
    });
    const tookMs = Math.round(env.monotonic() - began);
    if (next.kind === "delete") memory.released = true;
    memory.changed(next);
    if (next.cure) memory.cured(env.monotonic());
    for (const message of done.failedHooks) memory.note({ type: "Warning", reason: "PreStopHookError", message }, env.now());
    if (done.hooked !== undefined) {
      memory.hooked = done.hooked;
      // Known before anything else is done: a crash must not run them again.
      this.tell(key, memory, { ...next, actions: [] }, memory.currentFacts());
      await this.o.flush?.();
    }
    if (next.actions.some((a) => a.type === "start")) memory.restartedFor = desired?.pod.restartAfter;
    log.info({ pod: key, kind: next.kind, cause: next.cause, actions: next.actions.map((a) => a.type), tookMs }, "pod acted upon");
    const live = next.kind === "heal" && memory.isNewRevision();
    for (const note of noteOf(next, done, tookMs, live)) memory.note(note, env.now());
  }

  /** A container that is not ours came, went, or changed its name or state. */
  foreign(name: string): void {
    for (const key of sharersOf(name, this.o)) this.o.enqueue(key);
  }
  networkWanted(name: string): boolean {
    return networkWanted(name, this.o);
  }

  /** Nothing to do now: say how it is, and when to look again. */
  private async settle(key: string, memory: Memory, { desired, facts, plan: next }: Look): Promise<{ afterMs?: number } | void> {
    const { env } = this.o;
    if (next.gone && !desired) {
      this.memories.delete(key);
      this.preparer.forget(key);
      this.o.write(key, undefined);
      return;
    }
    const current = next.current ?? facts[0];
    if (memory.failure && memory.retryInMs(env.monotonic()) === 0) memory.failure = undefined;
    if (!memory.failure && !next.waiting) memory.settled();
    if (desired && current && (isLooping(current, env.now()) || next.finished === "Failed")) await this.readLog(memory, current);
    if (desired) this.tell(key, memory, next, current);
    if (desired && current?.state === "running") this.remember(desired.pod, current);
    const waits: number[] = [];
    // Not told as nextRetryAt: looking is no try, and a time that moves is a write.
    if (next.waiting?.reason === "NameConflict") waits.push(LOOK_AGAIN_MS);
    for (const at of [next.waiting?.untilMs, next.waiting?.lookAtMs]) if (at !== undefined) waits.push(Math.max(10, at - env.now()));
    if (current?.state === "running" && isLooping(current, env.now())) waits.push(UP_AFTER_MS);
    return waits.length > 0 ? { afterMs: Math.min(...waits) } : undefined;
  }

  private remember({ namespace, stack, service }: DesiredPod, { imageId }: ContainerFacts): void {
    this.o.resources.images.ledger.used(imageId, `${namespace}/${stack}/${service}`, this.o.keepImages ?? KEEP_IMAGES, this.o.env.now());
  }

  /** The last words of a container that fails, once for each time it ended. */
  private async readLog(memory: Memory, f: ContainerFacts): Promise<void> {
    if (memory.logOf === f.finishedAt) return;
    try {
      memory.logTail = (await this.o.engine.logs(f.id, 10)).slice(-10).map((line) => line.slice(0, 500));
      memory.logOf = f.finishedAt;
    } catch (error) {
      this.o.log.debug({ container: f.id, err: error }, "no log to read");
    }
  }

  private async failed(key: string, memory: Memory, error: unknown): Promise<{ afterMs: number }> {
    const { env, log } = this.o;
    const why: Failure = explain(error);
    if (isEngineError(error, "timeout", "unavailable")) this.o.suspect();
    if (isEngineError(error, "ambiguous")) this.o.resources.forgetNetworks();
    const delayMs = memory.fail(why, error, env.monotonic(), (n) => retryDelayMs(n, error, env.random()));
    log.warn({ pod: key, reason: why.reason, err: error, retryInMs: Math.round(delayMs) }, "pod failed");
    if (delayMs <= 50) return { afterMs: delayMs };
    if (memory.isNewFailure(why)) memory.note({ type: "Warning", reason: why.reason, message: told(why) }, env.now());
    try {
      return { afterMs: (await this.settle(key, memory, await lookAt(key, memory, this.looker)))?.afterMs ?? delayMs };
    } catch (second) {
      // The engine does not even answer a look: the first failure says it all.
      log.debug({ pod: key, err: second }, "could not look after a failure");
      return { afterMs: delayMs };
    }
  }

  /** Writes the report when it says something new. */
  private tell(key: string, memory: Memory, next: Plan, facts: ContainerFacts | undefined): void {
    const entry = this.o.desired(key);
    if (!entry) return;
    const { env } = this.o;
    const previous = memory.observed;
    const input = {
      pod: entry.pod,
      desiredRevision: entry.revision,
      plan: next,
      facts,
      previous,
      failure: memory.failure && { ...memory.failure, retryAtMs: env.now() + memory.retryInMs(env.monotonic()) },
      progress: memory.progress,
      prepared: this.preparer.answer(key, entry.pod),
      restarts: memory.countRestarts(facts),
      logTail: memory.logTail,
      hooked: memory.hooked,
      notes: memory.notes(),
      now: env.now(),
    };
    let said = steady(previous, report(input));
    const announce = announcement(previous, said);
    if (announce) {
      memory.note(announce, env.now());
      said = { ...said, notes: memory.notes() };
    }
    if (!isDeepStrictEqual(previous, said)) {
      memory.observed = said;
      this.o.write(key, said);
    }
    const standing = standingOf(said, facts?.startedAt);
    if (standing === memory.standing) return;
    memory.standing = standing;
    for (const other of dependentsOf(entry.pod, this.o)) this.o.enqueue(other);
  }
}

const told = ({ message, lastError }: Failure): string => (message === lastError ? message : `${message}: ${lastError}`);

const held = (next: Plan, pauseMs: number, now: number): Plan => ({
  ...next,
  actions: [],
  waiting: {
    reason: "BackOff",
    message: `${next.cause ?? "it differs"}; healed often lately, the next time is delayed`,
    untilMs: now + pauseMs,
  },
});
