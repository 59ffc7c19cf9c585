import { describe, expect, it } from "vitest";
import { composeProject, composeSpec } from "../../testing/compose.ts";

describe("include", () => {
  it("short, long, with its own folder and variables, nested", () => {
    const files = {
      "compose.yaml": `
include:
  - db/compose.yaml
  - path: [mon/a.yaml, mon/b.yaml]
    project_directory: other
    env_file: mon/x.env
services:
  web: {image: "web:\${TAG}", depends_on: [db]}
`,
      "db/compose.yaml":
        "include: [deep.yaml]\nservices: {db: {image: 'db:${TAG:-none}', volumes: ['./data:/data', 'x:/x']}}\nvolumes: {x: }\n",
      "db/.env": "TAG=ignored\nDEEP=deep\n",
      "db/deep.yaml": "services: {deep: {image: '${DEEP}'}}",
      "mon/a.yaml": "services: {mon: {image: 'mon:${MON}', volumes: ['./m:/m']}}",
      "mon/b.yaml": "services: {mon: {command: 'x $$HOME'}}",
      "mon/x.env": "MON=7\n",
    };
    expect(composeSpec({ files, env: { TAG: "1" } })).toEqual({
      services: {
        web: { image: "web:1", depends_on: ["db"] },
        db: { image: "db:1", volumes: ["/app/db/data:/data", "x:/x"] },
        deep: { image: "deep" },
        mon: { image: "mon:7", volumes: ["/app/other/m:/m"], command: "x $HOME" },
      },
      volumes: { x: {} },
    });
  });

  it("what two files say alike is no conflict, what compose.override.yaml says lies over it", () => {
    const files = {
      "compose.yaml": "include: [a.yaml, b.yaml]\nservices: {}\nvolumes: {v: {}}\n",
      "a.yaml": "services: {a: {image: a}}\nvolumes: {v: {}}\n",
      "b.yaml": "services: {b: {image: b}}\nvolumes: {v: {}}\n",
      "over.yaml": "services: {a: {image: a2}}\n",
    };
    expect(composeSpec({ files, named: ["compose.yaml", "over.yaml"] })["services"]).toEqual({ a: { image: "a2" }, b: { image: "b" } });
  });

  const bad: { name: string; files: Record<string, string>; want: string | RegExp }[] = [
    {
      name: "a conflict",
      files: { "compose.yaml": "include: [a.yaml]\nservices:\n  a: {image: x}\n", "a.yaml": "services:\n  a: {image: a}\n" },
      want: "error compose.yaml:3:3 services.a is also in the included a.yaml:2:3, and not the same",
    },
    {
      name: "a circle",
      files: { "compose.yaml": "include: [a.yaml]\nservices: {}", "a.yaml": "include:\n  - compose.yaml\n" },
      want: "error a.yaml:2:5 files include one another in a circle: compose.yaml → a.yaml → compose.yaml",
    },
    {
      name: "a missing file",
      files: { "compose.yaml": "include:\n  - nope.yaml\n" },
      want: /^error compose.yaml:2:5 cannot read the Compose file nope.yaml: ENOENT/,
    },
    {
      name: "missing variables",
      files: { "compose.yaml": "include:\n  - {path: a.yaml, env_file: x.env}\n", "a.yaml": "services: {}" },
      want: /cannot read the file of variables x.env/,
    },
    { name: "no list", files: { "compose.yaml": "include: a.yaml\n" }, want: /^error compose.yaml:1:10 include: must be a list/ },
    { name: "an address", files: { "compose.yaml": "include: [oci://x/y]\n" }, want: /not on this machine/ },
    {
      name: "an unknown key",
      files: { "compose.yaml": "include: [{pth: x}]\n" },
      want: /unknown field "pth" in include; did you mean "path"/,
    },
  ];
  it.each(bad)("$name", ({ files, want }) => expect(composeProject({ files }).problems[0]).toMatch(want));
});
