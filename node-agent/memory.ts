// What the agent remembers about one pod between two looks. Losing it costs nothing but a look: the containers are the state.
import type { AgentNote, ObservedPod } from "../schemas/fleet.ts";
import { type Failure, HealBudget, retryDelayMs } from "./backoff.ts";
import type { ContainerFacts } from "./observe.ts";
import type { Plan } from "./plan/plan.ts";
import type { DesiredEntry } from "./pods.ts";

const MAX_NOTES = 10;
export type Note = Omit<AgentNote, "seq" | "at">;

export class Memory {
  uid: string | undefined;
  observed: ObservedPod | undefined;
  current: string | undefined;
  released = false;
  lookedAt = 0;
  seq = 0;
  progress: { reason: string; message: string } | undefined;
  failure: Failure | undefined;
  logTail: string[] | undefined;
  /** `finishedAt` of the run that `logTail` is of. */
  logOf: string | undefined;
  budget = new HealBudget();
  restartedFor: string | undefined;
  /** The start that the postStart hooks have run for. */
  hooked: string | undefined;
  /** What others saw of it last: see pods/announce.ts. */
  standing: string | undefined;
  private curedAt: number[] = [];
  private revision = 0;
  private settledRevision: number | undefined;
  private failures = 0;
  private retryAt = 0;
  private kickedAt = -Infinity;
  private hinted = false;
  private toldFailure = "";
  private replacements = 0;
  private replacedAt = 0;
  private added: AgentNote[] | undefined;
  private lastRestart: { id: string; count: number; starting: boolean } | undefined;
  private readonly facts = new Map<string, ContainerFacts>();
  private readonly staleIds = new Set<string>();
  private readonly seenAt = new Map<string, number>();

  /** A pod of another uid starts from nothing; another revision of the same resets what waits. */
  meet(entry: DesiredEntry | undefined): void {
    if (!entry) return;
    if (this.uid !== entry.pod.uid) {
      const { facts, seenAt, staleIds } = this;
      Object.assign(this, new Memory(), { facts, seenAt, staleIds });
      this.uid = entry.pod.uid;
    }
    if (this.revision === entry.revision) return;
    this.revision = entry.revision;
    this.recovered();
    this.budget = new HealBudget();
    this.replacements = 0;
  }
  /** The desired revision has changed since the pod was last as desired. */
  isNewRevision(): boolean {
    return this.settledRevision !== undefined && this.settledRevision !== this.revision;
  }

  // What is known of containers.

  known(id: string): ContainerFacts | undefined {
    return this.staleIds.has(id) ? undefined : this.facts.get(id);
  }
  /** About to inspect: events from before `atMs` will tell nothing new. */
  looking(id: string, atMs: number): void {
    this.staleIds.delete(id);
    this.seenAt.set(id, atMs);
  }
  saw(f: ContainerFacts): void {
    this.facts.set(f.id, f);
    if (f.uid === this.uid) this.current = f.id;
  }
  hint(id: string, atMs: number): boolean {
    if (atMs < (this.seenAt.get(id) ?? -Infinity)) return false;
    this.staleIds.add(id);
    return true;
  }
  staleAll(): void {
    for (const id of this.facts.keys()) this.staleIds.add(id);
  }
  forgetExcept(ids: readonly string[]): void {
    for (const id of [...this.seenAt.keys()]) {
      if (ids.includes(id)) continue;
      this.facts.delete(id);
      this.staleIds.delete(id);
      this.seenAt.delete(id);
    }
    if (ids.length > 0) this.released = false;
  }
  currentFacts(): ContainerFacts | undefined {
    return this.current === undefined ? undefined : this.facts.get(this.current);
  }

  // Failures and waiting times, on a clock that never goes back.

  /** Counts it; the answer is the delay. */
  fail(why: Failure, _error: unknown, now: number, delay: (failures: number) => number): number {
    // A try for somebody else's hint tells nothing of how long it will go on.
    if (!this.hinted || this.failures === 0) this.failures++;
    this.hinted = false;
    this.failure = why;
    const delayMs = delay(this.failures);
    this.retryAt = now + delayMs;
    this.staleAll();
    return delayMs;
  }
  retryInMs(now: number): number {
    return Math.max(0, this.retryAt - now);
  }
  /**
   * What was in the way may have gone: try now, or a second after the last such try, as the next one may fail for the same reason. A
   * hint within that second counts too: it may be the right one. False: it is tried as early as that anyway.
   */
  tryNow(now: number): boolean {
    const at = Math.max(now, this.kickedAt + 1_000);
    if (this.retryAt <= at) return false;
    this.kickedAt = at;
    this.retryAt = at;
    this.hinted = true;
    return true;
  }
  isNewFailure(why: Failure): boolean {
    const text = `${why.reason} ${why.lastError}`;
    const isNew = text !== this.toldFailure;
    this.toldFailure = text;
    return isNew;
  }
  /** Steps were taken without an error: the failure is overcome when the next look finds nothing to do. */
  changed(next: Plan): void {
    this.failure = undefined;
    if (next.kind === "delete" || next.kind === "orphan") this.failures = 0;
  }
  /** As desired, or waiting for something other than a retry. */
  settled(): void {
    this.failures = 0;
    this.toldFailure = "";
    this.replacements = 0;
    this.settledRevision = this.revision;
  }
  recovered(): void {
    this.failures = 0;
    this.failure = undefined;
    this.retryAt = 0;
    this.toldFailure = "";
  }
  replaced(now: number): void {
    this.replacements++;
    this.replacedAt = now;
  }
  /** A replacement that did not help is not repeated at once: the engine may write something in its own way. */
  replacePauseMs(now: number): number {
    if (this.replacements === 0) return 0;
    return Math.max(0, this.replacedAt + retryDelayMs(this.replacements + 2, undefined, 0.5) - now);
  }

  /** For this `restartAfter`: the clocks of controller and engine may differ, so the container's own time does not tell. */
  wasRestarted(after: string | undefined): boolean {
    return (
      after !== undefined &&
      (this.restartedFor === after || this.notes().some((n) => n.reason === "Restarted" && n.message.includes(after)))
    );
  }

  /** Clock that never goes back. */
  curedWithin(windowMs: number, now: number): number {
    this.curedAt = this.curedAt.filter((at) => at > now - windowMs);
    return this.curedAt.length;
  }
  cured(now: number): void {
    this.curedAt.push(now);
  }

  // Reports.

  note(note: Note, nowMs: number): void {
    const at = new Date(nowMs).toISOString();
    this.added = [...this.notes(), { seq: ++this.seq, at, ...note }].slice(-MAX_NOTES);
  }
  notes(): AgentNote[] {
    return this.added ?? this.observed?.notes ?? [];
  }
  /** Docker's own counter stays 0 when the engine or the agent starts a container: the time of the start tells. */
  countRestarts(f: ContainerFacts | undefined): number {
    const before = this.observed;
    if (!f) return before?.restarts ?? 0;
    const { lastRestart } = this;
    const last = lastRestart?.id === f.id ? lastRestart : undefined;
    const more = last ? Math.max(0, f.restartCount - last.count) : 0;
    const started = f.startedAt === undefined ? undefined : new Date(Date.parse(f.startedAt)).toISOString();
    const again = before?.startedAt !== undefined && started !== undefined && started !== before.startedAt ? 1 : 0;
    // The engine counts before it starts: a start that follows what was counted is not counted again.
    this.lastRestart = { id: f.id, count: f.restartCount, starting: f.state === "restarting" };
    if (!before) return f.restartCount;
    return before.restarts + (more === 0 && last?.starting ? 0 : Math.max(more, again));
  }
}
