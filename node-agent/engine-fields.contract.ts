// Every field of a container, on every engine: what is asked for is what is found, and limits change in place.
import { afterEach, expect, it } from "vitest";
import type { ContainerSpec } from "../schemas/fleet.ts";
import { type Drift, driftOf } from "./drift.ts";
import type { ContainerInspect, Engine } from "./engine.ts";
import { expected, observe } from "./observe.ts";
import { updateOf } from "./render/limits.ts";
import { render, type RenderContext, type Rendered } from "./render.ts";
import { aPod, CLUSTER } from "./testing/rig.ts";

interface Row {
  name: string;
  container: Partial<ContainerSpec>;
  /** Other services whose container it shares something with. */
  shares?: string[];
  /** Not every machine that runs tests may start it: it is only created. */
  still?: true;
  /** Where what it asks for shows. */
  shows: (id: Record<string, string>) => object;
}

const MAC = "02:42:ac:1f:63:0a";
const ROWS: Row[] = [
  {
    name: "names, terminal and what is only said",
    container: { containerName: "my-db", domainname: "shop.test", tty: true, stdinOpen: true, expose: ["7000/tcp"], hostname: "db" },
    shows: () => ({ Name: "/my-db", Config: { Domainname: "shop.test", Tty: true, OpenStdin: true, ExposedPorts: { "7000/tcp": {} } } }),
  },
  {
    name: "name servers and hosts",
    container: {
      dns: { servers: ["9.9.9.9"], search: ["shop.test"], options: ["ndots:2"] },
      extraHosts: ["db:10.0.0.9", "host.docker.internal:host-gateway"],
    },
    shows: () => ({
      HostConfig: {
        Dns: ["9.9.9.9"],
        DnsSearch: ["shop.test"],
        DnsOptions: ["ndots:2"],
        ExtraHosts: expect.arrayContaining(["db:10.0.0.9"]),
      },
    }),
  },
  {
    name: "the host's namespaces",
    container: { networkMode: "host", networks: [], pid: "host", ipc: "host", uts: "host", userns: "host", cgroup: "host" },
    shows: () => ({ HostConfig: { NetworkMode: "host", PidMode: "host", IpcMode: "host", UTSMode: "host", UsernsMode: "host" } }),
  },
  {
    name: "the engine's own bridge, and a tmpfs with options",
    container: {
      networkMode: "bridge",
      networks: [],
      mounts: [{ type: "tmpfs", target: "/t", sizeBytes: 65_536, mode: 0o770, options: ["exec", "uid=70"] }],
    },
    shows: () => ({ HostConfig: { NetworkMode: "bridge", Tmpfs: { "/t": "size=65536,mode=770,exec,uid=70" } } }),
  },
  {
    name: "no network at all, said",
    container: { networkMode: "none", networks: [], ipc: "none", cgroup: "private" },
    shows: () => ({ HostConfig: { NetworkMode: "none", IpcMode: "none", CgroupnsMode: "private" } }),
  },
  {
    name: "another container's namespaces and volumes",
    shares: ["db"],
    container: {
      networkMode: { service: "db" },
      networks: [],
      pid: { service: "db" },
      ipc: { service: "db" },
      volumesFrom: [{ service: "db", readOnly: true }],
    },
    shows: ({ db }) => ({
      HostConfig: { NetworkMode: `container:${db}`, PidMode: `container:${db}`, IpcMode: `container:${db}`, VolumesFrom: [`${db}:ro`] },
    }),
  },
  {
    name: "privileges",
    still: true,
    container: { privileged: true, groupAdd: ["20", "1000"], securityOpt: ["no-new-privileges=true", "systempaths=unconfined"] },
    shows: () => ({
      HostConfig: {
        Privileged: true,
        GroupAdd: expect.arrayContaining(["20", "1000"]),
        SecurityOpt: expect.arrayContaining(["no-new-privileges=true"]),
      },
    }),
  },
  {
    name: "kernel settings",
    container: {
      sysctls: { "net.core.somaxconn": "1024" },
      ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
      oomScoreAdj: 100,
      oomKillDisable: true,
      memorySwappiness: 10,
      shmSizeBytes: 2 ** 25,
      ipc: "shareable",
      limits: { memoryBytes: 2 ** 26 },
      logging: { driver: "json-file", options: { "max-size": "1m", "max-file": "2" } },
    },
    shows: () => ({
      HostConfig: {
        Sysctls: { "net.core.somaxconn": "1024" },
        Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 2048 }],
        OomScoreAdj: 100,
        ShmSize: 2 ** 25,
        IpcMode: "shareable",
        LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } },
      },
    }),
  },
  {
    name: "devices",
    container: {
      devices: [{ host: "/dev/null", container: "/dev/nought", permissions: "rw" }],
      deviceCgroupRules: ["c 1:3 rwm"],
      blkio: {},
    },
    shows: () => ({
      HostConfig: {
        Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nought", CgroupPermissions: "rw" }],
        DeviceCgroupRules: ["c 1:3 rwm"],
      },
    }),
  },
  {
    name: "runtime, platform and cgroup parent",
    container: { runtime: "runc", platform: "linux/amd64", cgroupParent: "/steady-contract" },
    shows: () => ({ HostConfig: { Runtime: "runc", CgroupParent: "/steady-contract" } }),
  },
  {
    name: "every limit",
    container: {
      limits: {
        memoryBytes: 2 ** 26,
        memoryReservationBytes: 2 ** 25,
        memorySwapBytes: 2 ** 26 + 2 ** 20,
        pids: 64,
        cpuShares: 512,
        cpuPeriodUs: 50_000,
        cpuQuotaUs: 25_000,
        cpuset: "0",
      },
    },
    shows: () => ({
      HostConfig: {
        Memory: 2 ** 26,
        MemoryReservation: 2 ** 25,
        MemorySwap: 2 ** 26 + 2 ** 20,
        PidsLimit: 64,
        CpuShares: 512,
        CpuPeriod: 50_000,
        CpuQuota: 25_000,
        CpusetCpus: "0",
      },
    }),
  },
  {
    name: "binds, files and the rest of the mounts",
    container: {
      mounts: [
        {
          type: "bind",
          source: "/usr",
          target: "/host/usr",
          readOnly: true,
          createHostPath: false,
          propagation: "rprivate",
          recursive: "disabled",
        },
        { type: "bind", source: "/usr/share", target: "/host/share", readOnly: true, createHostPath: true },
        { type: "bind", source: "/usr/lib", target: "/host/lib", readOnly: true, createHostPath: true, selinux: "z" },
        { type: "volume", target: "/anonymous", readOnly: false, nocopy: true, labels: { team: "a" } },
        { type: "tmpfs", target: "/scratch", sizeBytes: 65_536, mode: 0o1777 },
        { type: "tmpfs", target: "/cache", sizeBytes: 65_536, mode: 0o700, options: ["noexec", "uid=70"] },
      ],
      files: [
        {
          kind: "secret",
          key: "pw",
          source: { kind: "Secret", name: "pw" },
          target: "/run/secrets/pw",
          mode: 0o400,
          hash: "0123456789abcdef",
        },
      ],
    },
    shows: () => ({
      HostConfig: {
        Binds: ["/usr/share:/host/share:ro", "/usr/lib:/host/lib:ro,z"],
        Tmpfs: { "/cache": "size=65536,mode=700,noexec,uid=70" },
        Mounts: expect.arrayContaining([expect.objectContaining({ Type: "bind", Source: "/etc/hostname", Target: "/run/secrets/pw" })]),
      },
    }),
  },
  {
    name: "an address of its own",
    container: {
      networks: [
        { key: "back", name: "contract_back", external: false, aliases: ["b"] },
        { key: "front", name: "contract_front", external: false, aliases: [], priority: 5, macAddress: MAC },
      ],
    },
    shows: () => ({
      HostConfig: { NetworkMode: "contract_front" },
      NetworkSettings: { Networks: { contract_front: { MacAddress: MAC }, contract_back: {} } },
    }),
  },
];

/** Further tests of the contract, within its describe. */
export const fieldsContract = (engineOf: () => { engine: Engine; image: string }): void => {
  const base = (): Partial<ContainerSpec> => ({ image: engineOf().image, stopSignal: "SIGKILL", networks: [] });
  const CONTEXT: RenderContext = { fileSource: () => "/etc/hostname" };

  const made: [id: string, rendered: Rendered][] = [];
  const make = async (r: Rendered, start = true): Promise<string> => {
    const { engine } = engineOf();
    for (const n of r.networks) await engine.createNetwork(n.name, n.labels);
    const { id } = await engine.create(r.name, r.body, r.platform);
    for (const n of r.networks.slice(1)) await engine.connect(n.name, id, n.endpoint);
    made.push([id, r]);
    if (start) await engine.start(id);
    return id;
  };
  const look = async (id: string, r: Rendered): Promise<{ inspect: ContainerInspect; drift: Drift[] }> => {
    const { engine } = engineOf();
    const inspect = await engine.inspect(id);
    const image = await engine.inspectImage(inspect.Image);
    const { lacks } = await engine.abilities();
    return { inspect, drift: driftOf(expected(r, image, lacks), observe(inspect, image), r) };
  };
  afterEach(async () => {
    const { engine } = engineOf();
    for (const [id, r] of made.splice(0).toReversed()) {
      await engine.remove(id);
      for (const n of r.networks) await engine.removeNetwork(n.name);
    }
  });

  it.each(ROWS)("asked for and found: $name", async ({ container, shares = [], still, shows }) => {
    const { engine } = engineOf();
    const ids: Record<string, string> = {};
    for (const service of shares) {
      const shared = render(aPod({ name: `shop-${service}`, service, container: { ...base(), ipc: "shareable" } }), CLUSTER);
      ids[service] = await make(shared);
    }
    const context = { ...CONTEXT, shares: new Map(Object.entries(ids).map(([service, id]) => [`service:${service}`, id])) };
    const r = render(aPod({ container: { ...base(), ...container } }), CLUSTER, context);
    const id = await make(r, !still);
    const { inspect, drift } = await look(id, r);
    expect(drift).toEqual([]);
    expect(inspect).toMatchObject(shows(ids));
    // Stopped, it is the same container.
    await engine.stop(id, 0);
    expect((await look(id, r)).drift).toEqual([]);
  });

  it("every limit changes in place, and those that can be taken away in place are", async () => {
    const { engine } = engineOf();
    const of = (limits: ContainerSpec["limits"]): Rendered => render(aPod({ container: { ...base(), limits } }), CLUSTER);
    const little = of({
      memoryBytes: 2 ** 26,
      memoryReservationBytes: 2 ** 24,
      pids: 50,
      cpuShares: 300,
      cpuPeriodUs: 50_000,
      cpuQuotaUs: 20_000,
      cpuset: "0",
      blkioWeight: 300,
    });
    const id = await make(little);
    const change = async (to: Rendered): Promise<Drift[]> => {
      const { drift } = await look(id, to);
      const names = drift.filter((d) => d.remedy === "update").map((d) => d.path.slice("/limits/".length));
      await engine.update(id, updateOf(to.limits, to.restart, names));
      return drift;
    };
    const more = of({
      memoryBytes: 2 ** 25,
      memoryReservationBytes: 2 ** 23,
      memorySwapBytes: -1,
      pids: 60,
      cpuShares: 400,
      cpuPeriodUs: 60_000,
      cpuQuotaUs: 30_000,
      cpuset: "0-1",
      blkioWeight: 400,
    });
    const lacks = (await engine.abilities()).lacks.size;
    expect((await change(more)).filter((d) => d.remedy === "update").length + lacks).toBeGreaterThanOrEqual(9);
    expect((await look(id, more)).drift).toEqual([]);
    // What is left needs another container.
    const fewer = of({ memoryBytes: 2 ** 25, memoryReservationBytes: 2 ** 23, memorySwapBytes: -1, cpuset: "0-1", blkioWeight: 400 });
    const taken = await change(fewer);
    expect(taken.map((d) => [d.op, d.path, d.remedy])).toEqual(
      ["cpuPeriod", "cpuQuota", "cpuShares", "pids"].map((name) => ["remove", `/limits/${name}`, "update"]),
    );
    expect((await look(id, fewer)).drift).toEqual([]);
    expect((await look(id, of({}))).drift.every((d) => d.remedy === "replace")).toBe(true);
  });
};
