// Containers in the namespaces of others, on a real engine: whatever happens to the first, the others end where it is now, once.
import { readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StackSpec } from "../../schemas/types.ts";
import { COMPOSE_LABELS } from "../../schemas/constants.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const NODE = "node-1";
const hold: StackSpec["services"][string] = { image: TEST_IMAGES.web, pull_policy: "missing", command: ["/bin/hold"] };
const spec = (greeting: string): StackSpec => ({
  services: {
    gateway: { ...hold, environment: { GREETING: greeting }, volumes: ["/shared"] },
    side: { ...hold, network_mode: "service:gateway" },
    // A chain: in the network of one that is in the network of another.
    nested: { ...hold, network_mode: "service:side" },
    probe: { ...hold, pid: "service:gateway" },
    user: { ...hold, volumes_from: ["gateway:ro"] },
  },
});
const FOLLOWERS = ["side", "nested"];

interface Seen {
  id: string;
  startedAt: string;
  running: boolean;
  pid: number;
  mounts: string[];
}
type Picture = Record<string, Seen>;

describe("shared namespaces", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["web"] });
    await fleet.up("net", spec("one"));
  });
  afterAll(() => fleet?.stop());

  const docker = (...args: string[]): Promise<string> => fleet.member(NODE).host.docker(args);
  const picture = async (): Promise<Picture> => {
    const ids = await docker("ps", "-aq", "--no-trunc", "--filter", `label=${COMPOSE_LABELS.project}=net`);
    const found = JSON.parse(await docker("inspect", ...ids.split("\n"))) as {
      Id: string;
      State: { StartedAt: string; Running: boolean; Pid: number };
      Config: { Labels: Record<string, string> };
      Mounts: { Name?: string; Destination: string }[];
    }[];
    return Object.fromEntries(
      found.map((c) => [
        c.Config.Labels[COMPOSE_LABELS.service] ?? "",
        {
          id: c.Id,
          startedAt: c.State.StartedAt,
          running: c.State.Running,
          pid: c.State.Pid,
          mounts: c.Mounts.map((m) => `${m.Name} ${m.Destination}`),
        },
      ]),
    );
  };
  const namespace = (kind: "net" | "pid", seen: Seen | undefined): string =>
    seen?.pid ? readlinkSync(`/proc/${seen.pid}/ns/${kind}`) : "none";
  const together = (p: Picture): boolean =>
    Object.keys(p).length === 5 &&
    Object.values(p).every((s) => s.running) &&
    FOLLOWERS.every((s) => namespace("net", p[s]) === namespace("net", p["gateway"])) &&
    namespace("pid", p["probe"]) === namespace("pid", p["gateway"]) &&
    p["user"]?.mounts.join() === p["gateway"]?.mounts.join();
  /** Until all are where they belong and `changed` holds; then what has happened since must have been all. */
  const settled = async (what: string, changed: (p: Picture) => boolean): Promise<Picture> => {
    const after = await fleet.until(what, async () => {
      try {
        const p = await picture();
        return together(p) && changed(p) ? p : undefined;
      } catch {
        return undefined; // It went while it was looked at.
      }
    });
    await fleet.healthy("net");
    expect(await picture()).toEqual(after);
    return after;
  };
  const timesReplaced = async (service: string): Promise<number> => {
    const events = await fleet.events();
    return events
      .filter((e) => e.involvedObject.name?.includes(`net-${service}-`) && e.reason === "Replaced")
      .reduce((n, e) => n + (e.count ?? 1), 0);
  };
  const ids = (p: Picture): string[] => Object.values(p).map((s) => s.id);

  it("begin together", async () => {
    const p = await settled("all to be together", () => true);
    expect(p["gateway"]?.mounts).toHaveLength(1);
  });

  it("follow a container that was made again, once each and in order", async () => {
    const before = await picture();
    await docker("rm", "-fv", before["gateway"]!.id);
    const after = await settled("all to follow", (p) => p["gateway"]?.id !== before["gateway"]?.id);
    expect(ids(after).filter((id) => ids(before).includes(id))).toEqual([]);
    for (const service of ["side", "nested", "probe", "user"]) {
      await fleet.until(`an Event about ${service}`, async () => (await timesReplaced(service)) > 0);
      expect([service, await timesReplaced(service)]).toEqual([service, 1]);
    }
    expect(after["side"]!.startedAt < after["nested"]!.startedAt).toBe(true);
  });

  it("follow a restart in place", async () => {
    const before = await picture();
    await docker("restart", "-t", "1", before["gateway"]!.id);
    const after = await settled("all to follow", (p) => p["gateway"]?.startedAt !== before["gateway"]?.startedAt);
    expect(ids(after).toSorted()).toEqual(ids(before).toSorted());
    expect(after["user"]?.startedAt).toBe(before["user"]?.startedAt);
  });

  it("follow what happened while the agent was away", async () => {
    const before = await picture();
    const { agent } = fleet.member(NODE);
    await agent.stop();
    // Docker starts it again by itself.
    await fleet.member(NODE).host.dockerAny(["exec", before["gateway"]!.id, "kill", "-TERM", "1"]);
    await fleet.until("Docker to restart it", async () => {
      const { running, startedAt } = (await picture())["gateway"]!;
      return running && startedAt !== before["gateway"]!.startedAt;
    });
    expect(together(await picture())).toBe(false);
    agent.start();
    const after = await settled("all to follow", () => true);
    expect(ids(after).toSorted()).toEqual(ids(before).toSorted());
  });

  it("follow an update", async () => {
    const before = await picture();
    await fleet.up("net", spec("two"));
    const after = await settled("all to follow", (p) => p["gateway"]?.id !== before["gateway"]?.id);
    expect(ids(after).filter((id) => ids(before).includes(id))).toEqual([]);
  });

  it("are left alone after that", async () => {
    const before = await picture();
    const { agent } = fleet.member(NODE);
    await agent.kill9();
    agent.start();
    await fleet.allNodesReady();
    await fleet.healthy("net");
    expect(await picture()).toEqual(before);
  });
});
