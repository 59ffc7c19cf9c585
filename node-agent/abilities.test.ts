import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { aContainer } from "../schemas/testing/container.ts";
import { ManualEnv } from "../store/testing/env.ts";
import { asksForNewer, hasApi, lackIn, lacksOf, tooOldFor } from "./abilities.ts";
import { FakeEngine } from "./testing/fake-engine.ts";
import { aPod, Rig } from "./testing/rig.ts";

const OLD = { apiVersion: "1.41", version: "20.10.24" };
const net = (o: object = {}): ContainerSpec["networks"][number] => ({ key: "a", name: "s_a", external: false, aliases: [], ...o });
const ROWS: { name: string; container: Partial<ContainerSpec>; since?: string; says: RegExp | undefined }[] = [
  { name: "annotations", container: { annotations: { a: "b" } }, since: "1.43", says: /annotations \(Docker 24, API 1\.43\)/ },
  {
    name: "start_interval",
    container: { healthcheck: { test: ["CMD", "x"], intervalMs: 1, timeoutMs: 1, retries: 1, startPeriodMs: 1, startIntervalMs: 1 } },
    since: "1.44",
    says: /start_interval .*upgrade Docker on this node to 25/,
  },
  {
    name: "a mac address in the second network",
    container: { networks: [net(), net({ name: "b", macAddress: "02:00:00:00:00:01" })] },
    since: "1.44",
    says: /mac_address/,
  },
  { name: "a mac address in the first network", container: { networks: [net({ macAddress: "02:00:00:00:00:01" })] }, says: undefined },
  { name: "CDI", container: { cdiDevices: ["vendor.com/gpu=0"] }, since: "1.44", says: /CDI/ },
  {
    name: "read-only mounts below a bind",
    container: { mounts: [{ type: "bind", source: "/a", target: "/b", readOnly: true, createHostPath: false, recursive: "readonly" }] },
    since: "1.44",
    says: /bind\.recursive/,
  },
  {
    name: "subpath",
    container: { mounts: [{ type: "volume", target: "/b", readOnly: true, subpath: "x" }] },
    since: "1.45",
    says: /subpath \(Docker 26/,
  },
  { name: "gw_priority", container: { networks: [net({ gwPriority: 1 })] }, since: "1.48", says: /gw_priority/ },
  { name: "interface_name", container: { networks: [net({ interfaceName: "e" })] }, since: "1.49", says: /interface_name/ },
  {
    name: "several, and the newest that is needed",
    container: { annotations: { a: "b" }, networks: [net({ gwPriority: 1 })] },
    says: /annotations .*gw_priority .* to 28 or newer/,
  },
];

describe("an engine that is too old", () => {
  it.each(ROWS)("$name", ({ container, since, says }) => {
    const c = aContainer(container);
    expect(tooOldFor(c, OLD) ?? "").toMatch(says ?? /^$/);
    expect(asksForNewer(c)).toBe(says !== undefined);
    if (since === undefined) return;
    expect(tooOldFor(c, { apiVersion: since, version: "x" })).toBeUndefined();
    expect(tooOldFor(c, { apiVersion: `1.${Number(since.slice(2)) - 1}`, version: "x" })).toBeDefined();
  });

  it("is said before anything is made", async () => {
    const engine = new FakeEngine(new ManualEnv());
    const rig = new Rig(engine);
    const pod = aPod({ container: { annotations: { a: "b" } } });
    rig.want(pod);
    await rig.pass();
    expect(rig.report(pod)).toMatchObject({ reason: "EngineTooOld", message: expect.stringContaining("20.10.24") });
    expect(engine.calls).toEqual([]);
    engine.apiVersion = "1.43";
    await rig.converge();
    expect(rig.report(pod)).toMatchObject({ phase: "Running", inSync: true });
  });

  it("compares versions as numbers", () => {
    expect([hasApi("1.9", "1.41"), hasApi("1.100", "1.41"), hasApi("2.0", "1.41")]).toEqual([false, true, true]);
  });
});

it("what a kernel lacks is read from what the engine says of itself", () => {
  expect([...lacksOf({ MemoryLimit: true, SwapLimit: true, Warnings: null })]).toEqual([]);
  expect([...lacksOf({ SwapLimit: false, Warnings: ["WARNING: No blkio weight support", "WARNING: No swap limit support"] })]).toEqual([
    "memorySwap",
    "blkioWeight",
  ]);
  expect(lackIn(["Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."])).toEqual([
    "blkioWeight",
  ]);
  expect(lackIn(["Published ports are discarded when using host network mode"])).toEqual([]);
});
