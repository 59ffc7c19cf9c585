// What people and programs do to containers by hand, and that it heals.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackSpec } from "../../schemas/types.ts";
import { audit, differences } from "../harness/audit.ts";
import { type Container, Fleet } from "../harness/fleet.ts";
import type { Host } from "../harness/hosts.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const SPEC: StackSpec = {
  services: {
    web: {
      image: TEST_IMAGES.web,
      pull_policy: "missing",
      command: ["/bin/hold"],
      environment: { GREETING: "hello" },
      networks: { front: { aliases: ["shopfront"] } },
      deploy: { replicas: 3, resources: { limits: { memory: "32M" } } },
    },
  },
  networks: { front: {} },
};
const NETWORK = "drift_front";

interface Row {
  name: string;
  harm: (host: Host, container: Container) => Promise<unknown>;
  /** What an Event says of it. */
  says: RegExp;
  /** Whether the same container goes on, with its id. */
  same: boolean;
  /** What the container must be like again, besides running under its name. */
  like?: (container: Container) => boolean;
}

const rows: Row[] = [
  { name: "docker rm -f", harm: (host, { Id }) => host.docker(["rm", "-f", Id]), says: /removed outside/, same: false },
  { name: "docker kill", harm: (host, { Id }) => host.docker(["kill", Id]), says: /stopped outside \(exit code 137\)/, same: true },
  { name: "docker stop", harm: (host, { Id }) => host.docker(["stop", Id]), says: /stopped outside \(exit code 0\)/, same: true },
  { name: "docker pause", harm: (host, { Id }) => host.docker(["pause", Id]), says: /paused outside/, same: true },
  {
    name: "docker update of a limit",
    harm: (host, { Id }) => host.docker(["update", "--memory", "64M", "--memory-swap", "-1", Id]),
    says: /\/limits\/memory, \/limits\/memorySwap differed/,
    same: true,
    like: ({ HostConfig }) => HostConfig.Memory === 32 * 1024 * 1024,
  },
  {
    name: "docker update of the restart policy",
    harm: (host, { Id }) => host.docker(["update", "--restart", "no", Id]),
    says: /restart\S* differed/,
    same: true,
    like: ({ HostConfig }) => HostConfig.RestartPolicy.Name === "unless-stopped",
  },
  {
    name: "docker network disconnect",
    harm: (host, { Id }) => host.docker(["network", "disconnect", NETWORK, Id]),
    says: /network/,
    same: true,
    like: ({ NetworkSettings }) => ["web", "shopfront"].every((alias) => NetworkSettings.Networks[NETWORK]?.Aliases?.includes(alias)),
  },
  { name: "docker rename", harm: (host, { Id }) => host.docker(["rename", Id, "somebody-else"]), says: /name/, same: true },
  {
    name: "a crash of the process",
    harm: (host, { Id }) => host.dockerAny(["exec", Id, "kill", "-TERM", "1"]),
    says: /start/,
    same: true,
  },
];

describe("drift heals", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start();
    await fleet.members[0]?.host.docker(["run", "-d", "--name", "foreign", "--network", "bridge", TEST_IMAGES.web, "/bin/hold"]);
    await fleet.up("drift", SPEC);
  });
  afterAll(() => fleet?.stop());

  it.each(rows)("$name", async ({ harm, says, same, like }) => {
    const node = "node-1";
    const { host } = fleet.member(node);
    const [before, ...others] = await fleet.containers(node, "drift");
    if (!before) throw new Error("the spread put nothing on node-1");
    expect(others).toEqual([]);
    const foreign = await audit(host);
    const pod = before.Name.slice(1);
    const told = async () =>
      (await fleet.events(pod)).filter((event) => says.test(event.message ?? "")).reduce((sum, event) => sum + (event.count ?? 1), 0);
    const seen = await told();

    await harm(host, before);

    const after = await fleet.until("the container to be as desired again", async () => {
      const [one, ...more] = await fleet.containers(node, "drift");
      const right = one?.State.Running && !one.State.Paused && one.NetworkSettings.Networks[NETWORK] !== undefined && (like?.(one) ?? true);
      const changed = same ? one?.Id === before.Id && one.Name === before.Name : one?.Id !== before.Id;
      return right && changed && more.length === 0 ? one : undefined;
    });
    expect(after.Config.Env).toContain("GREETING=hello");
    await fleet.until(`an Event that says ${says}`, async () => (await told()) > seen);
    await fleet.healthy("drift");
    expect(differences(foreign, await audit(host), false)).toEqual([]);
  });

  it("heals all three at once, each on its node", async () => {
    const before = await fleet.everywhere("drift");
    expect(before.map(({ node }) => node)).toEqual(["node-1", "node-2", "node-3"]);
    await Promise.all(before.map(({ node, Id }) => fleet.member(node).host.docker(["rm", "-f", Id])));
    await fleet.until("three new containers", async () => {
      const now = await fleet.everywhere("drift");
      return now.length === 3 && now.every(({ Id, State }) => State.Running && !before.some((old) => old.Id === Id));
    });
    await fleet.healthy("drift");
  });

  it("makes a network again that somebody removed", async () => {
    const { host } = fleet.member("node-2");
    const [one] = await fleet.containers("node-2", "drift");
    await host.docker(["network", "disconnect", "-f", NETWORK, one?.Id ?? ""]);
    // The agent may be quicker than the second command: then there is nothing left to remove.
    await host.dockerAny(["network", "rm", NETWORK]);
    await fleet.until("the container to be back in its network", async () => {
      const [now, ...more] = await fleet.containers("node-2", "drift");
      return now?.State.Running && now.NetworkSettings.Networks[NETWORK] !== undefined && more.length === 0;
    });
    await fleet.healthy("drift");
  });

  it("goes without a trace, and the volume of somebody else stays", async () => {
    const { host } = fleet.member("node-1");
    const before = await audit(host);
    await fleet.down("drift");
    const after = await audit(host);
    expect(differences(before, after, false)).toEqual([]);
    expect(after.filter((thing) => thing.ours)).toEqual([]);
  });
});
