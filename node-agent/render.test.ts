// A container made by an earlier version keeps its hash, so that an upgrade replaces none: hashes written down with version 0.2.
import { describe, expect, it } from "vitest";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { render } from "./render.ts";
import { aPod, CLUSTER } from "./testing/rig.ts";

const FULL: Partial<ContainerSpec> = {
  command: ["serve", "--token", "s3cret"],
  entrypoint: ["/bin/sh", "-c"],
  env: { PASSWORD: "x", A: "1" },
  labels: { team: "a" },
  user: "1000",
  workingDir: "/srv",
  hostname: "web",
  stopSignal: "SIGINT",
  init: true,
  readOnly: true,
  capAdd: ["CAP_NET_ADMIN", "SYS_TIME"],
  capDrop: ["all"],
  limits: { cpus: 0.5, memoryBytes: 64 * 2 ** 20 },
  restart: { policy: "on-failure", maxRetries: 3 },
  healthcheck: { test: ["CMD-SHELL", "true"], intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 },
  ports: [
    { target: 80, published: 8080, protocol: "tcp" },
    { target: 81, protocol: "udp", hostIp: "127.0.0.1" },
  ],
  mounts: [
    { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/data", readOnly: false },
    { type: "volume", target: "/anonymous", readOnly: true, nocopy: true },
    { type: "bind", source: "/srv", target: "/srv", readOnly: true, createHostPath: true, propagation: "rslave" },
    { type: "bind", source: "/etc", target: "/mnt", readOnly: false, createHostPath: false, propagation: "rprivate" },
    { type: "tmpfs", target: "/tmp", sizeBytes: 1024, mode: 0o1777 },
  ],
  networks: [
    { key: "default", name: "shop_default", external: false, aliases: ["w"] },
    { key: "back", name: "shop_back", external: true, aliases: [] },
  ],
};

const GOLDEN: { name: string; container: Partial<ContainerSpec>; hash: string }[] = [
  { name: "the least", container: {}, hash: "v1:9d1cf9ca6adfb777" },
  { name: "no network", container: { networks: [], env: {} }, hash: "v1:e4298ea8d7e484fc" },
  { name: "everything", container: FULL, hash: "v1:542839c8ffba3dc7" },
  { name: "a check that is turned off", container: { healthcheck: { disable: true }, command: [] }, hash: "v1:ded1fad8df3b3ca8" },
  {
    name: "limits and restart policy do not count",
    container: { limits: { cpus: 3 }, restart: { policy: "no" } },
    hash: "v1:9d1cf9ca6adfb777",
  },
];

describe("hashes of old specs", () => {
  it.each(GOLDEN)("$name", ({ container, hash }) => {
    expect(render(aPod({ container }), CLUSTER).specHash).toBe(hash);
  });
});

describe("a health check without a test of its own", () => {
  it("leaves to the image what it does not say", () => {
    const healthcheck = { test: [], intervalMs: 5000, timeoutMs: 0, retries: 0, startPeriodMs: 0 };
    expect(render(aPod({ container: { healthcheck } }), CLUSTER).body.Healthcheck).toEqual({ Interval: 5e9 });
  });
});
