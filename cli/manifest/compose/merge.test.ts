import { describe, expect, it } from "vitest";
import { composeProject, composeSpec } from "../../testing/compose.ts";

const two = (base: string, over: string): Record<string, string> => ({
  "compose.yaml": `services:\n  web:\n    image: web\n${base.replace(/^/gm, "    ")}\n`,
  "over.yaml": `services:\n  web:\n${over.replace(/^/gm, "    ")}\n`,
});
const web = (base: string, over: string): unknown =>
  (composeSpec({ files: two(base, over), named: ["compose.yaml", "over.yaml"] })["services"] as { web: unknown }).web;

const rows: { name: string; base: string; over: string; want: object }[] = [
  { name: "a scalar: the later one", base: "restart: always", over: "restart: on-failure", want: { restart: "on-failure" } },
  { name: "a map: both", base: "deploy: {replicas: 2}", over: "deploy: {mode: global}", want: { deploy: { replicas: 2, mode: "global" } } },
  {
    name: "a list: one behind the other",
    base: "post_start: [{command: a}]",
    over: "post_start: [{command: b}]",
    want: { post_start: [{ command: "a" }, { command: "b" }] },
  },
  { name: "command: the later one", base: "command: [a, b]", over: "command: c d", want: { command: "c d" } },
  { name: "command: taken back", base: "command: a", over: "command:", want: {} },
  { name: "entrypoint: the later one", base: "entrypoint: [a]", over: "entrypoint: [b]", want: { entrypoint: ["b"] } },
  {
    name: "healthcheck: merged, but for its test",
    base: "healthcheck: {test: [CMD, a], interval: 3s}",
    over: "healthcheck: {test: [CMD, b]}",
    want: { healthcheck: { test: ["CMD", "b"], interval: "3s" } },
  },
  {
    name: "environment: by name, list on map",
    base: "environment: {A: 1, B: 2}",
    over: "environment: [B=3, C=4]",
    want: { environment: { A: 1, B: "3", C: "4" } },
  },
  {
    name: "environment: by name, list on list",
    base: "environment: [A=1, B=2]",
    over: "environment: [A=x]",
    want: { environment: { A: "x", B: "2" } },
  },
  { name: "labels: map on list", base: "labels: [a=1, b]", over: "labels: {a: 2}", want: { labels: { a: 2, b: "" } } },
  {
    name: "ports: each once",
    base: 'ports: ["80:80", "81:81"]',
    over: 'ports: ["81:81/tcp", "82:82"]',
    want: { ports: ["80:80", "81:81/tcp", "82:82"] },
  },
  {
    name: "ports: short and long forms are the same",
    base: 'ports: ["127.0.0.1:80:80"]',
    over: "ports: [{target: 80, published: 80, host_ip: 127.0.0.1}]",
    want: { ports: [{ target: 80, published: 80, host_ip: "127.0.0.1" }] },
  },
  {
    name: "volumes: by path in the container",
    base: "volumes: [/a:/x, /b:/y:ro]",
    over: "volumes: [/c:/y/]",
    want: { volumes: ["/a:/x", "/c:/y/"] },
  },
  {
    name: "devices: by path in the container",
    base: "devices: [/dev/a:/dev/x]",
    over: "devices: [/dev/b:/dev/x:r]",
    want: { devices: ["/dev/b:/dev/x:r"] },
  },
  {
    name: "secrets and configs: by target",
    base: "secrets: [a, {source: b, target: x}]",
    over: "secrets: [{source: c, target: /run/secrets/x}, a]",
    want: { secrets: ["a", { source: "c", target: "/run/secrets/x" }] },
  },
  { name: "a value and a list: dns", base: "dns: 1.1.1.1", over: "dns: [8.8.8.8, 1.1.1.1]", want: { dns: ["1.1.1.1", "8.8.8.8"] } },
  {
    name: "each value once: cap_add, expose",
    base: "cap_add: [A]\nexpose: [80]",
    over: 'cap_add: [A, B]\nexpose: ["80", 81]',
    want: { cap_add: ["A", "B"], expose: ["80", 81] },
  },
  {
    name: "extra_hosts: map on list",
    base: 'extra_hosts: ["a:1.2.3.4"]',
    over: "extra_hosts: {b: 5.6.7.8, c: [1.1.1.1, '::1']}",
    want: { extra_hosts: ["a:1.2.3.4", "b:5.6.7.8", "c:1.1.1.1", "c:::1"] },
  },
  {
    name: "extra_hosts: map on map",
    base: "extra_hosts: {a: 1.2.3.4}",
    over: "extra_hosts: {a: 5.6.7.8}",
    want: { extra_hosts: { a: "5.6.7.8" } },
  },
  {
    name: "depends_on: list on map",
    base: "depends_on: {db: {condition: service_healthy}}",
    over: "depends_on: [cache]",
    want: { depends_on: { db: { condition: "service_healthy" }, cache: { condition: "service_started" } } },
  },
  {
    name: "networks: map on list",
    base: "networks: [front, back]",
    over: "networks: {back: {aliases: [w]}}",
    want: { networks: { front: {}, back: { aliases: ["w"] } } },
  },
  {
    name: "logging: options of another driver go",
    base: "logging: {driver: json-file, options: {max-size: 1m}}",
    over: "logging: {driver: syslog}",
    want: { logging: { driver: "syslog" } },
  },
  {
    name: "logging: options of the same driver stay",
    base: "logging: {driver: json-file, options: {max-size: 1m}}",
    over: "logging: {options: {max-file: '2'}}",
    want: { logging: { driver: "json-file", options: { "max-size": "1m", "max-file": "2" } } },
  },
  {
    name: "ulimits: another form",
    base: "ulimits: {nofile: 10, nproc: {soft: 1, hard: 2}}",
    over: "ulimits: {nofile: {soft: 1, hard: 2}}",
    want: { ulimits: { nofile: { soft: 1, hard: 2 }, nproc: { soft: 1, hard: 2 } } },
  },
  {
    name: "build: a text is the context",
    base: "build: .",
    over: "build: {target: dev}",
    want: { build: { context: "/app", target: "dev" } },
  },
  { name: "nothing said", base: "ports: [80]", over: "ports:", want: { ports: [80] } },
  { name: "x-: the later one, whole", base: "x-a: {b: 1}", over: "x-a: {c: 2}", want: { "x-a": { c: 2 } } },
  { name: "!reset takes away", base: 'ports: ["80:80"]\nrestart: always', over: "ports: !reset []\nrestart: !reset null", want: {} },
  {
    name: "!reset of one entry",
    base: "environment: {A: a, B: b}",
    over: "environment: {A: !reset null}",
    want: { environment: { B: "b" } },
  },
  { name: "!override puts in place", base: 'ports: ["80:80"]', over: 'ports: !override\n  - "81:81"', want: { ports: ["81:81"] } },
  { name: "!override of a map", base: "labels: {a: x}", over: "labels: !override {b: y}", want: { labels: { b: "y" } } },
];

describe("one file over another", () => {
  it.each(rows)("$name", ({ base, over, want }) => {
    const { image, ...rest } = web(base, over) as { image: string };
    expect(image).toBe("web");
    expect(rest).toEqual(want);
  });

  it("top-level sections are merged, and new services added", () => {
    const files = {
      "compose.yaml":
        "services: {a: {image: a}}\nvolumes: {data: {labels: [x=1]}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/24, gateway: 10.0.0.1}]}}}\n",
      "over.yaml":
        "services: {b: {image: b}}\nvolumes: {data: {labels: {y: z}}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}, {subnet: 10.1.0.0/24}]}}}\n",
    };
    expect(composeSpec({ files, named: ["compose.yaml", "over.yaml"] })).toEqual({
      services: { a: { image: "a" }, b: { image: "b" } },
      volumes: { data: { labels: { x: "1", y: "z" } } },
      networks: { n: { ipam: { config: [{ subnet: "10.0.0.0/24" }, { subnet: "10.1.0.0/24" }] } } },
    });
  });

  it("several documents of one file lie over one another, too", () => {
    expect(composeSpec({ files: { "compose.yaml": "services: {a: {image: a, user: x}}\n---\nservices: {a: {image: b}}\n" } })).toEqual({
      services: { a: { image: "b", user: "x" } },
    });
  });

  it("says where both stand when they cannot be merged, and each value keeps its place", () => {
    const files = two("environment: {A: 1}\nimagee: x", "environment: hello\nhostname: w");
    const { problems, place } = composeProject({ files, named: ["compose.yaml", "over.yaml"] });
    expect(problems).toEqual(["error over.yaml:3:18 services.web.environment is a single value here and a map in compose.yaml:4:18"]);
    expect(place(["services", "web", "hostname"], false)).toEqual({ file: "over.yaml", line: 4, column: 15 });
    expect(place(["services", "web", "imagee"], true)).toEqual({ file: "compose.yaml", line: 5, column: 5 });
    expect(place(["services", "web", "nothing"], false)).toMatchObject({ file: "over.yaml", line: 2 });
  });
});
