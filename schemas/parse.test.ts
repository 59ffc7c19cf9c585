import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseObject } from "./parse.ts";
import { formatProblem, MAX_PROBLEMS } from "./problems.ts";
import { spoiledKind } from "./testing/arbitrary.ts";

const told = (value: unknown): string[] => {
  const result = parseObject(value);
  return "problems" in result ? result.problems.map(formatProblem) : [];
};
const objectOf = (value: unknown): unknown => {
  const result = parseObject(value);
  if ("problems" in result) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.object;
};
const stack = (spec: unknown, metadata: object = { name: "shop" }): object => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata,
  spec,
});
const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } };

describe("an object", () => {
  it.each<[string, unknown, string[]]>([
    ["is a map", [], ["must be a map with apiVersion, kind and metadata; got a list"]],
    [
      "says what it is",
      {},
      ["kind: is required, for example `Stack`", "apiVersion: is required: v1, coordination.k8s.io/v1 or steadfleet.dev/v1"],
    ],
    [
      "is no Compose file of old",
      { web: { image: "x" } },
      ["this looks like a Compose file of old, with services at the top level — Write `services:` above them, and indent them below it."],
    ],
    [
      "has services, if it is a Compose file",
      { service: { web: { image: "x" } } },
      ['service: this looks like a Compose file; "service" is no part of one; did you mean "services"?'],
    ],
    [
      "has texts where a list wants texts",
      stack({ services: { web: { image: "x", environment: ["A=1", { B: 2 }], ports: [{ 80: 80 }], volumes: [{ "/a:/b": null }] } } }),
      [
        'spec.services.web.environment[1]: must be a text; got a map — The ":" makes a map of it. Write "B=…".',
        'spec.services.web.ports[0]: must be a text, a whole number or a map; the key "80" is none that such a map has — The ":" makes a map of it. Write "80:80".',
        'spec.services.web.volumes[0]: must be a text or a map; the key "/a:/b" is none that such a map has — The ":" makes a map of it. Write "/a:/b".',
      ],
    ],
    ["has a name", stack({ services: {} }, {}), ["metadata.name: is required"]],
    ["has a name that is a text", stack({ services: {} }, { name: 5 }), ["metadata.name: must be a text; got the number 5"]],
    [
      "has labels of Kubernetes",
      stack({ services: {} }, { name: "a", labels: { "a b": "-" } }),
      [
        'metadata.labels[a b]: the key "a b" is not valid: the name must be letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63 characters',
        'metadata.labels[a b]: the value "-" must be letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63 characters, or empty',
      ],
    ],
    [
      "has labels that are texts",
      stack({ services: {} }, { name: "a", labels: { version: 1.1 } }),
      ["metadata.labels.version: must be a text; got the number 1.1"],
    ],
    [
      "has qualified finalizers",
      stack({ services: {} }, { name: "a", finalizers: ["a/b/c"] }),
      ['metadata.finalizers[0]: "a/b/c" is not valid: must be "name" or "prefix/name"'],
    ],
    [
      "has annotations of 256 KiB at most",
      stack({ services: {} }, { name: "a", annotations: { a: "x".repeat(262_144) } }),
      [
        "metadata.annotations: at most 262144 bytes together; these are 262145 — `kubectl apply` keeps the whole manifest in an annotation; use `kubectl apply --server-side` for large ones.",
      ],
    ],
    ["may leave its name to the server", stack({ services: {} }, { generateName: "shop-" }), []],
    ["has no field that is not known", { ...stack({ services: {} }), sepc: {} }, ['sepc: unknown field; did you mean "spec"?']],
    [
      "has keys of ours that are known",
      stack({ services: { web: { image: "a", "x-steadfleet": { restartedAt: "today", pause: true } } } }),
      [
        'spec.services.web.x-steadfleet.restartedAt: must be a time such as 2006-01-02T15:04:05Z; got "today"',
        'spec.services.web.x-steadfleet.pause: unknown field; did you mean "paused"?',
      ],
    ],
    [
      "tells of a Compose file",
      { services: {} },
      [
        'no apiVersion and kind: this looks like a Compose file (found "services") — Wrap it: `apiVersion: steadfleet.dev/v1`, `kind: Stack`, `metadata: {name: …}`, and all of this below `spec`.',
      ],
    ],
    [
      "has times that are times",
      { apiVersion: "v1", kind: "Event", metadata: { name: "e" }, involvedObject: {}, lastTimestamp: "yesterday" },
      ['lastTimestamp: must be a time such as 2006-01-02T15:04:05Z; got "yesterday"'],
    ],
    ["never shows a secret value", { ...secret, data: { p: "hunter2!" } }, ["data.p: must be base64 — Plain text goes into `stringData`."]],
    ["has data under one name only", { ...configMap, data: { a: "" }, binaryData: { a: "" } }, ["binaryData.a: is in `data`, too"]],
  ])("%s", (_name, value, want) => expect(told(value)).toEqual(want));

  it("tells all problems of all parts at once", () => {
    const paths = told(
      stack(
        {
          services: { web: { imgae: "x", restart: "allways", deploy: { replicas: -1 } }, db: { image: "B" }, c: 5 },
          volumes: { "a b": {} },
        },
        { name: "A" },
      ),
    ).map((line) => line.split(": ")[0]);
    expect(paths.toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
      "metadata.name",
      "spec.services.c",
      "spec.services.db.image",
      "spec.services.web.deploy.replicas",
      "spec.services.web.imgae",
      "spec.services.web.restart",
      "spec.volumes[a b]",
    ]);
  });

  it(`tells ${MAX_PROBLEMS} problems and how many more there are`, () => {
    const services = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`s${i}`, { imgae: "x" }]));
    const lines = told(stack({ services }));
    expect(lines).toHaveLength(MAX_PROBLEMS + 1);
    expect(lines.at(-1)).toBe("and 4901 more problems");
  });
});

describe("what parse makes of an object", () => {
  it("is the object as written, for a Stack", () => {
    const written = stack({
      services: { web: { image: "nginx", ports: [8080], environment: { A: 1 } } },
      volumes: { data: null },
      "x-note": [1],
    });
    expect(objectOf(written)).toEqual(written);
  });

  it("is without the empty values that clients send", () => {
    const metadata = { name: "a", creationTimestamp: null, labels: null };
    expect(objectOf({ apiVersion: "v1", kind: "Namespace", metadata, spec: {}, status: {} })).toEqual({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "a" },
      spec: {},
      status: {},
    });
  });

  it("has a Secret's texts in its data", () => {
    expect(objectOf({ ...secret, data: { a: "eA==", b: "eA==" }, stringData: { b: "ü" } })).toEqual({
      ...secret,
      type: "Opaque",
      data: { a: "eA==", b: "w7w=" },
    });
  });

  it("leaves what it was given alone", () => {
    const given = Object.freeze({ ...secret, stringData: Object.freeze({ a: "x" }) });
    objectOf(given);
    expect(given).toEqual({ ...secret, stringData: { a: "x" } });
  });

  it("keeps warnings beside the object", () => {
    const result = parseObject(stack({ services: { job: { image: "a", restart: false } } }));
    expect(result.warnings.map((w) => w.path)).toEqual(["spec.services.job.restart"]);
    expect("object" in result).toBe(true);
  });
});

describe("whatever is given", () => {
  it.each(["stack", "node", "secret", "configmap", "event"] as const)("parse answers, for a %s and for anything", (kind) => {
    fc.assert(
      fc.property(fc.oneof(spoiledKind(kind), fc.jsonValue() as fc.Arbitrary<unknown>), (value) => {
        const result = parseObject(value);
        if ("problems" in result) expect(result.problems.length).toBeGreaterThan(0);
        // What was accepted is accepted again, and stays the same.
        else expect(objectOf(result.object)).toEqual(result.object);
      }),
      { numRuns: 150 },
    );
  });
});
