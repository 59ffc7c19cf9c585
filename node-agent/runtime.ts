// The engine as a whole: is it there, what does it hold, what happens on it. Events are hints; every (re)connect is followed by lists.
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";
import { type Engine, type EngineEvent, isEngineError } from "./engine.ts";
import type { World } from "./world.ts";

export interface RuntimeState {
  available: boolean;
  reason: string;
  message: string;
  since: number;
}

/** The first of a connection, the one with which `settled` became true, or any other. */
export type ListKind = "first" | "settling" | "another";

export interface RuntimeOptions {
  engine: Engine;
  env: Env;
  log: Logger;
  world: World;
  onEvent(event: EngineEvent, pod: string | undefined): void;
  /** After each list: the pods of which a container is new, gone or different. */
  onListed(changed: Set<string>, which: ListKind): void;
  onState(state: RuntimeState): void;
}

const RELIST_MS = 10_000;
/** Between two lists that must agree. Right after its start an engine may answer in part. */
const SETTLE_MS = 300;
const RETRY_MS = [100, 200, 500, 1_000, 2_000];

export class Runtime {
  state: RuntimeState;
  /** Two lists of this connection agreed: what is not listed is not there. */
  settled = false;
  private wake: () => void = () => {};

  constructor(private readonly o: RuntimeOptions) {
    this.state = { available: false, reason: "Connecting", message: "not yet connected to the engine", since: o.env.now() };
  }

  /** A call went unanswered: ask now, not in 10 s. */
  suspect(): void {
    this.wake();
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      const connected = { ok: false };
      try {
        await this.connection(signal, connected);
      } catch (error) {
        if (signal.aborted) return;
        this.down(error);
      }
      this.settled = false;
      if (connected.ok) failures = 0;
      try {
        await this.o.env.sleep(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 2_000, signal);
      } catch {
        return;
      }
    }
  }

  private async connection(signal: AbortSignal, connected: { ok: boolean }): Promise<void> {
    const { engine, world, log } = this.o;
    const mine = new AbortController();
    const either = AbortSignal.any([signal, mine.signal]);
    try {
      const { ended } = await engine.events((event) => this.event(event), either);
      let over: Error | true | undefined;
      ended.then(
        () => (over = true),
        (error: Error) => (over = error),
      );
      void ended.catch(() => {}).then(() => this.wake());
      let last: string | undefined;
      for (let first = true; !signal.aborted; first = false) {
        const { changed, ids } = await world.refresh(() => engine.list());
        connected.ok = true;
        if (first) this.up();
        const settling = !this.settled && ids === last;
        if (settling) {
          this.settled = true;
          log.info({ containers: world.counts() }, "engine lists agree");
        }
        last = ids;
        this.o.onListed(changed, first ? "first" : settling ? "settling" : "another");
        await this.pause(this.settled ? RELIST_MS : SETTLE_MS, signal, () => over !== undefined);
        if (over !== undefined) throw over === true ? new Error("the engine closed its event stream") : over;
        // A hung engine shows within a ping's deadline, not within that of a list.
        if (this.settled) await engine.ping();
      }
    } finally {
      mine.abort();
    }
  }

  private event(event: EngineEvent): void {
    this.o.onEvent(event, this.o.world.apply(event));
  }

  /** Ends early when something calls for a look. */
  private async pause(ms: number, signal: AbortSignal, over: () => boolean): Promise<void> {
    if (over()) return;
    let wake = (): void => {};
    await new Promise<void>((resolve) => {
      const cancel = this.o.env.timer(ms, resolve);
      wake = () => {
        cancel();
        resolve();
      };
      this.wake = wake;
      signal.addEventListener("abort", wake, { once: true });
    });
    signal.removeEventListener("abort", wake);
  }

  private up(): void {
    if (this.state.available) return;
    this.o.log.info({ downMs: this.o.env.now() - this.state.since }, "engine is available");
    this.set({ available: true, reason: "EngineAnswers", message: "the engine answers" });
  }
  private down(error: unknown): void {
    const hung = isEngineError(error, "timeout");
    const message = error instanceof Error ? error.message : String(error);
    const reason = hung ? "EngineHung" : isEngineError(error, "invalid") ? "EngineTooOld" : "EngineUnreachable";
    if (this.state.available || this.state.reason !== reason) this.o.log.warn({ err: error, reason }, "engine is unavailable");
    this.set({ available: false, reason, message: `${message}; containers are left as they are` });
  }
  private set(state: Omit<RuntimeState, "since">): void {
    const same = this.state.available === state.available;
    if (same && this.state.reason === state.reason) return;
    this.state = { ...state, since: same ? this.state.since : this.o.env.now() };
    this.o.onState(this.state);
  }
}
