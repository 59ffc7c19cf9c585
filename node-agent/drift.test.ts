import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { ManualEnv } from "../store/testing/env.ts";
import type { Lack } from "./abilities.ts";
import { asPatch, driftOf } from "./drift.ts";
import type { ContainerInspect } from "./engine.ts";
import { expected, observe } from "./observe.ts";
import { render } from "./render.ts";
import { FakeEngine } from "./testing/fake-engine.ts";
import { aPod, CLUSTER } from "./testing/rig.ts";

const RICH: Partial<ContainerSpec> = {
  command: ["serve", "--token", "s3cret"],
  env: { PASSWORD: "s3cret", PATH: "/x" },
  user: "1000",
  hostname: "web",
  capAdd: ["CAP_NET_ADMIN", "SYS_TIME"],
  capDrop: ["all"],
  limits: { cpus: 0.5, memoryBytes: 64 * 2 ** 20 },
  restart: { policy: "on-failure", maxRetries: 3 },
  healthcheck: { test: ["CMD-SHELL", "true"], intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 },
  ports: [
    { target: 80, published: 8080, protocol: "tcp" },
    { target: 81, protocol: "tcp" },
  ],
  mounts: [
    { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/data", readOnly: false },
    { type: "volume", target: "/anonymous", readOnly: false },
    { type: "bind", source: "/srv", target: "/srv", readOnly: true, createHostPath: true },
    { type: "tmpfs", target: "/tmp", sizeBytes: 1024, mode: 0o1777 },
  ],
  networks: [
    { key: "default", name: "shop_default", external: false, aliases: ["w"] },
    { key: "back", name: "shop_back", external: false, aliases: [] },
  ],
};

const compare = async (
  spec: Partial<ContainerSpec>,
  change: (i: ContainerInspect) => void,
  wanted: Partial<ContainerSpec> = spec,
  lacks?: ReadonlySet<Lack>,
  platform = "",
) => {
  const engine = new FakeEngine(new ManualEnv());
  const r = render(aPod({ container: spec }), CLUSTER);
  for (const n of r.networks) await engine.createNetwork(n.name, n.labels);
  const { id } = await engine.create(r.name, r.body);
  for (const n of r.networks.slice(1)) await engine.connect(n.name, id, n.endpoint);
  await engine.start(id);
  const i = await engine.inspect(id);
  change(i);
  const [Os = "", Architecture = "", Variant] = platform.split("/");
  const image = { ...(await engine.inspectImage(i.Image)), ...(platform ? { Os, Architecture, ...(Variant ? { Variant } : {}) } : {}) };
  const want = render(aPod({ container: wanted }), CLUSTER);
  const ids = new Map([...engine.networks.values()].map((n) => [n.name, n.id]));
  return driftOf(expected(want, image, lacks), observe(i, image), want, ids);
};

const ROWS: { name: string; change: (i: ContainerInspect) => void; want: [path: string, remedy: string][] }[] = [
  { name: "finds nothing right after it was made", change: () => {}, want: [] },
  {
    name: "takes the daemon's fill-ins for what they are",
    change: (i) => {
      i.HostConfig.CapAdd = ["NET_ADMIN", "SYS_TIME"];
      i.HostConfig.CapDrop = ["ALL"];
      i.HostConfig.PortBindings!["81/tcp"] = [{ HostIp: "", HostPort: "0" }];
      i.NetworkSettings.Networks!["shop_default"]!.Aliases!.push("web");
      i.Config.Healthcheck = { Test: ["CMD-SHELL", "true"], Interval: 30e9 };
      i.Config.WorkingDir = "/";
    },
    want: [],
  },
  { name: "rename", change: (i) => (i.Name = "/x"), want: [["/name", "rename"]] },
  {
    name: "memory",
    change: (i) => Object.assign(i.HostConfig, { Memory: 1, MemorySwap: 2 }),
    want: [
      ["/limits/memory", "update"],
      ["/limits/memorySwap", "update"],
    ],
  },
  {
    name: "swap without a limit",
    change: (i) => (i.HostConfig.MemorySwap = -1),
    want: [["/limits/memorySwap", "update"]],
  },
  { name: "cpus", change: (i) => (i.HostConfig.NanoCpus = 1), want: [["/limits/nanoCpus", "update"]] },
  {
    name: "restart policy",
    change: (i) => (i.HostConfig.RestartPolicy = { Name: "always", MaximumRetryCount: 0 }),
    want: [["/restart", "update"]],
  },
  {
    name: "a network was disconnected",
    change: (i) => delete i.NetworkSettings.Networks!["shop_back"],
    want: [["/networks/shop_back", "connect"]],
  },
  {
    name: "a network was connected",
    change: (i) => (i.NetworkSettings.Networks!["x/y"] = { NetworkID: "1" }),
    want: [["/networks/x~1y", "disconnect"]],
  },
  {
    name: "takes an alias that the id happens to begin with for an alias",
    change: (i) => {
      i.Id = `web${i.Id.slice(3)}`;
      for (const n of Object.values(i.NetworkSettings.Networks!)) n.Aliases = [...n.Aliases!.slice(0, -1), i.Id.slice(0, 12)];
    },
    want: [],
  },
  {
    name: "aliases were lost",
    change: (i) => (i.NetworkSettings.Networks!["shop_default"]!.Aliases = []),
    want: [["/networks/shop_default/aliases", "disconnect"]],
  },
  {
    name: "a network was made anew",
    change: (i) => (i.NetworkSettings.Networks!["shop_back"]!.NetworkID = "old"),
    want: [["/networks/shop_back/id", "replace"]],
  },
  { name: "environment", change: (i) => i.Config.Env!.push("NEW=s3cret"), want: [["/env/NEW", "replace"]] },
  { name: "command", change: (i) => (i.Config.Cmd = ["s3cret"]), want: [["/command", "replace"]] },
  { name: "user", change: (i) => (i.Config.User = "root"), want: [["/user", "replace"]] },
  { name: "hostname", change: (i) => (i.Config.Hostname = "x"), want: [["/hostname", "replace"]] },
  { name: "read only", change: (i) => (i.HostConfig.ReadonlyRootfs = true), want: [["/readOnly", "replace"]] },
  { name: "init", change: (i) => (i.HostConfig.Init = true), want: [["/init", "replace"]] },
  { name: "capabilities", change: (i) => (i.HostConfig.CapAdd = ["SYS_ADMIN"]), want: [["/capAdd", "replace"]] },
  { name: "mounts", change: (i) => (i.HostConfig.Binds = ["/etc:/srv:ro"]), want: [["/mounts", "replace"]] },
  { name: "ports", change: (i) => (i.HostConfig.PortBindings = {}), want: [["/ports", "replace"]] },
  { name: "health check", change: (i) => (i.Config.Healthcheck!.Retries = 9), want: [["/healthcheck", "replace"]] },
  { name: "image", change: (i) => (i.Config.Image = "bb:2"), want: [["/image", "replace"]] },
];

describe("drift", () => {
  it.each(ROWS)("$name", async ({ change, want }) => {
    const drift = await compare(RICH, change);
    expect(drift.map((d) => [d.path, d.remedy])).toEqual(want);
  });

  it("never tells a value that may be a secret (I12)", async () => {
    const drift = await compare(RICH, (i) => {
      i.Config.Env = ["PASSWORD=other-s3cret"];
      i.Config.Cmd = ["other-s3cret"];
      i.Config.Labels!["x"] = "other-s3cret";
      i.Config.Healthcheck = { Test: ["CMD", "other-s3cret"] };
    });
    expect(drift.length).toBeGreaterThan(2);
    expect(JSON.stringify(asPatch(drift))).not.toContain("s3cret");
  });

  it("an image's own values count as its own, not as drift", async () => {
    expect(await compare({}, () => {})).toEqual([]);
  });

  it.each<[string, ContainerSpec["healthcheck"], Record<string, unknown>]>([
    [
      "its own test, and the start period of the image",
      { test: ["CMD", "x"], intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 },
      { Test: ["CMD", "x"], Interval: 30e9, Timeout: 30e9, Retries: 3, StartPeriod: 60e9 },
    ],
    [
      "the image's test, and an interval of its own",
      { test: [], intervalMs: 5000, timeoutMs: 0, retries: 0, startPeriodMs: 0 },
      { Test: ["CMD", "image"], Interval: 5e9, Timeout: 7e9, StartPeriod: 60e9 },
    ],
  ])("a health check of two parts is no drift: %s", async (_name, healthcheck, merged) => {
    const engine = new FakeEngine(new ManualEnv());
    const r = render(aPod({ container: { ...(healthcheck ? { healthcheck } : {}) } }), CLUSTER);
    for (const n of r.networks) await engine.createNetwork(n.name, n.labels);
    const { id } = await engine.create(r.name, r.body);
    await engine.start(id);
    const i = await engine.inspect(id);
    const plain = await engine.inspectImage(i.Image);
    const image = { ...plain, Config: { ...plain.Config, Healthcheck: { Test: ["CMD", "image"], Timeout: 7e9, StartPeriod: 60e9 } } };
    i.Config.Healthcheck = merged;
    const ids = new Map([...engine.networks.values()].map((n) => [n.name, n.id]));
    expect(driftOf(expected(r, image), observe(i, image), r, ids)).toEqual([]);
    i.Config.Healthcheck = { ...merged, Interval: 1e9 };
    expect(driftOf(expected(r, image), observe(i, image), r, ids).map((d) => d.path)).toEqual(["/healthcheck"]);
  });

  it("what the kernel has no support for is not missed", async () => {
    const dropped = (i: ContainerInspect): void => void Object.assign(i.HostConfig, { MemorySwap: -1, OomKillDisable: null });
    const spec = { ...RICH, oomKillDisable: true } as const;
    expect((await compare(spec, dropped)).map((d) => d.path)).toEqual(["/limits/memorySwap"]);
    expect(await compare(spec, dropped, spec, new Set<Lack>(["memorySwap"]))).toEqual([]);
  });

  it.each([
    ["linux/amd64", "linux/amd64", true],
    ["linux/x86_64", "linux/amd64", true],
    ["linux/arm64", "linux/arm64/v8", true],
    ["linux/arm64/v8", "linux/arm64", true],
    ["arm64", "linux/arm64", true],
    ["linux", "linux/arm64", true],
    ["linux/arm64", "linux/amd64", false],
    ["linux/arm/v6", "linux/arm/v7", false],
    ["windows/amd64", "linux/amd64", false],
  ])("platform %s, image for %s: %s", async (platform, has, same) => {
    const drift = await compare({ platform }, () => {}, { platform }, undefined, has);
    expect(drift.map((d) => d.path)).toEqual(same ? [] : ["/platform"]);
  });

  it("takes a limit away by replacing, and changes it in place", async () => {
    const limits = { limits: { memoryBytes: 2 ** 26 } };
    expect((await compare(limits, () => {}, { limits: { memoryBytes: 2 ** 27 } })).map((d) => d.remedy)).toEqual(["update", "update"]);
    expect((await compare(limits, () => {}, {})).map((d) => d.remedy)).toEqual(["replace"]);
  });

  it("the spec hash covers what cannot be changed, and nothing else", () => {
    const hash = (spec: Partial<ContainerSpec>): string => render(aPod({ container: spec }), CLUSTER).specHash;
    expect(hash({ limits: { cpus: 1 } })).toBe(hash({}));
    expect(hash({ restart: { policy: "always" } })).toBe(hash({}));
    expect(hash({ env: { B: "1", A: "2" } })).toBe(hash({ env: { A: "2", B: "1" } }));
    const changes: Partial<ContainerSpec>[] = [
      { env: {} },
      { command: [] },
      { user: "1" },
      { stopGraceMs: 5_000 },
      { init: true },
      { networks: [] },
    ];
    for (const change of changes) expect(hash(change)).not.toBe(hash({}));
  });
});
