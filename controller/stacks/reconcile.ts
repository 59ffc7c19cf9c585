// Carries out what the plans say: one Stack at a time, one commit per batch, every write fenced and compared.
import { isDeepStrictEqual } from "node:util";
import type { Logger } from "pino";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Stack, StackRevision } from "../../schemas/types.ts";
import type { Env } from "../../store/env.ts";
import { ConflictError } from "../../store/errors.ts";
import type { Informer } from "../../store/informer.ts";
import { nodesPrefix, objectKey, objectPrefix, podDeletionKey } from "../../store/keys.ts";
import type { Change, Kv } from "../../store/kv.ts";
import { decodeObject } from "../../store/objects.ts";
import { WorkQueue } from "../../store/workqueue.ts";
import type { AtRest } from "../../store/at-rest/index.ts";
import type { Recorder } from "../events/recorder.ts";
import type { ContentObject } from "../files/compile.ts";
import { type AccountView, PullSecrets } from "../images/pull-secrets.ts";
import { Files } from "../files/files.ts";
import { unreferenced } from "../files/plan.ts";
import { planStrays } from "../garbage/strays.ts";
import type { RequestRecord } from "../garbage/requests.ts";
import type { Leadership } from "../leadership.ts";
import { type PodView, stackKeyOf } from "../model.ts";
import { History, revisionKey, type RevisionView } from "../revisions/history.ts";
import type { Running } from "../revisions/hold.ts";
import type { RevisionStep } from "../revisions/plan.ts";
import type { Step } from "../rollout/types.ts";
import { millisOf } from "../times.ts";
import type { World } from "../world.ts";
import { changesOf, pack, revisionChanges, type Stamp } from "./changes.ts";
import { type Compiled, isSignificant, planStack } from "./plan.ts";

export interface StackLoopOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  stacks: Informer<Stack>;
  requests: Informer<RequestRecord>;
  revisions: Informer<RevisionView>;
  world: World;
  recorder: Pick<Recorder, "record">;
  configMaps: Informer<ContentObject>;
  secrets: Informer<ContentObject>;
  accounts: Informer<AccountView>;
  atRest: Pick<AtRest, "hash"> | undefined;
  /** Normalises and compiles; pure. Problems are those of a stored object that admission would refuse today. */
  compile(stack: Stack): Compiled;
  onCommit?: (changes: number) => void;
}

/** Mere progress is written at most this often per Stack, in milliseconds. */
const PROGRESS_MS = 500;
/** One: placing is serial, so that two Stacks never take the same port at the same time. A reconcile is a millisecond or two. */
const WORKERS = 1;
/** So long may our own writes take to come back, in milliseconds; and how often that is looked at without an event. */
const LAG_MS = 2_000;
const LOOK_MS = 20;
/** A schedule that is far away is looked at this often, in milliseconds. */
const LOOK_AT_CLOCK_MS = 3_600_000;

const revisionsPrefix = objectPrefix(RESOURCES.stackrevisions);

const split = (key: string): { namespace: string; name: string } => {
  const at = key.indexOf("/");
  return { namespace: key.slice(0, at), name: key.slice(at + 1) };
};
const stackObjectKey = (key: string): string => {
  const { namespace, name } = split(key);
  return objectKey(RESOURCES.stacks, namespace, name);
};

export class StackLoop {
  readonly queue: WorkQueue;
  /** Stacks that wait for a node to fit, and those that follow the nodes: a change of a node concerns them. */
  private readonly unplaceable = new Set<string>();
  private readonly global = new Set<string>();
  /** Revisions of our last commits: we do not plan on a world without our own writes. */
  private wrotePods = 0;
  private readonly wroteStack = new Map<string, number>();
  private readonly wroteRevisions = new Map<string, number>();
  private readonly wroteStatus = new Map<string, number>();
  private readonly history: History;
  /** Of stacks with a paused service: the revision that runs. */
  private readonly running = new Map<string, { mod: number; running: Running | undefined }>();
  private readonly files: Files;
  private readonly pullSecrets: PullSecrets;
  private readonly compiled = new Map<string, { uid: string; generation: number; result: Compiled }>();

  constructor(private readonly o: StackLoopOptions) {
    this.queue = new WorkQueue({ env: o.env, log: o.log, name: "stacks", baseMs: 10, maxMs: 30_000 });
    this.files = new Files(o, (stack) => this.queue.add(stack));
    this.pullSecrets = new PullSecrets({ ...o, objects: (namespace) => this.files.objects(namespace) }, (stack) => this.queue.add(stack));
    this.history = new History(o.revisions, (stack) => this.queue.add(stack));
    o.stacks.subscribe(({ old, new: now }) => {
      const stack = now ?? old;
      if (!stack) return;
      const key = stackKeyOf({ namespace: stack.metadata.namespace ?? "default", name: stack.metadata.name });
      if (now?.metadata.generation !== old?.metadata.generation) this.queue.forget(key);
      this.queue.add(key);
    });
    o.requests.subscribe(({ key, new: now }) => {
      if (!now) return;
      const [namespace = "", pod = ""] = key.split("/").slice(-2);
      for (const p of o.world.podsNamed(namespace, pod)) this.queue.add(stackKeyOf({ namespace, name: p.desired.stack }));
    });
    o.world.listen({
      stackChanged: (stack, freed) => {
        this.queue.add(stack);
        if (freed) for (const other of this.unplaceable) this.queue.add(other);
      },
      nodeChanged: (node) => {
        for (const key of [...this.unplaceable, ...this.global, ...o.world.stacksOn(node)]) this.queue.add(key);
      },
    });
  }

  /** Until leadership ends. The informers have caught up with everything written before this term. */
  async run(leadership: Leadership): Promise<void> {
    this.wrotePods = 0;
    this.wroteStack.clear();
    this.wroteRevisions.clear();
    for (const [, stack] of this.o.stacks.entries()) {
      this.queue.add(stackKeyOf({ namespace: stack.metadata.namespace ?? "default", name: stack.metadata.name }));
    }
    for (const key of [...this.o.world.stacks(), ...this.history.stacks()]) this.queue.add(key);
    await this.sweep(leadership);
    await this.queue.run({ workers: WORKERS, signal: leadership.signal, reconcile: (key) => this.reconcile(key, leadership) });
  }

  private async reconcile(key: string, leadership: Leadership): Promise<{ afterMs?: number } | void> {
    const { stacks, world, env, log } = this.o;
    await this.caughtUp(leadership.signal);
    // The Stack as we wrote it comes by its own watch, and brings the key here again.
    if (stacks.revision < (this.wroteStack.get(key) ?? 0)) return { afterMs: LAG_MS };
    if (this.history.revision < (this.wroteRevisions.get(key) ?? 0)) return { afterMs: LAG_MS };
    this.wroteStack.delete(key);
    this.wroteRevisions.delete(key);
    const stack = stacks.get(stackObjectKey(key));
    const all = world.pods(key);
    const nodes = world.nodes();
    const requests = this.requestsFor(all);
    const history = this.history.of(key);
    const strays = planStrays(all, stack?.metadata.uid, nodes);
    if (strays.length > 0) {
      if (await this.reallyGone(key, stack?.metadata.uid)) await this.carryOut(key, strays, all, requests, [], leadership);
      return { afterMs: 1_000 };
    }
    if (!stack) {
      // A Stack whose finalizer somebody took away leaves its revisions behind.
      if (history.length > 0 && (await this.reallyGone(key, undefined))) {
        await this.carryOut(
          key,
          [],
          all,
          requests,
          await this.write(history.map((revision) => ({ type: "delete", revision }))),
          leadership,
        );
        return { afterMs: 1_000 };
      }
      return this.drop(key);
    }
    // Those of an earlier Stack of this name may hold the same volumes: first they go. Those on lost nodes hold up nobody elsewhere.
    const earlier = all.filter((p) => p.desired.stackUid !== stack.metadata.uid && nodes.get(p.node)?.ready);
    if (earlier.length > 0)
      return log.info({ stack: key, pods: earlier.map((p) => p.desired.name) }, "waiting for pods of an earlier stack to go");
    const own = all.filter((p) => p.desired.stackUid === stack.metadata.uid);
    const running = await this.runningOf(key, stack, history);
    const plan = planStack({
      stack,
      compile: () => this.compile(key, stack),
      running,
      history,
      pods: own,
      nodes,
      sealed: (node) => world.sealed(node),
      deletions: requests,
      nowMs: env.now(),
    });
    this.note(this.unplaceable, key, plan.unplaceable);
    this.note(this.global, key, plan.global);
    const differs = !isDeepStrictEqual(plan.stack, stack);
    // A schedule is asked again at least every hour: clocks are set.
    const again = plan.nextMs === undefined ? undefined : { afterMs: Math.min(Math.max(plan.nextMs - env.now(), 0), LOOK_AT_CLOCK_MS) };
    const idle = plan.steps.length === 0 && plan.revisions.length === 0 && plan.deliveries.length === 0;
    if (idle && !differs) return again;
    if (idle && !isSignificant(stack, plan.stack)) {
      const wait = (this.wroteStatus.get(key) ?? -PROGRESS_MS) + PROGRESS_MS - env.monotonic();
      if (wait > 0) return { afterMs: Math.min(wait, again?.afterMs ?? wait) };
    }
    const first = await this.write(plan.revisions);
    if (differs) first.push([objectChange(stackObjectKey(key), stack, plan.stack)]);
    first.push(...this.files.changes(plan.deliveries));
    const revision = await this.carryOut(key, plan.steps, all, requests, first, leadership);
    if (differs) this.wroteStatus.set(key, env.monotonic());
    this.o.recorder.record(...plan.events);
    const word = {
      stack: key,
      generation: stack.metadata.generation,
      steps: plan.steps.length,
      ...(plan.deliveries.length > 0 ? { deliveries: plan.deliveries.length } : {}),
      health: plan.stack?.status?.health,
      revision,
    };
    if (plan.steps.length > 0 || !plan.stack)
      log.info({ ...word, did: summary(plan.steps) }, plan.stack ? "rollout advanced" : "stack deleted");
    else log.debug({ ...word, progress: plan.stack.status?.progress }, "status written");
    return again;
  }

  /** Writes `first`, and the steps, together where they fit into one commit. @returns the last revision */
  private async carryOut(
    key: string,
    steps: readonly Step[],
    pods: readonly PodView[],
    requests: ReadonlySet<string>,
    first: readonly Change[][],
    { guard, signal }: Leadership,
  ): Promise<number> {
    const { kv } = this.o;
    const nodes = steps.flatMap((s) => ("pod" in s && "node" in s.pod ? [s.pod.node] : s.type === "replace" ? [s.removed.node] : []));
    let revision = 0;
    for (const changes of pack([...first, ...changesOf(steps, pods, requests, this.stamp()), ...this.needless(nodes, steps)])) {
      ({ revision } = await kv.commit(changes, { guard, signal }));
      if (changes.some((c) => c.key.startsWith(nodesPrefix))) this.wrotePods = revision;
      if (changes.some((c) => c.key === stackObjectKey(key))) this.wroteStack.set(key, revision);
      if (changes.some((c) => c.key.startsWith(revisionsPrefix))) this.wroteRevisions.set(key, revision);
      this.o.onCommit?.(changes.length);
    }
    return revision;
  }

  /** Contents that no pod of their node needs once the steps are taken. */
  private needless(nodes: Iterable<string>, steps: readonly Step[]): Change[][] {
    const { world } = this.o;
    const keys = unreferenced(
      nodes,
      steps,
      (node) => world.sealed(node),
      (node) => world.desiredOn(node),
    );
    return keys.map((key) => [{ key, value: null }]);
  }

  /** What an earlier leader had no time to take away. */
  private async sweep({ guard, signal }: Leadership): Promise<void> {
    for (const changes of pack(this.needless(this.o.world.nodeNames(), []))) {
      const { revision } = await this.o.kv.commit(changes, { guard, signal });
      this.wrotePods = revision;
      this.o.log.info({ contents: changes.length }, "needless contents removed");
    }
  }

  private stamp(): Stamp {
    const { env } = this.o;
    return { now: millisOf(env.now()), uid: () => env.uid() };
  }

  private async write(steps: readonly RevisionStep[]): Promise<Change[][]> {
    const stored = new Map<string, StackRevision>();
    for (const step of steps) {
      if (step.type !== "amend") continue;
      const object = await this.read(step.revision);
      if (!object) throw new ConflictError(revisionKey(step.revision));
      stored.set(step.revision.name, object);
    }
    return revisionChanges(steps, stored, this.stamp());
  }

  private async read(revision: RevisionView): Promise<StackRevision | undefined> {
    const { item } = await this.o.kv.get(revisionKey(revision));
    return item && decodeObject<StackRevision>(item);
  }

  /** What a paused service runs on with. Read when there is one, and again when it is written anew. */
  private async runningOf(key: string, stack: Stack, history: readonly RevisionView[]): Promise<Running | undefined> {
    const { revision, revisionHash } = stack.status ?? {};
    const now = history.find((r) => r.stackUid === stack.metadata.uid && r.revision === revision && r.hash === revisionHash);
    const wanted = stack.metadata.deletionTimestamp === undefined ? this.compile(key, stack) : undefined;
    if (!now || !wanted || !("normal" in wanted) || !wanted.normal.services.some((s) => s.paused)) {
      this.running.delete(key);
      return undefined;
    }
    const had = this.running.get(key);
    if (had?.mod === now.mod) return had.running;
    const object = await this.read(now);
    const result = object && this.files.settle(split(key).namespace, this.o.compile({ ...stack, spec: object.spec }));
    const running = result && "compiled" in result ? { ...result, spec: object.spec, services: now.services } : undefined;
    this.running.set(key, { mod: now.mod, running });
    return running;
  }

  /**
   * Waits until the world shows our own last commit: a plan for one Stack must see the pods just placed for another (host ports, spread).
   * A watch that is away for long holds up nothing: every key is compared when it is written.
   */
  private async caughtUp(signal: AbortSignal): Promise<void> {
    const { env, world, log } = this.o;
    const deadline = env.monotonic() + LAG_MS;
    while (world.revision < this.wrotePods && !signal.aborted) {
      if (env.monotonic() >= deadline) {
        log.warn(
          { revision: world.revision, expected: this.wrotePods, afterMs: LAG_MS },
          "the watch of the nodes lags; going on without it",
        );
        this.wrotePods = 0;
        return;
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          cancel();
          off();
          resolve();
        };
        const cancel = env.timer(LOOK_MS, done);
        const off = world.listen({ stackChanged: done });
      });
    }
  }

  private requestsFor(pods: readonly PodView[]): Set<string> {
    return new Set(
      pods.flatMap(({ desired }) => {
        const request = this.o.requests.get(podDeletionKey(desired.namespace, desired.name));
        return request?.uid === desired.uid ? [desired.uid] : [];
      }),
    );
  }

  /** I8: an informer that lags is no proof that a Stack does not exist. */
  private async reallyGone(key: string, uid: string | undefined): Promise<boolean> {
    const { item } = await this.o.kv.get(stackObjectKey(key));
    return (item && decodeObject<Stack>(item).metadata.uid) === uid;
  }

  private compile(key: string, stack: Stack): Compiled {
    const { uid, generation = 1 } = stack.metadata;
    const had = this.compiled.get(key);
    const result = had?.uid === uid && had.generation === generation ? had.result : this.o.compile(stack);
    this.compiled.set(key, { uid, generation, result });
    return this.pullSecrets.resolve(key, this.files.resolve(key, result));
  }

  private note(set: Set<string>, key: string, on: boolean): void {
    if (on) set.add(key);
    else set.delete(key);
  }
  private drop(key: string): void {
    for (const m of [this.unplaceable, this.global, this.wroteStack, this.wroteRevisions, this.wroteStatus, this.compiled, this.running])
      m.delete(key);
    this.files.forget(key);
    this.pullSecrets.forget(key);
    this.queue.forget(key);
  }
}

/** resourceVersion is etcd's to tell, so it is not written. */
const objectChange = (key: string, old: Stack, next: Stack | undefined): Change => {
  const mod = Number(old.metadata.resourceVersion);
  if (!next) return { key, mod, value: null };
  const { resourceVersion: _, ...metadata } = next.metadata;
  return { key, mod, value: { ...next, metadata } };
};

const summary = (steps: readonly Step[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { type } of steps) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
};
