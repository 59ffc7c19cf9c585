// Containers that live in the namespaces of others: they end where these are, once for each change, however things fail on the way.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ContainerSpec, DesiredPod } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { networkNamespace } from "../testing/fake-namespaces.ts";
import { aPod, Rig } from "../testing/rig.ts";
import { later } from "./share.ts";

const pod = (service: string, container: Partial<ContainerSpec> = {}, o: Partial<DesiredPod> = {}): DesiredPod =>
  aPod({
    name: `shop-${service}-0-aaaaa`,
    uid: `uid-${service}`,
    service,
    ...o,
    container: { restart: { policy: "always" }, networks: [], ...container },
  });
const within = (service: string): Partial<ContainerSpec> => ({ networkMode: { service } });

const rig = (): { engine: FakeEngine; r: Rig; env: ManualEnv } => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  return { engine, r: new Rig(engine, env), env };
};
const containerOf = (engine: FakeEngine, p: DesiredPod) =>
  [...engine.containers.values()].map((c) => c.inspect).find((i) => i.Config.Labels?.["steadfleet.dev/uid"] === p.uid);
const idOf = (engine: FakeEngine, p: DesiredPod): string => containerOf(engine, p)?.Id ?? "none";
/** Each in the namespace of the first, running. */
const together = (engine: FakeEngine, ...pods: DesiredPod[]): void => {
  const [first, ...others] = pods.map((p) => containerOf(engine, p)!);
  for (const other of others) {
    expect(other.State.Status).toBe("running");
    expect(networkNamespace(other)).toBe(networkNamespace(first!));
  }
};
const count = (engine: FakeEngine, call: string, since: number): number =>
  engine.calls.slice(since).filter((c) => c.startsWith(call)).length;

const A = pod("a");
const B = pod("b", within("a"));
const C = pod("c", within("b"));

describe("a container in another one's network", () => {
  it("starts after it, in its namespace, and is left alone then", async () => {
    const { engine, r } = rig();
    r.want(C, B, A);
    await r.converge();
    together(engine, A, B, C);
    expect(containerOf(engine, B)?.HostConfig.NetworkMode).toBe(`container:${idOf(engine, A)}`);
    const calls = engine.calls.length;
    await r.converge();
    expect(engine.calls.slice(calls)).toEqual([]);
  });

  it("is made again, once and in order, when the other is another container", async () => {
    const { engine, r } = rig();
    r.want(A, B, C);
    await r.converge();
    const before = [A, B, C].map((p) => idOf(engine, p));
    const calls = engine.calls.length;
    await engine.remove(before[0]!);
    await r.converge();
    together(engine, A, B, C);
    expect([A, B, C].map((p) => idOf(engine, p)).filter((id) => before.includes(id))).toEqual([]);
    expect(count(engine, "create ", calls)).toBe(3);
    expect(r.report(B)?.notes.at(-1)).toMatchObject({
      reason: "Replaced",
      message: expect.stringContaining("service:a is another container now, and its network namespace with it"),
    });
  });

  it("is started again, once, when the other was", async () => {
    const { engine, r, env } = rig();
    r.want(A, B, C);
    await r.converge();
    const before = [A, B, C].map((p) => idOf(engine, p));
    const calls = engine.calls.length;
    engine.exit(before[0]!, 1);
    await env.advance(100);
    engine.restarted(before[0]!);
    await r.converge();
    together(engine, A, B, C);
    expect([A, B, C].map((p) => idOf(engine, p))).toEqual(before);
    expect([count(engine, "create ", calls), count(engine, "start ", calls), count(engine, "stop ", calls)]).toEqual([0, 2, 2]);
    expect(r.report(C)?.notes.at(-1)).toMatchObject({
      reason: "Restarted",
      message: expect.stringContaining("service:b was started again"),
    });
  });

  it("does not follow one that exits again and again", async () => {
    const { engine, r, env } = rig();
    r.want(A, B);
    await r.converge();
    const calls = engine.calls.length;
    const id = idOf(engine, A);
    for (let n = 0; n < 20; n++) {
      engine.exit(id, 1);
      await env.advance(200);
      engine.restarted(id);
      await env.advance(200);
      await r.pass();
    }
    expect(count(engine, "start ", calls)).toBeLessThanOrEqual(2);
    expect(r.report(B)).toMatchObject({ reason: "WaitingForDependency", message: "waiting for service:a: it exits again and again" });
    await env.advance(20_000);
    await r.converge();
    together(engine, A, B);
    expect(count(engine, "start ", calls)).toBeLessThanOrEqual(3);
  });

  it("waits, with a reason, for one that is gone for good", async () => {
    const { engine, r } = rig();
    r.want(A, B);
    await r.converge();
    r.want({ ...A, deletionTimestamp: "x" });
    await r.converge();
    expect(r.report(B)).toMatchObject({
      reason: "WaitingForDependency",
      message: "waiting for service:a: it has no pod on this node",
      inSync: false,
    });
    await engine.kill(idOf(engine, B));
    const calls = engine.calls.length;
    await r.converge();
    expect(count(engine, "start ", calls)).toBe(0);
    r.want(pod("a", {}, { uid: "uid-a2", name: "shop-a-0-ccccc" }));
    r.unwant(A);
    await r.converge();
    together(engine, pod("a", {}, { uid: "uid-a2" }), B);
  });

  it("says so while it runs and the other has no container for long", async () => {
    const { engine, r } = rig();
    r.want(A, B);
    await r.converge();
    engine.images.delete("bb:1");
    await engine.remove(idOf(engine, A));
    for (let n = 0; n < 3; n++) await r.pass();
    expect(containerOf(engine, B)?.State.Status).toBe("running");
    expect(r.report(B)).toMatchObject({
      reason: "WaitingForDependency",
      message: "waiting for service:a: it has no container yet",
      inSync: false,
    });
  });

  it("moves to the successor when the old one goes, not before", async () => {
    const { engine, r } = rig();
    r.want(A, B);
    await r.converge();
    const next = pod("a", {}, { uid: "uid-a2", name: "shop-a-0-ccccc", createdAt: "2026-01-02T00:00:00.000Z" });
    r.want(next);
    await r.converge();
    together(engine, A, B);
    r.want({ ...A, deletionTimestamp: "x" });
    await r.converge();
    together(engine, next, B);
  });

  it("takes the pod of its own slot, else of the lowest", async () => {
    const { engine, r } = rig();
    const a1 = pod("a", {}, { uid: "uid-a1", name: "shop-a-1-aaaaa", slot: "1" });
    const b1 = pod("b", within("a"), { uid: "uid-b1", name: "shop-b-1-aaaaa", slot: "1" });
    const b7 = pod("b", within("a"), { uid: "uid-b7", name: "shop-b-7-aaaaa", slot: "7" });
    r.want(A, a1, b1, b7);
    await r.converge();
    together(engine, a1, b1);
    together(engine, A, b7);
  });

  it("is checked again after an agent was away", async () => {
    const { engine, r } = rig();
    r.want(A, B, C);
    await r.converge();
    const calls = engine.calls.length;
    const writes = JSON.stringify([...r.reports]);
    const second = r.restart();
    await second.pass();
    expect(engine.calls.slice(calls)).toEqual([]);
    expect(JSON.stringify([...second.reports])).toBe(writes);
    await second.env.advance(1_000);
    engine.restartDaemon();
    const third = second.restart();
    await third.converge();
    together(engine, A, B, C);
  });

  it("is repaired without etcd, too", async () => {
    const { engine, r } = rig();
    r.want(A, B);
    await r.converge();
    r.synced = false;
    await engine.remove(idOf(engine, A));
    await r.converge();
    together(engine, A, B);
  });
});

describe("other things to share", () => {
  it("a process namespace ends with its owner; who lived in it starts after it", async () => {
    const { engine, r, env } = rig();
    const debug = pod("debug", { pid: { service: "a" } });
    r.want(A, debug);
    await r.converge();
    engine.exit(idOf(engine, A), 1);
    await env.advance(100);
    // Docker tries before there is anything to join, and gives up.
    engine.restarted(idOf(engine, debug));
    expect(containerOf(engine, debug)?.State.Status).toBe("exited");
    engine.restarted(idOf(engine, A));
    await env.advance(100);
    await r.converge();
    expect(containerOf(engine, debug)?.State.Status).toBe("running");
    expect(later(containerOf(engine, debug)!.State.StartedAt, containerOf(engine, A)!.State.StartedAt)).toBe(true);
  });

  it("volumes: made again with a new container, left alone when that is only started again", async () => {
    const { engine, r, env } = rig();
    const user = pod("user", { volumesFrom: [{ service: "a", readOnly: true }] });
    r.want(A, user);
    await r.converge();
    const id = idOf(engine, user);
    expect(containerOf(engine, user)?.HostConfig.VolumesFrom).toEqual([`${idOf(engine, A)}:ro`]);
    await engine.kill(idOf(engine, A));
    await env.advance(100);
    await r.converge();
    expect(idOf(engine, user)).toBe(id);
    await engine.remove(idOf(engine, A));
    await r.converge();
    expect(containerOf(engine, user)?.HostConfig.VolumesFrom).toEqual([`${idOf(engine, A)}:ro`]);
  });

  it("a foreign container is looked at, never touched", async () => {
    const { engine, r, env } = rig();
    const user = pod("user", { networkMode: { container: "vpn" } });
    r.want(user);
    await r.pass();
    expect(r.report(user)).toMatchObject({
      reason: "WaitingForDependency",
      message: "waiting for container:vpn: it does not exist on this node",
    });
    const { id } = await engine.create("vpn", { Image: "bb:1", HostConfig: { NetworkMode: "none" } });
    await engine.start(id);
    await r.converge();
    const vpn = engine.containers.get(id)!.inspect;
    expect(networkNamespace(containerOf(engine, user)!)).toBe(networkNamespace(vpn));
    await engine.kill(id);
    await env.advance(50);
    const calls = engine.calls.length;
    await r.converge();
    expect(engine.calls.slice(calls)).toEqual([]);
    await engine.start(id);
    await r.converge();
    expect(networkNamespace(containerOf(engine, user)!)).toBe(networkNamespace(vpn));
    expect(count(engine, `start ${id}`, calls)).toBe(1);
  });
});

describe("depends_on with restart", () => {
  it("restarts once what was started before, whatever the clocks say", async () => {
    const { engine, r, env } = rig();
    const after = new Date(env.now() + 3_600_000).toISOString();
    r.want(A);
    await r.converge();
    const calls = engine.calls.length;
    await env.advance(1_000);
    r.want({ ...A, restartAfter: after });
    await r.converge();
    expect([count(engine, "stop ", calls), count(engine, "start ", calls)]).toEqual([1, 1]);
    // The controller's clock is an hour ahead: a new process does not do it again.
    const second = r.restart();
    await second.converge();
    expect(count(engine, "stop ", calls)).toBe(1);
  });

  it("waits for the dependency's condition before it stops anything", async () => {
    const { engine, r, env } = rig();
    const db = pod("db", { healthcheck: { test: ["CMD", "true"], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 0 } });
    const web = pod("web", {}, { dependsOn: [{ service: "db", condition: "service_healthy", restart: true }] });
    r.want(db);
    await r.converge();
    engine.health(idOf(engine, db), "healthy");
    r.want(web);
    await r.converge();
    await env.advance(1_000);
    engine.health(idOf(engine, db), "starting");
    const calls = engine.calls.length;
    r.want({ ...web, restartAfter: new Date(env.now()).toISOString() });
    await r.pass();
    expect(r.report(web)).toMatchObject({ reason: "WaitingForDependency", state: "running" });
    expect(engine.calls.slice(calls)).toEqual([]);
    engine.health(idOf(engine, db), "healthy");
    await r.converge();
    expect(count(engine, "stop ", calls)).toBe(1);
  });

  it("who is not required and has failed for good holds up nobody", async () => {
    const { engine, r } = rig();
    const job = pod("job", { restart: { policy: "no" } });
    const web = (o: { optional?: true }): DesiredPod =>
      pod("web", {}, { dependsOn: [{ service: "job", condition: "service_completed_successfully", ...o }] });
    r.want(job, web({}));
    await r.converge();
    engine.exit(idOf(engine, job), 3);
    await r.converge();
    expect(r.report(web({}))).toMatchObject({ reason: "WaitingForDependency", state: "created" });
    r.want(web({ optional: true }));
    await r.converge();
    expect(r.report(web({}))).toMatchObject({ ready: true });
  });
});

describe("whatever happens", () => {
  const deed = fc.oneof(
    fc.record({ what: fc.constantFrom("rm", "kill", "exit", "stop"), who: fc.integer({ min: 0, max: 2 }) }),
    fc.record({ what: fc.constantFrom("daemon", "agent", "fail-start", "fail-create"), who: fc.constant(0) }),
    fc.record({ what: fc.constant("wait"), who: fc.integer({ min: 0, max: 2 }) }),
  );
  it("all end in the first one's namespace, made anew at most once for each change of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 8 }), async (deeds) => {
        const { engine, r, env } = rig();
        let agent = r;
        agent.want(A, B, C);
        await agent.converge();
        const since = engine.calls.length;
        const pods = [A, B, C];
        let removed = 0;
        for (const { what, who } of deeds) {
          await env.advance(500);
          const target = containerOf(engine, pods[who]!);
          if (what === "rm" && target) {
            await engine.remove(target.Id);
            // Each of those that come after it has another one before it now.
            removed += 3 - who;
          } else if (what === "kill" && target?.State.Status === "running") await engine.kill(target.Id);
          else if (what === "stop" && target) await engine.stop(target.Id, 0);
          else if (what === "exit" && target?.State.Status === "running") {
            engine.exit(target.Id, 1);
            if (engine.containers.get(target.Id)?.inspect.State.Status === "restarting") engine.restarted(target.Id);
          } else if (what === "daemon") engine.restartDaemon();
          else if (what === "agent") agent = agent.restart();
          else if (what === "fail-start") engine.fail("start", "failed");
          else if (what === "fail-create") engine.fail("create", "timeout");
          else if (what === "wait") await agent.pass();
        }
        await env.advance(1_000);
        await agent.converge();
        together(engine, A, B, C);
        expect(count(engine, "create ", since)).toBeLessThanOrEqual(removed);
        const calls = engine.calls.length;
        await agent.pass();
        expect(engine.calls.slice(calls)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});

it("times of engines are compared to the last digit", () => {
  expect(later("2026-01-01T00:00:00.000000002Z", "2026-01-01T00:00:00.000000001Z")).toBe(true);
  expect(later("2026-01-01T00:00:00.1Z", "2026-01-01T00:00:00.100000000Z")).toBe(false);
  expect(later("2026-01-01T00:00:01Z", "2026-01-01T00:00:00.9Z")).toBe(true);
});
