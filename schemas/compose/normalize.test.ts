import { describe, expect, it } from "vitest";
import { formatProblem, formatWarning } from "../problems.ts";
import { normalizeValid as run } from "../testing/compose.ts";
import type { ComposeService, StackSpec } from "../types.ts";
import type { NormalService } from "./normal.ts";

/** The service `web` beside networks, volumes and a service `db`. */
const web = (service: Partial<ComposeService>): NormalService["container"] & { normal: NormalService } => {
  const spec: StackSpec = {
    services: { web: { image: "nginx", ...service }, db: { image: "postgres", healthcheck: { test: "true" }, networks: ["back"] } },
    networks: { back: null, lan: { external: true } },
    volumes: { data: null, shared: { external: true, name: "nfs" } },
  };
  const { normal, problems } = run(spec);
  expect((problems ?? []).map(formatProblem)).toEqual([]);
  const found = normal?.services.find((s) => s.name === "web");
  if (!found) throw new Error("web is missing");
  return { ...found.container, normal: found };
};

const problemsOf = (service: Partial<ComposeService>, rest: Partial<StackSpec> = {}): string[] =>
  (run({ services: { web: { image: "nginx", ...service } }, ...rest }).problems ?? []).map(formatProblem);
const warningsOf = (service: Partial<ComposeService>, rest: Partial<StackSpec> = {}): string[] =>
  run({ services: { web: { image: "nginx", ...service } }, ...rest }).warnings.map(formatWarning);

describe("what a service says nothing about", () => {
  it("is said by the normal form", () => {
    expect(web({}).normal).toEqual({
      name: "web",
      mode: "replicated",
      replicas: 1,
      constraints: [],
      dependsOn: [],
      container: {
        image: "nginx",
        pullPolicy: "missing",
        env: {},
        labels: {},
        stopGraceMs: 10_000,
        init: false,
        readOnly: false,
        capAdd: [],
        capDrop: [],
        restart: { policy: "unless-stopped" },
        ports: [],
        mounts: [],
        networks: [{ key: "default", name: "shop_default", external: false, aliases: [] }],
        limits: {},
      },
    });
  });

  it("is named after the namespace, too, outside the default one", () => {
    const { normal } = run(
      { services: { web: { image: "a", volumes: ["data:/d"] } }, volumes: { data: {} } },
      { name: "shop", namespace: "prod" },
    );
    expect(normal?.services[0]?.container.networks[0]?.name).toBe("prod_shop_default");
    expect(normal?.services[0]?.container.mounts[0]).toMatchObject({ volume: { key: "data", name: "prod_shop_data", external: false } });
  });
});

describe("ports", () => {
  it.each<[string, NonNullable<ComposeService["ports"]>, object[]]>([
    ["host and container", ["8080:80"], [{ target: 80, published: 8080, protocol: "tcp" }]],
    ["a container port alone", ["80"], [{ target: 80, protocol: "tcp" }]],
    ["a number", [80], [{ target: 80, protocol: "tcp" }]],
    ["udp", ["53:53/udp"], [{ target: 53, published: 53, protocol: "udp" }]],
    ["a host ip", ["127.0.0.1:8080:80"], [{ target: 80, published: 8080, protocol: "tcp", hostIp: "127.0.0.1" }]],
    ["a host ip without host port", ["127.0.0.1::80"], [{ target: 80, protocol: "tcp", hostIp: "127.0.0.1" }]],
    ["IPv6 in brackets", ["[::1]:8080:80/udp"], [{ target: 80, published: 8080, protocol: "udp", hostIp: "::1" }]],
    ["IPv6 without brackets", ["::1:8080:80"], [{ target: 80, published: 8080, protocol: "tcp", hostIp: "::1" }]],
    [
      "ranges",
      ["8000-8001:80-81/udp"],
      [
        { target: 80, published: 8000, protocol: "udp" },
        { target: 81, published: 8001, protocol: "udp" },
      ],
    ],
    [
      "the long form",
      [{ target: 80, published: "8080", host_ip: "127.0.0.1", protocol: "tcp", mode: "host" }],
      [{ target: 80, published: 8080, protocol: "tcp", hostIp: "127.0.0.1" }],
    ],
    [
      "one port over tcp and udp",
      ["53:53", "53:53/udp"],
      [
        { target: 53, published: 53, protocol: "tcp" },
        { target: 53, published: 53, protocol: "udp" },
      ],
    ],
    [
      "a range of host ports for one port of the container: the first",
      ["8000-8010:80"],
      [{ target: 80, published: 8000, protocol: "tcp" }],
    ],
    [
      "all addresses of IPv4 and of IPv6",
      ["0.0.0.0:80:80", "[::]:80:80"],
      [
        { target: 80, published: 80, protocol: "tcp", hostIp: "0.0.0.0" },
        { target: 80, published: 80, protocol: "tcp", hostIp: "::" },
      ],
    ],
  ])("%s", (_name, ports, want) => expect(web({ ports }).ports).toEqual(want));

  it.each<[NonNullable<ComposeService["ports"]>[number][], RegExp]>([
    [["80:99999"], /ports\[0\]: "99999" is no port/],
    [["0:80"], /"0" is no port/],
    [["8001-8000:80-81"], /"8001-8000" is no port; ports are 1 to 65535, ranges go up/],
    [["8000-8001:80-82"], /the ranges "8000-8001" and "80-82" differ in length/],
    [["80:80", "[::]:80:81"], /ports\[1\]: the host port :::80 is published twice/],
    [Array.from({ length: 257 }, (_, i) => `${i + 1}:80`), /at most 256 ports can be opened for a service; these are 257/],
    [["1-2000"], /a range of 2000 ports; at most 256/],
    [["nas:8080:80"], /the host ip "nas" must be an IP address/],
    [["8080:80/icmp"], /the protocol "icmp" must be tcp, udp or sctp/],
    [["8080:"], /"8080:" is no port; expected \[host ip:\]/],
    [["${PORT}:80"], /write the value in place of \$\{PORT\}/],
    [["8080:80", "8080:81"], /ports\[1\]: the host port 8080 is published twice by this service/],
    [["127.0.0.1:8080:80", "0.0.0.0:8080:81"], /ports\[1\]: the host port 0.0.0.0:8080 is published twice/],
  ])("%j is refused", (ports, told) => expect(problemsOf({ ports }).join("\n")).toMatch(told));
});

describe("volumes", () => {
  it.each<[string, NonNullable<ComposeService["volumes"]>[number], object]>([
    ["named", "data:/d", { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/d", readOnly: false }],
    [
      "external, read-only",
      "shared:/d:ro",
      { type: "volume", volume: { key: "shared", name: "nfs", external: true }, target: "/d", readOnly: true },
    ],
    ["anonymous", "/cache", { type: "volume", target: "/cache", readOnly: false }],
    [
      "a path of the node",
      "/srv:/srv:rw,rshared",
      { type: "bind", source: "/srv", target: "/srv", readOnly: false, createHostPath: true, propagation: "rshared" },
    ],
    [
      "long volume",
      { type: "volume", source: "data", target: "/d", volume: { nocopy: true } },
      { type: "volume", volume: { key: "data", name: "shop_data", external: false }, target: "/d", readOnly: false, nocopy: true },
    ],
    [
      "long bind",
      { type: "bind", source: "/srv", target: "/srv", read_only: true },
      { type: "bind", source: "/srv", target: "/srv", readOnly: true, createHostPath: false },
    ],
    [
      "tmpfs",
      { type: "tmpfs", target: "/tmp", tmpfs: { size: "64m", mode: "1777" } },
      { type: "tmpfs", target: "/tmp", sizeBytes: 67_108_864, mode: 0o1777 },
    ],
  ])("%s", (_name, mount, want) => expect(web({ volumes: [mount] }).mounts).toEqual([want]));

  it.each<[NonNullable<ComposeService["volumes"]>[number][], RegExp]>([
    [["data:/d"], /the volume "data" is not declared under spec.volumes — Declare it: `volumes: \{data: \{\}\}`/],
    [["./x:/x"], /is relative, and a server does not know to what/],
    [["~/x:/x"], /is relative to a home directory/],
    [["C:\\x:/x"], /is no path of a Linux node/],
    [["/a:b"], /the path in the container must be absolute; got "b"/],
    [["/a:/b:fast"], /the option "fast" is not known; expected ro or rw/],
    [["/a:/b", "/c:/b/"], /volumes\[1\]: something is mounted at \/b already/],
    [["/a::/b"], /is no mount; expected/],
    [[{ type: "bind", target: "/x" }], /volumes\[0\].source: is required: the path on the node/],
    [[{ type: "bind", source: "x", target: "/x" }], /must be an absolute path of the node; got "x"/],
    [["/a:/b:r0"], /the option "r0" is not known; did you mean "ro"/],
    [[{ type: "tmpfs", source: "x", target: "/x" }], /a tmpfs has no source/],
  ])("%j is refused", (volumes, told) => expect(problemsOf({ volumes }).join("\n")).toMatch(told));
});

describe("commands", () => {
  it.each<[string, string | string[] | null, string[] | undefined]>([
    ["a line with quotes", `sh -c 'echo "a b"' "c d" e\\ f`, ["sh", "-c", 'echo "a b"', "c d", "e f"]],
    ["an empty word", `a "" b`, ["a", "", "b"]],
    ["a list as it is", ["a b", "$X"], ["a b", "$X"]],
    ["nothing: the image's own", null, undefined],
  ])("%s", (_name, command, want) => expect(web({ command }).command).toEqual(want));

  it("take the image's entrypoint away when empty", () => expect(web({ entrypoint: [] }).entrypoint).toEqual([]));
  it("must close their quotes", () => expect(problemsOf({ command: "sh 'x" })).toEqual([expect.stringMatching(/a quote is not closed/)]));
  it("warn about operators of a shell that nobody runs", () => {
    expect(warningsOf({ command: "a && b" })).toEqual([expect.stringMatching(/no shell runs this line, so "&&" is passed/)]);
    expect(warningsOf({ command: ["sh", "-c", "a && b"] })).toEqual([]);
  });
});

describe("environment and labels", () => {
  it("are the same as list and as map", () => {
    const want = { A: "1", B: "x=y", C: "true", D: "" };
    expect(web({ environment: ["B=x=y", "A=1", "C=true", "D="] }).env).toEqual(want);
    expect(web({ environment: { D: "", C: true, B: "x=y", A: 1 } }).env).toEqual(want);
    expect(web({ labels: ["a=1", "b"] }).labels).toEqual(web({ labels: { b: null, a: 1 } }).labels);
  });

  it("need a value each", () => {
    expect(problemsOf({ environment: { A: null } })).toEqual([expect.stringMatching(/environment.A: "A" has no value/)]);
    expect(problemsOf({ environment: ["A"] })).toEqual([expect.stringMatching(/environment\[0\]: "A" has no value/)]);
  });

  it("warn where the last of two counts", () =>
    expect(warningsOf({ environment: ["A=1", "A=2"] })).toEqual([expect.stringMatching(/"A" is set twice/)]));

  it.each(["steadfleet.dev/cluster", "com.docker.compose.project"])("leave %s to the system", (label) => {
    expect(problemsOf({ labels: { [label]: "x" } })).toEqual([expect.stringMatching(/are set by the system — Use another prefix/)]);
  });
});

describe("health checks", () => {
  const defaults = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 };
  it.each<[string, NonNullable<ComposeService["healthcheck"]>, object]>([
    ["a line is for the shell", { test: "curl -f x" }, { test: ["CMD-SHELL", "curl -f x"], ...defaults }],
    [
      "a list",
      { test: ["CMD", "x"], interval: "1m30s", timeout: "500ms", retries: 5, start_period: "10s" },
      { test: ["CMD", "x"], intervalMs: 90_000, timeoutMs: 500, retries: 5, startPeriodMs: 10_000 },
    ],
    ["what the engine does not run", { test: ["curl", "x"] }, { disable: true }],
    ["NONE turns it off", { test: ["NONE"] }, { disable: true }],
    ["disable turns it off", { disable: true }, { disable: true }],
    ["disable turns it off beside a test", { test: ["CMD", "x"], disable: true }, { disable: true }],
    ["a time of 0 says nothing", { test: ["CMD", "x"], interval: "0s" }, { test: ["CMD", "x"], ...defaults }],
    [
      "several words after CMD-SHELL go to the engine as they are",
      { test: ["CMD-SHELL", "a", "b"] },
      { test: ["CMD-SHELL", "a", "b"], ...defaults },
    ],
    ["the image's test at other times", { interval: "5s" }, { test: [], intervalMs: 5000, timeoutMs: 0, retries: 0, startPeriodMs: 0 }],
    ["an empty test is the image's", { test: [], retries: 5 }, { test: [], intervalMs: 0, timeoutMs: 0, retries: 5, startPeriodMs: 0 }],
  ])("%s", (_name, healthcheck, want) => expect(web({ healthcheck }).healthcheck).toEqual(want));

  it.each<[NonNullable<ComposeService["healthcheck"]>, RegExp]>([
    [{ test: ["CMD-SHELL"] }, /after CMD-SHELL comes one line for the shell; got 0 more words/],
    [{ test: "x", interval: "5 s" }, /must be a duration such as 90s or 1m30s; got "5 s"/],
    [{ test: "x", interval: "1us" }, /must be at least 1ms/],
  ])("%j is refused", (healthcheck, told) => expect(problemsOf({ healthcheck }).join("\n")).toMatch(told));
});

describe("restart", () => {
  it.each<[ComposeService["restart"], object]>([
    ["no", { policy: "no" }],
    [false, { policy: "no" }],
    ["always", { policy: "always" }],
    ["on-failure", { policy: "on-failure" }],
    ["on-failure:3", { policy: "on-failure", maxRetries: 3 }],
    ["on-failure: 5", { policy: "on-failure", maxRetries: 5 }],
    ["always ", { policy: "always" }],
    ["", { policy: "unless-stopped" }],
  ])("%j", (restart, want) => expect(web({ restart } as Partial<ComposeService>).restart).toEqual(want));

  it("is on-failure for a service that another one waits for to complete", () => {
    const { normal } = run({
      services: { migrate: { image: "a" }, web: { image: "a", depends_on: { migrate: { condition: "service_completed_successfully" } } } },
    });
    expect(normal?.services.map((s) => [s.name, s.container.restart.policy])).toEqual([
      ["migrate", "on-failure"],
      ["web", "unless-stopped"],
    ]);
  });

  it.each(["always:3", "allways", true])("%j is refused", (restart) => {
    expect(problemsOf({ restart })).toEqual([expect.stringMatching(/restart: must be no, always/)]);
  });
});

describe("networks, dependencies and placement", () => {
  it("join networks by list or by map", () => {
    expect(web({ networks: ["lan", "back"] }).networks).toEqual([
      { key: "back", name: "shop_back", external: false, aliases: [] },
      { key: "lan", name: "lan", external: true, aliases: [] },
    ]);
    expect(web({ networks: { back: { aliases: ["www", "web", "api"] } } }).networks[0]?.aliases).toEqual(["api", "www"]);
  });

  it("spell out dependencies", () => {
    expect(web({ depends_on: ["db"] }).normal.dependsOn).toEqual([{ service: "db", condition: "service_started" }]);
    expect(web({ depends_on: { db: { condition: "service_healthy" } } }).normal.dependsOn).toEqual([
      { service: "db", condition: "service_healthy" },
    ]);
  });

  it("read deploy", () => {
    const deploy: ComposeService["deploy"] = {
      replicas: 3,
      placement: {
        constraints: ["node.labels.disk==ssd", "node.hostname != nas", "node.role == manager", "node.platform.arch == x86_64"],
      },
      resources: { limits: { cpus: "0.5", memory: "512M" } },
    };
    const { normal, limits } = web({ deploy });
    expect(normal.replicas).toBe(3);
    expect(limits).toEqual({ cpus: 0.5, memoryBytes: 536_870_912 });
    expect(normal.constraints).toEqual([
      { text: "node.labels.disk==ssd", key: { type: "label", name: "disk" }, operator: "==", value: "ssd" },
      { text: "node.hostname != nas", key: { type: "hostname" }, operator: "!=", value: "nas" },
      { text: "node.platform.arch == x86_64", key: { type: "label", name: "kubernetes.io/arch" }, operator: "==", value: "amd64" },
    ]);
  });

  it.each<[string, Partial<ComposeService>, RegExp]>([
    ["an unknown network", { networks: ["front"] }, /the network "front" is not declared under spec.networks — Declare it/],
    ["an unknown service", { depends_on: ["dbb"] }, /depends_on\[0\]: there is no service "dbb"/],
    ["itself", { depends_on: ["web"] }, /a service cannot depend on itself/],
    ["a constraint with one =", { deploy: { placement: { constraints: ["node.labels.a=b"] } } }, /"=" is no operator; did you mean "=="\?/],
    ["a constraint of Swarm", { deploy: { placement: { constraints: ["node.id==x"] } } }, /use node.hostname/],
    ["an unknown constraint", { deploy: { placement: { constraints: ["node.rack==1"] } } }, /constraints on "node.rack" are not supported/],
    ["replicas of a global service", { deploy: { mode: "global", replicas: 2 } }, /a global service has one pod on each node/],
    ["too little memory", { deploy: { resources: { limits: { memory: "1M" } } } }, /must be a size such as 512M, at least 6M; got "1M"/],
    ["too few cores", { deploy: { resources: { limits: { cpus: 0.001 } } } }, /must be a number of cores such as 0.5/],
    ["an unknown capability", { cap_add: ["NET_ADMN"] }, /is no Linux capability; did you mean "NET_ADMIN"\?/],
    ["an unknown signal", { stop_signal: "SIGTREM" }, /is no signal; did you mean "SIGTERM"\?/],
    ["a relative directory", { working_dir: "app" }, /must be an absolute path; got "app"/],
    ["a bad host name", { hostname: "a b" }, /"a b" is no host name/],
    ["an image in upper case", { image: "Nginx:1" }, /must be in lower case: "nginx:1"/],
    ["a short digest", { image: "nginx@sha256:abc" }, /has a bad digest/],
  ])("%s is refused", (_name, service, told) => expect(problemsOf(service).join("\n")).toMatch(told));

  it("capabilities and signals are written in one way", () => {
    expect(web({ cap_add: ["cap_net_admin", "NET_ADMIN"], cap_drop: ["all"] })).toMatchObject({ capAdd: ["NET_ADMIN"], capDrop: ["ALL"] });
    expect(web({ stop_signal: "int" }).stopSignal).toBe("SIGINT");
  });
});

describe("what Compose has no word for", () => {
  it("stands under x-steadfleet", () => {
    const restartedAt = "2026-11-21T14:00:00+02:00";
    expect(web({ "x-steadfleet": { restartedAt, paused: true } }).normal).toMatchObject({ restartedAt, paused: true });
    for (const extension of [{}, { paused: false }]) {
      const { normal } = web({ "x-steadfleet": extension });
      expect(Object.keys(normal)).toEqual(Object.keys(web({}).normal));
    }
  });
});
