// Jobs on real engines: run to their end once, wait for each other across nodes, fail in words, and come when their schedule does.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComposeService, Stack, StackSpec } from "../../schemas/types.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const sh = (line: string, more: Partial<ComposeService> = {}): ComposeService => ({
  image: TEST_IMAGES.web,
  command: ["/bin/sh", "-c", line],
  networks: [],
  ...more,
});
/** Each on a network of its own, so that they may be on different nodes. */
const spec = (services: Record<string, ComposeService>): StackSpec => ({
  services: Object.fromEntries(Object.entries(services).map(([name, s]) => [name, { ...s, networks: [name] }])),
  networks: Object.fromEntries(Object.keys(services).map((name) => [name, {}])),
});
const web: ComposeService = {
  image: TEST_IMAGES.web,
  command: ["/bin/hold"],
  depends_on: { migrate: { condition: "service_completed_successfully" } },
};
const migrate = (line: string, more: Partial<ComposeService> = {}): ComposeService =>
  sh(line, { deploy: { mode: "replicated-job", replicas: 3 }, "x-steadfleet": { parallelism: 2 }, ...more });

describe("jobs", () => {
  let fleet: Fleet;
  /** The schedule is first, so that its minute passes while the others run. */
  let scheduledAt = 0;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 2, images: ["web"] });
    const schedule = sh("echo run", { "x-steadfleet": { schedule: "* * * * *", history: 2 } });
    scheduledAt = Date.now();
    await fleet.up("clock", spec({ tick: schedule }));
  });
  afterAll(() => fleet?.stop());

  const job = async (stack: string, service: string): Promise<NonNullable<Stack["status"]>["services"]> => {
    const { status } = await fleet.client.get<Stack>("stacks", stack);
    return { [service]: status?.services?.[service] } as NonNullable<Stack["status"]>["services"];
  };
  const ids = async (stack: string): Promise<string[]> => (await fleet.everywhere(stack)).map(({ Id }) => Id).toSorted();

  it("run to their end before who waits for them starts, on whatever node", async () => {
    await fleet.apply("shop", spec({ migrate: migrate("sleep 0.5"), web }));
    const stack = await fleet.until("the stack to be Healthy", async () => {
      const now = await fleet.client.get<Stack>("stacks", "shop");
      const containers = await fleet.everywhere("shop");
      const running = containers.filter(({ Name, State }) => Name.startsWith("/shop-migrate-") && State.Running).length;
      expect(running).toBeLessThanOrEqual(2);
      if (now.status?.services?.["migrate"]?.job?.runs[0]?.state !== "Complete") {
        expect(containers.filter(({ Name, State }) => Name.startsWith("/shop-web-") && State.Running)).toEqual([]);
      }
      return now.status?.health === "Healthy" && now.status.observedGeneration === now.metadata.generation ? now : undefined;
    });
    expect(stack.status).toMatchObject({ ready: "4/4", progress: 100 });
    expect(stack.status?.services?.["migrate"]?.job?.runs).toMatchObject([{ state: "Complete", succeeded: 3, slots: "0-2", failed: 0 }]);
    const shown = await fleet.steady(["status", "shop"]);
    expect(shown.stdout).toMatch(/migrate +3\/3 +\S+ Completed .*\(job\)/);
  });

  it("are not run again when agents, the server or containers go", async () => {
    const before = await ids("shop");
    await Promise.all([fleet.server, ...fleet.members.map(({ agent }) => agent)].map((program) => program.kill9()));
    fleet.server.start();
    for (const { agent } of fleet.members) agent.start();
    await fleet.allNodesReady();
    await fleet.healthy("shop");
    expect(await ids("shop")).toEqual(before);
    const [ended] = (await fleet.everywhere("shop")).filter(({ Name }) => Name.startsWith("/shop-migrate-"));
    if (!ended) throw new Error("no container of the job");
    await fleet.member(ended.node).host.docker(["rm", ended.Id]);
    // A pod of the job that is deleted, too, is not made again.
    const [pod] = (await fleet.pods("shop")).filter(
      (p) => p.metadata.name.startsWith("shop-migrate-") && `/${p.metadata.name}` !== ended.Name,
    );
    await fleet.client.delete("pods", pod?.metadata.name ?? "");
    await fleet.until("the pod to go", async () => (await fleet.pods("shop")).length === 3);
    await fleet.healthy("shop");
    const left = before.filter((id) => id !== ended.Id);
    const now = await ids("shop");
    expect(now.every((id) => left.includes(id))).toBe(true);
    expect(now).toHaveLength(2);
  });

  it("run again when their template changes, and `steady apply` waits for them", async () => {
    const before = await ids("shop");
    await fleet.up("shop", spec({ migrate: migrate("sleep 0.2; exit 0"), web }));
    expect((await job("shop", "migrate"))?.["migrate"]?.job?.runs).toMatchObject([{ state: "Complete", succeeded: 3 }]);
    const now = await fleet.everywhere("shop");
    const ran = now.filter(({ Name }) => Name.startsWith("/shop-migrate-"));
    expect(ran).toHaveLength(3);
    expect(ran.every(({ Id, State }) => !before.includes(Id) && State.ExitCode === 0)).toBe(true);
    await fleet.down("shop");
  });

  it("fail in words, with their last lines, and hold up who waits for them", async () => {
    const line = "echo no such table; exit 3";
    await fleet.apply(
      "bad",
      spec({ migrate: migrate(line, { deploy: { mode: "replicated-job" }, "x-steadfleet": { backoffLimit: 1 } }), web }),
    );
    const stack = await fleet.until("the job to fail", async () => {
      const now = await fleet.client.get<Stack>("stacks", "bad");
      return now.status?.services?.["migrate"]?.job?.runs[0]?.state === "Failed" ? now : undefined;
    });
    const [run] = stack.status?.services?.["migrate"]?.job?.runs ?? [];
    expect(run).toMatchObject({ failed: 2, succeeded: 0 });
    expect(run?.message).toMatch(/failed 2 times, with a backoffLimit of 1; last bad-migrate-0-\w+ on node-\d \(exit code 3\)/);
    await fleet.until("the reason", async () => {
      const now = await fleet.client.get<Stack>("stacks", "bad");
      return now.status?.conditions?.some((c) => c.type === "Degraded" && c.status === "True" && c.reason === "JobFailed");
    });
    expect((await fleet.everywhere("bad")).filter(({ Name }) => Name.startsWith("/bad-web-"))).toEqual([]);
    expect((await fleet.steady(["status", "bad"])).stdout).toContain("no such table");
    await fleet.down("bad");
  });

  it("come when their schedule does, once", async () => {
    const stack = await fleet.until(
      "a run",
      async () => {
        const now = await fleet.client.get<Stack>("stacks", "clock");
        return now.status?.services?.["tick"]?.job?.runs.some((r) => r.state === "Complete") ? now : undefined;
      },
      90_000,
    );
    const { runs = [], lastScheduleTime = "", nextScheduleTime = "" } = stack.status?.services?.["tick"]?.job ?? {};
    const [first] = runs;
    expect(Date.parse(first?.scheduledTime ?? "") % 60_000).toBe(0);
    expect(Date.parse(first?.scheduledTime ?? "")).toBeGreaterThan(scheduledAt);
    expect(Date.parse(nextScheduleTime)).toBe(Date.parse(lastScheduleTime) + 60_000);
    const containers = (await fleet.everywhere("clock")).filter(({ Name }) => Name.startsWith(`/clock-tick-${first?.name}-0-`));
    expect(containers.map(({ State }) => [State.Status, State.ExitCode])).toEqual([["exited", 0]]);
    expect(stack.status).toMatchObject({ health: "Healthy", ready: "0/0" });
  });
});
