// A container whose health check fails, and a policy that says what to do about it, within a budget.
import { expect, it } from "vitest";
import type { DesiredPod } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, Rig } from "../testing/rig.ts";

const healthcheck = { test: ["CMD", "true"], intervalMs: 1_000, timeoutMs: 1_000, retries: 1, startPeriodMs: 0 };
const sick = async (unhealthy?: DesiredPod["unhealthy"]) => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  const r = new Rig(engine, env);
  const pod = aPod({ container: { healthcheck }, ...(unhealthy ? { unhealthy } : {}) });
  r.want(pod);
  await r.converge();
  const id = (): string => [...engine.containers.keys()][0]!;
  const fails = async (): Promise<void> => {
    engine.health(id(), "unhealthy");
    await r.pass();
    await env.advance(1_000);
  };
  const starts = (): number => engine.calls.filter((c) => c.startsWith("start ")).length;
  return { r, env, engine, pod, id, fails, starts };
};
const budget = { times: 2, withinMs: 600_000 };

it("is reported and left to run where nothing else is said", async () => {
  const { r, pod, fails, starts } = await sick();
  await fails();
  expect([r.report(pod)?.reason, starts()]).toEqual(["Unhealthy", 1]);
});

it("is restarted in place, so often and no more, until the window is over", async () => {
  const { r, env, engine, pod, id, fails, starts } = await sick({ action: "restart", budget });
  const before = id();
  for (let n = 0; n < 5; n++) await fails();
  expect([id(), starts()]).toEqual([before, 3]);
  expect(r.report(pod)).toMatchObject({
    reason: "Unhealthy",
    message: expect.stringMatching(/restarted 2 times within 10 min already/),
    ready: false,
  });
  expect(r.report(pod)?.notes.find((n) => n.reason === "Restarted")?.message).toContain("the health check fails; restarted in");
  await env.advance(600_000);
  await fails();
  expect(starts()).toBe(4);
  engine.health(id(), "healthy");
  await r.converge();
  expect(r.report(pod)).toMatchObject({ ready: true, inSync: true });
});

it("is made again", async () => {
  const { id, fails, engine } = await sick({ action: "recreate", budget });
  const before = id();
  await fails();
  expect(id()).not.toBe(before);
  expect(engine.containers.size).toBe(1);
});
