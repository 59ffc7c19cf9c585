// Which bits a pod runs: pins, pull policies, credentials, and what comes next.
import { beforeEach, describe, expect, it } from "vitest";
import { ManualEnv } from "../../store/testing/env.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, keyOf, Rig } from "../testing/rig.ts";
import { Images, type ImageWish } from "./images.ts";

const APP = "r.example/app:1";
let env: ManualEnv;
let engine: FakeEngine;
const pulls = (): string[] => engine.calls.filter((c) => c.startsWith("pull")).map((c) => c.slice(5));
beforeEach(() => {
  env = new ManualEnv();
  engine = new FakeEngine(env);
});

describe("a pod keeps to its bits", () => {
  const pod = aPod({ container: { image: APP } });
  const running = (): string | undefined => [...engine.containers.values()][0]?.inspect.Image;

  it("says which they are, and comes back with them when the tag has moved", async () => {
    const first = engine.publish(APP);
    const rig = new Rig(engine, env);
    rig.want(pod);
    await rig.converge();
    expect(rig.report(pod)?.imageDigest).toBe(`r.example/app@${first}`);
    const bits = running();
    engine.publish(APP);
    await engine.pull(APP);
    await engine.remove([...engine.containers.keys()][0] ?? "");
    await rig.converge();
    expect(running()).toBe(bits);
    expect(rig.report(pod)?.imageDigest).toBe(`r.example/app@${first}`);
  });

  it("is left alone by a pin that says what it runs, and replaced once by another, with the image here first", async () => {
    const first = engine.publish(APP);
    const second = engine.publish(APP);
    const rig = new Rig(engine, env);
    rig.want(pod);
    await rig.converge();
    const [container] = engine.containers.keys();
    rig.want({ ...pod, imageDigest: second });
    await rig.converge();
    expect([...engine.containers.keys()]).toEqual([container]);
    engine.calls.length = 0;
    rig.want({ ...pod, imageDigest: first });
    await rig.converge();
    expect(engine.calls[0]).toBe(`pull ${APP}@${first}`);
    expect(engine.calls.filter((c) => c.startsWith("create"))).toHaveLength(1);
    expect(rig.report(pod)).toMatchObject({ imageDigest: `r.example/app@${first}`, ready: true, inSync: true });
  });

  it("runs on when the bits that are wanted cannot be had, and says so", async () => {
    engine.publish(APP);
    const rig = new Rig(engine, env);
    rig.want(pod);
    await rig.converge();
    const [container] = engine.containers.keys();
    rig.want({ ...pod, imageDigest: `sha256:${"0".repeat(64)}` });
    await rig.pass();
    expect([...engine.containers.keys()]).toEqual([container]);
    expect(rig.report(pod)).toMatchObject({ ready: true, inSync: false, reason: "ImageNotFound" });
    expect(rig.report(pod)?.message).toContain("kubectl rollout restart");
  });

  it("is not pinned where no registry knows the image", async () => {
    const rig = new Rig(engine, env);
    const local = aPod();
    rig.want(local);
    await rig.converge();
    const [container] = engine.containers.keys();
    rig.want({ ...local, imageDigest: `sha256:${"0".repeat(64)}` });
    await rig.converge();
    expect([...engine.containers.keys()]).toEqual([container]);
    expect(rig.report(local)?.imageDigest).toBeUndefined();
  });
});

describe("ensure", () => {
  const wish = (o: Partial<ImageWish> = {}): ImageWish => ({ image: APP, policy: "missing", namespace: "default", ...o });
  const quiet = (): void => {};

  it.each([
    { name: "missing: once", policy: "missing" as const, pulls: 1 },
    { name: "always: each time", policy: "always" as const, pulls: 3 },
    { name: "every hour: when it is due", policy: { everyMs: 3_600_000 }, pulls: 2 },
  ])("$name", async ({ policy, pulls: count }) => {
    engine.publish(APP);
    const images = new Images({ engine, env });
    for (const wait of [0, 1_000, 3_600_000]) {
      await env.advance(wait);
      await images.ensure(wish({ policy }), quiet);
    }
    expect(pulls()).toHaveLength(count);
  });

  it("asks nobody about bits that are here, whatever the policy; never pulls nothing", async () => {
    const digest = engine.publish(APP);
    await engine.pull(APP);
    const images = new Images({ engine, env });
    const got = await images.ensure(wish({ policy: "always", digest }), quiet);
    expect(got).toMatchObject({ pulled: false, digest });
    expect(pulls()).toHaveLength(1);
    await expect(images.ensure(wish({ image: "other:1", policy: "never" }), quiet)).rejects.toThrow("pull_policy is never");
  });

  it("tries each credential for the registry, and tells nobody of them", async () => {
    engine.publish(APP);
    engine.guarded.set(APP, { username: "ann", password: "right" });
    const config = (username: string, password: string): string => JSON.stringify({ auths: { "r.example": { username, password } } });
    const asked: string[] = [];
    const images = new Images({
      engine,
      env,
      openPullSecrets: async (namespace, secrets) => {
        asked.push(...secrets.map((s) => `${namespace}/${s.name}@${s.hash}`));
        return [config("ann", "wrong"), config("ann", "right")];
      },
    });
    const said: string[] = [];
    const secrets = [{ name: "hub", hash: "1" }];
    await images.ensure(wish({ pullSecrets: secrets }), (_, message) => void said.push(message));
    expect(asked).toEqual(["default/hub@1"]);
    expect(pulls()).toHaveLength(2);
    expect(said.at(-1)).toBe(`pulling ${APP}: 0/1 layers, 1 MB of 2 MB`);
    expect(said.join()).not.toMatch(/right|wrong/);
    await expect(new Images({ engine, env }).ensure(wish({ policy: "always" }), quiet)).rejects.toMatchObject({ kind: "imageDenied" });
  });

  it("pulls once for all that ask at the same time, and tells all of them", async () => {
    engine.publish(APP);
    const images = new Images({ engine, env });
    const said: string[][] = [[], []];
    await Promise.all(said.map((list) => images.ensure(wish(), (_, message) => void list.push(message))));
    expect(pulls()).toHaveLength(1);
    expect(said[1]).toEqual(said[0]);
  });

  it("takes no image of another platform", async () => {
    const arm = { ...engine.addImage("x:1"), Os: "linux", Architecture: "arm64", Variant: "v8" };
    engine.images.delete("x:1");
    engine.registry.set(APP, arm);
    const images = new Images({ engine, env });
    await images.ensure(wish({ platform: "linux/aarch64" }), quiet);
    await images.ensure(wish({ platform: "linux/arm64/v8" }), quiet);
    expect(pulls()).toHaveLength(1);
    await expect(images.ensure(wish({ platform: "linux/amd64" }), quiet)).rejects.toMatchObject({ kind: "imagePlatform" });
  });
});

describe("what comes next", () => {
  const NEXT = "r.example/app:2";
  const pod = aPod();
  const next = { templateHash: "t2", container: { ...pod.container, image: NEXT } };

  const settled = async (rig: Rig): Promise<void> => {
    await rig.converge();
    for (let i = 0; i < 5; i++) {
      await env.advance(10);
      await rig.pass();
    }
  };

  it("is pulled while the pod runs, which nothing else happens to", async () => {
    const digest = engine.publish(NEXT);
    const rig = new Rig(engine, env);
    rig.want(pod);
    await rig.converge();
    const [container] = engine.containers.keys();
    rig.want({ ...pod, next });
    await rig.pass();
    // Answered in the very report that answers the revision: whoever does not knows no such thing.
    expect(rig.report(pod)).toMatchObject({ desiredRevision: 2, prepared: { templateHash: "t2", ready: false, reason: "Preparing" } });
    await settled(rig);
    expect(rig.report(pod)?.prepared).toEqual({ templateHash: "t2", ready: true, imageDigest: digest });
    expect([...engine.containers.keys()]).toEqual([container]);
    expect(rig.report(pod)).toMatchObject({ ready: true, inSync: true });
    rig.want(pod);
    await rig.pass();
    expect(rig.report(pod)?.prepared).toBeUndefined();
  });

  it("that does not exist is told, and asked for again; a newer one supersedes it", async () => {
    const rig = new Rig(engine, env);
    rig.want({ ...pod, next });
    await settled(rig);
    expect(rig.report(pod)).toMatchObject({
      ready: true,
      inSync: true,
      prepared: { templateHash: "t2", ready: false, reason: "ImageNotFound" },
    });
    engine.publish(NEXT);
    await env.advance(60_000);
    expect(rig.queued).toContain(keyOf(pod));
    await settled(rig);
    expect(rig.report(pod)?.prepared).toMatchObject({ templateHash: "t2", ready: true });
    rig.want({ ...pod, next: { templateHash: "t3", container: pod.container } });
    await settled(rig);
    expect(rig.report(pod)?.prepared).toEqual({ templateHash: "t3", ready: true });
  });
});
