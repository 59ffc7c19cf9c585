import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { ManualEnv } from "../../store/testing/env.ts";
import { StreamRig } from "../testing/stream-rig.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { type HostUsage, Stats } from "./stats.ts";

const setup = () => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  const rig = new StreamRig(engine, env);
  let samples = 0;
  const counted = { stats: (id: string) => (samples++, engine.stats(id)) };
  const host: HostUsage = { busyMs: 0, memoryBytes: 1000 };
  const stats = new Stats({ engine: counted, world: rig.world, env, log: pino({ level: "silent" }), usage: () => ({ ...host }) });
  const read = async (meanwhile: () => void = () => {}) => {
    const answer = stats.read();
    await env.advance(500);
    meanwhile();
    await env.advance(2_000);
    return answer;
  };
  return { env, engine, rig, stats, host, read, samples: () => samples };
};

describe("stats", () => {
  it("the first asks twice, a second apart; rates are cores", async () => {
    const { engine, rig, host, read, samples } = setup();
    const id = await rig.pod("web");
    const answer = await read(() => {
      engine.containers.get(id)!.used = { cpuNanos: 250e6, memoryBytes: 5000 };
      host.busyMs = 1500;
    });
    expect(answer.pods).toEqual([{ namespace: "default", pod: "web", uid: "uid-web", cpuCores: 0.25, memoryBytes: 5000, windowMs: 1000 }]);
    expect(answer).toMatchObject({ windowMs: 1000, node: { cpuCores: 1.5, memoryBytes: 1000 } });
    expect(samples()).toBe(2);
  });

  it("the next compares with the last; many at once are one; within a second the answer stands", async () => {
    const { env, engine, rig, stats, samples } = setup();
    const id = await rig.pod("web");
    const [a, b] = [stats.read(), stats.read()];
    await env.advance(1_000);
    expect(await a).toBe(await b);
    expect(await stats.read()).toBe(await a);
    expect(samples()).toBe(2);
    await env.advance(10_000);
    engine.containers.get(id)!.used.cpuNanos = 20e9;
    expect((await stats.read()).pods[0]).toMatchObject({ cpuCores: 2, windowMs: 10_000 });
    expect(samples()).toBe(3);
    await env.advance(100_000);
    expect(samples()).toBe(3);
  });

  it("what has started meanwhile gets a second of its own; what has gone is left out", async () => {
    const { env, engine, rig, read } = setup();
    const old = await rig.pod("old");
    await read();
    await engine.remove(old);
    await rig.pod("young");
    await env.advance(5_000);
    const answer = await read();
    expect(answer.pods.map((p) => [p.pod, p.windowMs])).toEqual([["young", 1000]]);
    await engine.kill([...engine.containers.keys()][0]!);
    await env.advance(5_000);
    expect((await read()).pods).toEqual([]);
  });

  it("without the engine there is no answer", async () => {
    const { engine, rig, stats } = setup();
    await rig.pod("web");
    engine.fail("stats", "unavailable");
    await expect(stats.read()).rejects.toThrow("stats fails");
  });
});
