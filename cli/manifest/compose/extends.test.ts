import { describe, expect, it } from "vitest";
import { composeProject, composeSpec } from "../../testing/compose.ts";

const services = (files: Record<string, string>): Record<string, unknown> => composeSpec({ files })["services"] as Record<string, unknown>;

describe("extends", () => {
  it("a service of the same file, in short and long form, in a chain", () => {
    const text = `
services:
  c: {extends: b, command: c}
  b: {extends: {service: a}, environment: {B: b}, ports: !reset []}
  a: {image: a, environment: [A=a], ports: ["80"], command: a}
`;
    expect(services({ "compose.yaml": text })).toEqual({
      a: { image: "a", environment: ["A=a"], ports: ["80"], command: "a" },
      b: { image: "a", environment: { A: "a", B: "b" }, command: "a" },
      c: { image: "a", environment: { A: "a", B: "b" }, command: "c" },
    });
  });

  it("another file's: its paths are relative to that file, its own extends are followed", () => {
    const files = {
      "compose.yaml": "services: {web: {extends: {file: base/common.yaml, service: app}, volumes: [./data:/data]}}",
      "base/common.yaml":
        "services: {app: {extends: {file: ../deep/x.yaml, service: root}, image: app, volumes: [./conf:/conf], env_file: app.env}}",
      "base/app.env": "FROM=base\n",
      "deep/x.yaml": "services: {root: {volumes: [../etc:/etc/x], init: true}}",
    };
    expect(services(files)).toEqual({
      web: {
        image: "app",
        init: true,
        environment: { FROM: "base" },
        volumes: ["/app/etc:/etc/x", "/app/base/conf:/conf", "/app/data:/data"],
      },
    });
  });

  it("what replaces the copy's part replaces that of earlier files", () => {
    const files = {
      "compose.yaml": 'services: {web: {image: a, ports: ["80"]}, base: {image: b, ports: ["81"]}}',
      "over.yaml": "services: {web: {extends: base, ports: !reset []}}",
    };
    expect(composeSpec({ files, named: ["compose.yaml", "over.yaml"] })["services"]).toMatchObject({ web: { image: "b" } });
    expect((composeSpec({ files, named: ["compose.yaml", "over.yaml"] })["services"] as { web: object }).web).not.toHaveProperty("ports");
  });

  const bad: { name: string; files: Record<string, string>; want: string | RegExp }[] = [
    {
      name: "a circle in one file",
      files: { "compose.yaml": "services:\n  a:\n    extends: b\n  b:\n    extends: a\n" },
      want: "error compose.yaml:5:14 services extend one another in a circle: a → b → a",
    },
    {
      name: "a circle over files",
      files: {
        "compose.yaml": "services:\n  a:\n    extends: {file: b.yaml, service: b}\n",
        "b.yaml": "services:\n  b:\n    extends: {file: compose.yaml, service: a}\n",
      },
      want: /error b\.yaml:3:14 services extend one another in a circle: a → b → a/,
    },
    {
      name: "no such service",
      files: { "compose.yaml": "services:\n  a:\n    extends:\n      service: bse\n  base: {image: x}\n" },
      want: 'error compose.yaml:4:16 services.a extends "bse": there is no such service; did you mean "base"?',
    },
    {
      name: "no such file",
      files: { "compose.yaml": "services:\n  a:\n    extends: {service: x, file: nope.yaml}\n" },
      want: /^error compose\.yaml:3:33 cannot read the Compose file nope\.yaml: ENOENT/,
    },
    {
      name: "no service named",
      files: { "compose.yaml": "services: {a: {extends: {file: x.yaml}}}" },
      want: /needs the name of a service/,
    },
    {
      name: "an unknown key",
      files: { "compose.yaml": "services: {a: {extends: {service: b, fiel: x}}, b: {image: x}}" },
      want: /did you mean "file"/,
    },
    {
      name: "an address",
      files: { "compose.yaml": "services: {a: {extends: {service: b, file: 'https://x/y'}}}" },
      want: /not on this machine/,
    },
  ];
  it.each(bad)("$name", ({ files, want }) => {
    const { problems } = composeProject({ files });
    expect(problems[0]).toMatch(want);
  });

  it("a mistake in the extended file is shown there", () => {
    const files = {
      "compose.yaml": "services: {a: {extends: {file: b.yaml, service: b}}}",
      "b.yaml": "services:\n  b:\n    image: x\n    restart: allways\n",
    };
    expect(composeProject({ files }).place(["services", "a", "restart"], false)).toEqual({ file: "b.yaml", line: 4, column: 14 });
  });
});
