// The promises of reconcile, on the fake engine: I1, I2, I5, I6, I7, I8, and crashes between any two calls.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LABELS } from "../schemas/constants.ts";
import type { ContainerSpec, DesiredPod } from "../schemas/fleet.ts";
import { ManualEnv } from "../store/testing/env.ts";
import type { EngineErrorKind } from "./engine.ts";
import { render } from "./render.ts";
import { FakeEngine } from "./testing/fake-engine.ts";
import { aPod, CLUSTER, crashing, keyOf, ourLabels, Rig } from "./testing/rig.ts";

const volume: ContainerSpec["mounts"] = [
  { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/d", readOnly: false },
];
const two: ContainerSpec["networks"] = [
  { key: "default", name: "shop_default", external: false, aliases: [] },
  { key: "back", name: "shop_back", external: false, aliases: ["b"] },
];
const WEB = aPod({ container: { networks: two, mounts: volume } });
const DB = aPod({ name: "shop-db-0-bbbbb", uid: "uid-2", service: "db" });

const rig = (): { engine: FakeEngine; rig: Rig; env: ManualEnv } => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  return { engine, rig: new Rig(engine, env), env };
};
const ids = (engine: FakeEngine): string[] => [...engine.containers.keys()];
/** A container that is none of our business, perhaps with something that looks like ours. */
const foreign = async (engine: FakeEngine, name: string, labels: Record<string, string> = {}): Promise<string> => {
  const { id } = await engine.create(name, { Image: "bb:1", Labels: labels, HostConfig: { NetworkMode: "none" } });
  await engine.start(id);
  return id;
};
const running = (pod: DesiredPod): string => `${render(pod, CLUSTER).name} ${pod.uid} running`;

describe("a pod's life", () => {
  it("is created once, reported, and left alone (I6)", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB, DB);
    await r.converge();
    expect(await r.picture()).toEqual([running(DB), running(WEB)].toSorted());
    expect(r.report(WEB)).toMatchObject({
      phase: "Running",
      ready: true,
      inSync: true,
      restarts: 0,
      notes: [{ seq: 1, reason: "Started" }],
    });
    const calls = engine.calls.length;
    await r.converge();
    expect(engine.calls.slice(calls)).toEqual([]);
  });

  it("goes with its networks; its named volume stays (I2)", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    r.want({ ...WEB, deletionTimestamp: "2026-01-01T00:00:00Z" });
    await r.converge();
    expect(r.report(WEB)).toMatchObject({ phase: "Removed", state: "absent" });
    expect([engine.containers.size, engine.networks.size, [...engine.volumes.keys()]]).toEqual([0, 0, ["shop_data"]]);
    r.unwant(WEB);
    await r.converge();
    expect(r.reports.size).toBe(0);
  });

  it("takes its volumes along where the user said so", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    r.want({ ...WEB, deletionTimestamp: "x", removeVolumes: true });
    await r.converge();
    expect(engine.volumes.size).toBe(0);
  });

  it("keeps a network that another pod uses", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB, DB);
    await r.converge();
    r.want({ ...WEB, deletionTimestamp: "x" });
    await r.converge();
    expect([...engine.networks.keys()]).toEqual(["shop_default"]);
  });

  it("keeps a network that another pod is about to use", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB, aPod({ ...DB, container: { image: "missing:1" } }));
    await r.pass();
    r.want({ ...WEB, deletionTimestamp: "x" });
    await r.pass();
    expect(r.report(WEB)?.phase).toBe("Removed");
    expect([...engine.networks.keys()]).toEqual(["shop_default"]);
  });

  it("adopts the container of a create whose answer was lost, before any list tells of it", async () => {
    const { engine, rig: r, env } = rig();
    r.want(DB);
    const { name, body } = render(DB, CLUSTER);
    const { id } = await engine.create(name, body);
    for (let n = 0; n < 3; n++) {
      await r.pods.reconcile(keyOf(DB), new AbortController().signal);
      await env.advance(100);
    }
    expect(engine.containers.get(id)?.inspect.State.Status).toBe("running");
    expect(r.report(DB)).toMatchObject({ ready: true, containerId: id });
  });

  it("answers a deletion of what never was", async () => {
    const { rig: r } = rig();
    r.want({ ...WEB, deletionTimestamp: "x" });
    await r.converge();
    expect(r.report(WEB)?.phase).toBe("Removed");
  });
});

describe("healing", () => {
  const DEEDS: { name: string; deed: (e: FakeEngine, id: string) => Promise<unknown> | void; message: RegExp }[] = [
    { name: "rm -f", deed: (e, id) => e.remove(id), message: /removed outside \(docker rm\); created again in \d+ ms/ },
    { name: "kill", deed: (e, id) => e.kill(id), message: /stopped outside \(exit code 137\); started again/ },
    { name: "pause", deed: (e, id) => e.pause(id), message: /paused outside/ },
    { name: "rename", deed: (e, id) => e.rename(id, "elsewhere"), message: /renamed to elsewhere/ },
    { name: "update", deed: (e, id) => e.update(id, { RestartPolicy: { Name: "always" } }), message: /\/restart differed/ },
    { name: "network disconnect", deed: (e, id) => e.disconnect("shop_back", id), message: /disconnected from network shop_back/ },
  ];
  it.each(DEEDS)("$name", async ({ deed, message }) => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    await deed(engine, ids(engine)[0] ?? "");
    await r.converge();
    expect(await r.picture()).toEqual([running(WEB)]);
    expect(r.report(WEB)?.inSync).toBe(true);
    expect(r.report(WEB)?.notes.at(-1)).toMatchObject({ reason: "Healed", message: expect.stringMatching(message) });
    expect(r.report(WEB)?.notes.at(-1)?.drift).not.toHaveLength(0);
  });

  it("changes limits in place, and calls it no heal", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    const before = ids(engine);
    r.want(aPod({ ...WEB, container: { ...WEB.container, limits: { memoryBytes: 2 ** 26 } } }));
    await r.converge();
    expect(ids(engine)).toEqual(before);
    expect(r.report(WEB)?.notes.at(-1)?.reason).toBe("Updated");
  });

  it("starts nothing in an engine that shuts down", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    engine.closing = true;
    await engine.stop(ids(engine)[0] ?? "", 0);
    await r.pass();
    expect(await r.picture()).toEqual([running(WEB).replace("running", "exited")]);
    engine.closing = false;
    await r.converge();
    expect(await r.picture()).toEqual([running(WEB)]);
  });

  it("slows down when somebody fights it, and never gives up", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    for (let n = 0; n < 15; n++) {
      if (engine.byName(WEB.name)?.State.Status === "running") await engine.kill(WEB.name);
      await r.pass();
    }
    expect(r.report(WEB)).toMatchObject({ reason: "BackOff", nextRetryAt: expect.any(String) });
    await r.converge();
    expect(await r.picture()).toEqual([running(WEB)]);
  });

  it("tells a crash loop with exit code, restarts and last words", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    const id = ids(engine)[0] ?? "";
    engine.containers.get(id)?.logs.push("no configuration");
    engine.exit(id, 3);
    await r.pass();
    expect(r.report(WEB)).toMatchObject({ reason: "CrashLoopBackOff", exitCode: 3, ready: false, logTail: ["no configuration"] });
    expect(engine.calls.filter((c) => c.startsWith("start"))).toHaveLength(1);
  });
});

describe("what stands in the way", () => {
  it("a foreign container with our name stays; the pod says so, and goes on when it has gone (I1)", async () => {
    const { engine, rig: r } = rig();
    const id = await foreign(engine, WEB.name);
    r.want(WEB);
    await r.converge();
    expect(r.report(WEB)).toMatchObject({ reason: "NameConflict", phase: "Pending", message: expect.stringContaining(id.slice(0, 12)) });
    expect(engine.byName(WEB.name)?.Id).toBe(id);
    await engine.remove(id);
    await r.converge();
    expect(await r.picture()).toEqual([running(WEB)]);
  });

  it("a network is made while the engine creates the container, and no start comes before it is there", async () => {
    const { engine, rig: r } = rig();
    const calls: string[] = [];
    let resolve = (): void => {};
    const created = new Promise<void>((done) => (resolve = done));
    const original = { create: engine.create.bind(engine), start: engine.start.bind(engine), network: engine.createNetwork.bind(engine) };
    engine.createNetwork = async (...args) => {
      await created;
      calls.push("network");
      return await original.network(...args);
    };
    engine.create = async (...args) => {
      const made = await original.create(...args);
      calls.push("create");
      resolve();
      return made;
    };
    engine.start = async (...args) => {
      calls.push("start");
      await original.start(...args);
    };
    r.want(WEB);
    await r.converge();
    expect(calls).toEqual(["create", "network", "network", "start"]);
  });

  it("a foreign network or volume of our name is not used", async () => {
    const { engine, rig: r } = rig();
    await engine.createNetwork("shop_default", { other: "1" });
    await engine.createVolume("shop_data", {});
    r.want(WEB);
    await r.pass();
    await r.pass();
    expect(r.report(WEB)).toMatchObject({ reason: "VolumeNotOwned", nextRetryAt: expect.any(String) });
    expect(engine.containers.size).toBe(0);
    await engine.removeVolume("shop_data");
    await r.env.advance(400_000);
    await r.pass();
    // The container may be created meanwhile, but is not started into it.
    expect(r.report(WEB)?.reason).toBe("NetworkNotOwned");
    for (const { inspect } of engine.containers.values()) expect(inspect.State.Status).toBe("created");
    await engine.removeNetwork("shop_default");
    await r.env.advance(400_000);
    await r.converge();
    expect(await r.picture()).toEqual([running(WEB)]);
  });

  it("a port that is taken while it is down leaves no second container behind, and heals when it is free", async () => {
    const { engine, rig: r } = rig();
    const port = { target: 80, published: 8080, protocol: "tcp" as const };
    const pod = aPod({ container: { ports: [port] } });
    r.want(pod);
    await r.converge();
    await engine.kill(ids(engine)[0]!);
    const { id } = await engine.create("squatter", { Image: "bb:1", HostConfig: { PortBindings: { "1/tcp": [{ HostPort: "8080" }] } } });
    await engine.start(id);
    for (let n = 0; n < 4; n++) {
      await r.pass();
      await r.env.advance(30_000);
    }
    expect(r.report(pod)).toMatchObject({ reason: "PortConflict", lastError: expect.stringContaining("port is already allocated") });
    expect(engine.containers.size).toBe(2);
    await engine.remove(id);
    await r.env.advance(400_000);
    await r.converge();
    expect(r.report(pod)).toMatchObject({ ready: true, inSync: true });
    expect(r.report(pod)?.lastError).toBeUndefined();
  });

  it("a missing image is tried again with growing pauses; a new revision tries at once", async () => {
    const { engine, rig: r, env } = rig();
    const pod = aPod({ container: { image: "app:1" } });
    r.want(pod);
    await r.pass();
    expect(r.report(pod)).toMatchObject({
      reason: "ImageNotFound",
      state: "absent",
      lastError: expect.stringContaining("manifest unknown"),
    });
    await r.pass();
    expect(engine.calls.filter((c) => c.startsWith("pull"))).toHaveLength(1);
    await env.advance(25_000);
    await r.pass();
    await env.advance(25_000);
    await r.pass();
    expect(engine.calls.filter((c) => c.startsWith("pull"))).toHaveLength(2);
    engine.registry.set("app:1", { Id: "sha256:app", Config: null });
    r.want({ ...pod, stackGeneration: 2 });
    await r.pass();
    expect(r.report(pod)).toMatchObject({ ready: true, notes: expect.arrayContaining([expect.objectContaining({ reason: "Pulled" })]) });
  });

  it("a dependency holds the start, not the create", async () => {
    const { engine, rig: r } = rig();
    const check = { test: ["CMD", "true"], intervalMs: 1_000, timeoutMs: 1_000, retries: 1, startPeriodMs: 0 };
    const db = aPod({ ...DB, container: { healthcheck: check } });
    const web = aPod({ dependsOn: [{ service: "db", condition: "service_healthy" }] });
    r.want(db, web);
    await r.converge();
    expect(r.report(web)).toMatchObject({ reason: "WaitingForDependency", state: "created", message: expect.stringContaining(db.name) });
    engine.health(db.name, "healthy");
    await r.pass();
    expect(r.queued).toContain(keyOf(web));
    await r.converge();
    expect(r.report(web)).toMatchObject({ ready: true, inSync: true });
  });

  it("nothing is removed before the agent has synced (I8)", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB, DB);
    await r.converge();
    const before = await r.picture();
    const calls = engine.calls.length;
    const next = r.restart();
    next.synced = false;
    next.unwant(WEB);
    next.want({ ...DB, deletionTimestamp: "x" });
    await next.pass();
    await next.pass();
    expect(engine.calls.slice(calls)).toEqual([]);
    expect(await next.picture()).toEqual(before);
    next.synced = true;
    await next.converge();
    expect(await next.picture()).toEqual([]);
  });

  it("heals from what it knows while unsynced", async () => {
    const { engine, rig: r } = rig();
    r.want(WEB);
    await r.converge();
    r.synced = false;
    await engine.remove(ids(engine)[0] ?? "");
    await r.pass();
    expect(await r.picture()).toEqual([running(WEB)]);
  });

  it("an engine that fails on every second call is only slower (I7)", async () => {
    const { engine, rig: r } = rig();
    const kinds: EngineErrorKind[] = ["timeout", "unavailable", "failed", "conflict", "notFound"];
    for (const op of ["create", "start", "connect", "create network", "inspect", "create volume"])
      for (const k of kinds) engine.fail(op, k);
    r.want(WEB, DB);
    for (let n = 0; n < 40; n++) {
      await r.pass().catch(() => {});
      await r.env.advance(400_000);
    }
    await r.converge();
    expect(await r.picture()).toEqual([running(DB), running(WEB)].toSorted());
  });
});

describe("crashes between any two calls", () => {
  /** For each change an agent makes: die there, start again, and end where a run without a crash ends. */
  const STORIES: {
    name: string;
    before: (r: Rig, e: FakeEngine) => Promise<void>;
    order: (r: Rig) => void;
    want: (e: FakeEngine) => unknown;
    end: unknown;
  }[] = [
    {
      name: "create",
      before: async () => {},
      order: (r) => r.want(WEB),
      want: (e) => [e.containers.size, e.networks.size, e.volumes.size],
      end: [1, 2, 1],
    },
    {
      name: "replace",
      before: async (r, e) => {
        r.want(WEB);
        await r.converge();
        e.byName(WEB.name)!.State.Status = "dead";
      },
      order: () => {},
      want: (e) => [e.containers.size, e.networks.size, e.byName(WEB.name)?.State.Status],
      end: [1, 2, "running"],
    },
    {
      name: "successor of the same name",
      before: async (r) => {
        r.want(WEB);
        await r.converge();
      },
      order: (r) => r.want({ ...WEB, uid: "uid-9" }),
      want: (e) => [e.containers.size, e.byName(WEB.name)?.Config.Labels?.[LABELS.uid]],
      end: [1, "uid-9"],
    },
    {
      name: "delete",
      before: async (r) => {
        r.want(WEB);
        await r.converge();
      },
      order: (r) => r.want({ ...WEB, deletionTimestamp: "x", removeVolumes: true }),
      want: (e) => [e.containers.size, e.networks.size, e.volumes.size],
      end: [0, 0, 0],
    },
  ];
  it.each(
    STORIES.flatMap((s) => [
      { ...s, when: "before" as const },
      { ...s, when: "after" as const },
    ]),
  )("$name, $when", async (story) => {
    let points = 0;
    for (let n = 1; ; n++) {
      const { engine, rig: r } = rig();
      await story.before(r, engine);
      const crash = crashing(engine, n, story.when);
      const doomed = r.restart(crash.engine);
      story.order(doomed);
      await doomed.pass().catch(() => {});
      if (!crash.crashed()) break;
      points++;
      const next = doomed.restart(engine);
      await next.env.advance(400_000);
      await next.converge();
      expect(story.want(engine), `crash ${story.when} change ${n}`).toEqual(story.end);
    }
    expect(points).toBeGreaterThan(1);
  });
});

/** What people, faults and earlier lives do to a node; `pod` picks one of the desired pods. */
const DEEDS = [
  "rm",
  "kill",
  "stop",
  "pause",
  "rename",
  "update",
  "disconnect",
  "connect",
  "exit",
  "daemon",
  "orphan",
  "older",
  "foreign",
  "netrm",
  "fail",
  "dead",
] as const;
const deed = fc.record({ what: fc.constantFrom(...DEEDS), pod: fc.nat(2), code: fc.nat(3), look: fc.boolean() });

describe("from any world (I7)", () => {
  const PODS = [WEB, DB, aPod({ name: "shop-job-0-ccccc", uid: "uid-3", service: "job", container: { mounts: volume } })];
  const OPERATIONS = ["create", "start", "inspect", "remove", "connect", "create network", "stop", "list"];
  const KINDS: EngineErrorKind[] = ["timeout", "unavailable", "failed", "conflict"];

  it("it converges, leaves what is foreign alone (I1), and then has nothing more to do (I6)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 12 }), fc.nat(), async (deeds, seed) => {
        const env = new ManualEnv({ seed });
        const engine = new FakeEngine(env);
        const r = new Rig(engine, env);
        const strangers: string[] = [
          await foreign(engine, "stranger"),
          await foreign(engine, "neighbour", { ...ourLabels(WEB), [LABELS.cluster]: "another" }),
        ];
        await engine.createNetwork("theirs", {});
        r.want(...PODS);
        for (const [n, { what, pod: index, code, look }] of deeds.entries()) {
          const pod = PODS[index] ?? WEB;
          const i = engine.byName(pod.name);
          const quietly = async (p: Promise<unknown> | undefined): Promise<void> => void (await p?.catch(() => {}));
          if (what === "rm") await quietly(i && engine.remove(i.Id));
          if (what === "kill") await quietly(i && engine.kill(i.Id));
          if (what === "stop") await quietly(i && engine.stop(i.Id, 0));
          if (what === "pause" && i?.State.Status === "running") engine.pause(i.Id);
          if (what === "rename") await quietly(i && engine.rename(i.Id, `lost-${n}`));
          if (what === "update") await quietly(i && engine.update(i.Id, { RestartPolicy: { Name: "no" } }));
          if (what === "disconnect") await quietly(i && engine.disconnect("shop_default", i.Id));
          if (what === "connect") await quietly(i && engine.connect("theirs", i.Id, {}));
          if (what === "exit" && i?.State.Status === "running") {
            engine.exit(i.Id, code);
            if (engine.containers.get(i.Id)?.inspect.State.Status === "restarting") engine.restarted(i.Id);
          }
          if (what === "dead" && i) i.State.Status = "dead";
          if (what === "daemon") engine.restartDaemon();
          if (what === "orphan")
            await quietly(
              engine.create(`orphan-${n}`, { Image: "bb:1", Labels: ourLabels(aPod({ name: `orphan-${n}` })), HostConfig: {} }),
            );
          if (what === "older")
            await quietly(engine.create(`older-${n}`, { Image: "bb:1", Labels: ourLabels({ ...pod, uid: "older" }), HostConfig: {} }));
          if (what === "foreign") await quietly(foreign(engine, `foreign-${n}`).then((id) => strangers.push(id)));
          if (what === "netrm") await quietly(engine.removeNetwork("shop_back"));
          if (what === "fail") engine.fail(OPERATIONS[(index + code) % OPERATIONS.length] ?? "", KINDS[code] ?? "failed");
          if (look) await r.pass().catch(() => {});
        }
        const before = strangers.map((id) => JSON.stringify(engine.containers.get(id)));
        for (let n = 0; n < 8; n++) {
          await r.pass().catch(() => {});
          await env.advance(400_000);
        }
        await r.converge();
        expect(await r.picture()).toEqual(PODS.map(running).toSorted());
        expect(PODS.map((p) => r.report(p)?.inSync)).toEqual([true, true, true]);
        expect(strangers.map((id) => JSON.stringify(engine.containers.get(id)))).toEqual(before);
        expect(engine.networks.has("theirs")).toBe(true);
        const calls = engine.calls.length;
        await r.converge();
        expect(engine.calls.slice(calls)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});
