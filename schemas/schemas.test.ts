import { Ajv2020 } from "ajv/dist/2020.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgeOf } from "./judge.ts";
import { type JsonSchema, loadSchema, resolveRef, SCHEMA_NAMES, type SchemaName } from "./load.ts";
import { Findings } from "./problems.ts";
import { spoiledKind } from "./testing/arbitrary.ts";
import { check } from "./walk.ts";

const KINDS = SCHEMA_NAMES.filter((n) => n !== "meta" && n !== "compose");

const ajv = new Ajv2020();

/** Every subschema with where it is. */
function* schemasIn(schema: JsonSchema, path: string): Generator<[string, JsonSchema]> {
  yield [path, schema];
  const maps = { ...schema.properties, ...schema.patternProperties };
  for (const [key, child] of Object.entries(maps)) yield* schemasIn(child, `${path}.${key}`);
  for (const [key, child] of Object.entries(schema.$defs ?? {})) yield* schemasIn(child, `${path}#${key}`);
  if (schema.items) yield* schemasIn(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") yield* schemasIn(schema.additionalProperties, `${path}.*`);
  for (const [i, child] of (schema.anyOf ?? []).entries()) yield* schemasIn(child, `${path}|${i}`);
}

const all = SCHEMA_NAMES.flatMap((name) => [...schemasIn(loadSchema(name), name)].map(([path, schema]) => ({ name, path, schema })));

const described = (name: SchemaName, schema: JsonSchema): boolean =>
  schema.description !== undefined
    ? /\S[.:)]?$/.test(schema.description)
    : schema.$ref !== undefined && described(name, resolveRef(name, schema.$ref).schema);

const typesOf = (name: SchemaName, schema: JsonSchema): string[] => {
  if (schema.$ref) {
    const target = resolveRef(name, schema.$ref);
    return typesOf(target.base, target.schema);
  }
  return schema.anyOf ? schema.anyOf.flatMap((s) => typesOf(name, s)) : [schema.type ?? []].flat();
};

describe("the schemas", () => {
  it("are JSON Schema 2020-12", () => {
    for (const name of SCHEMA_NAMES) {
      expect(ajv.validateSchema(loadSchema(name)), `${name}: ${ajv.errorsText()}`).toBe(true);
      expect(() => judgeOf(name), name).not.toThrow();
    }
  });

  it("use no keyword that the walker and the OpenAPI document do not know", () => {
    const known =
      "$schema $id $ref $defs title description type tsType format const enum default minimum maximum contentEncoding required properties patternProperties additionalProperties items anyOf x-not-supported x-difference x-needs x-kubernetes-list-type x-kubernetes-list-map-keys x-kubernetes-map-type";
    const foreign = all.flatMap(({ path, schema }) =>
      Object.keys(schema)
        .filter((k) => !known.split(" ").includes(k))
        .map((k) => `${path}: ${k}`),
    );
    expect(foreign).toEqual([]);
  });

  it("say of every field what it is", () => {
    const silent = all.filter(
      ({ name, path, schema }) => !path.startsWith("meta#") && path !== "meta" && !schema.anyOf && !described(name, schema),
    );
    expect(silent.map((s) => s.path)).toEqual([]);
  });

  it("say of every field what type it has", () => {
    const untyped = all.filter(({ name, path, schema }) => !/\^x-|^meta$/.test(path) && typesOf(name, schema).length === 0);
    expect(untyped.map((s) => s.path)).toEqual([]);
  });

  it("decide between alternatives by the type of the value alone", () => {
    const unclear = all.filter(({ name, schema }) => {
      const types = (schema.anyOf ?? []).flatMap((branch) => typesOf(name, branch));
      return new Set(types).size !== types.length;
    });
    expect(unclear.map((s) => s.path)).toEqual([]);
  });

  it("refuse unknown keys in every map that declares its keys", () => {
    const open = all.filter(({ schema }) => schema.properties && schema.additionalProperties !== false);
    expect(open.map((s) => s.path)).toEqual([]);
  });
});

describe("the walker", () => {
  it.each(KINDS)("agrees with ajv on what is a valid %s", (name) => {
    const validate = judgeOf(name);
    fc.assert(
      fc.property(spoiledKind(name), (value) => {
        const out = new Findings();
        check({ schema: loadSchema(name), base: name }, value, [], out);
        const valid = validate(value);
        expect(
          out.problems.map((p) => `${p.path}: ${p.message}`),
          ajv.errorsText(validate.errors),
        ).toEqual(valid ? [] : expect.arrayContaining([expect.any(String)]));
      }),
      { numRuns: 300 },
    );
  });
});
