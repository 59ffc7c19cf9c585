import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { type Env, realEnv } from "../../store/env.ts";
import type { Transition } from "../cache/kind-cache.ts";
import { OpenStreams, type StreamAbout, type StreamEndedError } from "./open-streams.ts";

const about = (more: Partial<StreamAbout> = {}): StreamAbout => ({
  user: "ann",
  tokenId: "t1",
  subresource: "exec",
  namespace: "default",
  pod: "web-0",
  uid: "u1",
  node: "n1",
  ...more,
});

/** Time that stands until it is moved, and pods that go when they are told to. */
function world(limits = { perUser: 2, perNode: 3, idleMs: 1_000 }) {
  let now = 0;
  const timers = new Set<{ at: number; fn: () => void }>();
  const env: Env = {
    ...realEnv,
    monotonic: () => now,
    timer: (ms, fn) => {
      const t = { at: now + ms, fn };
      timers.add(t);
      return () => timers.delete(t);
    },
  };
  const pass = (ms: number): void => {
    now += ms;
    for (const t of [...timers])
      if (t.at <= now) {
        timers.delete(t);
        t.fn();
      }
  };
  const subscribers = new Set<(t: Transition) => void>();
  const view = {
    objects: new Map(),
    floor: 0,
    watchers: 0,
    since: () => [],
    subscribe: (fn: (t: Transition) => void) => (subscribers.add(fn), () => void subscribers.delete(fn)),
  };
  const stop = new AbortController();
  const cache = { of: () => view } as unknown as ConstructorParameters<typeof OpenStreams>[0]["cache"];
  const streams = new OpenStreams({ env, log: pino({ level: "silent" }), cache, closing: stop.signal, limits });
  return { streams, pass, stop, subscribers, timers };
}
const why = (signal: AbortSignal): unknown => (signal.aborted ? (signal.reason as StreamEndedError).message : undefined);

describe("open streams", () => {
  it("are so many for each user and each node, and no more", () => {
    const { streams } = world();
    const first = streams.enter(about());
    streams.enter(about());
    expect(() => streams.enter(about())).toThrow('user "ann" has 2 open streams');
    streams.enter(about({ user: "bob" }));
    expect(() => streams.enter(about({ user: "cem" }))).toThrow("3 streams (logs, exec, attach, port-forward) to node n1");
    streams.enter(about({ user: "cem", node: "n2" }));
    first.leave();
    first.leave();
    expect(streams.enter(about()).signal.aborted).toBe(false);
    expect(streams.count("exec")).toBe(4);
  });

  it("end when nothing is sent for long, but logs do not", () => {
    const { streams, pass } = world();
    const exec = streams.enter(about());
    const log = streams.enter(about({ subresource: "log" }));
    pass(900);
    exec.touch();
    pass(900);
    expect(exec.signal.aborted).toBe(false);
    pass(200);
    expect(why(exec.signal)).toMatch(/nothing was sent for/);
    expect(log.signal.aborted).toBe(false);
  });

  it("end with their token, their pod and the server", () => {
    const { streams, stop, subscribers } = world({ perUser: 9, perNode: 9, idleMs: 1_000 });
    const [token, pod, rest] = [streams.enter(about({ tokenId: "t2" })), streams.enter(about({ uid: "u2" })), streams.enter(about())];
    streams.tokenChanged("t2");
    expect([why(token.signal), pod.signal.aborted]).toEqual(["the token that this stream was opened with is no longer valid", false]);
    const object = (uid: string) =>
      ({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "b", uid } }) as Transition["old"] & object;
    for (const tell of subscribers) tell({ revision: 1, id: "b/a", old: object("u2"), new: object("u2") });
    expect(pod.signal.aborted).toBe(false);
    for (const tell of subscribers) tell({ revision: 2, id: "b/a", old: object("u2") });
    expect([why(pod.signal), rest.signal.aborted]).toEqual(["pod b/a was removed", false]);
    stop.abort();
    expect(why(rest.signal)).toBe("the server is stopping; try again");
  });

  it("leave nothing behind", () => {
    const { streams, subscribers, timers } = world();
    const all = [streams.enter(about()), streams.enter(about({ subresource: "log" }))];
    expect(subscribers.size).toBe(1);
    for (const s of all) s.leave();
    expect([subscribers.size, timers.size]).toEqual([0, 0]);
  });
});
