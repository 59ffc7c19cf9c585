// One stack's rollout as it is seen from outside: folds watch events into a view, and decides when it is over.
import type { Condition } from "../../schemas/meta.ts";
import { byName, inJob, type Replica, replicaOf, runOf, TERMINAL } from "./replica.ts";
import type { PodObject, StackObject } from "./types.ts";

export interface Row extends Replica {
  /** Milliseconds (monotonic) since when it says the same. */
  since: number;
}

export type Outcome = "progressing" | "succeeded" | "failed" | "rolledBack" | "deleted";

export interface View {
  stack: string;
  namespace: string;
  revision: number | undefined;
  health: string;
  progress: number;
  ready: string;
  rows: Row[];
  outcome: Outcome;
  /** Why it failed, or what is being waited for. */
  why: string[];
  /** The controller has answered this generation. */
  observed: boolean;
}

/** How long a bad word must hold before it ends the wait: the next look may already be better. Milliseconds. */
/** A container that crashed while we looked runs for a moment between two crashes: it is believed when it has stayed up for so long. Milliseconds. */
const STEADY_MS = 10_000;
/** A container without a health check that was started while we looked is believed when it has run for so long: one that ends at once is ready for a moment. */
const SETTLE_MS = 2_000;
const GRACE = { unplaceable: 5000, stackFailed: 5000 } as const;
const UNPLACEABLE = "Unplaceable";

export class Tracker {
  readonly name: string;
  readonly namespace: string;
  readonly #generation: number;
  #stack: StackObject | undefined;
  #seen = false;
  #podsSeen = false;
  readonly #pods = new Map<string, PodObject>();
  /** Restarts of each pod when they were last looked at. */
  readonly #restarts = new Map<string, number>();
  readonly #up = new Set<string>();
  #looked = false;
  #startedAt = Number.NEGATIVE_INFINITY;
  #crashedAt = Number.NEGATIVE_INFINITY;
  readonly #since = new Map<string, { said: string; at: number }>();

  /** @param generation the metadata.generation that is waited for */
  constructor(name: string, namespace: string, generation: number) {
    this.name = name;
    this.namespace = namespace;
    this.#generation = generation;
  }

  setStack(stack: StackObject | undefined): void {
    this.#stack = stack;
    this.#seen = true;
  }

  setPods(pods: readonly PodObject[]): void {
    this.#podsSeen = true;
    this.#pods.clear();
    for (const pod of pods) this.setPod(pod);
  }

  setPod(pod: PodObject): void {
    this.#pods.set(pod.metadata.name, pod);
  }

  removePod(pod: PodObject): void {
    this.#pods.delete(pod.metadata.name);
    this.#since.delete(pod.metadata.name);
  }

  /** @param now monotonic milliseconds */
  view(now: number): View {
    const status = this.#stack?.status ?? {};
    const rows = this.#replicas().map((r): Row => {
      const since = this.#held(r.pod, `${r.state} ${r.word}`, now);
      const hopeless = r.state === "working" && now - since >= (TERMINAL[r.word] ?? Number.POSITIVE_INFINITY);
      return { ...r, since, ...(hopeless ? { state: "failed" } : {}) };
    });
    this.#noteCrashes(rows, now);
    const observed = (status.observedGeneration ?? 0) >= this.#generation;
    const base = {
      stack: this.name,
      namespace: this.namespace,
      revision: status.revision,
      health: status.health ?? "Unknown",
      progress: observed ? (status.progress ?? 0) : 0,
      ready: status.ready ?? `${rows.filter((r) => r.state === "ready").length}/?`,
      rows,
      observed,
    };
    return { ...base, ...this.#judge(rows, observed, now) };
  }

  #replicas(): Replica[] {
    const rows = [...this.#pods.values()].map(replicaOf).toSorted(byName);
    const services = this.#stack?.status?.services ?? {};
    return [...new Set(rows.map((r) => r.service))].flatMap((name) => {
      const of = rows.filter((r) => r.service === name);
      const job = services[name]?.job;
      return job ? inJob(of, job) : of;
    });
  }

  #noteCrashes(rows: readonly Row[], now: number): void {
    for (const r of rows) {
      const before = this.#restarts.get(r.pod);
      // What has ended does not crash any more, and a job may fail before it succeeds.
      if (r.state === "done" || r.failures !== undefined) continue;
      // Of a pod that ran before we came, old restarts are history.
      if (before === undefined ? r.restarts > 0 && r.state !== "ready" : r.restarts > before) this.#crashedAt = now;
      this.#restarts.set(r.pod, r.restarts);
      if (r.state === "ready" && !this.#up.has(r.pod)) {
        if (this.#looked && !r.checked) this.#startedAt = now;
        this.#up.add(r.pod);
      } else if (r.state !== "ready") this.#up.delete(r.pod);
    }
    if (this.#podsSeen) this.#looked = true;
  }

  #held(key: string, said: string, now: number): number {
    const before = this.#since.get(key);
    if (before?.said === said) return before.at;
    this.#since.set(key, { said, at: now });
    return now;
  }

  #judge(rows: readonly Row[], observed: boolean, now: number): { outcome: Outcome; why: string[] } {
    const stack = this.#stack;
    // The end is told with all its replicas.
    if (!this.#podsSeen) return { outcome: "progressing", why: ["waiting for the API"] };
    if (!stack)
      return this.#seen ? { outcome: "deleted", why: ["the stack is gone"] } : { outcome: "progressing", why: ["waiting for the API"] };
    if (stack.metadata.deletionTimestamp !== undefined) return { outcome: "deleted", why: ["the stack is being deleted"] };
    const status = stack.status ?? {};
    if (!observed) return { outcome: "progressing", why: ["waiting for the controller"] };
    const conditions = status.conditions ?? [];
    const rolledBack = conditions.find((c) => c.reason === "RolledBack");
    if (rolledBack) return { outcome: "rolledBack", why: [rolledBack.message] };
    if (status.health === "Healthy" && (status.progress ?? 100) >= 100 && !holds(conditions, "Progressing")) return this.#settled(now);
    // Paused, as a person asked: there is nothing more to wait for.
    if (status.health === "Suspended" && !holds(conditions, "Progressing")) {
      const waits = conditions.filter((c) => c.type === "Ready" && c.status === "False").map((c) => c.message);
      return { ...this.#settled(now), ...(waits.length > 0 ? { why: waits } : {}) };
    }
    const lost = Object.entries(status.services ?? {}).flatMap(([service, { job }]) => {
      const run = runOf(job);
      return run?.state === "Failed" ? [{ service, why: `the job ${service} ${run.message ?? "has failed"}` }] : [];
    });
    const failed = rows.filter((r) => r.state === "failed" && this.#isCurrent(r) && !lost.some((l) => l.service === r.service));
    const broken = [...failed.map((r) => `${r.name}${r.node ? ` on ${r.node}` : ""}: ${r.word}`), ...lost.map((l) => l.why)];
    if (broken.length > 0) return { outcome: "failed", why: broken };
    const unplaceable = conditions.find((c) => c.reason === UNPLACEABLE && c.message !== "");
    if (unplaceable && now - this.#held("\u0000placement", unplaceable.message, now) >= GRACE.unplaceable)
      return { outcome: "failed", why: [unplaceable.message] };
    if (!unplaceable) this.#since.delete("\u0000placement");
    if (status.health === "Failed" && now - this.#held("\u0000health", "Failed", now) >= GRACE.stackFailed)
      return { outcome: "failed", why: conditions.filter((c) => c.type === "Degraded" && c.status === "True").map((c) => c.message) };
    if (status.health !== "Failed") this.#since.delete("\u0000health");
    return { outcome: "progressing", why: waitingFor(rows, conditions, unplaceable) };
  }

  #settled(now: number): { outcome: Outcome; why: string[] } {
    if (now - this.#crashedAt < STEADY_MS)
      return { outcome: "progressing", why: ["waiting to see whether it stays up: a container was restarted"] };
    if (now - this.#startedAt < SETTLE_MS) return { outcome: "progressing", why: ["waiting to see whether it stays up"] };
    return { outcome: "succeeded", why: [] };
  }

  /** A pod of an older revision, in a service that is not yet fully updated, is on its way out: its trouble is not this rollout's. */
  #isCurrent(row: Row): boolean {
    const status = this.#stack?.status ?? {};
    const service = status.services?.[row.service];
    if (!service) return status.services === undefined;
    // A schedule's runs are no part of a rollout.
    if (service.job?.runs.some((r) => r.scheduledTime !== undefined)) return false;
    return row.revision === undefined || row.revision === status.revision || service.updated >= service.desired;
  }
}

const holds = (conditions: readonly Condition[], type: string): boolean => conditions.some((c) => c.type === type && c.status === "True");

const waitingFor = (rows: readonly Row[], conditions: readonly Condition[], unplaceable: Condition | undefined): string[] => {
  const busy = rows.filter((r) => r.state === "working" || r.state === "failed").map((r) => `${r.name}: ${r.word}`);
  if (unplaceable) return [unplaceable.message, ...busy];
  if (busy.length > 0) return busy;
  return conditions.filter((c) => c.type === "Progressing" && c.message !== "").map((c) => c.message);
};
