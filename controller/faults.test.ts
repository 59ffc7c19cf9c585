// What may go wrong between controller, store and nodes; and that it converges all the same.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RESOURCES } from "../schemas/resources.ts";
import { FencedError } from "../store/errors.ts";
import { nodesPrefix, objectKey } from "../store/keys.ts";
import type { MemoryKv } from "../store/memory.ts";
import { dyingKv, laggingKv, withCommit } from "./testing/faulty-kv.ts";
import { Fleet } from "./testing/fleet.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet();
});
afterEach(() => fleet.close());

const onePerSlot = (): void => {
  for (const [slot, n] of fleet.live()) expect(n, slot).toBe(1);
};
const settled = (name: string, ready: string) => (): boolean => {
  onePerSlot();
  return fleet.healthy(name) && fleet.stack(name)?.status?.ready === ready;
};

/** Create, update, scale down, delete. */
const life = async (): Promise<void> => {
  await fleet.apply("shop", { web: { replicas: 3, networks: ["a"] }, db: { networks: ["b"], volumes: ["v"] } });
  await fleet.until(settled("shop", "4/4"));
  await fleet.apply("shop", {
    web: { replicas: 2, image: "app:2", networks: ["a"] },
    db: { networks: ["b"], volumes: ["v"], container: { limits: { cpus: 1 } } },
  });
  await fleet.until(settled("shop", "3/3"));
  expect(
    fleet
      .pods("shop")
      .map((p) => `${p.pod.service}-${p.pod.slot} ${p.pod.container.image}`)
      .toSorted(),
  ).toEqual(["db-0 app:1", "web-0 app:2", "web-1 app:2"]);
  expect(fleet.revisions("shop").map((r) => [r.revision, r.services["web"]?.revision, r.services["db"]?.revision])).toEqual([
    [1, 1, 1],
    [2, 2, 1],
  ]);
  await fleet.objects.delete(RESOURCES.stacks, "default", "shop");
  await fleet.until(() => {
    onePerSlot();
    return !fleet.stack("shop");
  });
  expect(fleet.pods()).toEqual([]);
  expect(fleet.live().size).toBe(0);
  expect(fleet.revisions("shop")).toEqual([]);
};

describe("a controller that dies at any commit (I7)", () => {
  for (const when of ["before", "after"] as const) {
    it(`${when} it is applied: another one finishes the work`, async () => {
      let commits = 0;
      for (let n = 1; ; n++) {
        let died = false;
        if (n > 1) {
          await fleet.close();
          fleet = new Fleet();
        }
        for (const node of ["n1", "n2"]) await fleet.agent(node);
        fleet.control("doomed", (kv) =>
          dyingKv(kv as MemoryKv, n, when, () => {
            died = true;
            fleet.control("heir");
          }),
        );
        await life();
        if (!died) break;
        commits = n;
      }
      // Election, two nodes, and every step of the life: a smaller number would mean that the fault was never injected.
      expect(commits).toBeGreaterThan(12);
    });
  }
});

describe("two controllers", () => {
  it("hand over in the middle of a rollout; the deposed one writes nothing more", async () => {
    for (const node of ["n1", "n2", "n3"]) await fleet.agent(node, { behave: () => "slow" });
    const first = fleet.control("first");
    await fleet.until(() => first.isLeader());
    const second = fleet.control("second");
    await fleet.apply("shop", { web: { replicas: 3 } });
    await fleet.until(settled("shop", "3/3"));
    await fleet.apply("shop", { web: { replicas: 3, image: "app:2" } });
    await fleet.until(() => fleet.pods("shop").some((p) => p.pod.container.image === "app:2"));
    first.kv.partition(true);
    await fleet.until(() => {
      onePerSlot();
      expect(first.isLeader() && second.isLeader()).toBe(false);
      return second.isLeader();
    });
    await fleet.until(() => settled("shop", "3/3")() && fleet.stack("shop")?.status?.revision === 2);
    first.kv.partition(false);
    await fleet.env.advance(60_000);
    expect([first.isLeader(), second.isLeader()]).toEqual([false, true]);
    expect(fleet.pods("shop").every((p) => p.pod.container.image === "app:2")).toBe(true);
  });

  it("a write that a deposed leader sent too late is refused by etcd (I9)", async () => {
    await fleet.agent("n1");
    let refused: unknown;
    let held = false;
    const first = fleet.control("first", (kv) =>
      withCommit(kv, async (changes, options) => {
        if (held || !changes.some((c) => c.key.startsWith(nodesPrefix))) return kv.commit(changes, options);
        held = true;
        (kv as MemoryKv).partition(true);
        await fleet.env.sleep(30_000);
        // The packet that was on its way all the time: no local check can stop it now.
        return fleet.kv
          .commit(changes, options?.guard ? { guard: { key: options.guard.key, create: options.guard.create } } : {})
          .catch((e: unknown) => {
            refused = e;
            throw e;
          });
      }),
    );
    await fleet.until(() => first.isLeader());
    fleet.control("second");
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => refused !== undefined && fleet.healthy("shop"));
    expect(refused).toBeInstanceOf(FencedError);
    expect(fleet.pods("shop")).toHaveLength(1);
  });

  it("an heir whose watch lags sees what its predecessor wrote before it plans", async () => {
    for (const node of ["n1", "n2"]) await fleet.agent(node, { behave: () => "slow" });
    const first = fleet.control("first");
    await fleet.until(() => first.isLeader());
    let lagging = false;
    const second = fleet.control("second", (kv) => laggingKv(kv, nodesPrefix, () => lagging, fleet.env));
    await fleet.env.advance(1_000);
    lagging = true;
    await fleet.editNode("n1", (n) => ({ ...n, spec: { unschedulable: true } }));
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.pods("shop").length === 1);
    // Now the heir would choose n1, and so another name, which no compare would refuse.
    first.kv.partition(true);
    await fleet.editNode("n1", (n) => ({ ...n, spec: { unschedulable: false } }));
    await fleet.until(() => second.isLeader());
    await fleet.env.advance(5_000);
    expect(fleet.pods("shop").map((p) => p.node)).toEqual(["n2"]);
    lagging = false;
    await fleet.until(settled("shop", "1/1"));
    expect(fleet.pods("shop").map((p) => p.node)).toEqual(["n2"]);
  });
});

describe("two Stacks at once", () => {
  it("do not get the same host port, however late the watch tells of the first", async () => {
    for (const node of ["n1", "n2"]) await fleet.agent(node);
    const c = fleet.control();
    await fleet.until(() => c.isLeader());
    await fleet.env.advance(1_000);
    c.kv.watchDelayMs = 300;
    const names = ["a", "b", "c", "d"];
    await Promise.all(names.map((name) => fleet.apply(name, { web: { ports: [80] } })));
    await fleet.until(
      () =>
        names.filter((n) => fleet.healthy(n)).length === 2 && names.filter((n) => fleet.stack(n)?.status?.health === "Failed").length === 2,
    );
    expect(
      fleet
        .pods()
        .map((p) => p.node)
        .toSorted(),
    ).toEqual(["n1", "n2"]);
  });
});

describe("nodes", () => {
  it("that are lost keep their pods, and the Stack says so; back again, all is well", async () => {
    for (const node of ["n1", "n2"]) await fleet.agent(node);
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(settled("shop", "2/2"));
    const before = fleet.pods("shop").map((p) => p.pod.uid);
    await fleet.agents.get("n2")?.stop();
    await fleet.until(() => fleet.stack("shop")?.status?.health === "Degraded");
    await fleet.env.advance(600_000);
    expect(fleet.pods("shop").map((p) => p.pod.uid)).toEqual(before);
    expect(fleet.stack("shop")?.status?.services?.["web"]?.message).toMatch(
      /^shop-web-1-\w{5} on n2: the node is not responding\. Bring it back, or delete the node/,
    );
    await fleet.agent("n2");
    await fleet.until(settled("shop", "2/2"));
    await fleet.env.advance(1_000);
    expect(fleet.events().map((e) => e.reason)).toEqual(expect.arrayContaining(["NodeNotReady", "NodeReady", "Degraded", "Recovered"]));
  });

  it("that are deleted give up their pods, which are made elsewhere; a dead one stays deleted", async () => {
    for (const node of ["n1", "n2"]) await fleet.agent(node);
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(settled("shop", "2/2"));
    await fleet.agents.get("n2")?.stop();
    fleet.agents.delete("n2");
    await fleet.objects.delete(RESOURCES.nodes, undefined, "n2");
    await fleet.until(settled("shop", "2/2"));
    expect(fleet.pods("shop").map((p) => p.node)).toEqual(["n1", "n1"]);
    await fleet.env.advance(60_000);
    expect(fleet.kv.server.at(objectKey(RESOURCES.nodes, undefined, "n2"))).toBeUndefined();
  });

  it("that are deleted while their agent lives come back empty, and are used again", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(settled("shop", "1/1"));
    const uid = fleet.pods("shop")[0]?.pod.uid;
    await fleet.objects.delete(RESOURCES.nodes, undefined, "n1");
    await fleet.until(() => settled("shop", "1/1")() && fleet.pods("shop")[0]?.pod.uid !== uid);
  });
});

describe("garbage", () => {
  it("pods of a Stack that vanished without its finalizer go; those of a namesake made anew are its own", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(settled("shop", "2/2"));
    const before = new Set(fleet.pods("shop").map((p) => p.pod.uid));
    await fleet.kv.commit([{ key: objectKey(RESOURCES.stacks, "default", "shop"), value: null }]);
    await fleet.apply("shop", { web: { replicas: 1 } });
    await fleet.until(() => settled("shop", "1/1")() && fleet.pods("shop").every((p) => !before.has(p.pod.uid)));
    await fleet.kv.commit([{ key: objectKey(RESOURCES.stacks, "default", "shop"), value: null }]);
    await fleet.until(() => fleet.pods().length === 0 && fleet.live().size === 0);
  });
});

describe("a namespace that is deleted", () => {
  it("takes everything in it along, and goes last", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.objects.create(RESOURCES.namespaces, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
    await fleet.objects.create(RESOURCES.configmaps, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", namespace: "team" } });
    await fleet.apply("shop", { web: {} }, {}, "team");
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.stack("shop", "team")?.status?.health === "Healthy" && fleet.healthy("shop"));
    await fleet.objects.delete(RESOURCES.namespaces, undefined, "team");
    const key = objectKey(RESOURCES.namespaces, undefined, "team");
    await fleet.until(() => {
      const gone = fleet.kv.server.at(key) === undefined;
      if (gone) expect(fleet.stack("shop", "team")).toBeUndefined();
      return gone;
    });
    expect(fleet.kv.server.at(objectKey(RESOURCES.configmaps, "team", "c"))).toBeUndefined();
    expect(fleet.live().size).toBe(1);
    expect(fleet.healthy("shop")).toBe(true);
  });
});

describe("the store", () => {
  it("may lose replies and connections in the middle of a life", async () => {
    for (const node of ["n1", "n2"]) await fleet.agent(node, { behave: () => "slow" });
    const c = fleet.control();
    let n = 0;
    const trouble = (): void => {
      n += 1;
      if (n % 3 === 0) c.kv.loseReplies(1);
      if (n % 3 === 1) c.kv.disconnect();
      if (n % 3 === 2) c.kv.fail(1);
      if (n < 200) fleet.env.timer(10, trouble);
    };
    trouble();
    await life();
    expect(n).toBeGreaterThan(10);
  });
});
