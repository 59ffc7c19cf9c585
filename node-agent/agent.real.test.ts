// An agent on a real Docker host and a real etcd: what people and crashes do to it, and how it heals.
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { LABELS } from "../schemas/constants.ts";
import { realEnv } from "../store/env.ts";
import { audit, differences } from "../test/harness/audit.ts";
import { TEST_IMAGES } from "../test/harness/images.ts";
import { until } from "../test/harness/until.ts";
import { connectDocker } from "./docker.ts";
import { crashing, CLUSTER } from "./testing/rig.ts";
import { Site, sleeper } from "./testing/site.ts";

let site: Site;
beforeAll(async () => {
  site = await Site.start();
  await site.startAgent();
});
afterAll(async () => await site?.stop());

const docker = (...args: string[]): Promise<string> => site.host.docker(args);
const healed = (pod: ReturnType<typeof sleeper>, times: number, pattern: RegExp) =>
  site.reported(
    pod,
    (o) => o.ready && o.inSync && o.notes.filter((n) => n.reason === "Healed" && pattern.test(n.message)).length === times,
  );
const stranger = (name: string, ...args: string[]): Promise<string> =>
  docker("run", "-d", "--name", name, "--label", "someone=else", ...args, TEST_IMAGES.web, "/bin/hold");

/** What a failed test left: the next one starts from an empty host. */
const sweep = async (): Promise<void> => {
  if (!site.host.running) await site.host.start();
  for (const name of await site.names()) if (!name.startsWith("shop-")) await site.host.dockerAny(["rm", "-f", name]);
};

describe("heals", () => {
  const two = [
    { key: "default", name: "shop_default", external: false, aliases: [] },
    { key: "back", name: "shop_back", external: false, aliases: ["b"] },
  ];
  const pod = sleeper({ container: { networks: two, limits: { memoryBytes: 2 ** 26, cpus: 0.5 } } });
  beforeAll(async () => {
    await site.want(pod);
    await site.ready(pod);
  });
  afterAll(async () => await site.remove(pod));

  it.each([
    { deed: ["rm", "-f", pod.name], says: /removed outside \(docker rm\); created again in \d+ ms/ },
    { deed: ["kill", pod.name], says: /stopped outside \(exit code 137\); started again/ },
    { deed: ["stop", pod.name], says: /stopped outside \(exit code 0\); started again/ },
    { deed: ["pause", pod.name], says: /paused outside/ },
    { deed: ["update", "--memory", "128m", "--memory-swap", "256m", "--restart", "no", pod.name], says: /limits\/memory.*\/restart/ },
    { deed: ["network", "disconnect", "shop_back", pod.name], says: /disconnected from network shop_back/ },
    { deed: ["rename", pod.name, "elsewhere"], says: /renamed to elsewhere/ },
  ])("docker $deed", async ({ deed, says }) => {
    await docker(...deed);
    const o = await healed(pod, 1, says);
    expect(o.notes.find((n) => says.test(n.message))?.drift).not.toHaveLength(0);
    const i = JSON.parse(await docker("inspect", pod.name))[0];
    expect(i.State).toMatchObject({ Status: "running", Paused: false });
    expect(i.HostConfig).toMatchObject({ Memory: 2 ** 26, RestartPolicy: { Name: "unless-stopped" } });
    expect(Object.keys(i.NetworkSettings.Networks).toSorted()).toEqual(["shop_back", "shop_default"]);
    expect(i.NetworkSettings.Networks.shop_back.Aliases).toContain("b");
  });

  it("removes a network that somebody connected", async () => {
    await docker("network", "create", "theirs");
    await docker("network", "connect", "theirs", pod.name);
    await healed(pod, 1, /connected to network theirs outside/);
    await docker("network", "rm", "theirs");
  });

  it("changes limits in place", async () => {
    const before = (await site.ready(pod)).containerId;
    await site.want({ ...pod, container: { ...pod.container, limits: { memoryBytes: 2 ** 27, cpus: 0.5 } } });
    await site.reported(pod, (o) => o.inSync && o.notes.some((n) => n.reason === "Updated"));
    expect(JSON.parse(await docker("inspect", pod.name))[0]).toMatchObject({ Id: before, HostConfig: { Memory: 2 ** 27 } });
    await site.want(pod);
    await site.ready(pod);
  });
});

describe("tells", () => {
  it("about its node", async () => {
    const info = await until(async () => {
      const i = await site.info();
      return i?.engineVersion ? i : undefined;
    });
    expect(info).toMatchObject({
      os: "linux",
      arch: "amd64",
      engineApiVersion: expect.stringMatching(/^1\./),
      labels: { "topology.kubernetes.io/zone": "a" },
    });
    expect(info.conditions.map((c) => [c.type, c.status])).toEqual([
      ["Ready", "True"],
      ["RuntimeUnavailable", "False"],
      ["DiskPressure", expect.anything()],
    ]);
    expect([info.cpus > 0, info.memoryBytes > 0, info.disk.totalBytes > 0]).toEqual([true, true, true]);
  });

  it("a crash loop: exit code, restarts, last words", async () => {
    const pod = sleeper({ container: { command: ["/bin/sh", "-c", "echo no configuration; exit 3"] } });
    await site.want(pod);
    const o = await site.reported(pod, (r) => r.reason === "CrashLoopBackOff" && r.restarts >= 2 && r.logTail !== undefined);
    expect(o).toMatchObject({ ready: false, exitCode: 3, message: expect.stringContaining("code 3") });
    expect(o.logTail).toContain("no configuration");
    await site.remove(pod);
  });

  it("how a job ended, once, and does not run it again when it is swept", async () => {
    const pod = sleeper({ container: { command: ["/bin/true"], restart: { policy: "no" } } });
    await site.want(pod);
    expect(await site.reported(pod, (o) => o.phase === "Succeeded")).toMatchObject({ exitCode: 0, reason: "Completed" });
    await docker("rm", pod.name);
    expect(await site.reported(pod, (o) => o.state === "absent")).toMatchObject({ phase: "Succeeded", inSync: true });
    await site.remove(pod);
  });

  it("what does not start, in the engine's words", async () => {
    const pod = sleeper({ container: { command: ["/no/such/program"] } });
    await site.want(pod);
    const o = await site.reported(pod, (r) => r.reason === "StartFailed");
    expect(o).toMatchObject({ state: "created", lastError: expect.stringContaining("/no/such/program"), nextRetryAt: expect.any(String) });
    await site.remove(pod);
  });

  it("an image that is nowhere", async () => {
    const pod = sleeper({ container: { image: "nowhere:1", pullPolicy: "never" } });
    await site.want(pod);
    expect(await site.reported(pod, (o) => o.reason === "ImageNotFound")).toMatchObject({ phase: "Pending", state: "absent" });
    await site.remove(pod);
  });
});

describe("what is foreign stays (I1)", () => {
  afterEach(async () => await sweep());

  it("a container that holds our name, and one that holds our port", async () => {
    const named = sleeper();
    const ported = sleeper({ container: { ports: [{ target: 80, published: 18_090, protocol: "tcp" }] } });
    await stranger(named.name);
    await stranger("squatter", "-p", "18090:80");
    const before = await audit(site.host);
    await site.want(named, ported);
    await site.reported(named, (o) => o.reason === "NameConflict");
    const o = await site.reported(ported, (r) => r.reason === "PortConflict");
    expect(o.lastError).toMatch(/^host port 18090\/tcp is used by container/);
    expect(differences(before, await audit(site.host), false)).toEqual([]);
    expect((await until(async () => ((await site.info())?.containers.foreign === 2 ? site.info() : undefined))).containers.foreign).toBe(2);
    await docker("rm", "-f", named.name);
    await docker("rm", "-f", "squatter");
    await site.ready(named);
    await site.ready(ported);
    await site.remove(named, ported);
  });
});

describe("while the agent was away", () => {
  afterEach(async () => {
    if (site.etcd.pid === undefined) await site.etcd.start();
    if (!site.agent) await site.startAgent();
    await sweep();
  });

  it("an orphan appeared, a pod was deleted, a container was removed: all is put right, nothing foreign is touched", async () => {
    const [kept, deleted] = [sleeper(), sleeper()];
    await site.want(kept, deleted);
    await site.ready(kept);
    await site.ready(deleted);
    await stranger("bystander");
    await site.stopAgent();
    const labels = { cluster: CLUSTER, namespace: "default", pod: "ghost", uid: "ghost" };
    const flags = Object.entries(labels).flatMap(([k, v]) => ["--label", `${LABELS[k as keyof typeof labels]}=${v}`]);
    await docker("run", "-d", "--name", "ghost", ...flags, TEST_IMAGES.web, "/bin/hold");
    await docker("rm", "-f", kept.name);
    await site.want({ ...deleted, deletionTimestamp: "2026-01-01T00:00:00Z" });
    const before = await audit(site.host);
    await site.startAgent();
    await site.reported(deleted, (o) => o.phase === "Removed");
    await healed(kept, 1, /removed outside/);
    await until(async () => !(await site.names()).includes("ghost"), { what: "the orphan to go" });
    expect(await site.names()).toEqual(["bystander", kept.name]);
    expect(differences(before, await audit(site.host), false)).toEqual([]);
    await docker("rm", "-f", "bystander");
    await site.unwant(deleted);
    await site.remove(kept);
  });

  it("etcd went, a container died, the agent started: it heals from its checkpoint, and removes nothing it is not sure of", async () => {
    const [pod, other] = [sleeper(), sleeper()];
    await site.want(pod, other);
    await site.ready(pod);
    await site.ready(other);
    await site.stopAgent();
    await site.want({ ...other, deletionTimestamp: "2026-01-01T00:00:00Z" });
    await site.etcd.stop();
    await docker("rm", "-f", pod.name);
    await site.startAgent();
    await until(async () => (await docker("inspect", "-f", "{{.State.Status}}", pod.name).catch(() => "")) === "running", {
      what: "a heal without etcd",
    });
    await docker("kill", pod.name);
    await until(async () => (await docker("inspect", "-f", "{{.State.Status}}", pod.name)) === "running", { what: "a second heal" });
    expect(await site.names()).toEqual([other.name, pod.name].toSorted());
    await site.etcd.start();
    await site.reported(other, (o) => o.phase === "Removed");
    await site.reported(pod, (o) => o.ready && o.notes.filter((n) => n.reason === "Healed").length === 2);
    await site.unwant(other);
    await site.remove(pod);
  });

  it("a torn checkpoint and no etcd: nothing is known, so nothing is removed", async () => {
    const pod = sleeper();
    await site.want(pod);
    const { containerId } = await site.ready(pod);
    await site.stopAgent();
    mkdirSync(join(site.dir, "agent"), { recursive: true });
    writeFileSync(join(site.dir, "agent", "checkpoint.json"), 'abc\n{"version":1,');
    await site.etcd.stop();
    await site.startAgent();
    await realEnv.sleep(5_000); // The claim is that nothing happens in this time, in which an agent with a checkpoint has long acted.
    expect(await docker("inspect", "-f", "{{.Id}} {{.State.Status}}", pod.name)).toBe(`${containerId} running`);
    await site.etcd.start();
    expect((await site.ready(pod)).containerId).toBe(containerId);
    await site.remove(pod);
  });
});

describe("the engine goes", () => {
  it("dockerd is restarted, gracefully and by kill -9: all pods run again", async () => {
    const [pod, job] = [sleeper(), sleeper({ container: { restart: { policy: "no" } } })];
    await site.want(pod, job);
    await site.ready(pod);
    await site.ready(job);
    const { containerId, startedAt } = await site.ready(pod);
    await site.host.restart();
    await site.reported(pod, (o) => o.ready && o.startedAt !== startedAt && o.restarts > 0);
    await site.host.kill9();
    await until(async () => (await site.info())?.conditions.some((c) => c.type === "RuntimeUnavailable" && c.status === "True"), {
      what: "RuntimeUnavailable",
    });
    const before = await site.ready(pod);
    await site.host.start();
    await site.reported(pod, (o) => o.ready && o.startedAt !== before.startedAt);
    expect((await site.ready(pod)).containerId).toBe(containerId);
    // A job is run once, also when the engine killed it.
    await site.reported(job, (o) => o.phase === "Failed" || o.phase === "Succeeded");
    await until(async () => (await site.info())?.conditions.some((c) => c.type === "Ready" && c.status === "True"), { what: "Ready" });
    await site.remove(pod, job);
  });

  it("a hung dockerd is a condition, and no reason to believe that containers are gone", async () => {
    const [pod, orphan] = [sleeper(), sleeper()];
    await site.want(pod, orphan);
    const { containerId } = await site.ready(pod);
    await site.ready(orphan);
    await site.host.pause();
    await site.unwant(orphan);
    await until(async () => (await site.info())?.conditions.find((c) => c.type === "Ready")?.reason === "EngineHung", {
      deadlineMs: 40_000,
      what: "EngineHung",
    });
    expect(await site.report(pod)).toMatchObject({ containerId, ready: true });
    site.host.resume();
    await until(async () => (await site.info())?.conditions.some((c) => c.type === "Ready" && c.status === "True"), { what: "Ready" });
    await until(async () => (await site.names()).join() === pod.name, { what: "the orphan to go" });
    expect(await site.ready(pod)).toMatchObject({ containerId, restarts: 0 });
    await site.remove(pod);
  });
});

describe("two networks of one name", () => {
  /** As two creations do that overlap: the engine is not asked whether there is one already. */
  const create = (name: string, labels: Record<string, string>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const options = { socketPath: site.host.socketPath, path: "/networks/create", method: "POST" };
      const call = request({ ...options, headers: { "content-type": "application/json" } }, (answer) => {
        answer.resume().once("end", () => (answer.statusCode === 201 ? resolve(undefined) : reject(new Error(`${answer.statusCode}`))));
      });
      call.once("error", reject);
      call.end(JSON.stringify({ Name: name, Driver: "bridge", Labels: labels }));
    });
  const ours = { [LABELS.cluster]: CLUSTER };
  const networks = [{ key: "twin", name: "shop_twin", external: false, aliases: [] }];
  const ids = async (): Promise<string[]> =>
    (await docker("network", "ls", "-q", "--filter", "name=shop_twin")).split("\n").filter((id) => id !== "");

  it("that are ours become one, and the pod starts", async () => {
    for (const _ of [1, 2]) await create("shop_twin", ours);
    expect(await ids()).toHaveLength(2);
    const pod = sleeper({ container: { networks } });
    await site.want(pod);
    await site.ready(pod);
    expect(await ids()).toHaveLength(1);
    await site.remove(pod);
  });

  it("of which one is not ours are left to people, who are told", async () => {
    await create("shop_twin", ours);
    await create("shop_twin", {});
    const before = await ids();
    expect(before).toHaveLength(2);
    const pod = sleeper({ container: { networks } });
    await site.want(pod);
    await site.reported(pod, (o) => o.reason === "NetworkAmbiguous" && (o.message ?? "").includes("docker network ls"));
    expect((await ids()).toSorted()).toEqual(before.toSorted());
    await docker("network", "rm", ...before);
    await site.ready(pod);
    await site.remove(pod);
  });
});

describe("crashes between any two calls", () => {
  it.each(["before", "after"] as const)(
    "create and delete, %s each change",
    async (when) => {
      const networks = ["a", "b"].map((key) => ({ key, name: `shop_${key}`, external: false, aliases: [] }));
      const mounts = [{ type: "volume" as const, volume: { key: "d", name: "shop_d", external: false }, target: "/d", readOnly: false }];
      await site.stopAgent();
      let points = 0;
      for (const deleting of [false, true]) {
        for (let n = 1; n < 20; n++) {
          const pod = sleeper({ removeVolumes: true, container: { networks, mounts } });
          if (deleting) {
            await site.startAgent();
            await site.want(pod);
            await site.ready(pod);
            await site.stopAgent();
            await site.want({ ...pod, deletionTimestamp: "2026-01-01T00:00:00Z" });
          } else await site.want(pod);
          const engine = connectDocker({ socketPath: site.host.socketPath, env: realEnv });
          const crash = crashing(engine, n, when);
          await site.startAgent(crash.engine);
          const settled = (o: { phase: string; ready: boolean } | undefined): boolean =>
            deleting ? o?.phase === "Removed" : o?.ready === true;
          await until(async () => crash.crashed() || settled(await site.report(pod)), { what: "the crash, or the end" });
          await site.stopAgent();
          engine.close();
          const crashed = crash.crashed();
          await site.startAgent();
          if (deleting) {
            await site.reported(pod, (o) => o.phase === "Removed");
            await site.unwant(pod);
            await until(async () => (await site.report(pod)) === undefined, { what: "the report to go" });
          } else {
            await site.ready(pod);
            expect(await site.names()).toEqual([pod.name]);
            await site.remove(pod);
          }
          const left = (await audit(site.host)).filter((t) => t.ours).map((t) => `${t.kind} ${t.name}`);
          expect(left, `crash ${when} change ${n}`).toEqual([]);
          await site.stopAgent();
          if (!crashed) break;
          points++;
        }
      }
      expect(points).toBeGreaterThan(8);
      await site.startAgent();
    },
    300_000,
  );
});
