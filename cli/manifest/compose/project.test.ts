import { describe, expect, it } from "vitest";
import { composeProject, composeSpec } from "../../testing/compose.ts";
import { buildCommand } from "./build.ts";
import { readDocuments } from "./read.ts";

const web = (service: string, env: Record<string, string> = {}): unknown =>
  (
    composeSpec({ files: { "compose.yaml": `services:\n  web:\n    image: x\n${service.replace(/^/gm, "    ")}\nvolumes: {d: }\n` }, env })[
      "services"
    ] as {
      web: unknown;
    }
  ).web;

describe("types and paths", () => {
  const rows: { name: string; service: string; env?: Record<string, string>; want: object }[] = [
    {
      name: "numbers and booleans out of variables",
      service: "init: ${A}\nhealthcheck: {retries: $N}\nread_only: 'yes'",
      env: { A: "true", N: "3" },
      want: { init: true, healthcheck: { retries: 3 }, read_only: true },
    },
    {
      name: "texts out of numbers and booleans",
      service: "command: [sleep, 1.10, true, 0x1F]\nhostname: 1",
      want: { command: ["sleep", "1.10", "true", "0x1F"], hostname: "1" },
    },
    {
      name: "octal as Compose reads it",
      service: "volumes: [{type: tmpfs, target: /x, tmpfs: {mode: 01777}}]",
      want: { volumes: [{ type: "tmpfs", target: "/x", tmpfs: { mode: "01777" } }] },
    },
    {
      name: "no dates, no sexagesimal numbers",
      service: "environment: {D: 2024-01-02, T: 22:22, Y: yes, N: no}",
      want: { environment: { D: "2024-01-02", T: "22:22", Y: "yes", N: "no" } },
    },
    { name: "restart: no", service: "restart: no", want: { restart: "no" } },
    {
      name: "empty lists and maps",
      service: "ports:\nenvironment:\ndepends_on:\nvolumes:\nhealthcheck:",
      want: { ports: [], environment: {}, depends_on: {}, volumes: [], healthcheck: {} },
    },
    {
      name: "paths",
      service: "volumes: [.:/a, ../b:/b, ~/c:/c, d:/d, /e:/e:ro, {type: bind, source: ./f, target: /f}]",
      want: { volumes: ["/app:/a", "/b:/b", "/home/ann/c:/c", "d:/d", "/e:/e:ro", { type: "bind", source: "/app/f", target: "/f" }] },
    },
    { name: "x- stays as it is", service: "x-a: {b: $HOME, c: '${BROKEN'}", want: { "x-a": { b: "$HOME", c: "${BROKEN" } } },
  ];
  it.each(rows)("$name", ({ service, env, want }) => expect(web(service, env)).toEqual({ image: "x", ...want }));

  it("typed numbers and booleans of the environment stay as typed, with a word where Compose reads them otherwise", () => {
    const { spec, problems } = composeProject({
      files: {
        "compose.yaml":
          "services:\n  w:\n    image: x\n    environment: {A: 1.10, B: 0x1F, C: True, D: 5, E: false, F: -9007199254740993}\n",
      },
    });
    // Compose has 64 bits for whole numbers.
    expect(spec["services"]).toEqual({
      w: { image: "x", environment: { A: "1.10", B: "0x1F", C: "True", D: 5, E: false, F: "-9007199254740993" } },
    });
    expect(problems).toEqual([
      'warning compose.yaml:4:22 services.w.environment.A: 1.10 is kept as it is typed; Compose makes "1.1" of it',
      'warning compose.yaml:4:31 services.w.environment.B: 0x1F is kept as it is typed; Compose makes "31" of it',
      'warning compose.yaml:4:40 services.w.environment.C: True is kept as it is typed; Compose makes "true" of it',
    ]);
  });

  it.each(["C:\\data:/data", "C:/data:/data", ".\\data:/data", "\\\\host\\share:/data"])("refuses the path %s of Windows", (path) => {
    const { problems } = composeProject({ files: { "compose.yaml": `services: {w: {image: x, volumes: ['${path}']}}` } });
    expect(problems[0]).toMatch(/is a path of Windows; nodes run Linux/);
  });

  it("a key without a value says nothing, with a word", () => {
    const { spec, problems } = composeProject({ files: { "compose.yaml": "services: {w: {image: x, restart: , hostname: }}" } });
    expect(spec["services"]).toEqual({ w: { image: "x" } });
    expect(problems).toHaveLength(2);
  });
});

describe("what Compose would refuse and is plain all the same", () => {
  const names = (value: unknown): string[] => Object.keys(value as object);

  it("Umbrel's proxy without image, Coolify's keys, volumes that nobody declares", () => {
    const text = `
services:
  app_proxy: {environment: {APP_HOST: web, APP_PORT: 8080}}
  web: {image: x, exclude_from_hc: true, depends_on: [app_proxy], volumes: ["files:/f", "dta:/d"]}
volumes: {data: }
`;
    const { spec, problems, session } = composeProject({ files: { "compose.yaml": text } });
    expect(names(spec["services"])).toEqual(["web"]);
    expect(names(spec["volumes"])).toEqual(["data", "files"]);
    expect(problems).toEqual([
      "warning compose.yaml:5:11 volumes.data is used by no service, and is left alone",
      "warning compose.yaml:3:3 services.app_proxy has no image: it is a part of Umbrel, and is left out",
      "warning compose.yaml:4:19 services.web.exclude_from_hc is read by Coolify alone, and has no effect",
      'warning compose.yaml:4:77 services.web: the volume "files" is not declared; it is made as if it were',
    ]);
    expect(session.problems[1]?.help).toBe('Publish the port yourself: `ports: ["8080:8080"]` in the service behind web.');
  });
});

describe("words of app stores and of the engine", () => {
  const load = (text: string): ReturnType<typeof composeProject> => composeProject({ files: { "compose.yaml": text } });

  it("a mount with content is a config; a folder is made", () => {
    const { spec, problems } = load(`
services:
  web:
    image: x
    volumes:
      - {type: bind, source: ./a.conf, target: /etc/a.conf, content: "a=1"}
      - {type: bind, source: ./d, target: /d, is_directory: true}
    configs: [own]
configs: {own: {content: x}, web-a.conf: {content: y}}
`);
    expect(spec).toEqual({
      services: {
        web: {
          image: "x",
          volumes: [{ type: "bind", source: "/app/d", target: "/d", bind: { create_host_path: true } }],
          configs: ["own", { source: "web-a.conf-2", target: "/etc/a.conf" }],
        },
      },
      configs: { own: { content: "x" }, "web-a.conf": { content: "y" }, "web-a.conf-2": { content: "a=1" } },
    });
    expect(problems).toEqual([
      "warning compose.yaml:9:30 configs.web-a.conf is used by no service, and is left alone",
      "warning compose.yaml:6:61 services.web.volumes[0].content: the file is delivered as a config, read-only; none is made at a.conf",
      "warning compose.yaml:7:47 services.web.volumes[1].is_directory is read by Coolify alone; a folder that is missing is made on the node",
    ]);
  });

  it("what is not supported and empty is not said", () => {
    expect(load("services: {web: {image: x, external_links: [], credential_spec: }}\n").spec).toEqual({
      services: { web: { image: "x" } },
    });
  });

  it("a dash with nothing behind it is nothing", () => {
    expect(load("services: {web: {image: x, ports: [~]}}\n").spec).toEqual({ services: { web: { image: "x", ports: [null] } } });
  });

  it("network_mode may name a network", () => {
    const { spec, problems } = load("services: {web: {image: x, network_mode: proxy_net}, db: {image: y, network_mode: hots}}\n");
    expect(spec).toEqual({
      services: { web: { image: "x", networks: ["proxy_net"] }, db: { image: "y", network_mode: "hots" } },
      networks: { proxy_net: { external: true } },
    });
    expect(problems).toEqual([expect.stringContaining('services.web.network_mode: the network "proxy_net" is joined')]);
  });

  it("a network that is declared as another one is not joined by its key", () => {
    const text = "services: {web: {image: x, network_mode: a}, b: {image: y, networks: [a]}}\nnetworks: {a: {}}\n";
    expect(load(text).spec).toMatchObject({ services: { web: { network_mode: "a" } } });
  });

  it("a project without a name has its folder's; settings of a default network that nobody joins are told", () => {
    const { stack, problems } = load("name: $NAME\nservices: {a: {image: x, network_mode: bridge}}\nnetworks: {default: {name: big}}\n");
    expect(stack).toBe("app");
    expect(problems.join("\n")).toContain("networks.default is used by no service, and is left alone");
  });
});

describe("what is said twice, and addresses without a subnet", () => {
  it("the last entry of a list counts; the subnet of the address is taken", () => {
    const text = `
services:
  web: {image: x, ports: ["80:80", "80:80/tcp"], volumes: ["/a:/x", "/b:/x/"], networks: {default: {ipv4_address: 10.21.0.5}}}
`;
    const { spec, problems } = composeProject({ files: { "compose.yaml": text } });
    expect(spec).toEqual({
      services: { web: { image: "x", ports: ["80:80/tcp"], volumes: ["/b:/x/"], networks: { default: { ipv4_address: "10.21.0.5" } } } },
      networks: { default: { ipam: { config: [{ subnet: "10.21.0.0/16" }] } } },
    });
    expect(problems).toEqual([
      "warning compose.yaml:3:115 services.web.networks.default: the network has no subnet, and only then addresses can be chosen; 10.21.0.0/16 is taken",
      'warning compose.yaml:3:36 services.web.ports: "80:80/tcp" is there twice; this one counts',
      'warning compose.yaml:3:69 services.web.volumes: "/x" is there twice; this one counts',
    ]);
  });
});

describe("the project's name", () => {
  const name = (files: Record<string, string>, o: { name?: string; env?: Record<string, string>; named?: string[] } = {}): string =>
    composeProject({ files, ...o }).stack;
  it("-p, name: of the last file, the folder; with variables, and as a variable", () => {
    expect(name({ "compose.yaml": "services: {}" })).toBe("app");
    expect(name({ "compose.yaml": "name: ${N:-a}b\nservices: {}" }, { env: { N: "x" } })).toBe("xb");
    expect(name({ "compose.yaml": "name: a\nservices: {}", "o.yaml": "name: b" }, { named: ["compose.yaml", "o.yaml"] })).toBe("b");
    expect(name({ "compose.yaml": "name: a\nservices: {}" }, { name: "p" })).toBe("p");
    expect(composeSpec({ files: { "compose.yaml": "name: shop\nservices: {w: {image: '${COMPOSE_PROJECT_NAME}/w'}}" } })).toEqual({
      services: { w: { image: "shop/w" } },
    });
    expect(composeProject({ files: { "compose.yaml": "name: My_Shop\nservices: {}" } }).problems).toEqual([
      'warning compose.yaml:1:7 name: the Stack is called my-shop: lower-case letters, digits and "-"',
    ]);
  });
});

describe("build without image", () => {
  it("says how to build and push, with what the section says and no value of an argument", () => {
    const text = `
services:
  web:
    build: {context: ./web, dockerfile: Dockerfile.prod, args: {TOKEN: hunter2, V: }, target: run, platforms: [linux/arm64]}
`;
    const { session } = composeProject({ files: { "compose.yaml": text }, name: "shop" });
    expect(session.problems).toMatchObject([
      { code: "SF1201", line: 4, column: 5, message: "services.web has no image: nothing is built here" },
    ]);
    expect(session.problems[1]?.help).toMatchInlineSnapshot(`undefined`);
  });

  it("a text is the context", () => {
    const [tree] = readDocuments("build: .", "x").documents;
    expect(tree?.kind === "map" && buildCommand(tree.entries.get("build")?.value as never, "r/x")).toBe("docker build -t r/x .");
  });
});

describe("reading", () => {
  const bad: { name: string; text: string; want: RegExp }[] = [
    {
      name: "a key twice",
      text: "services:\n  a: {image: x}\n  a: {image: y}\n",
      want: /^error compose.yaml:3:3 the key "a" appears twice \(first at 2:3\)/,
    },
    { name: "an unknown tag", text: "services: !foo {}\n", want: /^error compose.yaml:1:11/ },
    { name: "an alias without anchor", text: "services: {a: *b}\n", want: /no anchor &b/ },
    { name: "an alias in itself", text: "services: &a {a: *a}\n", want: /contains itself/ },
    { name: "a merge of a text", text: "services: {a: {<<: x}}\n", want: /a merge key needs a map/ },
    { name: "too deep", text: "[".repeat(5000), want: /nested deeper than 64/ },
    {
      name: "an alias bomb",
      text: `a: &a [x]\n${Array.from({ length: 24 }, (_, i) => `b${i}: &b${i} [*${i === 0 ? "a" : `b${i - 1}`}, *${i === 0 ? "a" : `b${i - 1}`}]`).join("\n")}\nservices: {}\n`,
      want: /when its aliases are filled in/,
    },
    { name: "no map", text: "- a\n", want: /a Compose file is a map/ },
    {
      name: "a broken variable",
      text: "services:\n  a:\n    image: x\n    command: |\n      one\n      two ${X\n",
      want: /^error compose.yaml:6:11 \$\{X is followed by .* \(in services.a.command\)/,
    },
    {
      name: "a required variable",
      text: "services: {a: {image: 'x:${TAG:?which one}'}}",
      want: /^error compose.yaml:1:26 TAG: which one \(in services.a.image\)/,
    },
  ];
  it.each(bad)("$name", ({ text, want }) => expect(composeProject({ files: { "compose.yaml": text } }).problems[0]).toMatch(want));

  it("anchors and merge keys, single and list; the first wins, and each keeps its place", () => {
    const text = `
x-a: &a {image: a, user: a, environment: &env {A: "1"}}
x-b: &b {image: b, init: true}
services:
  one: {<<: *a, user: one}
  two:
    <<: [*a, *b]
    environment: {<<: *env, B: "2"}
`;
    const { spec, place, problems } = composeProject({ files: { "compose.yaml": text } });
    expect(problems).toEqual([]);
    expect(spec["services"]).toEqual({
      one: { image: "a", user: "one", environment: { A: "1" } },
      two: { image: "a", user: "a", init: true, environment: { A: "1", B: "2" } },
    });
    expect(place(["services", "two", "init"], true)).toEqual({ file: "compose.yaml", line: 3, column: 20 });
  });
});

describe("seccomp profiles", () => {
  const text = "services: {w: {image: w, security_opt: ['seccomp:./p.json', 'seccomp=unconfined', no-new-privileges]}}";

  it("are written into the Stack", () => {
    const { spec, problems } = composeProject({ files: { "compose.yaml": text, "p.json": '{ "defaultAction":\n "SCMP_ACT_ALLOW" }' } });
    expect(problems).toEqual([]);
    expect(spec).toEqual({
      services: {
        w: { image: "w", security_opt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}', "seccomp=unconfined", "no-new-privileges"] },
      },
    });
  });

  it("must be there, and JSON", () => {
    expect(composeProject({ files: { "compose.yaml": text } }).problems.join()).toMatch(/^error .*seccomp profile .*p\.json/);
    expect(composeProject({ files: { "compose.yaml": text, "p.json": "{" } }).problems.join()).toMatch(/p\.json" is not JSON/);
  });
});
