import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { PortSpec } from "../../schemas/fleet.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import type { ContainerSummary } from "../engine.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { aPod, Rig } from "../testing/rig.ts";
import { type BoundPort, type HostView, localHost, parseSockets } from "./host.ts";
import { takenPorts } from "./ports.ts";

const port = (published: number, o: Partial<PortSpec> = {}): PortSpec => ({ target: 80, published, protocol: "tcp", ...o });
const holder = (id: string, published: number, hostIp = "0.0.0.0"): ContainerSummary => ({
  id,
  name: `c-${id}`,
  labels: {},
  state: "running",
  imageId: "",
  networks: {},
  ports: [{ published, protocol: "tcp", hostIp }],
});
const bound = (n: number, address = "0.0.0.0"): BoundPort => ({ protocol: "tcp", address, port: n });

describe("host ports", () => {
  const ROWS: { name: string; want: PortSpec[]; containers?: ContainerSummary[]; bound?: BoundPort[]; mine?: string[]; found: string[] }[] =
    [
      { name: "free", want: [port(80)], containers: [holder("a", 81)], bound: [bound(82)], found: [] },
      { name: "chosen by the engine", want: [{ target: 80, protocol: "tcp" }], containers: [holder("a", 80)], found: [] },
      { name: "another container", want: [port(80)], containers: [holder("a", 80)], found: ["host port 80/tcp is used by container c-a"] },
      { name: "another protocol", want: [port(80, { protocol: "udp" })], containers: [holder("a", 80)], found: [] },
      { name: "another address", want: [port(80, { hostIp: "10.0.0.1" })], containers: [holder("a", 80, "10.0.0.2")], found: [] },
      {
        name: "all addresses against one",
        want: [port(80)],
        containers: [holder("a", 80, "10.0.0.2")],
        found: ["host port 80/tcp is used by container c-a"],
      },
      {
        name: "the container that it replaces, whose proxy listens",
        want: [port(80)],
        containers: [holder("a", 80)],
        bound: [bound(80)],
        mine: ["a"],
        found: [],
      },
      {
        name: "another process",
        want: [port(80)],
        bound: [bound(80, "::")],
        found: ["host port 80/tcp is used by another process on the machine"],
      },
      {
        name: "a process on the loopback, and an address",
        want: [port(80, { hostIp: "10.0.0.1" })],
        bound: [bound(80, "127.0.0.1")],
        found: [],
      },
    ];
  it.each(ROWS)("$name", ({ want, containers = [], bound: sockets, mine = [], found }) => {
    expect(takenPorts(want, containers, sockets, new Set(mine))).toEqual(found);
  });
});

describe("the machine", () => {
  const table = (...lines: string[]): string =>
    ["  sl  local_address rem_address   st tx_queue", ...lines.map((l, i) => `   ${i}: ${l} 00000000:00000000 00:00000000`)].join("\n");

  it("reads listening sockets, not connections", () => {
    const tcp = table("0100007F:1F90 00000000:0000 0A", "00000000:0016 00000000:0000 0A", "0100007F:1F90 0100007F:C350 01");
    expect(parseSockets(tcp, "tcp")).toEqual([bound(8080, "127.0.0.1"), bound(22)]);
    const tcp6 = table(
      "00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A",
      "0000000000000000FFFF00000100000A:0051 00000000000000000000000000000000:0000 0A",
      "B80D0120000000000000000001000000:0052 00000000000000000000000000000000:0000 0A",
    );
    expect(parseSockets(tcp6, "tcp")).toEqual([bound(80, "::"), bound(81, "10.0.0.1"), bound(82, "2001:db8:0:0:0:0:0:1")]);
    expect(parseSockets(table("00000000:0035 00000000:0000 07"), "udp")).toEqual([{ protocol: "udp", address: "0.0.0.0", port: 53 }]);
    expect(parseSockets("", "tcp")).toEqual([]);
  });

  const machine = (): { dir: string; proc: string; view: (rootDir: string, gateway?: string) => HostView } => {
    const dir = mkdtempSync(join(tmpdir(), "steady-preflight-"));
    const proc = join(dir, "proc");
    mkdirSync(join(proc, "net"), { recursive: true });
    mkdirSync(join(dir, "docker/volumes"), { recursive: true });
    writeFileSync(join(proc, "net/unix"), "Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 0 10000 1 01 99 /run/docker.sock\n");
    writeFileSync(join(proc, "net/tcp"), table("00000000:0016 00000000:0000 0A"));
    writeFileSync(join(proc, "net/fib_trie"), "Main:\n  |-- 172.99.0.1\n     /32 host LOCAL\n");
    const view = (rootDir: string, gateway = "172.99.0.1"): HostView =>
      localHost({
        socketPath: "/var/run/docker.sock",
        proc,
        engine: {
          info: async () => ({ ...(await new FakeEngine(new ManualEnv()).info()), rootDir }),
          inspectNetwork: async () => ({ Id: "b", Name: "bridge", IPAM: { Config: [{ Gateway: gateway }] } }),
        },
      });
    return { dir, proc, view };
  };

  it("tells ports and paths of an engine that lives beside it, and of no other", async () => {
    const { dir, proc, view } = machine();
    const here = view(join(dir, "docker"));
    expect(await here.boundPorts()).toEqual([bound(22)]);
    expect([
      await here.pathExists(dir),
      await here.pathExists(join(dir, "no")),
      await here.pathExists(join(dir, "proc/net/tcp/no")),
    ]).toEqual([true, false, false]);
    // In a container of its own: another gateway, and no engine's directory.
    const elsewhere = view("/not/here", "172.98.0.1");
    expect([await elsewhere.boundPorts(), await elsewhere.pathExists(dir)]).toEqual([undefined, undefined]);
    writeFileSync(join(proc, "net/unix"), "Num\n");
    expect(await here.boundPorts()).toBeUndefined();
    rmSync(dir, { recursive: true, force: true });
  });
});

describe("before a pod is made", () => {
  const rig = (host?: Partial<HostView>): { engine: FakeEngine; r: Rig; env: ManualEnv } => {
    const env = new ManualEnv();
    const engine = new FakeEngine(env);
    const view = { boundPorts: async () => undefined, pathExists: async () => undefined, ...host };
    return { engine, env, r: new Rig(engine, env, view) };
  };
  const other = aPod({ name: "shop-db-0-bbbbb", uid: "uid-2", service: "db" });

  it("a taken port is said, nothing is made, others go on; when it is free, it goes on too", async () => {
    const { engine, r, env } = rig();
    const foreign = await engine.create("nginx", {
      Image: "bb:1",
      HostConfig: { NetworkMode: "none", PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] } },
    });
    await engine.start(foreign.id);
    const pod = aPod({ container: { image: "not-pulled:1", ports: [port(8080)] } });
    r.want(pod, other);
    await r.pass();
    expect(r.report(pod)).toMatchObject({
      reason: "PortConflict",
      message: "host port 8080/tcp is used by container nginx",
      state: "absent",
      phase: "Pending",
      nextRetryAt: expect.any(String),
    });
    expect(r.report(other)).toMatchObject({ ready: true });
    expect(engine.calls.filter((c) => c.startsWith("pull") || c.includes(pod.name))).toEqual([]);
    engine.addImage("not-pulled:1");
    await engine.kill(foreign.id);
    r.pods.kick({ type: "container", action: "die" });
    await r.converge();
    expect(r.report(pod)).toMatchObject({ ready: true, inSync: true });
    await env.advance(0);
  });

  it("a running pod stays as it is while its successor could not start", async () => {
    const { engine, r } = rig({ pathExists: async (path) => path !== "/srv/missing" });
    const pod = aPod();
    r.want(pod);
    await r.converge();
    const [id] = [...engine.containers.keys()];
    const mounts = [{ type: "bind" as const, source: "/srv/missing", target: "/d", readOnly: false, createHostPath: false }];
    r.want(aPod({ container: { mounts } }));
    await r.pass();
    expect(r.report(pod)).toMatchObject({
      reason: "BindPathMissing",
      state: "running",
      message: expect.stringMatching(/^\/srv\/missing does not exist/),
    });
    expect([...engine.containers.keys()]).toEqual([id]);
  });

  it("says everything that is in the way at once", async () => {
    const { engine, r } = rig({ boundPorts: async () => [bound(8080)] });
    const pod = aPod({
      container: {
        ports: [port(8080)],
        networks: [{ key: "outer", name: "outer", external: true, aliases: [] }],
        mounts: [{ type: "volume", volume: { key: "v", name: "kept", external: true }, target: "/v", readOnly: false }],
      },
    });
    r.want(pod);
    await r.pass();
    expect(r.report(pod)).toMatchObject({ reason: "PortConflict" });
    expect(r.report(pod)?.message).toMatch(
      /another process.*; external network outer does not exist.*; external volume kept does not exist/,
    );
    expect(engine.calls).toEqual([]);
  });
});
