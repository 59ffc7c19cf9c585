// Networks, volumes, configs and secrets: as a Stack declares them, and as services use them.
import { describe, expect, it } from "vitest";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid as run } from "../testing/compose.ts";
import type { ComposeService, StackSpec } from "../types.ts";
import type { NormalService } from "./normal.ts";

type Rest = Omit<Partial<StackSpec>, "services">;
const spec = (service: Partial<ComposeService>, rest: Rest = {}): StackSpec => ({
  services: { web: { image: "nginx", ...service } },
  ...rest,
});
const web = (service: Partial<ComposeService>, rest: Rest = {}): NormalService => {
  const { normal, problems } = run(spec(service, rest));
  expect((problems ?? []).map(formatProblem)).toEqual([]);
  const found = normal?.services.find((s) => s.name === "web");
  if (!found) throw new Error("web is missing");
  return found;
};
const problemsOf = (service: Partial<ComposeService>, rest: Rest = {}): string =>
  (run(spec(service, rest)).problems ?? []).map(formatProblem).join("\n");
const warningsOf = (service: Partial<ComposeService>, rest: Rest = {}): string =>
  run(spec(service, rest)).warnings.map(formatWarning).join("\n");

const lan = (network: object): Rest => ({ networks: { lan: network } });
const subnet = lan({ ipam: { config: [{ subnet: "172.28.0.0/16", gateway: "172.28.0.1", aux_addresses: { nas: "172.28.0.9" } }] } });

describe("networks", () => {
  it.each<[string, object, object | undefined]>([
    ["with nothing said, as the engine makes them", {}, undefined],
    [
      "with the defaults said, too",
      { driver: "bridge", enable_ipv4: true, enable_ipv6: false, internal: false, ipam: { driver: "default" } },
      undefined,
    ],
    [
      "with all that can be said",
      {
        driver: "macvlan",
        driver_opts: { parent: "eth0", mtu: 1400 },
        internal: true,
        attachable: true,
        enable_ipv6: true,
        labels: ["b=2", "a=1"],
        ipam: {
          driver: "x/ipam",
          options: { a: true },
          config: [{ subnet: "10.0.0.0/24", ip_range: "10.0.0.128/25", gateway: "10.0.0.1" }, { subnet: "fd00::/64" }],
        },
      },
      {
        driver: "macvlan",
        driverOpts: { mtu: "1400", parent: "eth0" },
        internal: true,
        attachable: true,
        enableIpv6: true,
        labels: { a: "1", b: "2" },
        ipam: {
          driver: "x/ipam",
          options: { a: "true" },
          config: [{ subnet: "10.0.0.0/24", ipRange: "10.0.0.128/25", gateway: "10.0.0.1" }, { subnet: "fd00::/64" }],
        },
      },
    ],
    ["overlay is a bridge", { driver: "overlay", driver_opts: { encrypted: "" } }, undefined],
  ])("%s", (_name, network, settings) => {
    expect(web({ networks: ["lan"] }, lan(network)).container.networks).toEqual([
      { key: "lan", name: "shop_lan", external: false, aliases: [], ...(settings ? { settings } : {}) },
    ]);
  });

  it("may be there already, said in the old way or the new", () => {
    const want = [{ key: "lan", name: "office", external: true, aliases: [] }];
    expect(web({ networks: ["lan"] }, lan({ external: true, name: "office" })).container.networks).toEqual(want);
    expect(web({ networks: ["lan"] }, lan({ external: { name: "office" } })).container.networks).toEqual(want);
  });

  it.each<[string, object, RegExp]>([
    ["a subnet that is none", { ipam: { config: [{ subnet: "10.0.0.0/33" }] } }, /ipam.config\[0\].subnet: must be a subnet such as/],
    [
      "a gateway elsewhere",
      { ipam: { config: [{ subnet: "10.0.0.0/24", gateway: "10.0.1.1" }] } },
      /gateway: 10.0.1.1 is not in the subnet/,
    ],
    [
      "a range elsewhere",
      { ipam: { config: [{ subnet: "10.0.0.0/24", ip_range: "10.0.1.0/25" }] } },
      /ip_range: 10.0.1.0\/25 is not in the subnet/,
    ],
    ["an address without subnet", { ipam: { config: [{ gateway: "10.0.0.1" }] } }, /a gateway needs a `subnet`/],
    ["subnets that overlap", { ipam: { config: [{ subnet: "10.0.0.0/8" }, { subnet: "10.1.0.0/16" }] } }, /overlaps with another subnet/],
    [
      "an auxiliary address that is none",
      { ipam: { config: [{ subnet: "10.0.0.0/24", aux_addresses: { a: "x" } }] } },
      /"x" is no IP address/,
    ],
    ["the host's", { driver: "host" }, /cannot make a network of the driver host — Use the service's `network_mode: host`/],
    ["the engine's own", { external: true, name: "bridge" }, /the engine's own network "bridge" cannot be joined/],
    ["two names", { external: { name: "a" }, name: "b" }, /external.name: is "a", but `name` is "b"/],
    ["a label of ours", { labels: { "steadfleet.dev/x": "1" } }, /are set by the system/],
  ])("are refused with %s", (_name, network, told) => expect(problemsOf({ networks: ["lan"] }, lan(network))).toMatch(told));

  it("warn of what differs", () => {
    expect(warningsOf({}, lan({ driver: "overlay" }))).toMatch(/lan.driver: overlay networks are made as a bridge/);
    expect(warningsOf({}, lan({ external: true, driver: "bridge" }))).toMatch(/lan.driver: has no effect beside `external`/);
  });
});

describe("how a service joins a network", () => {
  it("says all there is to say", () => {
    const settings = {
      aliases: ["www"],
      ipv4_address: "172.28.0.5",
      link_local_ips: ["169.254.1.1"],
      mac_address: "02-42-AC-11-00-02",
      driver_opts: { a: 1 },
      priority: 5,
      gw_priority: 7,
      interface_name: "lan0",
    };
    expect(web({ networks: { lan: settings } }, subnet).container.networks).toMatchObject([
      {
        aliases: ["www"],
        ipv4: "172.28.0.5",
        linkLocalIps: ["169.254.1.1"],
        macAddress: "02:42:ac:11:00:02",
        driverOpts: { a: "1" },
        priority: 5,
        gwPriority: 7,
        interfaceName: "lan0",
      },
    ]);
  });

  it.each<[object, Rest, RegExp]>([
    [{ ipv4_address: "172.29.0.5" }, subnet, /172.29.0.5 is not in 172.28.0.0\/16, the subnet of the network "lan"/],
    [{ ipv4_address: "172.28.0.1" }, subnet, /is the gateway of the network/],
    [{ ipv4_address: "172.28.0.9" }, subnet, /is kept for "nas"/],
    [{ ipv4_address: "172.28.0.5" }, lan({}), /declares no IPv4 subnet/],
    [{ ipv6_address: "172.28.0.5" }, subnet, /is no IPv6 address/],
    [{ mac_address: "02:42" }, subnet, /is no MAC address/],
    [{ interface_name: "much-too-long-name" }, subnet, /is no name of an interface/],
    [{ link_local_ips: ["x"] }, subnet, /link_local_ips\[0\]: "x" is no IP address/],
  ])("%j is refused", (settings, rest, told) => expect(problemsOf({ networks: { lan: settings } }, rest)).toMatch(told));

  it("chooses an address of a network that is there already without being judged", () =>
    expect(problemsOf({ networks: { lan: { ipv4_address: "10.9.8.7" } } }, lan({ external: true }))).toBe(""));

  it("gives an address to one pod only", () => {
    const at = { networks: { lan: { ipv4_address: "172.28.0.5" } } };
    expect(problemsOf({ ...at, deploy: { replicas: 2 } }, subnet)).toMatch(/2 replicas cannot all have 172.28.0.5/);
    expect(problemsOf({ ...at, deploy: { mode: "global" } }, subnet)).toBe("");
    const two = run({ services: { a: { image: "a", ...at }, b: { image: "a", ...at } }, ...subnet });
    expect((two.problems ?? []).map(formatProblem)).toEqual([
      expect.stringMatching(/services.b.networks.lan.ipv4_address: 172.28.0.5 is also the address of "a"/),
    ]);
  });
});

describe("volumes", () => {
  const data = (volume: object): Rest => ({ volumes: { data: volume } });
  it.each<[string, object, object]>([
    ["with the defaults", { driver: "local" }, { key: "data", name: "shop_data", external: false }],
    [
      "on an NFS server",
      { driver_opts: { type: "nfs", o: "addr=10.0.0.1,rw", device: ":/export" }, labels: { a: "b" } },
      {
        key: "data",
        name: "shop_data",
        external: false,
        settings: { driverOpts: { device: ":/export", o: "addr=10.0.0.1,rw", type: "nfs" }, labels: { a: "b" } },
      },
    ],
    [
      "of a plugin",
      { driver: "vieux/sshfs:latest" },
      { key: "data", name: "shop_data", external: false, settings: { driver: "vieux/sshfs:latest" } },
    ],
    ["that are there already", { external: { name: "old" } }, { key: "data", name: "old", external: true }],
  ])("%s", (_name, declared, want) => {
    expect(web({ volumes: ["data:/d"] }, data(declared)).container.mounts).toEqual([
      { type: "volume", volume: want, target: "/d", readOnly: false },
    ]);
  });

  it("are binds in all but name with options of the local driver, and a warning says so", () => {
    const bind = (device: string): Rest => data({ driver_opts: { type: "none", o: "bind", device } });
    expect(warningsOf({}, bind("/etc"))).toMatch(
      /driver_opts.device: this volume is the path \/etc of whichever node .* a bind, in other words/,
    );
    expect(problemsOf({}, bind("./x"))).toMatch(/must be an absolute path of the node/);
  });

  it.each<[string, NonNullable<ComposeService["volumes"]>[number], object]>([
    ["SELinux, shared", "/srv:/srv:ro,z", { selinux: "z", readOnly: true }],
    ["SELinux, private", { type: "bind", source: "/srv", target: "/srv", bind: { selinux: "Z" } }, { selinux: "Z" }],
    ["not recursive", { type: "bind", source: "/srv", target: "/srv", bind: { recursive: "disabled" } }, { recursive: "disabled" }],
    ["recursive, which is the default", { type: "bind", source: "/srv", target: "/srv", bind: { recursive: "enabled" } }, { type: "bind" }],
    ["a folder of a volume", { type: "volume", source: "data", target: "/srv", volume: { subpath: "a/b" } }, { subpath: "a/b" }],
    ["nocopy", "data:/srv:nocopy", { nocopy: true }],
    ["labels of a new volume", { type: "volume", target: "/srv", volume: { labels: ["a=b"] } }, { labels: { a: "b" } }],
  ])("are mounted: %s", (_name, mount, want) => expect(web({ volumes: [mount] }, data({})).container.mounts).toMatchObject([want]));

  it.each<[NonNullable<ComposeService["volumes"]>[number], RegExp]>([
    [{ type: "image", source: "busybox", target: "/x" }, /a mount of the type image needs an engine/],
    [{ type: "npipe", source: "x", target: "/x" }, /is a named pipe of Windows/],
    [{ type: "cluster", source: "x", target: "/x" }, /is a volume of a Docker Swarm/],
    [
      { type: "bind", source: "/a", target: "/x", bind: { recursive: "readonly" } },
      /is for a mount that is read-only — Add `read_only: true`/,
    ],
    [{ type: "volume", source: "data", target: "/x", volume: { subpath: "../b" } }, /must be a relative path inside the volume/],
    [{ type: "volume", target: "/x", volume: { subpath: "b" } }, /a volume without name is new and has no folders/],
  ])("%j is refused", (mount, told) => expect(problemsOf({ volumes: [mount] }, data({}))).toMatch(told));
});

describe("configs and secrets", () => {
  const top: Rest = {
    configs: { app: { content: "a=1\n" }, shared: { external: true, name: "site", "x-steadfleet": { key: "app.conf" } } },
    secrets: { token: { external: true }, old: { external: { name: "other" } } },
  };
  it("are files, in short and long form", () => {
    expect(
      web(
        {
          configs: ["app", { source: "shared", target: "/etc/app.conf", uid: "103", gid: 104, mode: "0440" }],
          secrets: ["token", { source: "old", target: "key" }],
        },
        top,
      ).container.files,
    ).toEqual([
      { kind: "config", key: "app", source: { kind: "Inline", content: "a=1\n" }, target: "/app", mode: 0o444 },
      {
        kind: "config",
        key: "shared",
        source: { kind: "ConfigMap", name: "site", item: "app.conf" },
        target: "/etc/app.conf",
        uid: "103",
        gid: "104",
        mode: 0o440,
      },
      { kind: "secret", key: "old", source: { kind: "Secret", name: "other" }, target: "/run/secrets/key", mode: 0o444 },
      { kind: "secret", key: "token", source: { kind: "Secret", name: "token" }, target: "/run/secrets/token", mode: 0o444 },
    ]);
  });

  it.each<[string, Partial<ComposeService>, Rest, RegExp]>([
    [
      "one that is not declared",
      { secrets: ["tokn"] },
      top,
      /the secret "tokn" is not declared under spec.secrets; did you mean "token"\?/,
    ],
    ["content and external", {}, { configs: { a: { content: "", external: true } } }, /Keep one of `content` and `external`/],
    ["neither", {}, { configs: { a: {} } }, /configs.a: has no content/],
    ["a secret of nowhere", {}, { secrets: { a: {} } }, /secrets.a: does not say where the value is/],
    [
      "a name that no object has",
      {},
      { secrets: { _db: { external: true } } },
      /the name of the Secret, "_db", must be .* Say which Secret it is: `_db: \{external: true, name: …\}`/,
    ],
    [
      "two at one place",
      { configs: ["app", { source: "shared", target: "app" }] },
      top,
      /configs\[1\]: the config "app" is at \/app already/,
    ],
    ["a path that leaves its folder", { secrets: [{ source: "token", target: "../x" }] }, top, /"..\/x" is no path of a file/],
    ["a name for an owner", { configs: [{ source: "app", uid: "root" }] }, top, /must be the number of a user/],
    ["what is no permission", { configs: [{ source: "app", mode: "rw" }] }, top, /must be permissions such as "0440"/],
    ["a mount in its place", { configs: ["app"], volumes: ["/srv:/app"] }, top, /to be at \/app, where something is mounted/],
    [
      "a file as folder",
      { configs: ["app", { source: "shared", target: "/app/x" }] },
      top,
      /\/app\/x lies in \/app, which is the file of the config "app"/,
    ],
  ])("are refused with %s", (_name, service, rest, told) => expect(problemsOf(service, rest)).toMatch(told));

  it("of a swarm's names are read from objects that can exist", () => {
    const { normal, warnings } = run({
      services: { web: { image: "a", secrets: ["db_password", { source: "t", target: "./sub/t" }] } },
      secrets: { db_password: { external: true }, t: { external: true, name: "Prod_T" } },
    });
    expect(normal?.services[0]?.container.files?.map((f) => [f.target, f.source])).toEqual([
      ["/run/secrets/db_password", { kind: "Secret", name: "db-password" }],
      ["/run/secrets/sub/t", { kind: "Secret", name: "prod-t" }],
    ]);
    expect(warnings.map(formatWarning)).toEqual([
      expect.stringMatching(/secrets.db_password: is read from the Secret "db-password"/),
      expect.stringMatching(/secrets.t.name: is read from the Secret "prod-t"/),
    ]);
  });

  it("warn of what is likely not meant", () => {
    expect(warningsOf({ configs: [{ source: "app", mode: 440 }] }, top)).toMatch(/the number 440 means the permissions 670/);
    expect(warningsOf({ configs: [{ source: "app", target: "/srv/a" }], volumes: ["/srv:/srv"] }, top)).toMatch(
      /inside the path \/srv of the node/,
    );
    expect(warningsOf({}, { configs: { a: { content: "", name: "b", labels: { x: "y" } } } })).toMatch(
      /name: has no effect beside `content`/,
    );
  });
});

describe("dependencies", () => {
  it("may be optional, and restart", () => {
    const { normal, warnings } = run({
      services: {
        web: {
          image: "a",
          depends_on: { db: { condition: "service_started", restart: true }, cache: { condition: "service_healthy", required: false } },
        },
        db: { image: "a" },
      },
    });
    expect(normal?.services[1]?.dependsOn).toEqual([{ service: "db", condition: "service_started", restart: true }]);
    expect(warnings.map(formatWarning)).toEqual([
      expect.stringMatching(/there is no service "cache"; as it is not required, nothing waits for it/),
    ]);
  });
  it("cannot be on a schedule", () =>
    expect(
      (
        run({ services: { web: { image: "a", depends_on: ["job"] }, job: { image: "a", "x-steadfleet": { schedule: "@daily" } } } })
          .problems ?? []
      ).map(formatProblem),
    ).toEqual([expect.stringMatching(/depends_on.job: "job" runs on a schedule, so that nobody can wait for it/)]));
});
