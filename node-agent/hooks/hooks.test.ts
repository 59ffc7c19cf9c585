// post_start and pre_stop: once for each start, before each stop, and what happens when they fail.
import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, Rig } from "../testing/rig.ts";

const withHooks = (container: Partial<ContainerSpec>) => aPod({ container: { restart: { policy: "always" }, ...container } });
const hook = (...command: string[]) => ({ command });

const rig = () => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  const ran: string[] = [];
  const codes = new Map<string, number>();
  for (const name of ["warm", "seed", "drain"])
    engine.programs.set(name, async (p) => {
      ran.push([name, ...p.args].join(" "));
      const code = codes.get(name) ?? 0;
      if (code !== 0) await p.err(`first line\n${name} says no\n`);
      return code;
    });
  return { engine, env, ran, codes, r: new Rig(engine, env) };
};
const only = (engine: FakeEngine): string => [...engine.containers.keys()][0] ?? "none";

describe("post_start", () => {
  const pod = withHooks({ postStart: [hook("warm"), hook("seed", "x")] });

  it("runs after the start, in order, once; the pod is ready after it", async () => {
    const { engine, r, ran } = rig();
    r.want(pod);
    await r.converge();
    expect(ran).toEqual(["warm", "seed x"]);
    expect(r.report(pod)).toMatchObject({ ready: true, inSync: true, postStart: expect.stringMatching(/^\w{12}@/) });
    const calls = engine.calls.length;
    await r.restart().converge();
    expect(ran).toHaveLength(2);
    expect(engine.calls.length).toBe(calls);
  });

  it("runs again after each start, also by Docker itself", async () => {
    const { engine, env, r, ran } = rig();
    r.want(pod);
    await r.converge();
    engine.exit(only(engine), 1);
    await env.advance(100);
    engine.restarted(only(engine));
    await r.converge();
    expect(ran).toHaveLength(4);
    await engine.kill(only(engine));
    await env.advance(100);
    await r.converge();
    expect(ran).toHaveLength(6);
    await engine.remove(only(engine));
    await env.advance(100);
    await r.converge();
    expect(ran).toHaveLength(8);
  });

  it("runs in an agent that comes back after it died before the hook", async () => {
    const { engine, r, ran, codes } = rig();
    r.want(pod);
    codes.set("warm", 0);
    engine.fail("exec", "unavailable");
    await r.pass();
    expect(ran).toEqual([]);
    await r.restart().converge();
    expect(ran).toEqual(["warm", "seed x"]);
  });

  it("that fails stops the container, says why, and is tried again later and later", async () => {
    const { engine, env, r, ran, codes } = rig();
    codes.set("seed", 3);
    r.want(pod);
    await r.pass();
    expect(r.report(pod)).toMatchObject({
      reason: "PostStartHookError",
      message: "post_start 2 (seed) ended with exit code 3: first line | seed says no",
      state: "exited",
      ready: false,
      nextRetryAt: expect.any(String),
    });
    expect(r.report(pod)?.notes.at(-1)).toMatchObject({ type: "Warning", reason: "PostStartHookError" });
    const starts = (): number => engine.calls.filter((c) => c.startsWith("start ")).length;
    for (let n = 0; n < 20; n++) {
      await env.advance(1_000);
      await r.pass();
    }
    expect(starts()).toBeGreaterThan(2);
    expect(starts()).toBeLessThan(8);
    codes.clear();
    await env.advance(60_000);
    await r.converge();
    expect(r.report(pod)).toMatchObject({ ready: true, inSync: true });
    expect(ran.at(-1)).toBe("seed x");
  });

  it("holds up who depends on the service", async () => {
    const { engine, r } = rig();
    let finish = (): void => {};
    engine.programs.set("slow", () => new Promise((resolve) => (finish = () => resolve(0))));
    const slow = withHooks({ postStart: [hook("slow")] });
    const web = aPod({ name: "shop-x-0-bbbbb", uid: "uid-x", service: "x", dependsOn: [{ service: "web", condition: "service_started" }] });
    r.want(slow, web);
    const pass = r.pods.reconcile("default/shop-web-0-aaaaa", new AbortController().signal);
    for (let n = 0; n < 50 && engine.execs.size === 0; n++) await Promise.resolve();
    for (let n = 0; n < 500 && r.report(slow)?.reason !== "PostStart"; n++) await Promise.resolve();
    expect(r.report(slow)).toMatchObject({ reason: "PostStart", ready: false, message: "runs post_start 1 of 1" });
    await r.pods.reconcile("default/shop-x-0-bbbbb", new AbortController().signal);
    expect(r.report(web)?.message).toContain("has not run its post_start yet");
    finish();
    await pass;
    await r.converge();
    expect(r.report(web)).toMatchObject({ ready: true });
  });

  it("that never ends does not hold up a deletion", async () => {
    const { engine, env, r } = rig();
    const pod2 = withHooks({ postStart: [hook("sleep")] });
    r.want(pod2);
    const pass = r.pods.reconcile("default/shop-web-0-aaaaa", new AbortController().signal);
    for (let n = 0; n < 500 && r.report(pod2)?.reason !== "PostStart"; n++) await Promise.resolve();
    r.want({ ...pod2, deletionTimestamp: "x" });
    await env.advance(1_000);
    await pass;
    await r.converge();
    expect([r.report(pod2)?.phase, engine.containers.size]).toEqual(["Removed", 0]);
  });
});

describe("pre_stop", () => {
  it("runs before the stop of a deletion, of a replacement and of a restart", async () => {
    const { engine, env, r, ran } = rig();
    const pod = withHooks({ preStop: [hook("drain")] });
    r.want(pod);
    await r.converge();
    r.want({ ...pod, container: { ...pod.container, env: { A: "c" } } });
    await r.converge();
    expect(ran).toEqual(["drain"]);
    await env.advance(1_000);
    r.want({ ...pod, container: { ...pod.container, env: { A: "c" } }, restartAfter: new Date(env.now()).toISOString() });
    await r.converge();
    expect(ran).toHaveLength(2);
    r.want({ ...pod, deletionTimestamp: "x" });
    await r.converge();
    expect([ran.length, engine.containers.size]).toEqual([3, 0]);
  });

  it("that fails, or takes too long, is told and holds up nothing", async () => {
    const { engine, env, r, codes } = rig();
    codes.set("drain", 1);
    const pod = withHooks({ preStop: [hook("drain"), hook("sleep")] });
    r.want(pod);
    await r.converge();
    const notes: string[] = [];
    r.want({ ...pod, deletionTimestamp: "x" });
    const pass = r.pass();
    for (let n = 0; n < 500 && engine.execs.size < 2; n++) await Promise.resolve();
    await env.advance(1_000);
    await pass;
    await r.converge();
    for (const note of r.report(pod)?.notes ?? []) notes.push(`${note.reason}: ${note.message}`);
    expect(r.report(pod)?.phase).toBe("Removed");
    expect(notes).toContain("PreStopHookError: pre_stop 1 (drain) ended with exit code 1: first line | drain says no");
    expect(notes).toContain("PreStopHookError: pre_stop 2 (sleep) was not done within the grace period");
  });
});
