// The ordinary life of a Stack on three hosts: applied, spread, changed, scaled, constrained, deleted.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComposeService, Node, Stack, StackSpec } from "../../schemas/types.ts";
import { Fleet, isHealthy } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const hold = (more: Partial<ComposeService> = {}): ComposeService => ({ image: TEST_IMAGES.web, command: ["/bin/hold"], ...more });
const one = (service: ComposeService): StackSpec => ({ services: { web: service } });

describe("a Stack", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ labels: { "node-3": { disk: "ssd" } } });
  });
  afterAll(() => fleet?.stop());

  it("runs where it says, and serves", async () => {
    const stack = await fleet.up("site", one({ image: TEST_IMAGES.web, ports: ["8080:80"], environment: ["GREETING=hello"] }));
    expect(stack.status).toMatchObject({ health: "Healthy", ready: "1/1", progress: 100, revision: 1 });
    const [pod] = await fleet.pods("site");
    const { address } = fleet.member(pod?.spec?.nodeName ?? "").host;
    expect(await (await fetch(`http://${address}:8080/`)).text()).toBe("Hello from version 1\n");
    expect(await (await fetch(`http://${address}:8080/cgi-bin/id`)).text()).toContain("hello");
  });

  it("changes nothing when it is applied again", async () => {
    const before = await fleet.everywhere("site");
    const old = await fleet.client.get("stacks", "site");
    await fleet.up("site", one({ image: TEST_IMAGES.web, ports: ["8080:80"], environment: ["GREETING=hello"] }));
    expect((await fleet.client.get("stacks", "site")).metadata.generation).toBe(old.metadata.generation);
    expect(await fleet.everywhere("site")).toEqual(before);
  });

  it("runs the new image after a change", async () => {
    const stack = await fleet.up("site", one({ image: TEST_IMAGES.web2, ports: ["8080:80"] }));
    expect(stack.status?.revision).toBe(2);
    const [container, ...more] = await fleet.everywhere("site");
    expect(more).toEqual([]);
    const { address } = fleet.member(container?.node ?? "").host;
    expect(await (await fetch(`http://${address}:8080/`)).text()).toBe("Hello from version 2\n");
    await fleet.down("site");
  });

  it("spreads replicas, and scales up and down", async () => {
    await fleet.up("spread", one(hold({ deploy: { replicas: 3 } })));
    const three = await fleet.everywhere("spread");
    expect(three.map(({ node }) => node)).toEqual(["node-1", "node-2", "node-3"]);
    await fleet.up("spread", one(hold({ deploy: { replicas: 5 } })));
    const five = await fleet.everywhere("spread");
    expect(five).toHaveLength(5);
    // Those that were there are still there.
    for (const { Id } of three) expect(five.map((each) => each.Id)).toContain(Id);
    await fleet.up("spread", one(hold({ deploy: { replicas: 2 } })));
    await fleet.until("two containers", async () => (await fleet.everywhere("spread")).length === 2);
    await fleet.up("spread", one(hold({ deploy: { replicas: 0 } })));
    await fleet.until("no container", async () => (await fleet.everywhere("spread")).length === 0);
    await fleet.down("spread");
  });

  it("is replaced one at a time, and progress never goes back", async () => {
    await fleet.up("roll", one(hold({ deploy: { replicas: 3 } })));
    const old = new Set((await fleet.everywhere("roll")).map(({ Id }) => Id));
    const generation = (await fleet.apply("roll", one(hold({ image: TEST_IMAGES.web2, deploy: { replicas: 3 } })))).metadata.generation;
    const progress: number[] = [];
    await fleet.until("the roll-out", async () => {
      const running = (await fleet.everywhere("roll")).filter(({ State }) => State.Running);
      expect(running.length).toBeLessThanOrEqual(3);
      const stack = await fleet.client.get<Stack>("stacks", "roll");
      const { observedGeneration, progress: percent } = stack.status ?? {};
      if (observedGeneration === generation && percent !== undefined) progress.push(percent);
      return isHealthy(stack);
    });
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    const now = await fleet.everywhere("roll");
    expect(now).toHaveLength(3);
    for (const { Id, Config } of now) {
      expect(old.has(Id)).toBe(false);
      expect(Config.Image).toBe(TEST_IMAGES.web2);
    }
    await fleet.down("roll");
  });

  it("keeps to the nodes that its constraints name, and says why when there is none", async () => {
    await fleet.up("ssd", one(hold({ deploy: { replicas: 2, placement: { constraints: ["node.labels.disk==ssd"] } } })));
    expect((await fleet.everywhere("ssd")).map(({ node }) => node)).toEqual(["node-3", "node-3"]);
    await fleet.apply("nowhere", one(hold({ deploy: { placement: { constraints: ["node.hostname==node-9"] } } })));
    const told = await fleet.until("a condition that says why not", async () => {
      const stack = await fleet.client.get<Stack>("stacks", "nowhere");
      return stack.status?.conditions?.find((condition) => condition.message.includes("0 of 3 nodes fit: 3 are not node node-9"));
    });
    expect(told.status).not.toBe(told.type === "Ready" ? "True" : "False");
    await fleet.down("nowhere");
    await fleet.down("ssd");
  });

  it("runs a global service on each node, and follows the labels of nodes", async () => {
    const spec = one(hold({ deploy: { mode: "global", placement: { constraints: ["node.labels.quiet!=yes"] } } }));
    await fleet.up("everywhere", spec);
    expect((await fleet.everywhere("everywhere")).map(({ node }) => node)).toEqual(["node-1", "node-2", "node-3"]);
    await fleet.client.patch<Node>("nodes", "node-2", { metadata: { labels: { quiet: "yes" } } });
    await fleet.until("node-2 to be left", async () => (await fleet.containers("node-2", "everywhere")).length === 0);
    await fleet.client.patch<Node>("nodes", "node-2", { metadata: { labels: { quiet: null } } });
    await fleet.until("node-2 to be used again", async () => (await fleet.containers("node-2", "everywhere"))[0]?.State.Running);
    await fleet.healthy("everywhere");
    await fleet.down("everywhere");
  });

  it("holds a service until what it depends on is healthy", async () => {
    const healthcheck = { test: ["CMD", "test", "-f", "/tmp/healthy"], interval: "1s", timeout: "1s", retries: 1 };
    await fleet.apply("chain", {
      services: { db: hold({ healthcheck }), web: hold({ depends_on: { db: { condition: "service_healthy" } } }) },
    });
    const waiting = await fleet.until("web to wait with a reason", async () =>
      (await fleet.pods("chain")).find((pod) =>
        pod.status?.containerStatuses?.some((status) => status.state?.waiting?.reason === "WaitingForDependency"),
      ),
    );
    expect(waiting.metadata.name).toContain("chain-web-");
    const db = (await fleet.everywhere("chain")).find(({ Name }) => Name.includes("-db-"));
    await fleet.member(db?.node ?? "").host.docker(["exec", db?.Id ?? "", "touch", "/tmp/healthy"]);
    await fleet.healthy("chain");
    await fleet.down("chain");
  });

  it("keeps its volume when it goes, and finds it again", async () => {
    const spec: StackSpec = { services: { db: hold({ volumes: ["data:/data"] }) }, volumes: { data: {} } };
    await fleet.up("keep", spec);
    const [first] = await fleet.everywhere("keep");
    await fleet.member(first?.node ?? "").host.docker(["exec", first?.Id ?? "", "sh", "-c", "echo kept > /data/file"]);
    await fleet.up("keep", { ...spec, services: { db: hold({ image: TEST_IMAGES.web2, volumes: ["data:/data"] }) } });
    const [second] = await fleet.everywhere("keep");
    expect(second?.Id).not.toBe(first?.Id);
    expect(second?.node).toBe(first?.node);
    expect(await fleet.member(second?.node ?? "").host.docker(["exec", second?.Id ?? "", "cat", "/data/file"])).toBe("kept");
    await fleet.down("keep");
    expect(await fleet.member(second?.node ?? "").host.docker(["volume", "ls", "-q"])).toContain("keep_data");
  });

  it("is refused whole when a key is not supported", async () => {
    const models = { services: { web: { ...hold(), models: ["llm"] } } } as StackSpec;
    await expect(fleet.apply("wrong", models)).rejects.toThrow(/models.*not supported/s);
    expect(await fleet.client.find("stacks", "wrong")).toBeUndefined();
  });
});
