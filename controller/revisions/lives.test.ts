// Revisions and pauses in the lives of Stacks, in memory: store, agents and controller, on a clock that moves only when told.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Stack } from "../../schemas/types.ts";
import { objectKey, objectPrefix } from "../../store/keys.ts";
import { Fleet } from "../testing/fleet.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet();
});
afterEach(() => fleet.close());

/** "1 web@1 db@1": the number of a revision, and at which revision each service's template is at home. */
const history = (stack = "shop", namespace = "default"): string[] =>
  fleet
    .revisions(stack, namespace)
    .map((r) => [r.revision, ...Object.entries(r.services).map(([name, s]) => `${name}@${s.revision}`)].join(" "));
const images = (stack = "shop"): string[] =>
  fleet
    .pods(stack)
    .map((p) => `${p.pod.service}-${p.pod.slot} ${p.pod.container.image}`)
    .toSorted();
const status = () => fleet.stack("shop")?.status;
const web = () => status()?.services?.["web"];
const answered = (): boolean => status()?.observedGeneration === fleet.stack("shop")?.metadata.generation;
const suspended = () => answered() && status()?.health === "Suspended";

describe("revisions", () => {
  it("are kept with the status that names them, and cost an apply no commit of their own", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { web: {}, db: { volumes: ["v"] } });
    await fleet.until(() => {
      // In the same commit, so at no moment one without the other.
      expect(history()).toEqual(status()?.revision === undefined ? [] : ["1 db@1 web@1"]);
      return fleet.healthy("shop");
    });
    expect(fleet.revisions("shop")[0]).toMatchObject({
      metadata: { name: "shop-1", ownerReferences: [{ kind: "Stack", uid: fleet.stack("shop")?.metadata.uid, controller: true }] },
      hash: status()?.revisionHash,
      spec: fleet.stack("shop")?.spec,
    });
    const before = fleet.kv.server.revision;
    await fleet.apply("shop", { web: { image: "app:2" }, db: { volumes: ["v"] } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.env.advance(5_000);
    expect(history()).toEqual(["1 db@1 web@1", "2 db@1 web@2"]);
    expect(web()).toMatchObject({ revision: 2, replicas: 1, updated: 1, available: 1 });
    // 1 apply, 1 what comes next and status, 1 answer, 1 mark, 1 answer, 1 successor, 1 answer, 1 or 2 statuses, 2 batches of events
    expect(fleet.kv.server.revision - before).toBeLessThanOrEqual(11);
  });

  it("number what is returned to anew: the history shows it once", async () => {
    await fleet.agent("n1");
    fleet.control();
    for (const image of ["app:1", "app:2", "app:1"]) {
      await fleet.apply("shop", { web: { image } });
      await fleet.until(() => fleet.healthy("shop"));
    }
    expect(history()).toEqual(["2 web@2", "3 web@3"]);
    expect(web()?.revision).toBe(3);
  });

  it("follow nothing that is not rolled out: labels, or who pauses", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { paused: true } });
    await fleet.until(suspended);
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    expect(history()).toEqual(["1 web@1"]);
  });

  it("say why there was a change, also when people say it afterwards", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    const old = await fleet.objects.get<Stack>(RESOURCES.stacks, "default", "shop");
    const metadata = { ...old.metadata, resourceVersion: "", annotations: { "kubernetes.io/change-cause": "the beginning" } };
    await fleet.objects.update(RESOURCES.stacks, { ...old, metadata });
    await fleet.until(() => fleet.revisions("shop")[0]?.metadata.annotations?.["kubernetes.io/change-cause"] === "the beginning");
    expect(history()).toEqual(["1 web@1"]);
    await fleet.env.advance(5_000);
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(60_000);
    expect(fleet.kv.server.revision).toBe(quiet);
  });

  it("are ten at most", async () => {
    await fleet.agent("n1");
    fleet.control();
    for (let n = 1; n <= 13; n++) {
      await fleet.apply("shop", { web: { image: `app:${n}` } });
      await fleet.until(() => fleet.healthy("shop") && status()?.revision === n);
    }
    expect(fleet.revisions("shop").map((r) => r.revision)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  it("are made for a Stack from before there were any, and again when somebody takes them away", async () => {
    await fleet.agent("n1");
    fleet.control();
    for (const image of ["app:1", "app:2"]) {
      await fleet.apply("shop", { web: { image } });
      await fleet.until(() => fleet.healthy("shop"));
    }
    const keys = fleet.kv.server.below(objectPrefix(RESOURCES.stackrevisions), fleet.kv.server.revision).map((i) => i.key);
    await fleet.kv.commit(keys.map((key) => ({ key, value: null })));
    await fleet.until(() => history().length > 0);
    expect(history()).toEqual(["2 web@2"]);
    expect(images()).toEqual(["web-0 app:2"]);
  });

  it("go with their Stack, before its finalizer", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.objects.delete(RESOURCES.stacks, "default", "shop");
    await fleet.until(() => {
      if (fleet.pods("shop").length > 0) expect(history()).toHaveLength(1);
      if (!fleet.stack("shop")) expect(history()).toEqual([]);
      return !fleet.stack("shop");
    });
  });

  it("go with a Stack that vanished without its finalizer, and are not taken for those of its namesake", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: { image: "app:1" } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { image: "app:2" } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.kv.commit([{ key: objectKey(RESOURCES.stacks, "default", "shop"), value: null }]);
    await fleet.apply("shop", { web: { image: "app:3" } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(history()).toEqual(["1 web@1"]);
    expect(fleet.revisions("shop")[0]?.metadata.ownerReferences?.[0]?.uid).toBe(fleet.stack("shop")?.metadata.uid);
    await fleet.kv.commit([{ key: objectKey(RESOURCES.stacks, "default", "shop"), value: null }]);
    await fleet.until(() => history().length === 0 && fleet.pods().length === 0);
  });

  it("go with a namespace", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.objects.create(RESOURCES.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
    await fleet.apply("shop", { web: {} }, {}, "team");
    await fleet.until(() => fleet.stack("shop", "team")?.status?.health === "Healthy");
    expect(history("shop", "team")).toEqual(["1 web@1"]);
    await fleet.objects.delete(RESOURCES.namespaces, undefined, "team");
    await fleet.until(() => fleet.kv.server.at(objectKey(RESOURCES.namespaces, undefined, "team")) === undefined);
    expect(history("shop", "team")).toEqual([]);
  });

  it("are no more after a change of leaders", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n, { behave: () => "slow" });
    const first = fleet.control("first");
    await fleet.until(() => first.isLeader());
    const second = fleet.control("second");
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { replicas: 2, image: "app:2" } });
    await fleet.until(() => history().length === 2);
    first.kv.partition(true);
    await fleet.until(() => second.isLeader() && fleet.healthy("shop") && status()?.revision === 2);
    await fleet.env.advance(10_000);
    expect(history()).toEqual(["1 web@1", "2 web@2"]);
  });
});

describe("a paused service", () => {
  const paused = true;

  it("waits with its changes, says so, and rolls once when it is resumed", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n);
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop"));
    const before = fleet.pods("shop").map((p) => p.pod.uid);
    await fleet.apply("shop", { web: { replicas: 2, paused, image: "app:2" } });
    await fleet.until(suspended);
    await fleet.apply("shop", { web: { replicas: 2, paused, image: "app:3", container: { limits: { cpus: 1 } } } });
    await fleet.until(suspended);
    await fleet.env.advance(60_000);
    expect(fleet.pods("shop").map((p) => p.pod.uid)).toEqual(before);
    expect(fleet.pods("shop").map((p) => p.pod.container.limits)).toEqual([{}, {}]);
    expect(history()).toEqual(["1 web@1"]);
    expect(web()).toMatchObject({ image: "app:1", paused: true, revision: 1, replicas: 2, updated: 0, ready: 2, available: 2 });
    expect(web()?.message).toBe(
      "paused, so a change waits (image app:3): resume it with kubectl rollout resume deploy/shop-web, or take x-steadfleet.paused out",
    );
    expect(web()?.conditions?.map((c) => [c.type, c.status, c.reason])).toEqual([
      ["Available", "True", "MinimumReplicasAvailable"],
      ["Progressing", "Unknown", "DeploymentPaused"],
    ]);
    expect(status()?.conditions?.map((c) => [c.type, c.status, c.reason])).toEqual([
      ["Ready", "False", "Paused"],
      ["Progressing", "False", "Paused"],
      ["Degraded", "False", "NothingWrong"],
    ]);
    await fleet.apply("shop", { web: { replicas: 2, image: "app:3", container: { limits: { cpus: 1 } } } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(images()).toEqual(["web-0 app:3", "web-1 app:3"]);
    expect(history()).toEqual(["1 web@1", "2 web@2"]);
    await fleet.env.advance(5_000);
    const said = fleet.events().map((e) => `${e.reason}: ${e.message}`);
    expect(said).toEqual(
      expect.arrayContaining([
        "Paused: web is paused: its changes wait",
        "Resumed: web is resumed",
        "Updating: revision 1 to 2: replaces web",
      ]),
    );
  });

  it("is scaled, healed and deleted with what runs", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n);
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { replicas: 3, paused, image: "app:2" } });
    await fleet.until(() => suspended() && fleet.pods("shop").length === 3);
    const [first] = fleet.pods("shop");
    if (!first) throw new Error("no pod");
    await fleet.deletePod(first.pod);
    await fleet.until(() => suspended() && fleet.pods("shop").every((p) => p.pod.uid !== first.pod.uid) && status()?.ready === "3/3");
    expect(images()).toEqual(["web-0 app:1", "web-1 app:1", "web-2 app:1"]);
    await fleet.apply("shop", { web: { replicas: 0, paused, image: "app:2" } });
    await fleet.until(() => suspended() && fleet.pods("shop").length === 0);
    // No pod is left to tell: the revision does.
    await fleet.apply("shop", { web: { replicas: 1, paused, image: "app:2" } });
    await fleet.until(() => suspended() && status()?.ready === "1/1");
    expect(images()).toEqual(["web-0 app:1"]);
    await fleet.apply("shop", { db: {} });
    await fleet.until(() => fleet.healthy("shop") && images().join() === "db-0 app:1");
  });

  it("holds up no other service; the revision of the whole has what it runs on with", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: { networks: ["a"] }, db: { networks: ["b"] } });
    await fleet.until(() => fleet.healthy("shop"));
    const dependsOn = [{ service: "web", condition: "service_started" as const }];
    await fleet.apply("shop", { web: { networks: ["a"], image: "app:2", paused }, db: { networks: ["b"], image: "db:2", dependsOn } });
    await fleet.until(() => suspended() && images().includes("db-0 db:2"));
    expect(images()).toEqual(["db-0 db:2", "web-0 app:1"]);
    expect(history()).toEqual(["1 db@1 web@1", "2 db@2 web@1"]);
    const kept = fleet.revisions("shop")[1]?.spec.services as unknown as Record<string, { image?: string }>;
    expect([kept["db"]?.image, kept["web"]?.image]).toEqual(["db:2", undefined]);
    expect(status()).toMatchObject({ revision: 2, progress: 100, ready: "2/2" });
  });

  it("starts no container before it is resumed, and those that depend on it do not wait for that", async () => {
    await fleet.agent("n1");
    fleet.control();
    const dependsOn = [{ service: "db", condition: "service_healthy" as const }];
    await fleet.apply("shop", { web: { networks: ["a"], dependsOn }, db: { networks: ["b"], replicas: 2, paused } });
    await fleet.until(suspended);
    expect(images()).toEqual(["web-0 app:1"]);
    expect(status()).toMatchObject({ ready: "1/3", health: "Suspended" });
    expect(status()?.services?.["db"]).toMatchObject({ desired: 2, replicas: 0, paused: true });
    expect(status()?.services?.["db"]?.message).toMatch(/^paused before its first container, so none is started: resume it with/);
    await fleet.env.advance(5_000);
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(600_000);
    expect(fleet.kv.server.revision).toBe(quiet);
    await fleet.apply("shop", { web: { networks: ["a"], dependsOn }, db: { networks: ["b"], replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop") && status()?.ready === "3/3");
  });

  it("in the middle of a rollout stays there, and goes on when it is resumed", async () => {
    for (const n of ["n1", "n2", "n3"]) await fleet.agent(n, { behave: () => "slow", slowMs: 3_000 });
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 3 } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { replicas: 3, image: "app:2" } });
    await fleet.until(() => images().includes("web-0 app:2"));
    await fleet.apply("shop", { web: { replicas: 3, image: "app:2", paused } });
    await fleet.until(suspended);
    await fleet.env.advance(60_000);
    const updated = images().filter((i) => i.endsWith("app:2")).length;
    expect(updated).toBeGreaterThanOrEqual(1);
    expect(updated).toBeLessThan(3);
    expect(web()).toMatchObject({ updated, replicas: 3, ready: 3 });
    expect(web()?.message).toMatch(/^paused with \d of 3 pods updated: resume it/);
    await fleet.apply("shop", { web: { replicas: 3, image: "app:2" } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(images()).toEqual(["web-0 app:2", "web-1 app:2", "web-2 app:2"]);
  });

  it("of a Stack from before there were revisions runs on as its pods are", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    const stack = fleet.stack("shop");
    if (!stack) throw new Error("no stack");
    const changed = {
      ...stack,
      metadata: { ...stack.metadata, generation: 2 },
      spec: { services: { web: { replicas: 2, image: "app:2", paused } } },
    };
    await fleet.kv.commit([
      ...fleet.revisions("shop").map((r) => ({ key: objectKey(RESOURCES.stackrevisions, "default", r.metadata.name), value: null })),
      { key: objectKey(RESOURCES.stacks, "default", "shop"), value: changed },
    ]);
    await fleet.until(() => suspended() && status()?.ready === "2/2");
    expect(images()).toEqual(["web-0 app:1", "web-1 app:1"]);
    await fleet.apply("shop", { web: { replicas: 2, image: "app:2" } });
    await fleet.until(() => fleet.healthy("shop") && images().join() === "web-0 app:2,web-1 app:2");
  });
});

describe("a restart that is asked for", () => {
  it("replaces the pods one after the other, once for each time", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n, { behave: () => "slow" });
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop"));
    const before = new Set(fleet.pods("shop").map((p) => p.pod.uid));
    await fleet.apply("shop", { web: { replicas: 2, restartedAt: "2026-01-01T00:00:00Z" } });
    await fleet.until(() => {
      expect(fleet.pods("shop").filter((p) => p.ready && !p.pod.deletionTimestamp).length).toBeGreaterThanOrEqual(1);
      return fleet.healthy("shop") && fleet.pods("shop").every((p) => !before.has(p.pod.uid));
    });
    const quiet = fleet.pods("shop").map((p) => p.pod.uid);
    await fleet.apply("shop", { web: { replicas: 2, restartedAt: "2026-01-01T00:00:00Z" } });
    await fleet.env.advance(60_000);
    expect(fleet.pods("shop").map((p) => p.pod.uid)).toEqual(quiet);
    expect(history()).toEqual(["1 web@1", "2 web@2"]);
  });
});
