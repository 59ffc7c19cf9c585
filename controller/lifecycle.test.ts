// Whole lives of Stacks, in memory: store, agents and controller, on a clock that moves only when told.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { hostname, label } from "./testing/builders.ts";
import { Fleet } from "./testing/fleet.ts";

// Much of it at once: on a machine that is busy with other things it takes its time.
vi.setConfig({ testTimeout: 60_000 });

let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet();
});
afterEach(() => fleet.close());

const slots = (stack: string): string[] =>
  fleet
    .pods(stack)
    .map((p) => `${p.pod.service}-${p.pod.slot}@${p.node}`)
    .toSorted();

describe("a Stack's life", () => {
  it("is created, becomes Healthy, and then nothing is written any more (I6)", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {}, db: { volumes: ["data"] } });
    await fleet.until(() => fleet.healthy("shop"));
    const status = fleet.stack("shop")?.status;
    expect(slots("shop")).toEqual(["db-0@n1", "web-0@n1"]);
    expect(status).toMatchObject({ revision: 1, progress: 100, ready: "2/2", nodes: ["n1"], volumes: { data: { node: "n1" } } });
    expect(status?.conditions?.map((c) => `${c.type}=${c.status}`)).toEqual(["Ready=True", "Progressing=False", "Degraded=False"]);
    await fleet.env.advance(5_000);
    const quiet = fleet.kv.server.revision;
    await fleet.env.advance(600_000);
    expect(fleet.kv.server.revision).toBe(quiet);
  });

  it("costs about five revisions to apply", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.env.advance(1_000);
    const before = fleet.kv.server.revision;
    await fleet.apply("shop", { web: { replicas: 3, networks: ["a"], volumes: ["v"] } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.env.advance(5_000);
    // 1 apply, 1 pods and status, 3 answers of the agent, 1 status, 2 batches of events
    expect(fleet.kv.server.revision - before).toBeLessThanOrEqual(8);
  });

  it("spreads over three nodes, scales up and down, and removes the highest slots first", async () => {
    for (const n of ["n1", "n2", "n3"]) await fleet.agent(n);
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { web: { replicas: 3 } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(slots("shop")).toEqual(["web-0@n1", "web-1@n2", "web-2@n3"]);
    await fleet.apply("shop", { web: { replicas: 5 } });
    await fleet.until(() => fleet.healthy("shop") && fleet.stack("shop")?.status?.ready === "5/5");
    expect(slots("shop")).toEqual(["web-0@n1", "web-1@n2", "web-2@n3", "web-3@n1", "web-4@n2"]);
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop") && fleet.stack("shop")?.status?.ready === "2/2");
    expect(slots("shop")).toEqual(["web-0@n1", "web-1@n2"]);
    await fleet.env.advance(1_000);
    expect(fleet.events().map((e) => e.reason)).toEqual(expect.arrayContaining(["Created", "Scaled", "RolloutComplete"]));
  });

  it("replaces a changed service one pod at a time, with never two down (I5)", async () => {
    for (const n of ["n1", "n2", "n3"]) await fleet.agent(n, { behave: () => "slow" });
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 3 } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { replicas: 3, image: "app:2" } });
    const progress: number[] = [];
    await fleet.until(() => {
      expect(Math.max(...fleet.live().values())).toBe(1);
      expect(fleet.pods("shop").filter((p) => p.ready && !p.pod.deletionTimestamp).length).toBeGreaterThanOrEqual(2);
      const s = fleet.stack("shop")?.status;
      if (s?.revision === 2) progress.push(s.progress ?? -1);
      return fleet.healthy("shop") && s?.revision === 2;
    });
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(fleet.pods("shop").map((p) => p.pod.container.image)).toEqual(["app:2", "app:2", "app:2"]);
  });

  it("does not let a fix wait for the broken revision", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n, { behave: (p) => (p.container.image === "bad" ? "crash" : "ready") });
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2, image: "bad" } });
    await fleet.until(() => fleet.stack("shop")?.status?.health === "Failed");
    expect(fleet.stack("shop")?.status?.conditions?.find((c) => c.type === "Degraded")?.message).toMatch(
      /shop-web-0-\w{5} on n\d: CrashLoopBackOff: exit code 1.*Next: /,
    );
    await fleet.apply("shop", { web: { replicas: 2, image: "good" } });
    await fleet.until(() => fleet.healthy("shop"));
  });

  it("stops at the first pod of a broken revision, says so, and goes back when told", async () => {
    for (const n of ["n1", "n2", "n3"]) await fleet.agent(n, { behave: (p) => (p.container.image === "bad" ? "neverReady" : "ready") });
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 3, image: "good" } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { replicas: 3, image: "bad" } });
    await fleet.until(() => fleet.stack("shop")?.status?.health === "Degraded");
    await fleet.env.advance(60_000);
    expect(fleet.pods("shop").filter((p) => p.pod.container.image === "bad")).toHaveLength(1);
    expect(fleet.pods("shop").filter((p) => p.ready)).toHaveLength(2);
    expect(fleet.events().map((e) => e.reason)).toContain("RolloutStuck");
    await fleet.apply("shop", { web: { replicas: 3, image: "good" } });
    await fleet.until(() => fleet.healthy("shop"));
  });

  it("changes limits in place: the same pods, with other limits", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.until(() => fleet.healthy("shop"));
    const before = fleet.pods("shop").map((p) => p.pod.uid);
    await fleet.apply("shop", { web: { replicas: 2, container: { limits: { cpus: 0.5 } } } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(fleet.pods("shop").map((p) => [p.pod.uid, p.pod.container.limits])).toEqual(before.map((uid) => [uid, { cpus: 0.5 }]));
  });

  it("removes a service that is no longer in the spec", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {}, old: {} });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop") && slots("shop").length === 1);
    expect(fleet.live().get("default/shop/old/0")).toBeUndefined();
  });

  it("is deleted: pods first, then the Stack; volumes only with consent (I2)", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: { replicas: 2 } });
    await fleet.apply("data", { db: { volumes: ["v"] } }, { "x-steadfleet": { reclaim: "Delete" } });
    await fleet.until(() => fleet.healthy("shop") && fleet.healthy("data"));
    const removeVolumes: Record<string, boolean | undefined> = {};
    for (const name of ["shop", "data"])
      await fleet.objects.delete({ group: "steadfleet.dev", resource: "stacks", namespaced: true }, "default", name);
    await fleet.until(() => {
      for (const p of fleet.pods()) if (p.pod.deletionTimestamp) removeVolumes[p.pod.stack] = p.pod.removeVolumes;
      return !fleet.stack("shop") && !fleet.stack("data");
    });
    expect(removeVolumes).toEqual({ shop: undefined, data: true });
    expect(fleet.pods()).toEqual([]);
    expect(fleet.live().size).toBe(0);
  });

  it("has a pod of a global service on each node, also on one that joins, and not on one that loses its label", async () => {
    await fleet.agent("n1", { labels: { disk: "ssd" } });
    fleet.control();
    await fleet.apply("shop", { log: { mode: "global", constraints: [label("disk", "ssd")] } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.agent("n2", { labels: { disk: "ssd" } });
    await fleet.agent("n3");
    await fleet.until(() => fleet.healthy("shop") && fleet.stack("shop")?.status?.ready === "2/2");
    expect(slots("shop")).toEqual(["log-n1@n1", "log-n2@n2"]);
    await fleet.editNode("n2", (n) => ({ ...n, metadata: { ...n.metadata, labels: { disk: "hdd" } } }));
    await fleet.until(() => fleet.healthy("shop") && fleet.stack("shop")?.status?.ready === "1/1");
    expect(slots("shop")).toEqual(["log-n1@n1"]);
  });

  it("waits for a node that fits, saying why none does", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("shop", { web: { constraints: [label("disk", "ssd")] } });
    await fleet.until(() => fleet.stack("shop")?.status?.conditions?.find((c) => c.type === "Degraded")?.reason === "Unplaceable");
    expect(fleet.stack("shop")?.status?.services?.["web"]?.message).toBe("0 of 1 node fits: 1 lacks label disk=ssd");
    await fleet.env.advance(60_000);
    await fleet.agent("n2", { labels: { disk: "ssd" } });
    await fleet.until(() => fleet.healthy("shop"));
    expect(slots("shop")).toEqual(["web-0@n2"]);
  });

  it("shares host ports with nobody, whichever stack they are of", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n);
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.apply("one", { web: { ports: [80] } });
    await fleet.until(() => fleet.healthy("one"));
    await fleet.apply("two", { web: { ports: [80], replicas: 2 } });
    await fleet.until(() => fleet.stack("two")?.status?.health === "Degraded");
    expect(slots("two")).toEqual(["web-0@n2"]);
    expect(fleet.stack("two")?.status?.services?.["web"]?.message).toMatch(
      /2 host port 80\/tcp in use by default\/one-web|1 host port 80\/tcp in use by default/,
    );
    await fleet.objects.delete({ group: "steadfleet.dev", resource: "stacks", namespaced: true }, "default", "one");
    await fleet.until(() => fleet.healthy("two"));
    expect(slots("two")).toEqual(["web-0@n2", "web-1@n1"]);
  });

  it("replaces a pod that somebody deletes, and takes the request away", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    const first = fleet.pods("shop")[0];
    if (!first) throw new Error("no pod");
    await fleet.deletePod(first.pod);
    await fleet.until(() => fleet.healthy("shop") && fleet.pods("shop")[0]?.pod.uid !== first.pod.uid);
    expect(slots("shop")).toEqual(["web-0@n1"]);
    await fleet.deletePod({ ...first.pod, name: "shop-web-9-gone0" });
    await fleet.env.advance(20_000);
    expect(fleet.kv.server.below("/steadfleet/requests/", fleet.kv.server.revision)).toEqual([]);
  });

  it("keeps a volume's node through scaling to zero and back", async () => {
    for (const n of ["n1", "n2"]) await fleet.agent(n);
    fleet.control();
    await fleet.apply("shop", { db: { volumes: ["v"], constraints: [hostname("n2")] } });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { db: { volumes: ["v"], replicas: 0 } });
    await fleet.until(() => fleet.healthy("shop") && fleet.pods("shop").length === 0);
    await fleet.apply("shop", { db: { volumes: ["v"] } });
    await fleet.until(() => fleet.healthy("shop") && fleet.pods("shop").length === 1);
    expect(slots("shop")).toEqual(["db-0@n2"]);
  });

  it("holds a dependent elsewhere until its dependency is there", async () => {
    await fleet.agent("n1", { behave: () => "slow", slowMs: 5_000 });
    await fleet.agent("n2");
    fleet.control();
    await fleet.apply("shop", {
      db: { networks: ["a"], constraints: [hostname("n1")] },
      web: { networks: ["b"], constraints: [hostname("n2")], dependsOn: [{ service: "db", condition: "service_healthy" }] },
    });
    await fleet.until(() => fleet.stack("shop")?.status?.services?.["web"]?.message?.includes("waits for db") === true);
    expect(slots("shop")).toEqual(["db-0@n1"]);
    await fleet.until(() => fleet.healthy("shop"));
  });

  it("leaves what runs alone when the stored spec cannot be read, and says so", async () => {
    await fleet.agent("n1");
    fleet.control();
    await fleet.apply("shop", { web: {} });
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.apply("shop", { web: { invalid: "spec.services.web.image is missing" } });
    await fleet.until(() => fleet.stack("shop")?.status?.health === "Failed");
    expect(slots("shop")).toEqual(["web-0@n1"]);
    expect(fleet.stack("shop")?.status?.conditions?.[0]?.message).toBe(
      "spec.services.web.image is missing. What runs stays as it is; correct the spec",
    );
  });
});
