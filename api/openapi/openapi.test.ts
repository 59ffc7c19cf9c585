import { describe, expect, it } from "vitest";
import { loadSchema } from "../../schemas/load.ts";
import { KINDS } from "../kinds/index.ts";
import type { OpenApiSchema } from "./components.ts";
import type { SwaggerSchema } from "./gnostic.ts";
import { openApi } from "./index.ts";
import { operationsOf } from "./operations.ts";
import { shapeOf } from "./shape.ts";
import { v2Document } from "./v2.ts";
import { referencedComponents, v3Document } from "./v3.ts";
import { typeWords } from "./words.ts";

const info = { title: "Test", version: "0" };
const GROUPS = [...new Map(KINDS.map(({ resource: { group, version } }) => [`${group}/${version}`, { group, version }])).values()];

const children = (s: OpenApiSchema): [string, OpenApiSchema][] => [
  ...Object.entries(s.properties ?? {}),
  ...(s.items ? [["[]", s.items] as [string, OpenApiSchema]] : []),
  ...(s.additionalProperties ? [["*", s.additionalProperties] as [string, OpenApiSchema]] : []),
];

describe.each(GROUPS)("OpenAPI v3 of $group/$version", ({ group, version }) => {
  const document = v3Document(KINDS, group, version, info);
  const { schemas } = document.components;

  it("describes and types every field", () => {
    const bad: string[] = [];
    const check = (s: OpenApiSchema, path: string, field: boolean): void => {
      const typed = s.type ?? s.$ref ?? s.allOf ?? s.anyOf ?? s["x-kubernetes-preserve-unknown-fields"];
      if (!typed) bad.push(`${path}: no type`);
      if (field && !s.description) bad.push(`${path}: no description`);
      for (const [name, child] of children(s)) check(child, `${path}.${name}`, s.properties?.[name] === child);
    };
    for (const [name, schema] of Object.entries(schemas)) check(schema, name, true);
    expect(bad).toEqual([]);
  });

  it("refers to every component, and to none that is missing", () => {
    expect([...referencedComponents(document)].toSorted()).toEqual(Object.keys(schemas).toSorted());
  });

  it("has a component, paths and parameters for each of its kinds", () => {
    for (const kind of KINDS.filter((k) => k.resource.group === group)) {
      if (kind.resource.version !== version) continue;
      const gvk = { group, version, kind: kind.resource.kind };
      const own = Object.values(schemas).filter(
        (s) => JSON.stringify(s["x-kubernetes-group-version-kind"]) === JSON.stringify([{ group, kind: gvk.kind, version }]),
      );
      expect(own).toHaveLength(1);
      for (const op of operationsOf(kind)) {
        const said = document.paths[op.path]?.[op.method];
        expect(said?.["x-kubernetes-group-version-kind"]).toEqual(op.gvk);
        expect(said?.parameters.filter((p) => p.in === "path").map((p) => `{${p.name}}`)).toEqual(op.path.match(/\{\w+\}/g) ?? []);
        if (op.body === "object" || op.body === "patch") {
          expect(said?.parameters.map((p) => p.name)).toEqual(expect.arrayContaining(["fieldValidation", "dryRun", "fieldManager"]));
        }
      }
    }
  });
});

describe("operations", () => {
  it("have ids of their own", () => {
    const ids = KINDS.flatMap(operationsOf).map((o) => o.id);
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
  });

  it("are those of the verbs, and those that are refused with a reason", () => {
    const [pods] = KINDS.filter((k) => k.resource.resource === "pods");
    expect(pods && operationsOf(pods).flatMap((o) => (o.subresource ? [] : [`${o.method} ${o.path}`]))).toEqual([
      "get /api/v1/namespaces/{namespace}/pods",
      "delete /api/v1/namespaces/{namespace}/pods",
      "post /api/v1/namespaces/{namespace}/pods",
      "get /api/v1/namespaces/{namespace}/pods/{name}",
      "delete /api/v1/namespaces/{namespace}/pods/{name}",
      "put /api/v1/namespaces/{namespace}/pods/{name}",
      "patch /api/v1/namespaces/{namespace}/pods/{name}",
      "get /api/v1/pods",
    ]);
  });
});

describe("unions", () => {
  const { schemas } = v3Document(KINDS, "steadfleet.dev", "v1", info).components;
  const service = schemas["dev.steadfleet.v1.ComposeService"];

  it("are components without a type, with the richest form beside the list of forms", () => {
    expect(service?.properties?.ports?.items?.$ref).toBe("#/components/schemas/dev.steadfleet.v1.StringOrIntegerOrComposePort");
    const port = schemas["dev.steadfleet.v1.StringOrIntegerOrComposePort"];
    expect(port?.type).toBeUndefined();
    expect(port?.anyOf?.map((f) => f.type)).toEqual(["string", "integer", "object"]);
    expect(Object.keys(port?.properties ?? {})).toContain("target");
    expect(port?.description).toMatch(/^One of:\n- string: .*8080:80/);
  });

  it("have each key of a service, and say where it is not quite as in Compose", () => {
    const { properties } = loadSchema("compose").$defs?.ComposeService ?? {};
    expect(Object.keys(service?.properties ?? {})).toEqual(expect.arrayContaining(Object.keys(properties ?? {})));
    expect(service?.properties?.build?.description).toMatch(/Here: Nothing is built here/);
    expect(service?.properties?.links?.description).toMatch(/Here: The alias is seen by everybody/);
  });

  it("of words are told in words", () => {
    const { spec } = shapeOf("stack").properties;
    expect(spec?.type === "object" && spec.properties.version && typeWords(spec.properties.version)).toBe("string or number");
  });
});

describe("OpenAPI v2", () => {
  const document = v2Document(KINDS, info);
  const stack = document.definitions["dev.steadfleet.v1.Stack"];
  const at = (...path: string[]): SwaggerSchema | undefined => path.reduce<SwaggerSchema | undefined>((s, k) => s?.properties?.[k], stack);
  const service = at("spec", "services")?.additionalProperties;

  it("has no word that kubectl 1.20 does not understand, and types what is typed", () => {
    const bad: string[] = [];
    const check = (s: SwaggerSchema, path: string): void => {
      for (const k of ["anyOf", "oneOf", "not", "nullable"]) if (k in s) bad.push(`${path}: ${k}`);
      if (s.type === "object" && !s.properties && !s.additionalProperties) bad.push(`${path}: object without content`);
      if (s.type === "array" && !s.items) bad.push(`${path}: array without items`);
      for (const [k, c] of Object.entries(s.properties ?? {})) {
        if (!c.description) bad.push(`${path}.${k}: no description`);
        check(c, `${path}.${k}`);
      }
      if (s.items) check(s.items, `${path}[]`);
      if (s.additionalProperties) check(s.additionalProperties, `${path}.*`);
    };
    for (const [name, schema] of Object.entries(document.definitions)) check(schema, name);
    expect(bad).toEqual([]);
  });

  it("refers only to its own definitions", () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)].map((m) => m[1] as string);
    expect([...new Set(refs)].toSorted()).toEqual(Object.keys(document.definitions).toSorted());
  });

  it.each([
    {
      name: "a form of several is left open, and told down to the leaves",
      field: service?.properties?.ports?.items,
      type: undefined,
      says: "* host_ip (string): ",
    },
    {
      name: "a map that may hold null is left open",
      field: at("spec", "volumes"),
      type: undefined,
      says: "* external (boolean or object): ",
    },
    { name: "scalars are text, which takes any", field: service?.properties?.user, type: "string", says: "Type: string or integer." },
    { name: "a plain field is plain", field: service?.properties?.image, type: "string", says: "Image to run" },
  ])("$name", ({ field, type, says }) => {
    expect(field).toBeDefined();
    expect(field?.type).toBe(type);
    expect(field?.properties).toBeUndefined();
    expect(field?.description).toContain(says);
  });
});

describe("openApi", () => {
  it("serves each document under an address that changes with it", () => {
    const [a, b] = [openApi("1"), openApi("2")];
    const address = (o: typeof a) =>
      (o.index() as { paths: Record<string, { serverRelativeURL: string }> }).paths["apis/steadfleet.dev/v1"];
    expect(address(a)?.serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/steadfleet\.dev\/v1\?hash=[0-9A-F]{32}$/);
    expect(address(a)).toEqual(address(openApi("1")));
    expect(address(a)).not.toEqual(address(b));
  });
});
