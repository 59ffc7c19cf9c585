// What a service says of its container reaches a real engine, is the same when looked at again, and is seen as a Pod.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPOSE_LABELS } from "../../schemas/constants.ts";
import type { StackSpec } from "../../schemas/types.ts";
import { Fleet } from "../harness/fleet.ts";
import { TEST_IMAGES } from "../harness/images.ts";

const NODE = "node-1";
const hold: StackSpec["services"][string] = { image: TEST_IMAGES.web, command: ["/bin/hold"] };
/** What real files write, and what our own e2e tests of other parts do not. */
const spec: StackSpec = {
  services: {
    bridged: { ...hold, network_mode: "bridge", container_name: "keys-bridged", mac_address: "" },
    hosted: { ...hold, network_mode: "host", ports: ["8080:80"], pid: "host", ipc: "host", uts: "host" },
    lonely: { ...hold, network_mode: "none", tmpfs: ["/cache:size=1m,uid=70,noexec"], shm_size: "8m" },
    linked: { ...hold, links: ["target:elsewhere"], extra_hosts: ["api=10.0.0.5", "node:host-gateway"], dns: "10.0.0.53" },
    target: {
      ...hold,
      ulimits: { nofile: 4096 },
      sysctls: ["net.core.somaxconn=256"],
      security_opt: ["no-new-privileges:true"],
      tty: true,
    },
  },
};

interface Inspected {
  Id: string;
  Name: string;
  State: { StartedAt: string };
  Config: { Labels: Record<string, string>; Tty: boolean };
  HostConfig: Record<string, unknown>;
  NetworkSettings: { Networks: Record<string, { Aliases: string[] | null }> };
}

describe("keys of a service", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start({ nodes: 1, images: ["web"] });
    await fleet.up("keys", spec);
  });
  afterAll(() => fleet?.stop());

  const inspected = async (): Promise<Record<string, Inspected>> => {
    const { host } = fleet.member(NODE);
    const ids = await host.docker(["ps", "-aq", "--no-trunc", "--filter", `label=${COMPOSE_LABELS.project}=keys`]);
    const all = JSON.parse(await host.docker(["inspect", ...ids.split("\n").filter(Boolean)])) as Inspected[];
    return Object.fromEntries(all.map((c) => [c.Config.Labels[COMPOSE_LABELS.service] ?? "", c]));
  };

  it("reach the engine", async () => {
    const { bridged, hosted, lonely, linked, target } = await inspected();
    expect(bridged).toMatchObject({ Name: "/keys-bridged", HostConfig: { NetworkMode: "bridge" } });
    expect(Object.keys(bridged?.NetworkSettings.Networks ?? {})).toEqual(["bridge"]);
    expect(hosted?.HostConfig).toMatchObject({ NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host", PortBindings: {} });
    expect(lonely?.HostConfig).toMatchObject({
      NetworkMode: "none",
      ShmSize: 8 * 2 ** 20,
      Tmpfs: { "/cache": expect.stringMatching(/^(?=.*size=1048576)(?=.*uid=70)(?=.*noexec)/) as string },
    });
    expect(linked?.HostConfig).toMatchObject({ ExtraHosts: ["api:10.0.0.5", "node:host-gateway"], Dns: ["10.0.0.53"] });
    expect(target?.NetworkSettings.Networks["keys_default"]?.Aliases).toEqual(expect.arrayContaining(["target", "elsewhere"]));
    expect(target?.HostConfig).toMatchObject({
      Ulimits: [{ Name: "nofile", Soft: 4096, Hard: 4096 }],
      Sysctls: { "net.core.somaxconn": "256" },
      SecurityOpt: ["no-new-privileges"],
    });
    expect(target?.Config.Tty).toBe(true);
  });

  it("are the same when they are applied again: nothing is touched", async () => {
    const times = (all: Record<string, Inspected>): unknown => Object.values(all).map((c) => [c.Id, c.State.StartedAt]);
    const before = times(await inspected());
    await fleet.up("keys", { ...spec, services: { ...spec.services, late: { ...hold, network_mode: "none" } } });
    const after = await inspected();
    delete after["late"];
    expect(times(after)).toEqual(before);
  });
});
