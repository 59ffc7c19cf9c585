// charts/stack without a cluster: its schema judges the values, and what its template renders is a Stack that says what the values say.
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadSchema } from "../../schemas/load.ts";
import { parseObject } from "../../schemas/parse.ts";
import { arbitraryOf } from "../../schemas/testing/arbitrary.ts";
import { someService } from "../../schemas/testing/services.ts";
import { render } from "./template.ts";

type Json = Record<string, unknown>;

const chart = fileURLToPath(new URL("../../charts/stack/", import.meta.url));
const text = (path: string): string => readFileSync(chart + path, "utf8");
const yaml = (path: string): Json => parse(text(path)) as Json;

/** Without empty values: Helm drops keys that have none. */
const fullService = someService.filter((service) => !JSON.stringify(service).includes(":null"));

const about = yaml("Chart.yaml");
const schema = JSON.parse(text("values.schema.json")) as Json;
const judge = new Ajv({ allErrors: true, strictTypes: false, allowUnionTypes: true }).compile(schema);
const EXAMPLES = ["webapp", "job"];

const ours = (template: string, values: Json): string =>
  render(text(`templates/${template}`), {
    Values: { ...yaml("values.yaml"), ...values },
    Chart: { Name: about.name, Version: about.version },
    Release: { Name: "shop", Namespace: "prod", Service: "Helm" },
  });

const helm = (values: Json): string =>
  execFileSync("helm", ["template", "shop", chart, "--namespace", "prod", "--values", "-"], {
    input: JSON.stringify(values),
    encoding: "utf8",
  });

/** Helm itself speaks where there is one; our own reading of the template everywhere. */
const renderers: Record<string, (values: Json) => string> = {
  "our reading of the template": (values) => ours("stack.yaml", values),
  ...(spawnSync("helm", ["version"]).status === 0 ? { helm } : {}),
};

describe("Chart.yaml", () => {
  it("has what Helm asks for, and the version of the product", () => {
    const product = JSON.parse(readFileSync(`${chart}../../package.json`, "utf8")) as { version: string };
    expect(about).toMatchObject({
      apiVersion: "v2",
      name: "stack",
      type: "application",
      version: product.version,
      appVersion: product.version,
    });
  });
});

describe("values.schema.json", () => {
  it("accepts the chart's own values and the examples", () => {
    for (const path of ["values.yaml", ...EXAMPLES.map((name) => `examples/${name}.yaml`)]) {
      expect(judge(yaml(path)), `${path}: ${JSON.stringify(judge.errors)}`).toBe(true);
    }
  });

  it.each<[Json, string]>([
    [{}, "must have required property 'services'"],
    [{ services: [] }, "/services must be object"],
    [{ services: { web: {} } }, "/services/web must have required property 'image'"],
    [{ services: { web: { image: "a", imgae: "b" } } }, "/services/web must NOT have additional properties"],
    [{ services: { web: { image: "a", env_file: ".env" } } }, "/services/web must NOT have additional properties"],
    [{ services: { web: { image: "a", ports: [{ target: [] }] } } }, "/services/web/ports/0/target must be integer,string"],
    [
      { services: { web: { image: "a", deploy: { mode: "everywhere" } } } },
      "/services/web/deploy/mode must be equal to one of the allowed values",
    ],
    [{ services: {}, volumes: ["data"] }, "/volumes must be object,null"],
    [{ services: {}, replicaCount: 3 }, " must NOT have additional properties"],
    [{ services: {}, labels: { a: 1 } }, "/labels/a must be string"],
  ])("refuses %j", (values, want) => {
    expect(judge(values)).toBe(false);
    expect(judge.errors?.map((e) => `${e.instancePath} ${e.message}`)).toContainEqual(expect.stringContaining(want));
  });

  it("accepts whatever a Stack may say", () => {
    const bodies = arbitraryOf(loadSchema("compose"), "compose") as fc.Arbitrary<Json>;
    const services = someService.map((web): Json => ({ services: { web } }));
    fc.assert(
      fc.property(fc.oneof(bodies, services), ({ version: _version, name: _name, ...values }) => {
        expect(judge(values), JSON.stringify(judge.errors)).toBe(true);
      }),
    );
  });

  it("asks for nothing that Go's regular expressions lack", () => {
    expect(text("values.schema.json")).not.toMatch(/\(\?[=!<]/);
  });
});

describe.each(Object.entries(renderers))("as rendered by %s", (_name, rendered) => {
  it.each(EXAMPLES)("the example %s is a Stack that says what the values say", (name) => {
    const values = yaml(`examples/${name}.yaml`);
    const stack = parse(rendered(values)) as { metadata: Json; spec: Json };
    const result = parseObject(stack);
    expect("problems" in result ? result.problems : []).toEqual([]);
    expect(result.warnings).toEqual([]);
    const { labels, annotations, ...body } = values;
    expect(stack.spec).toMatchObject(body);
    expect(stack.metadata).toEqual({
      name: "shop",
      namespace: "prod",
      labels: {
        "app.kubernetes.io/name": "stack",
        "app.kubernetes.io/instance": "shop",
        "app.kubernetes.io/managed-by": "Helm",
        "helm.sh/chart": `stack-${String(about.version)}`,
        ...(labels as Json | undefined),
      },
      ...(annotations ? { annotations } : {}),
    });
  });

  it("any service comes through as it is", () => {
    const runs = _name === "helm" ? 5 : 100;
    fc.assert(
      fc.property(fullService, (web) => {
        const stack = parse(rendered({ name: "other", services: { web } })) as { metadata: Json; spec: Json };
        expect(stack.metadata.name).toBe("other");
        expect(stack.spec).toMatchObject({ services: { web: JSON.parse(JSON.stringify(web)) as Json } });
      }),
      { numRuns: runs },
    );
  });

  it("no service at all is told", () => {
    expect(() => rendered({})).toThrow(/services: name at least one service|services/);
  });
});

describe("NOTES.txt", () => {
  it("says what to do next, with the names that count", () => {
    const notes = ours("NOTES.txt", yaml("examples/job.yaml"));
    expect(notes).toContain("kubectl wait stack/shop -n prod --for=condition=Ready");
    expect(notes).not.toMatch(/\{\{|undefined/);
  });
});
