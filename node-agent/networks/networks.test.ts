// Networks and volumes with settings: made so, made anew when nobody is in the way, never at the cost of data.
import { describe, expect, it } from "vitest";
import { LABELS } from "../../schemas/constants.ts";
import type { DesiredPod, NetworkSettings, VolumeSpec } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { render } from "../render.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, CLUSTER, Rig } from "../testing/rig.ts";
import { networkBody, networkDifferences, networkHash } from "./settings.ts";

const rig = (): { engine: FakeEngine; r: Rig } => {
  const env = new ManualEnv();
  const engine = new FakeEngine(env);
  return { engine, r: new Rig(engine, env) };
};
const subnet = (third: number): NetworkSettings => ({ ipam: { config: [{ subnet: `10.7.${third}.0/24` }] } });
const pod = (service: string, settings?: NetworkSettings, o: { ipv4?: string; volume?: VolumeSpec["settings"] } = {}): DesiredPod =>
  aPod({
    name: `shop-${service}-0-aaaaa`,
    uid: `uid-${service}`,
    service,
    container: {
      networks: [
        {
          key: "back",
          name: "shop_back",
          external: false,
          aliases: [],
          ...(settings ? { settings } : {}),
          ...(o.ipv4 ? { ipv4: o.ipv4 } : {}),
        },
      ],
      mounts: o.volume
        ? [
            {
              type: "volume",
              volume: { key: "data", name: "shop_data", external: false, settings: o.volume },
              target: "/d",
              readOnly: false,
            },
          ]
        : [],
    },
  });
const request = (p: DesiredPod) => render(p, CLUSTER).networks[0]!;
const found = async (engine: FakeEngine) => await engine.inspectNetwork("shop_back");
const on = (engine: FakeEngine, p: DesiredPod) =>
  [...engine.containers.values()].map((c) => c.inspect).find((i) => i.Config.Labels?.[LABELS.uid] === p.uid);

describe("a network", () => {
  it("is made as the manifest says, and labelled with it", async () => {
    const { engine, r } = rig();
    const settings: NetworkSettings = { ...subnet(1), internal: true, enableIpv6: true, driverOpts: { mtu: "1400" } };
    r.want(pod("web", settings, { ipv4: "10.7.1.9" }));
    await r.converge();
    expect(await found(engine)).toMatchObject({
      Internal: true,
      EnableIPv6: true,
      Options: { mtu: "1400" },
      IPAM: { Config: [{ Subnet: "10.7.1.0/24" }] },
      Labels: { [LABELS.settings]: networkHash({ settings }) },
    });
    expect(on(engine, pod("web"))?.NetworkSettings.Networks?.["shop_back"]).toMatchObject({ IPAMConfig: { IPv4Address: "10.7.1.9" } });
    const calls = engine.calls.length;
    await r.converge();
    expect(engine.calls.slice(calls)).toEqual([]);
  });

  it("with everything default has no such label: what was made before is left alone", async () => {
    const { engine, r } = rig();
    r.want(pod("web"));
    await r.converge();
    expect((await found(engine)).Labels).not.toHaveProperty(LABELS.settings);
  });

  it("is made anew in place when all who are in it want it so; containers stay", async () => {
    const { engine, r } = rig();
    r.want(pod("web", subnet(1)), pod("db", subnet(1), { ipv4: "10.7.1.5" }));
    await r.converge();
    const ids = [...engine.containers.keys()];
    const { Id } = await found(engine);
    r.want(pod("web", subnet(2)), aPod({ ...pod("db", subnet(2), { ipv4: "10.7.1.5" }) }));
    await r.converge();
    expect((await found(engine)).Id).not.toBe(Id);
    expect((await found(engine)).IPAM?.Config?.[0]?.Subnet).toBe("10.7.2.0/24");
    expect([...engine.containers.keys()]).toEqual(ids);
    for (const p of [pod("web"), pod("db")]) {
      expect(on(engine, p)?.State.Status).toBe("running");
      expect(on(engine, p)?.NetworkSettings.Networks?.["shop_back"]?.NetworkID).toBe((await found(engine)).Id);
      expect(r.report(p)).toMatchObject({ ready: true, inSync: true });
    }
    r.want(pod("web"), pod("db"));
    await r.converge();
    expect((await found(engine)).IPAM?.Config).toBeUndefined();
  });

  it("waits for a pod that wants it as it is, and for a foreign container; says for whom", async () => {
    const { engine, r } = rig();
    r.want(pod("web", subnet(1)), pod("db", subnet(1)));
    await r.converge();
    const { Id } = await found(engine);
    const foreign = await engine.create("theirs", { Image: "bb:1", HostConfig: { NetworkMode: "shop_back" } });
    await engine.start(foreign.id);
    r.want(pod("web", subnet(2)));
    await r.pass();
    expect(r.report(pod("web"))).toMatchObject({ reason: "NetworkDiffers", state: "running", ready: true, inSync: false });
    expect(r.report(pod("web"))?.message).toMatch(
      /subnet is 10\.7\.1\.0\/24, not 10\.7\.2\.0\/24\. .*leave it: container default_shop-db-0-aaaaa|container shop-db/,
    );
    expect((await found(engine)).Id).toBe(Id);
    r.want(pod("db", subnet(2)));
    await r.pass();
    await r.pass();
    expect(r.report(pod("db"))?.message).toContain("leave it: container theirs");
    expect((await found(engine)).Id).toBe(Id);
    await engine.remove(foreign.id);
    await r.converge();
    expect((await found(engine)).Id).not.toBe(Id);
    expect(r.report(pod("web"))).toMatchObject({ ready: true, inSync: true });
  });

  it("is not taken from others by a pod that is new", async () => {
    const { engine, r } = rig();
    r.want(pod("db", subnet(1)));
    await r.converge();
    const { Id } = await found(engine);
    r.want(pod("web", subnet(2)));
    for (let n = 0; n < 4; n++) {
      await r.pass();
      await r.env.advance(40_000);
    }
    // Made ahead: only its start is in the way.
    expect(r.report(pod("web"))).toMatchObject({ reason: "NetworkDiffers", state: "created" });
    expect(r.report(pod("web"))?.message).toContain("leave it: container shop-db-0");
    expect([(await found(engine)).Id, on(engine, pod("db"))?.State.Status]).toEqual([Id, "running"]);
    r.want(pod("db", subnet(2)));
    await r.converge();
    expect((await found(engine)).IPAM?.Config?.[0]?.Subnet).toBe("10.7.2.0/24");
    for (const p of [pod("web"), pod("db")]) expect(r.report(p)).toMatchObject({ ready: true, inSync: true });
  });

  it("that somebody made by hand with our labels is noticed", async () => {
    const { engine, r } = rig();
    r.want(pod("web", subnet(1)));
    await r.converge();
    const { Labels } = await found(engine);
    await engine.disconnect("shop_back", on(engine, pod("web"))!.Id);
    await engine.removeNetwork("shop_back");
    await engine.createNetwork("shop_back", { ...Labels }, subnet(9));
    await r.converge();
    expect((await found(engine)).IPAM?.Config?.[0]?.Subnet).toBe("10.7.1.0/24");
  });

  it("differs in what the manifest says only", () => {
    const have = { Id: "x", Name: "n", ...networkBody({}), IPAM: { Driver: "default", Config: [{ Subnet: "172.18.0.0/16" }] } };
    expect(networkDifferences(request(pod("web")), have)).toEqual([]);
    expect(networkDifferences(request(pod("web", { internal: true, driver: "macvlan" })), { ...have, Internal: false })).toEqual([
      "driver is bridge, not macvlan",
      "internal is false, not true",
    ]);
    expect(networkDifferences(request(pod("web")), { ...have, Labels: { [LABELS.settings]: "v1:x" } })).toEqual([
      "it was made with other settings",
    ]);
  });
});

describe("a volume", () => {
  const nfs = (device: string) => ({ driver: "local", driverOpts: { type: "nfs", device } });
  it("is made as the manifest says; one that differs is said, never made anew (I2)", async () => {
    const { engine, r } = rig();
    r.want(pod("web", undefined, { volume: nfs(":/a") }));
    await r.converge();
    expect(await engine.inspectVolume("shop_data")).toMatchObject({ Driver: "local", Options: { type: "nfs", device: ":/a" } });
    r.want(pod("web", undefined, { volume: nfs(":/b") }));
    await r.pass();
    expect(r.report(pod("web"))).toMatchObject({ reason: "VolumeDiffers", state: "running", ready: true, inSync: false });
    expect(r.report(pod("web"))?.message).toMatch(
      /^volume shop_data differs from its settings: driver_opts\.device is :\/a, not :\/b\. It holds data/,
    );
    // It goes on healing, and a new container of it waits.
    await engine.kill([...engine.containers.keys()][0]!);
    await r.pass();
    expect(r.report(pod("web"))).toMatchObject({ state: "running" });
    const second = { ...pod("db", undefined, { volume: nfs(":/b") }) };
    r.want(second);
    await r.pass();
    expect(r.report(second)).toMatchObject({ reason: "VolumeDiffers", state: "absent" });
    expect((await engine.inspectVolume("shop_data")).Options).toEqual({ type: "nfs", device: ":/a" });
    expect(engine.calls.filter((c) => c.startsWith("remove volume"))).toEqual([]);
  });
});
