// A node is cordoned, drained by an unmodified kubectl, and comes back: what may go elsewhere goes, what has its data there waits for it.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ComposeService, Stack, StackSpec } from "../../schemas/types.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";
import { run } from "../harness/run.ts";
import { type KubectlProgram, kubectlPrograms } from "../kubectl.ts";

const hold = (more: Partial<ComposeService> = {}): ComposeService => ({ image: TEST_IMAGES.web, command: ["/bin/hold"], ...more });
const STACKS: Record<string, StackSpec> = {
  // Alone on its network: its replicas spread.
  spread: { services: { web: hold({ deploy: { replicas: 2 } }) } },
  // On one network: they share a node.
  group: { services: { api: hold({ deploy: { replicas: 2 } }), web: hold() } },
  data: { services: { db: hold({ volumes: ["data:/data"] }) }, volumes: { data: {} } },
  log: { services: { log: hold({ deploy: { mode: "global" } }) } },
};
const NAMES = Object.keys(STACKS);

const programs = await kubectlPrograms();

describe("a node that is drained", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 2 });
  });
  afterAll(() => fleet?.stop());

  const kubectl = (...args: string[]): Promise<string> => kubectlOf(programs.at(-1), args);
  const kubectlOf = async (program: KubectlProgram | undefined, args: string[]): Promise<string> => {
    if (!program) throw new Error("there is no kubectl");
    const { path } = program;
    return (await run(path, args, { env: { KUBECONFIG: fleet.kubeconfig, HOME: fleet.dir, NO_PROXY: "127.0.0.1" }, timeoutMs: 120_000 }))
      .stdout;
  };
  /** "web@node-1", by Docker's own word. */
  const where = async (stack: string): Promise<string[]> =>
    (await fleet.everywhere(stack))
      .filter((c) => c.State.Running)
      .map((c) => `${c.Config.Labels["com.docker.compose.service"]}@${c.node}`)
      .toSorted();
  const stack = (name: string): Promise<Stack | undefined> => fleet.client.find<Stack>("stacks", name);
  const volume = (): Promise<string> => fleet.member("node-1").host.docker(["volume", "inspect", "-f", "{{.CreatedAt}}", "data_data"]);

  it("begins with everything on it", async () => {
    await kubectl("cordon", "node-2");
    for (const name of ["group", "data"]) await fleet.up(name, STACKS[name] as StackSpec);
    await kubectl("uncordon", "node-2");
    for (const name of ["spread", "log"]) await fleet.up(name, STACKS[name] as StackSpec);
    expect(await where("group")).toEqual(["api@node-1", "api@node-1", "web@node-1"]);
    expect(await where("data")).toEqual(["db@node-1"]);
    expect(await where("spread")).toEqual(["web@node-1", "web@node-2"]);
    expect(await where("log")).toEqual(["log@node-1", "log@node-2"]);
  });

  it("cordoned, keeps what runs and gets nothing new", async () => {
    await kubectl("cordon", "node-1");
    await kubectl("patch", "stack", "spread", "--type=merge", "-p", '{"spec":{"services":{"web":{"deploy":{"replicas":4}}}}}');
    await fleet.until("two more replicas", async () => (await where("spread")).length === 4);
    await fleet.healthy("spread");
    expect(await where("spread")).toEqual(["web@node-1", "web@node-2", "web@node-2", "web@node-2"]);
    expect(await where("group")).toEqual(["api@node-1", "api@node-1", "web@node-1"]);
    expect(await where("log")).toEqual(["log@node-1", "log@node-2"]);
  });

  it("drained, is empty: the drain ends, groups move together, the volume waits and says for what", async () => {
    const created = await volume();
    const said = await kubectl("drain", "node-1", "--timeout=100s");
    expect(said).toContain("node/node-1 drained");
    for (const name of NAMES)
      expect(
        (await where(name)).filter((c) => c.endsWith("node-1")),
        name,
      ).toEqual([]);
    for (const name of ["spread", "group", "log"]) await fleet.healthy(name);
    expect(await where("group")).toEqual(["api@node-2", "api@node-2", "web@node-2"]);
    expect(await where("spread")).toEqual(Array.from({ length: 4 }, () => "web@node-2"));
    expect(await where("log")).toEqual(["log@node-2"]);
    await fleet.until("the Stack to say what it waits for", async () =>
      (await stack("data"))?.status?.services?.["db"]?.message?.includes(
        "waits for node node-1, which is cordoned: volume data is there. Next: kubectl uncordon node-1",
      ),
    );
    expect(await where("data")).toEqual([]);
    expect(await volume()).toBe(created);
  });

  it("uncordoned, gets back what belongs there, with its data; the rest stays where it is", async () => {
    const created = await volume();
    await kubectl("uncordon", "node-1");
    for (const name of NAMES) await fleet.healthy(name);
    expect(await where("data")).toEqual(["db@node-1"]);
    expect(await volume()).toBe(created);
    expect(await where("log")).toEqual(["log@node-1", "log@node-2"]);
    expect(await where("group")).toEqual(["api@node-2", "api@node-2", "web@node-2"]);
  });

  it("tainted NoExecute, is left without a drain by all that may leave", async () => {
    await kubectl("taint", "node", "node-2", "maintenance:NoExecute");
    await fleet.until(
      "the group to be on the other node",
      async () => (await where("group")).join() === "api@node-1,api@node-1,web@node-1",
    );
    await fleet.until("the replicas to be there, too", async () => (await where("spread")).every((c) => c === "web@node-1"));
    await fleet.until("the global pod to be gone", async () => (await where("log")).join() === "log@node-1");
    for (const name of NAMES) await fleet.healthy(name);
    await kubectl("taint", "node", "node-2", "maintenance-");
    await fleet.until("the global pod to be back", async () => (await where("log")).join() === "log@node-1,log@node-2");
  });

  it("is drained by the oldest kubectl, too", async () => {
    expect(await kubectlOf(programs[0], ["drain", "node-1", "--timeout=100s"])).toMatch(/^node\/node-1 (drained|evicted)$/m);
    for (const name of NAMES)
      expect(
        (await where(name)).filter((c) => c.endsWith("node-1")),
        name,
      ).toEqual([]);
    for (const name of ["spread", "group", "log"]) await fleet.healthy(name);
  });
});
