// What the schemas say about merging, and that clients are told the same.
import { describe, expect, it } from "vitest";
import { type JsonSchema, loadSchema, resolveRef, SCHEMA_NAMES, type SchemaName } from "../../schemas/load.ts";
import { KINDS } from "../kinds/index.ts";
import { v3Document } from "../openapi/v3.ts";
import { occupied } from "./owned.ts";
import { pathsOf } from "./field-set.ts";
import { pathWords } from "./steps.ts";
import { typeOfSchema } from "./type.ts";

function* listsIn(schema: JsonSchema, path: string): Generator<[string, JsonSchema]> {
  if ([schema.type].flat().includes("array")) yield [path, schema];
  for (const [key, child] of Object.entries({ ...schema.properties, ...schema.$defs })) yield* listsIn(child, `${path}.${key}`);
  if (schema.items) yield* listsIn(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") yield* listsIn(schema.additionalProperties, `${path}.*`);
  for (const [i, child] of (schema.anyOf ?? []).entries()) yield* listsIn(child, `${path}|${i}`);
}
const lists = SCHEMA_NAMES.flatMap((name) => [...listsIn(loadSchema(name), name)].map(([path, schema]) => ({ name, path, schema })));
const resolved = (name: SchemaName, schema: JsonSchema): JsonSchema => {
  let at = { base: name, schema };
  while (at.schema.$ref) at = resolveRef(at.base, at.schema.$ref);
  return at.schema;
};

describe("the markers in the schemas", () => {
  it("name keys that the items have", () => {
    for (const { name, path, schema } of lists) {
      const keys = schema["x-kubernetes-list-map-keys"];
      expect(keys !== undefined, path).toBe(schema["x-kubernetes-list-type"] === "map");
      const item = resolved(name, schema.items ?? {});
      for (const key of keys ?? []) expect(Object.keys(item.properties ?? {}), path).toContain(key);
    }
  });

  it("call sets only lists of scalars", () => {
    for (const { name, path, schema } of lists)
      if (schema["x-kubernetes-list-type"] === "set")
        expect([resolved(name, schema.items ?? {}).type].flat(), path).toEqual([expect.stringMatching(/^(string|integer)$/)]);
  });

  it("are those of the decision about Compose", () => {
    const kinds = (type: string) =>
      lists.filter((l) => l.name === "compose" && l.schema["x-kubernetes-list-type"] === type).map((l) => l.path);
    const service = "compose.ComposeService";
    expect(kinds("set")).toEqual(
      expect.arrayContaining([
        `${service}.networks|0`,
        `${service}.depends_on|0`,
        `${service}.cap_add`,
        `${service}.cap_drop`,
        "compose.ComposeServiceNetwork.aliases",
        "compose.ComposeDeploy.placement.constraints",
      ]),
    );
    expect(kinds("map")).toEqual([]);
    expect(kinds("atomic")).toEqual(expect.arrayContaining([`${service}.ports`, `${service}.volumes`]));
  });

  it("stand in OpenAPI", () => {
    const { schemas } = v3Document(KINDS, "steadfleet.dev", "v1", { title: "t", version: "1" }).components;
    const meta = schemas["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]?.properties;
    expect(meta?.["finalizers"]).toMatchObject({ "x-kubernetes-list-type": "set" });
    expect(meta?.["ownerReferences"]).toMatchObject({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["uid"] });
    expect(schemas["io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference"]).toMatchObject({ "x-kubernetes-map-type": "atomic" });
    expect(schemas["dev.steadfleet.v1.ComposeService"]?.properties?.["cap_add"]).toMatchObject({ "x-kubernetes-list-type": "set" });
  });
});

describe("what a value occupies", () => {
  const paths = (kind: SchemaName, value: object) => [...pathsOf(occupied(typeOfSchema(kind), value as never).set)].map(pathWords);

  it.each([
    {
      name: "a map by name: each key and what is in it",
      kind: "stack",
      value: { spec: { volumes: { a: { name: "x" }, b: null } } },
      owns: [".spec.volumes.a", ".spec.volumes.a.name", ".spec.volumes.b"],
    },
    { name: "a named field: what is in it", kind: "configmap", value: { metadata: { labels: { a: "1" } } }, owns: [".metadata.labels.a"] },
    { name: "an empty map: itself", kind: "stack", value: { spec: { services: {} } }, owns: [".spec.services"] },
    {
      name: "a set: its members",
      kind: "configmap",
      value: { metadata: { finalizers: ["b", "a"] } },
      owns: ['.metadata.finalizers[="a"]', '.metadata.finalizers[="b"]'],
    },
    {
      name: "an item that is one piece",
      kind: "configmap",
      value: { metadata: { ownerReferences: [{ uid: "u", name: "n" }] } },
      owns: ['.metadata.ownerReferences[uid="u"]'],
    },
    {
      name: "several keys, one of them absent",
      kind: "pod",
      value: { spec: { containers: [{ name: "c", ports: [{ containerPort: 80 }] }] } },
      owns: [
        '.spec.containers[name="c"]',
        '.spec.containers[name="c"].name',
        '.spec.containers[name="c"].ports[containerPort=80,protocol=null]',
        '.spec.containers[name="c"].ports[containerPort=80,protocol=null].containerPort',
      ],
    },
    { name: "a reference that is one piece", kind: "event", value: { involvedObject: { kind: "Stack" } }, owns: [".involvedObject"] },
    {
      name: "an extension: maps by key, lists whole",
      kind: "stack",
      value: { spec: { "x-a": { b: [1], c: { d: 1 } } } },
      owns: [".spec.x-a", ".spec.x-a.b", ".spec.x-a.c", ".spec.x-a.c.d"],
    },
    { name: "what does not fit the schema, as if there were none", kind: "stack", value: { spec: [1] }, owns: [".spec"] },
  ] as const)("$name", ({ kind, value, owns }) => {
    expect(paths(kind, value)).toEqual(owns);
  });
});
