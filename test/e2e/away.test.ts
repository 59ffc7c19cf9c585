// One part after the other is away: the agent, Docker, etcd, the server. What happens meanwhile is made good.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LABELS } from "../../schemas/constants.ts";
import type { ComposeService, StackSpec } from "../../schemas/types.ts";
import { audit, differences } from "../harness/audit.ts";
import { Fleet, startedAt } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const hold = (more: Partial<ComposeService> = {}): ComposeService => ({ image: TEST_IMAGES.web, command: ["/bin/hold"], ...more });
const on = (node: string, more: Partial<ComposeService> = {}): StackSpec => ({
  services: { web: hold({ deploy: { placement: { constraints: [`node.hostname==${node}`] } }, ...more }) },
});

describe("while a part is away", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start();
  });
  afterAll(() => fleet?.stop());

  /** The one running container of a Stack on a node, when it is the only one. */
  const running = async (node: string, stack: string) => {
    const [one, ...more] = await fleet.containers(node, stack);
    return more.length === 0 && one?.State.Running ? one : undefined;
  };

  it("agent: a container removed comes back, a Stack deleted goes, an orphan goes, foreign things stay", async () => {
    const { host, agent } = fleet.member("node-1");
    await fleet.up("stays", on("node-1"));
    await fleet.up("goes", on("node-1"));
    await host.docker(["run", "-d", "--name", "foreign", TEST_IMAGES.web, "/bin/hold"]);
    await host.docker(["volume", "create", "foreign"]);
    await host.docker(["network", "create", "foreign"]);
    const before = await audit(host);
    const [stays] = await fleet.containers("node-1", "stays");

    await agent.kill9();
    await host.docker(["rm", "-f", stays?.Id ?? ""]);
    await fleet.client.delete("stacks", "goes");
    // An orphan: it carries all our labels, and nothing desires it.
    const labels = Object.entries({
      ...stays?.Config.Labels,
      [LABELS.pod]: "orphan",
      [LABELS.uid]: "00000000-0000-4000-8000-000000000000",
    });
    await host.docker([
      "run",
      "-d",
      "--name",
      "orphan",
      ...labels.flatMap(([key, value]) => ["--label", `${key}=${value}`]),
      TEST_IMAGES.web,
      "/bin/hold",
    ]);
    agent.start();

    await fleet.until("stays to be back", async () => {
      const one = await running("node-1", "stays");
      return one && one.Id !== stays?.Id;
    });
    await fleet.until("goes and the orphan to be gone", async () => {
      const names = await host.docker(["ps", "-a", "--format", "{{.Names}}"]);
      return !names.includes("goes-") && !names.includes("orphan");
    });
    await fleet.until("the Stack to be gone", async () => (await fleet.client.find("stacks", "goes")) === undefined);
    await fleet.healthy("stays");
    expect(differences(before, await audit(host), false)).toEqual([]);
  });

  it("a container with our labels of another cluster is foreign", async () => {
    const { host } = fleet.member("node-2");
    await host.docker([
      "run",
      "-d",
      "--name",
      "other",
      "--label",
      `${LABELS.cluster}=another`,
      "--label",
      `${LABELS.pod}=x`,
      TEST_IMAGES.web,
      "/bin/hold",
    ]);
    await fleet.up("beside", on("node-2"));
    await fleet.down("beside");
    expect(await host.docker(["inspect", "-f", "{{.State.Running}}", "other"])).toBe("true");
  });

  it("Docker: restarted and killed, everything runs again, and the node says so meanwhile", async () => {
    const { host } = fleet.member("node-2");
    await fleet.up("solid", on("node-2", { volumes: [] }));
    for (const harm of ["restart", "kill"] as const) {
      const before = await running("node-2", "solid");
      if (harm === "restart") await host.restart();
      else {
        await host.kill9();
        await fleet.until("the node to say that Docker is away", async () => {
          const node = (await fleet.client.list("nodes")).find(({ metadata }) => metadata.name === "node-2");
          return (
            JSON.stringify(node).includes("RuntimeUnavailable") &&
            (node as { status?: { conditions?: { type: string; status: string }[] } }).status?.conditions?.some(
              ({ type, status }) => type === "Ready" && status !== "True",
            )
          );
        });
        await host.start();
      }
      await fleet.until("it to run again", async () => {
        const now = await running("node-2", "solid");
        return now && before && now.Id === before.Id && startedAt(now) > startedAt(before);
      });
      await fleet.allNodesReady();
      await fleet.healthy("solid");
    }
  });

  it("Docker hangs: other nodes go on, and the node comes back", async () => {
    const { host } = fleet.member("node-3");
    await fleet.up("hung", on("node-3"));
    await host.pause();
    try {
      await fleet.up("elsewhere", on("node-1"));
    } finally {
      host.resume();
    }
    await fleet.healthy("hung");
    expect(await fleet.containers("node-3", "hung")).toHaveLength(1);
    await fleet.down("elsewhere");
    await fleet.down("hung");
  });

  it("etcd: a container that dies heals from what the agent remembers, and the news arrives later", async () => {
    const { host } = fleet.member("node-3");
    await fleet.up("memory", on("node-3"));
    const before = await running("node-3", "memory");
    await fleet.etcd.kill9();
    await host.docker(["rm", "-f", before?.Id ?? ""]);
    const after = await fleet.until("it to be back with etcd away", async () => {
      const one = await running("node-3", "memory");
      return one && one.Id !== before?.Id ? one : undefined;
    });
    // Also an agent that starts with etcd away knows what should run.
    await fleet.member("node-3").agent.kill9();
    await host.docker(["rm", "-f", after.Id]);
    fleet.member("node-3").agent.start();
    const again = await fleet.until("it to be back after the agent's restart, with etcd away", async () => {
      const one = await running("node-3", "memory");
      return one && one.Id !== after.Id ? one : undefined;
    });
    await fleet.etcd.restart();
    await fleet.allNodesReady();
    await fleet.healthy("memory");
    expect((await running("node-3", "memory"))?.Id).toBe(again.Id);
    await fleet.until("an Event of the heal", async () =>
      (await fleet.events()).some((event) => event.involvedObject.name?.startsWith("memory-web") && event.reason === "Healed"),
    );
  });

  it("etcd: killed and restarted under load, nothing is lost or done twice", async () => {
    await fleet.apply("load", { services: { web: hold({ deploy: { replicas: 6 } }) } });
    await fleet.etcd.kill9();
    await fleet.etcd.restart();
    await fleet.healthy("load");
    expect(await fleet.everywhere("load")).toHaveLength(6);
    await fleet.down("load");
  });

  it("server: killed while a roll-out is under way, the next one finishes it", async () => {
    await fleet.up("half", { services: { web: hold({ deploy: { replicas: 3 } }) } });
    await fleet.apply("half", { services: { web: hold({ image: TEST_IMAGES.web2, deploy: { replicas: 3 } }) } });
    await fleet.until("the first replacement", async () =>
      (await fleet.everywhere("half")).some(({ Config }) => Config.Image === TEST_IMAGES.web2),
    );
    await fleet.server.kill9();
    fleet.server.start();
    await fleet.healthy("half");
    const now = await fleet.everywhere("half");
    expect(now.map(({ Config }) => Config.Image)).toEqual([TEST_IMAGES.web2, TEST_IMAGES.web2, TEST_IMAGES.web2]);
    await fleet.down("half");
  });
});
