import type { EngineClient, EngineEvent } from "./engine.ts";

/** Container events of one owner, with waiting for the n-th of a kind: no polling disturbs what is measured. */
export class Watch {
  private readonly seen: EngineEvent[] = [];
  private readonly waiters = new Set<() => void>();
  private end: () => void = () => undefined;
  private constructor() {}

  static async open(engine: EngineClient, owns: (labels: Record<string, string>) => boolean): Promise<Watch> {
    const watch = new Watch();
    watch.end = await engine.events((event) => {
      if (!owns(event.labels)) return;
      watch.seen.push(event);
      for (const wake of [...watch.waiters]) wake();
    });
    return watch;
  }

  /** How many events came so far: pass it to `nth` or `count` to start from here. */
  mark(): number {
    return this.seen.length;
  }

  count(mark: number): number {
    return this.seen.length - mark;
  }

  /**
   * When (performance.now()) the `n`-th distinct container (of `among`) had an `action` event after `mark`.
   * @throws Error when that has not happened within `deadlineMs`
   */
  async nth(action: string, n: number, mark: number, among?: Set<string>, deadlineMs = 180_000): Promise<number> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const ids = new Set<string>();
      for (const e of this.seen.slice(mark)) {
        if (e.action !== action || (among && !among.has(e.id))) continue;
        ids.add(e.id);
        if (ids.size === n) return e.at;
      }
      const left = end - performance.now();
      if (left <= 0) throw new Error(`saw ${ids.size} of ${n} "${action}" events within ${deadlineMs} ms`);
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.waiters.delete(done);
          resolve();
        };
        const timer = setTimeout(done, left);
        this.waiters.add(done);
      });
    }
  }

  close(): void {
    this.end();
  }
}
