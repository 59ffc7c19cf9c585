// A store between the controller and etcd that fails on cue: a controller that dies at a commit, or whose commit arrives late.
import type { Env } from "../../store/env.ts";
import type { Change, Guard, Kv } from "../../store/kv.ts";
import type { MemoryKv } from "../../store/memory.ts";

type CommitOptions = { guard?: Guard | undefined; signal?: AbortSignal };

/** All of `inner`, but another `commit`. */
export const withCommit = (
  inner: Kv,
  commit: (changes: Change[], options: CommitOptions | undefined) => Promise<{ revision: number }>,
): Kv => ({
  commit: (changes, options) => commit(changes, options),
  get: (key, options) => inner.get(key, options),
  range: (prefix, options) => inner.range(prefix, options),
  watch: (prefix, from, sink, signal) => inner.watch(prefix, from, sink, signal),
  grant: (ttl) => inner.grant(ttl),
  status: () => inner.status(),
  close: () => inner.close(),
});

/** From its nth commit on nothing gets through any more, as if the process had died just before or just after it. */
export const dyingKv = (inner: MemoryKv, n: number, when: "before" | "after", died: () => void): Kv => {
  let count = 0;
  const die = (): never => {
    inner.partition(true);
    died();
    throw new Error(`died ${when} commit ${n}`);
  };
  return withCommit(inner, async (changes, options) => {
    count += 1;
    const last = count === n;
    if (last && when === "before") die();
    const done = await inner.commit(changes, options);
    if (last && when === "after") die();
    return done;
  });
};

/** Watch events below a prefix are held back for as long as `lagging` says so. */
export const laggingKv = (inner: Kv, prefix: string, lagging: () => boolean, env: Env): Kv => ({
  ...withCommit(inner, (changes, options) => inner.commit(changes, options)),
  watch: (at, from, sink, signal) => {
    if (at !== prefix) return inner.watch(at, from, sink, signal);
    const held: (() => void)[] = [];
    const flush = (): void => {
      if (lagging()) env.timer(10, flush);
      else for (const f of held.splice(0)) f();
    };
    const later = (f: () => void): void => {
      if (!lagging() && held.length === 0) return f();
      if (held.push(f) === 1) env.timer(10, flush);
      return undefined;
    };
    return inner.watch(
      at,
      from,
      { opened: sink.opened.bind(sink), events: (e) => later(() => sink.events(e)), progress: (r) => later(() => sink.progress(r)) },
      signal,
    );
  },
});
