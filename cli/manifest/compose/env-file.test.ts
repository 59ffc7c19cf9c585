import { describe, expect, it } from "vitest";
import { composeProject, composeSpec } from "../../testing/compose.ts";

const web = (service: string, files: Record<string, string>, env: Record<string, string> = {}): unknown =>
  (
    composeSpec({ files: { "compose.yaml": `services:\n  web:\n    image: x\n${service.replace(/^/gm, "    ")}\n`, ...files }, env })[
      "services"
    ] as { web: unknown }
  ).web;

const rows: { name: string; service: string; files?: Record<string, string>; env?: Record<string, string>; want: object }[] = [
  { name: "one", service: "env_file: a.env", files: { "a.env": "A=1\n" }, want: { environment: { A: "1" } } },
  {
    name: "several: the later wins, `environment` above all",
    service: "env_file: [a.env, ./b.env]\nenvironment: {C: mine}",
    files: { "a.env": "A=1\nB=1\nC=1\n", "b.env": "B=2\nC=2\n" },
    want: { environment: { A: "1", B: "2", C: "mine" } },
  },
  {
    name: "a list above it",
    service: "env_file: a.env\nenvironment: [C=mine]",
    files: { "a.env": "A=1\nC=1\n" },
    want: { environment: { A: "1", C: "mine" } },
  },
  {
    name: "the long form: one that may be missing, one as it is typed",
    service: "env_file: [{path: nope.env, required: false}, {path: raw.env, format: raw}]",
    files: { "raw.env": 'A="x" # $HOME\n' },
    want: { environment: { A: '"x" # $HOME' } },
  },
  {
    name: "variables inside, of the shell and of earlier lines; $ of a value is not filled in again",
    service: "env_file: a.env",
    files: { "a.env": "A=${HOST}\nB=$A-b\nC='${A}'\n" },
    env: { HOST: "h" },
    want: { environment: { A: "h", B: "h-b", C: "${A}" } },
  },
  { name: "names without values", service: "environment: {A: , B: b}", env: { A: "shell" }, want: { environment: { A: "shell", B: "b" } } },
  {
    name: "label_file",
    service: "label_file: l.txt\nlabels: [b=2]",
    files: { "l.txt": "a=1\nb=1\n" },
    want: { labels: { a: "1", b: "2" } },
  },
];

describe("env_file", () => {
  it.each(rows)("$name", ({ service, files, env, want }) => expect(web(service, files ?? {}, env)).toEqual({ image: "x", ...want }));

  const bad: { name: string; service: string; want: string | RegExp }[] = [
    { name: "missing", service: "    env_file: nope.env", want: "error compose.yaml:4:15 the file of variables nope.env is missing" },
    { name: "a broken line, which is not shown", service: "    env_file: bad.env", want: /^error bad.env:2:1 expected NAME=value$/ },
    { name: "an unknown format", service: "    env_file: [{path: bad.env, format: json}]", want: /format must be raw; got "json"/ },
    { name: "an unknown key", service: "    env_file: [{pth: bad.env}]", want: /unknown field "pth" in services.web.env_file/ },
  ];
  it.each(bad)("$name", ({ service, want }) => {
    const files = { "compose.yaml": `services:\n  web:\n    image: x\n${service}\n`, "bad.env": "A=1\nmy secret hunter2\n" };
    const { problems, session } = composeProject({ files });
    expect(problems[0]).toMatch(want);
    expect(JSON.stringify([problems, [...session.texts]])).not.toContain("hunter2");
  });
});
