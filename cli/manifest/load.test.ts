import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CliError } from "../errors.ts";
import { testIo } from "../testing/io.ts";
import { style } from "../text/style.ts";
import { loadManifests, type Loaded, type LoadOptions } from "./load.ts";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "steadfleet-load-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const options: LoadOptions = { namespace: "default", envFiles: [] };

const load = async (
  files: Record<string, string>,
  o: Partial<LoadOptions> = {},
  env: Record<string, string> = {},
  paths = Object.keys(files),
): Promise<{ loaded: Loaded[]; warnings: string; cwd: string }> => {
  const cwd = mkdtempSync(join(dir, "shop-"));
  for (const [name, text] of Object.entries(files)) {
    if (name.includes("/")) mkdirSync(join(cwd, name, ".."), { recursive: true });
    writeFileSync(join(cwd, name), text);
  }
  const io = testIo({ cwd, env, stdin: files["-"] ?? "" });
  const loaded = await loadManifests(io, style(false), paths, {
    projectName: o.projectName ?? (o === options ? undefined : "shop"),
    ...options,
    ...o,
  });
  return { loaded, warnings: io.stderr.text, cwd };
};

const shown = async (files: Record<string, string>): Promise<string> => {
  try {
    await load(files);
  } catch (error) {
    if (error instanceof CliError) {
      expect(error.exitCode).toBe(2);
      return error.text ?? `error: ${error.message}${error.help.map((h) => `\n  help: ${h}`).join("")}`;
    }
    throw error;
  }
  return "";
};

const stack = (body: string): string => `apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata:\n  name: shop\nspec:\n  services:\n${body}`;

/** Each is a whole file; what people see of it is in the snapshot. */
const BAD: Record<string, string> = {
  "a tab as indentation": "kind: Stack\nmetadata:\n\tname: shop\n",
  "a key twice": stack("    web:\n      image: a\n      image: b\n"),
  "a Compose file of the first version": "web:\n  image: nginx\n  links: [db]\ndb:\n  build: .\n",
  "a misspelt key": stack("    web:\n      imgae: nginx\n"),
  "a misspelt value": stack("    web:\n      image: a\n      restart: allways\n"),
  "a name with capitals": "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: My_App}\nspec: {services: {web: {image: a}}}\n",
  "a kind in lower case": "apiVersion: steadfleet.dev/v1\nkind: stack\nmetadata: {name: x}\n",
  "another apiVersion": "apiVersion: steadfleet.dev/v2\nkind: Stack\nmetadata: {name: x}\nspec: {services: {web: {image: a}}}\n",
  "no kind": "metadata: {name: x}\n",
  "build:": stack("    web:\n      build: .\n"),
  "a port out of range": stack('    web:\n      image: a\n      ports: ["99999:80"]\n'),
  "an unknown dependency": stack("    web:\n      image: a\n      depends_on: [bd]\n    db:\n      image: b\n"),
  "a cycle": stack("    a:\n      image: x\n      depends_on: [b]\n    b:\n      image: x\n      depends_on: [a]\n"),
  "no services": "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata: {name: x}\nspec: {}\n",
  "a number for a list": stack("    web:\n      image: a\n      ports: 8080\n"),
  "a required variable": "services:\n  db:\n    image: db:${TAG:?say which release}\n",
  "a broken variable": "services:\n  db:\n    image: db:${TAG\n",
  "an undeclared volume": "services:\n  db:\n    image: db\n    volumes: [dta:/x]\nvolumes: {data: }\n",
  "a quote that is not closed": 'services:\n  db:\n    image: "db\n',
  "an empty file": "# nothing\n",
  "not a manifest at all": "hello world\n",
  "nesting without end": "[".repeat(50_000),
  "the same stack twice": `${stack("    web:\n      image: a\n")}---\n${stack("    web:\n      image: b\n")}`,
};

describe("bad input", () => {
  it.each(Object.keys(BAD))("%s", async (name) => {
    const text = await shown({ "shop.yaml": BAD[name] as string });
    expect(text).toContain("shop.yaml");
    await expect(text).toMatchFileSnapshot(`../golden/bad/${name.replace(/[^a-z]+/gi, "-")}.txt`);
  });

  it("shows all problems, by line, and counts them", async () => {
    const text = await shown({ "shop.yaml": stack("    web:\n      imgae: nginx\n    db:\n      image: a\n      restart: allways\n") });
    expect(text.match(/^error/gm)).toHaveLength(2);
    expect(text).toMatch(/8:7[\s\S]*11:16[\s\S]*2 errors; nothing was sent\n$/);
  });

  it("says what it cannot read", async () => {
    await expect(load({}, {}, {}, ["nope.yaml"])).rejects.toThrow(/cannot read nope.yaml: ENOENT/);
    await expect(load({ "x/readme.md": "" }, {}, {}, ["x"])).rejects.toThrow(/x has no .yaml/);
    await expect(load({}, {}, {}, ["https://example.com/x.yaml"])).rejects.toThrow(/addresses are not supported yet/);
    await expect(load({}, {}, {}, [])).rejects.toThrow(/no manifest was named/);
  });
});

describe("good input", () => {
  const compose = "services:\n  web:\n    image: nginx:${TAG:-1}\n";

  it("a manifest is sent as it is, with its namespace", async () => {
    const { loaded, warnings } = await load({ "a.yaml": stack("    web:\n      image: a\n") });
    expect(warnings).toBe("");
    expect(loaded.map((l) => l.manifest)).toEqual([
      {
        apiVersion: "steadfleet.dev/v1",
        kind: "Stack",
        metadata: { name: "shop", namespace: "default" },
        spec: { services: { web: { image: "a" } } },
      },
    ]);
  });

  it("variables of a manifest stay as they are: only Compose files are interpolated", async () => {
    const { loaded } = await load({ "a.yaml": stack("    web:\n      image: a\n      command: echo $HOME $$\n") }, {}, { HOME: "/x" });
    expect(loaded[0]?.manifest["spec"]).toEqual({ services: { web: { image: "a", command: "echo $HOME $$" } } });
  });

  it("directories, several documents, lists and standard input", async () => {
    const ns = (name: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}}\n`;
    const list = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Namespace, metadata: {name: c}}]";
    const files = { "d/b.yml": `${ns("a")}---\n${ns("b")}---\n`, "d/c.json": list, "d/notes.txt": "x", "-": ns("stdin") };
    const { loaded } = await load(files, {}, {}, ["d", "-"]);
    expect(loaded.map((l) => `${l.file}:${l.manifest.metadata.name}`)).toEqual(["d/b.yml:a", "d/b.yml:b", "d/c.json:c", "stdin:stdin"]);
  });

  it("a Compose file is named by -p, else by name:, else by its folder", async () => {
    const nameOf = async (text: string, o: Partial<LoadOptions>): Promise<string | undefined> =>
      (await load({ "compose.yaml": text }, o)).loaded[0]?.manifest.metadata.name;
    expect(await nameOf(compose, { projectName: "p" })).toBe("p");
    expect(await nameOf(`name: My Shop\n${compose}`, { projectName: undefined })).toBe("my-shop");
    expect(await nameOf(compose, { projectName: undefined })).toMatch(/^shop-[a-z0-9]/);
    await expect(nameOf(compose, { projectName: "My_Shop" })).rejects.toThrow(/cannot name a Stack/);
  });

  it("variables come from the shell, then from .env, then from the default", async () => {
    const imageOf = async (files: Record<string, string>, env: Record<string, string>, o: Partial<LoadOptions> = {}): Promise<unknown> => {
      const { loaded } = await load(files, o, env, ["compose.yaml"]);
      return ((loaded[0] as Loaded).manifest["spec"] as { services: { web: { image: string } } }).services.web.image;
    };
    expect(await imageOf({ "compose.yaml": compose }, {})).toBe("nginx:1");
    expect(await imageOf({ "compose.yaml": compose, ".env": "TAG=2" }, {})).toBe("nginx:2");
    expect(await imageOf({ "compose.yaml": compose, ".env": "TAG=2" }, { TAG: "3" })).toBe("nginx:3");
    expect(
      await imageOf({ "compose.yaml": compose, ".env": "TAG=2", "a.env": "TAG=4", "b.env": "TAG=5" }, {}, { envFiles: ["a.env", "b.env"] }),
    ).toBe("nginx:5");
    await expect(imageOf({ "compose.yaml": compose }, {}, { envFiles: ["nope.env"] })).rejects.toThrow(/variables in nope.env/);
    await expect(imageOf({ "compose.yaml": compose, ".env": "TAG=1\n%X=hunter2" }, {})).rejects.toThrow(/\.env:2: expected NAME=value$/);
  });

  it("settles what only the client can: paths, typed text, the environment, empty maps", async () => {
    const text = `
x-common: &common
  image: web:1
  environment: &env {VERSION: 1.10, PORT: 0080, DEBUG: "true", FOO: , NONE: }
services:
  web:
    <<: *common
    init: \${INIT:-true}
    deploy: {replicas: "\${N:-3}"}
    volumes: ["./conf:/conf:ro", "~/x:/x", "data:/data", "/abs:/abs", {type: bind, source: ../up, target: /up}]
    networks: {default: , back: {aliases: [w]}}
  list:
    image: web:1
    environment: [FOO, NONE, "A=\${FOO}", "B=$$HOME"]
volumes: {data: }
networks: {back: }
`;
    const { loaded, warnings, cwd } = await load({ "compose.yaml": text }, {}, { FOO: "foo" });
    expect(warnings.match(/^warning.*$/gm)).toEqual([
      'warning[SF1103]: services.web.environment.VERSION: 1.10 is kept as it is typed; Compose makes "1.1" of it',
      'warning[SF1103]: services.web.environment.PORT: 0080 is kept as it is typed; Compose makes "80" of it',
      "warning[SF1203]: services.web.environment: NONE has no value here and is left out",
    ]);
    const spec = loaded[0]?.manifest["spec"] as { services: Record<string, unknown> };
    expect(spec.services["web"]).toEqual({
      image: "web:1",
      environment: { VERSION: "1.10", PORT: "0080", DEBUG: "true", FOO: "foo" },
      init: true,
      deploy: { replicas: 3 },
      volumes: [
        `${cwd}/conf:/conf:ro`,
        "/home/ann/x:/x",
        "data:/data",
        "/abs:/abs",
        { type: "bind", source: join(cwd, "../up"), target: "/up" },
      ],
      networks: { default: {}, back: { aliases: ["w"] } },
    });
    expect(spec.services["list"]).toEqual({ image: "web:1", environment: ["FOO=foo", "A=foo", "B=$HOME"] });
    expect(spec).toMatchObject({ volumes: { data: {} }, networks: { back: {} } });
  });

  it("variables that are not set are an empty text, as in Compose, and are told of once", async () => {
    const text = "services:\n  db:\n    image: db:1\n    environment:\n      A: x${DB_PASSWORD}\n      B: $DB_PASSWORD${OTHER}${SET:-y}\n";
    const { loaded, warnings } = await load({ "compose.yaml": text });
    expect(loaded[0]?.manifest["spec"]).toEqual({ services: { db: { image: "db:1", environment: { A: "x", B: "y" } } } });
    expect(warnings).toMatchInlineSnapshot(`
      "warning[SF1203]: variables are not set: DB_PASSWORD, OTHER; an empty text stands in
        --> compose.yaml:5:11
        5 |       A: x\${DB_PASSWORD}
          |           ^^^^^^^^^^^^^^
        help: export DB_PASSWORD=…, put it into .env, or write \${DB_PASSWORD:-default}
      "
    `);
  });

  it("`version` of a Compose file is warned about and not sent", async () => {
    const { loaded, warnings } = await load({ "compose.yaml": `version: "3.8"\n${compose}` });
    expect(warnings).toMatch(/warning\[SF1103\]: version: `version` is obsolete[\s\S]*compose.yaml:1:10/);
    expect(loaded[0]?.manifest["spec"]).not.toHaveProperty("version");
  });

  it("warns where kubectl would read the same text differently, in manifests only", async () => {
    const body = '    job:\n      image: a\n      restart: no\n      labels: {a: on, b: 010, c: 1_000, d: "yes", e: 22:22}\n';
    const { warnings } = await load({ "a.yaml": stack(body) });
    expect(warnings.match(/^warning.*$/gm)).toEqual([
      "warning[SF1103]: restart: no is a text here; YAML 1.1 tools (kubectl) read it as false",
      "warning[SF1103]: a: on is a text here; YAML 1.1 tools (kubectl) read it as true",
      "warning[SF1103]: b: 010 is the number 10 here; YAML 1.1 tools (kubectl) read it as octal, 8",
      "warning[SF1103]: c: 1_000 is a text here; YAML 1.1 tools (kubectl) read it as the number 1000",
    ]);
    const composed = (await load({ "compose.yaml": `services:\n${body.replace(/^ {2}/gm, "")}` })).warnings;
    expect(composed.match(/^warning.*$/gm)).toEqual([
      'warning[SF1103]: services.job.labels.b: 010 is kept as it is typed; Compose makes "8" of it',
    ]);
  });
});
