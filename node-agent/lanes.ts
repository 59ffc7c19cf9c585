// How many calls of a kind are in flight at the engine, first come first served.

export interface Lane {
  /** Runs `task` when there is room. */
  <T>(task: () => Promise<T>): Promise<T>;
}

/** At most `width` tasks at once. */
export const lane = (width: number): Lane => {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    if (running >= width) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // The place is handed over, not freed: nobody can slip in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
};

/** One task at a time for each key; a task with several keys waits for all of them, in one order, so that nobody waits in a circle. */
export class KeyedLanes {
  private readonly tails = new Map<string, Promise<void>>();

  async run<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    const mine = [...new Set(keys)];
    const before = mine.map((key) => this.tails.get(key) ?? Promise.resolve());
    let release = (): void => {};
    const done = new Promise<void>((resolve) => (release = resolve));
    // Queued for every key in the same tick: the order is the same in all lanes.
    const tail = Promise.all(before).then(() => done);
    for (const key of mine) this.tails.set(key, tail);
    try {
      await Promise.all(before);
      return await task();
    } finally {
      release();
      void tail.then(() => {
        for (const key of mine) if (this.tails.get(key) === tail) this.tails.delete(key);
      });
    }
  }
}
