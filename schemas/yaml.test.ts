import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatProblem, formatWarning } from "./problems.ts";
import { MAX_BYTES, parseManifests } from "./yaml.ts";

const lines = (text: string): string[] => {
  const { documents, problems } = parseManifests(text, "shop.yaml");
  return [
    ...problems.map(formatProblem),
    ...documents.flatMap((d) =>
      d.form === "compose"
        ? ["a Compose file"]
        : [
            ...("problems" in d.result ? d.result.problems.map(formatProblem) : []),
            ...d.result.warnings.map((w) => `warning ${formatWarning(w)}`),
          ],
    ),
  ];
};

const head = `apiVersion: steadfleet.dev/v1
kind: Stack
metadata:
  name: shop
spec:
`;

describe("bad inputs are told with place, cause and way out", () => {
  it.each<[string, string, string[]]>([
    [
      "a tab",
      "kind: Stack\nmetadata:\n\tname: shop\n",
      ["shop.yaml:3:1: a tab is used for indentation — YAML does not allow tabs there; use 2 spaces."],
    ],
    [
      "a key twice",
      `${head}  services:\n    web:\n      image: a\n      image: b\n`,
      [
        'shop.yaml:9:7 spec.services.web.image: the key "image" appears twice (first at 8:7) — Remove one; YAML parsers disagree about which one wins.',
      ],
    ],
    [
      "a misspelt key",
      `${head}  services:\n    web:\n      imgae: nginx\n`,
      ['shop.yaml:8:7 spec.services.web.imgae: unknown field; did you mean "image"?'],
    ],
    [
      "a misspelt value",
      `${head}  services:\n    web: {image: nginx, restart: allways}\n`,
      [
        'shop.yaml:7:34 spec.services.web.restart: must be no, always, on-failure, on-failure:<times> or unless-stopped; got "allways"; did you mean "always"?',
      ],
    ],
    [
      "restart: false",
      `${head}  services:\n    job: {image: nginx, restart: false}\n`,
      [
        'warning shop.yaml:7:34 spec.services.job.restart: the boolean false is read as "no": YAML 1.1 programs such as kubectl read a bare no as false; quote it: restart: "no"',
      ],
    ],
    [
      "a bad name",
      "apiVersion: steadfleet.dev/v1\nkind: Stack\nmetadata:\n  name: My_App\nspec:\n  services: {}\n",
      [
        'shop.yaml:4:9 metadata.name: "My_App" must be lower-case letters, digits and "-", beginning and ending with a letter or digit, at most 30 characters; for example "my-app"',
      ],
    ],
    [
      "a kind in lower case",
      "apiVersion: steadfleet.dev/v1\nkind: stack\n",
      [
        'shop.yaml:2:7 kind: the kind "stack" is not known; did you mean "Stack"? — Kinds are case-sensitive. Known: ConfigMap, Event, Lease, Namespace, Node, Pod, Secret, ServiceAccount, Stack, StackRevision.',
      ],
    ],
    ["the wrong version", "apiVersion: v1\nkind: Stack\n", ['shop.yaml:1:13 apiVersion: must be steadfleet.dev/v1 for Stack; got "v1"']],
    ["a Compose file", "services:\n  web:\n    image: nginx\n", ["a Compose file"]],
    [
      "build",
      `${head}  services:\n    web:\n      build: .\n`,
      [
        "shop.yaml:8:7 spec.services.web.build: is not supported without `image` — Build the image and push it to a registry your nodes can reach (`docker build -t … . && docker push …`), then name it with `image`.",
      ],
    ],
    [
      "several keys that are not supported, each once",
      `${head}  services:\n    web:\n      image: nginx\n      models: [llm]\n  secrets: {key: {file: ./key}}\n  models: {}\n`,
      [
        "shop.yaml:9:7 spec.services.web.models: is not supported — Run the model as a service of its own.",
        "shop.yaml:10:19 spec.secrets.key.file: is not supported — `steady up` and `steady apply` make a Secret of the file. Otherwise make it (`kubectl create secret generic <name> --from-file …`), and declare it with `external: true`.",
        "shop.yaml:11:3 spec.models: is not supported — Run the model as a service of its own.",
      ],
    ],
    [
      "a variable that nobody filled in",
      `${head}  services:\n    web:\n      image: "nginx:\${TAG}"\n      environment: [PASSWORD]\n`,
      [
        'shop.yaml:8:14 spec.services.web.image: "nginx:${TAG}" has a bad tag "${TAG}" — The server fills in no variables: write the value in place of ${TAG}.',
        'shop.yaml:9:21 spec.services.web.environment[0]: "PASSWORD" has no value, and the server has no environment to take it from — Write `PASSWORD: ""` for an empty value. `steady up` fills in values of your own environment.',
      ],
    ],
    [
      "a host port that two services of a group publish",
      `${head}  services:\n    api:\n      image: a\n      ports: ["8080:80"]\n    web:\n      image: b\n      ports: ["8080:3000"]\n`,
      [
        'shop.yaml:12:14 spec.services.web.ports: the host port 8080 is also published by "api", which runs on the same node — Use another host port. Services that share a network or a volume run on one node.',
      ],
    ],
    [
      "services that wait for each other",
      `${head}  services:\n    web: {image: a, depends_on: [api]}\n    api: {image: a, depends_on: [worker]}\n    worker: {image: a, depends_on: [web]}\n`,
      [
        "shop.yaml:8:33 spec.services.api.depends_on: services wait for each other: api → worker → web → api — Remove one of these dependencies.",
      ],
    ],
    [
      "a relative path",
      `${head}  services:\n    db:\n      image: a\n      volumes:\n        - ./init.sql:/init.sql\n`,
      [
        'shop.yaml:10:11 spec.services.db.volumes[0]: the path "./init.sql" is relative, and a server does not know to what — Write an absolute path of the node. `steady up` and `steady apply` resolve relative paths against the file.',
      ],
    ],
    [
      "a volume that is not declared",
      `${head}  services:\n    db: {image: a, volumes: ["dat:/x"]}\n  volumes: {data: {}}\n`,
      ['shop.yaml:7:30 spec.services.db.volumes[0]: the volume "dat" is not declared under spec.volumes; did you mean "data"?'],
    ],
    [
      "numbers out of range and of the wrong type",
      `${head}  services:\n    db:\n      image: 5\n      deploy: {replicas: -1}\n      ports: ["99999:80"]\n`,
      [
        "shop.yaml:8:14 spec.services.db.image: must be a text; got the number 5",
        "shop.yaml:9:26 spec.services.db.deploy.replicas: must be at least 0; got -1",
        'shop.yaml:10:15 spec.services.db.ports[0]: "99999" is no port; ports are 1 to 65535, ranges go up',
      ],
    ],
    [
      "an empty value",
      `${head}  services:\n    db:\n      image:\n`,
      ["shop.yaml:8:13 spec.services.db.image: has no value; write a text, or remove the key"],
    ],
    ["a service without image", `${head}  services:\n    db: {user: me}\n`, ["shop.yaml:7:5 spec.services.db.image: is required"]],
    [
      "an anchor that is not there",
      `${head}  services: *base\n`,
      ['shop.yaml:6:13 spec.services: there is no anchor &base before this alias — Quote a text that begins with "*".'],
    ],
    ["a tag", `${head}  services: !reset null\n`, ["shop.yaml:6:13: not YAML: unresolved tag: !reset"]],
    [
      "everything in a file at once, over documents and lists",
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: A}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata: {name: n, namespace: x}\n",
      [
        'shop.yaml:3:18 metadata.name: "A" must be lower-case letters, digits and "-", beginning and ending with a letter or digit, at most 63 characters; for example "a"',
        "shop.yaml:10:23 metadata.namespace: a Node lives in no namespace — Remove it.",
      ],
    ],
    [
      "a value in a merged map, where it was written",
      `${head}  x-base: &base\n    restart: sometimes\n  services:\n    web: {<<: *base, image: nginx}\n`,
      ['shop.yaml:7:14 spec.services.web.restart: must be no, always, on-failure, on-failure:<times> or unless-stopped; got "sometimes"'],
    ],
  ])("%s", (_name, text, told) => expect(lines(text)).toEqual(told));
});

const valueOf = (text: string): unknown => parseManifests(text, "f").documents.map((d) => d.value);

describe("values", () => {
  it("keep the typed text of numbers in environment and labels, but not elsewhere", () => {
    const text =
      "services:\n  web:\n    image: a\n    environment: {V: 1.10, W: 0755, X: 2, Y: true}\n    labels: [a]\n    init: true\nversion: 3.80\n";
    expect(valueOf(text)).toEqual([
      { services: { web: { image: "a", environment: { V: "1.10", W: "0755", X: 2, Y: true }, labels: ["a"], init: true } }, version: 3.8 },
    ]);
  });

  it("read no, on and 22:22 as texts", () => expect(valueOf("[no, on, 22:22]")).toEqual([["no", "on", "22:22"]]));

  it("merge maps: own keys win, then the first", () => {
    const text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n";
    expect(valueOf(text)).toEqual([{ a: { x: 1, y: 1 }, b: { x: 2, z: 2 }, c: { x: 1, z: 2, y: 3 } }]);
  });

  it("resolve an alias to the last anchor of that name before it", () => {
    expect(valueOf("[&x 1, *x, &x 2, *x]")).toEqual([[1, 1, 2, 2]]);
  });

  it("keep __proto__ a key like others", () => {
    const [value] = valueOf("__proto__: {x: 1}\n") as [object];
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect((value as { x?: number }).x).toBeUndefined();
  });

  it("skip empty documents", () => expect(valueOf("---\n---\n# nothing\n")).toEqual([]));
});

describe("bounds", () => {
  it.each<[string, string, RegExp]>([
    ["40 KB of [", "[".repeat(40_000), /1:65: nested deeper than 64 levels/],
    ["brackets closed in quotes only", '["]",'.repeat(10_000), /nested deeper than 64/],
    ["brackets closed in comments only", "[ # ]\n".repeat(10_000), /nested deeper than 64/],
    ["maps in brackets", "{a: ".repeat(10_000), /nested deeper than 64/],
    ["lists in one line", "- ".repeat(10_000), /nested deeper than 64/],
    ["keys in one line", "? ".repeat(10_000), /nested deeper than 64/],
    ["ever deeper blocks", Array.from({ length: 100 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""), /nested deeper than 64/],
    ["too many bytes", "a".repeat(MAX_BYTES + 1), /larger than 1048576 bytes/],
    ["too many keys", Array.from({ length: 60_000 }, (_, i) => `k${i}:\n`).join(""), /more than 50000 keys/],
    ["control characters", "a: \u0007", /1:4: the control character U\+0007 is not allowed/],
    ["an alias in itself", "&a [*a]", /the alias \*a contains itself/],
    [
      "aliases of aliases of aliases",
      `a0: &a0 [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 10 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`).join("")}`,
      /more than 100000 values when its aliases are filled in/,
    ],
  ])("%s", (_name, text, told) => expect(lines(text).join("\n")).toMatch(told));

  it.each<[string, string]>([
    ["brackets in quotes", `a: "${"[".repeat(1000)}"`],
    ["brackets in a block", `a: |\n  ${"[".repeat(1000)}\n`],
    ["brackets in a comment", `a: 1 # ${"[".repeat(1000)}\n`],
    ["an apostrophe in a word", "a: it's [\nb: '['\n"],
    ["64 levels", `${"[".repeat(64)}${"]".repeat(64)}`],
  ])("do not stand in the way of %s", (_name, text) => expect(parseManifests(text, "f").problems).toEqual([]));

  it("hold for arbitrary bytes: an answer always comes", () => {
    const yaml = fc.string({
      unit: fc.constantFrom(
        "[",
        "]",
        "{",
        "}",
        ": ",
        "- ",
        "? ",
        "\n",
        " ",
        "a",
        '"',
        "'",
        "|",
        ">",
        "&a ",
        "*a ",
        "!t ",
        "#",
        ",",
        "---\n",
        "<<: ",
        "\t",
        "%",
      ),
      maxLength: 200,
    });
    const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b).toString("utf8"));
    fc.assert(
      fc.property(
        fc.oneof(
          yaml,
          bytes,
          fc.tuple(yaml, fc.nat(200)).map(([s, n]) => s.slice(0, 20).repeat(n)),
        ),
        (text) => {
          const { documents, problems } = parseManifests(text, "f");
          for (const p of problems) expect(p.position).toMatchObject({ file: "f" });
          for (const d of documents) expect(d.source.position(["metadata", "name"], false)).toMatchObject({ file: "f" });
        },
      ),
      { numRuns: 500 },
    );
  });
});
