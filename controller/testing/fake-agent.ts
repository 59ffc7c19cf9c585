// An agent without Docker: answers what is desired of its node after a script, and keeps book of what would be running.
import { pino } from "pino";
import type { DesiredPod, NodeInfo, ObservedPod } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import { Informer } from "../../store/informer.ts";
import { desiredPrefix, infoKey, observedKey, parseNodeKey, sessionKey } from "../../store/keys.ts";
import type { Kv, Lease } from "../../store/kv.ts";
import { WorkQueue } from "../../store/workqueue.ts";

/** `ready`: at once; `slow`: pulls, creates, starts, is ready after `slowMs`; `neverReady`: runs, and stays unhealthy; `crash`: restarts for ever; `done`: ran once and succeeded; `job`: runs for `slowMs`
 * and succeeds; `fails`: fails every `slowMs`, as often as its restart policy lets it. */
export type Behaviour = "ready" | "slow" | "neverReady" | "crash" | "done" | "job" | "fails";

export interface FakeAgentOptions {
  kv: Kv;
  env: Env;
  node: string;
  labels?: Record<string, string>;
  /** NodeInfo.publicKey; absent: it has published none. */
  publicKey?: string;
  behave?(pod: DesiredPod): Behaviour;
  /** From being told to go to being gone, in milliseconds. */
  stopMs?: number;
  slowMs?: number;
  /** What an image's name means to its registry when this node pulls it: `sha256:…`. */
  bits?(image: string): string | undefined;
  /** Why what comes next could not start here. */
  unprepared?(image: string): { reason: string; message: string } | undefined;
}

export class FakeAgent {
  /** Pod key → what would be a container now. */
  readonly containers = new Map<string, { uid: string; stack: string; service: string; slot: string; since: number }>();
  private readonly informer: Informer<{ pod: DesiredPod; mod: number }>;
  private readonly queue: WorkQueue;
  private readonly written = new Map<string, string>();
  private readonly stopped = new AbortController();
  private lease: Lease | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly o: FakeAgentOptions) {
    const log = pino({ level: "silent" });
    this.informer = new Informer({
      kv: o.kv,
      env: o.env,
      log,
      prefix: desiredPrefix(o.node),
      decode: (item) => ({ pod: JSON.parse(item.value) as DesiredPod, mod: item.mod }),
    });
    this.informer.subscribe(({ key }) => this.queue.add(key));
    this.queue = new WorkQueue({ env: o.env, log, name: `agent ${o.node}`, baseMs: 5, maxMs: 50 });
  }

  /** Writes info and session, and answers from now on. */
  async start(): Promise<void> {
    const { kv, env, node } = this.o;
    const nowText = new Date(env.now()).toISOString();
    const info: NodeInfo = {
      hostname: node,
      addresses: [{ type: "Hostname", address: node }],
      os: "linux",
      arch: "amd64",
      osImage: "test",
      kernelVersion: "0",
      engineVersion: "0",
      engineApiVersion: "1.41",
      agentVersion: "0",
      cpus: 1,
      memoryBytes: 1,
      disk: { totalBytes: 1, freeBytes: 1 },
      labels: this.o.labels ?? {},
      containers: { ours: 0, foreign: 0 },
      ...(this.o.publicKey === undefined ? {} : { publicKey: this.o.publicKey }),
      conditions: [{ type: "Ready", status: "True", reason: "EngineReady", message: "", since: nowText }],
    };
    this.lease = await kv.grant(15);
    await kv.commit([
      { key: infoKey(node), value: info },
      { key: sessionKey(node), value: { nonce: env.uid(), hostname: node, pid: 1, startedAt: nowText }, lease: this.lease.id },
    ]);
    this.informer.start(this.stopped.signal);
    this.running = this.queue.run({ workers: 4, signal: this.stopped.signal, reconcile: (key) => this.reconcile(key) });
  }

  /** The machine is gone: no more answers, and the session ends. */
  async stop(): Promise<void> {
    this.stopped.abort(new Error("agent stopped"));
    await this.lease?.revoke().catch(() => undefined);
    await this.running;
    await this.informer.stopped;
  }

  private async reconcile(key: string): Promise<{ afterMs?: number } | void> {
    const where = parseNodeKey(key);
    if (!where || !("pod" in where)) return;
    const at = observedKey(this.o.node, where.namespace, where.pod);
    const now = this.o.env.monotonic();
    const found = this.informer.get(key);
    const had = this.containers.get(key);
    if (!found) {
      this.containers.delete(key);
      if (this.written.delete(key) || (await this.o.kv.get(at)).item) await this.o.kv.commit([{ key: at, value: null }]);
      return;
    }
    const { pod, mod } = found;
    if (pod.deletionTimestamp !== undefined) {
      const wait = (this.stopping.get(pod.uid) ?? this.stopAt(pod.uid, now)) - now;
      if (wait > 0) return { afterMs: wait };
      this.containers.delete(key);
      return this.answer(key, at, this.words(pod, mod, { phase: "Removed", state: "absent", ready: false }));
    }
    if (had?.uid !== pod.uid) {
      this.containers.set(key, { uid: pod.uid, stack: `${pod.namespace}/${pod.stack}`, service: pod.service, slot: pod.slot, since: now });
    }
    const age = now - (this.containers.get(key)?.since ?? now);
    const { now: state, afterMs } = this.script(this.o.behave?.(pod) ?? "ready", age, pod);
    await this.answer(key, at, this.words(pod, mod, state));
    return afterMs === undefined ? undefined : { afterMs };
  }

  /** By uid: restarts of those that are not started again. */
  private readonly failed = new Map<string, number>();
  private readonly stopping = new Map<string, number>();
  private stopAt(uid: string, now: number): number {
    const at = now + (this.o.stopMs ?? 20);
    this.stopping.set(uid, at);
    return at;
  }

  private script(behaviour: Behaviour, age: number, pod: DesiredPod): { now: Partial<ObservedPod>; afterMs?: number } {
    const slow = this.o.slowMs ?? 300;
    if (behaviour === "ready") return { now: { phase: "Running", state: "running", ready: true } };
    if (behaviour === "done") return { now: { phase: "Succeeded", state: "exited", ready: false, exitCode: 0 } };
    if (behaviour === "job") {
      const ran = { phase: "Running", state: "running", ready: true } as const;
      return age < slow ? { now: ran, afterMs: slow - age } : { now: { phase: "Succeeded", state: "exited", ready: false, exitCode: 0 } };
    }
    if (behaviour === "fails") {
      const { policy, maxRetries = Number.POSITIVE_INFINITY } = pod.container.restart;
      const failures = Math.floor(age / slow);
      const told = this.failed.get(pod.uid);
      // The engine does not start it again once its policy is changed to no.
      const over = told ?? (failures > 0 && (policy === "no" || failures > maxRetries) ? failures - 1 : undefined);
      if (over !== undefined) this.failed.set(pod.uid, over);
      if (over === undefined) return { now: { phase: "Running", state: "running", ready: true, restarts: failures }, afterMs: slow };
      return { now: { phase: "Failed", state: "exited", ready: false, exitCode: 3, restarts: over, logTail: ["no such table"] } };
    }
    if (behaviour === "neverReady") {
      const words = { health: "unhealthy", reason: "Unhealthy", message: "the health check failed 3 times" } as const;
      return { now: { phase: "Running", state: "running", ready: false, ...words } };
    }
    if (behaviour === "crash") {
      return {
        now: { phase: "Running", state: "restarting", ready: false, exitCode: 1, reason: "CrashLoopBackOff", message: "exit code 1" },
      };
    }
    if (age < slow / 3) return { now: { phase: "Pending", state: "absent", ready: false, reason: "Pulling" }, afterMs: slow / 3 - age };
    if (age < slow) return { now: { phase: "Running", state: "running", ready: false, health: "starting" }, afterMs: slow - age };
    return { now: { phase: "Running", state: "running", ready: true, health: "healthy" } };
  }

  private words(pod: DesiredPod, mod: number, now: Partial<ObservedPod>): ObservedPod {
    const notes: ObservedPod["notes"] = now.ready
      ? [{ seq: 1, at: pod.createdAt, type: "Normal", reason: "Started", message: `started ${pod.container.image}` }]
      : [];
    return {
      uid: pod.uid,
      desiredRevision: mod,
      inSync: true,
      phase: "Pending",
      state: "absent",
      ready: false,
      since: pod.createdAt,
      restarts: 0,
      notes,
      ...this.digests(pod),
      ...now,
    };
  }

  /** By uid (and `next` of it): the bits that were pulled. A pin makes others of them. */
  private readonly pulled = new Map<string, string | undefined>();
  private pull(uid: string, image: string, pin: string | undefined): string | undefined {
    if (!this.pulled.has(uid)) this.pulled.set(uid, pin ?? this.o.bits?.(image));
    return this.pulled.get(uid) && (pin ?? this.pulled.get(uid));
  }
  private digests({ uid, container: { image }, imageDigest, next }: DesiredPod): Partial<ObservedPod> {
    const own = this.pull(uid, image, imageDigest);
    return {
      ...(own ? { imageDigest: `${image.split(":")[0]}@${own}` } : {}),
      ...(next ? { prepared: this.prepared(uid, next) } : {}),
    };
  }
  private prepared(uid: string, next: NonNullable<DesiredPod["next"]>): NonNullable<ObservedPod["prepared"]> {
    const { templateHash, container } = next;
    const problem = this.o.unprepared?.(container.image);
    if (problem) return { templateHash, ready: false, ...problem };
    const digest = this.pull(`${uid} ${templateHash}`, container.image, next.imageDigest);
    return { templateHash, ready: true, ...(digest ? { imageDigest: digest } : {}) };
  }

  private async answer(key: string, at: string, value: ObservedPod): Promise<void> {
    const text = JSON.stringify(value);
    if (this.written.get(key) === text) return;
    await this.o.kv.commit([{ key: at, value }]);
    this.written.set(key, text);
  }
}
