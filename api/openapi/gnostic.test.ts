import { assert, bigInt, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSwagger, type Swagger } from "./gnostic.ts";
import { varint } from "./wire.ts";

type Field = { field: number; value: Buffer | bigint };

const readVarint = (b: Buffer, at: number): [bigint, number] => {
  let value = 0n;
  for (let i = at, shift = 0n; ; i++, shift += 7n) {
    const byte = b[i] as number;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return [value, i + 1];
  }
};

/** A reader of its own, so that the writer is not checked by itself. */
function decode(b: Buffer): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < b.length; ) {
    const [tag, next] = readVarint(b, at);
    const field = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (wire === 0) {
      const [value, end] = readVarint(b, next);
      fields.push({ field, value });
      at = end;
    } else if (wire === 1) {
      fields.push({ field, value: b.subarray(next, next + 8) });
      at = next + 8;
    } else {
      const [length, start] = readVarint(b, next);
      fields.push({ field, value: b.subarray(start, start + Number(length)) });
      at = start + Number(length);
    }
  }
  return fields;
}

/** Follows one field number after the other. */
const dig = (b: Buffer, ...path: number[]): (Buffer | bigint)[] => {
  const [first, ...rest] = path;
  const here = decode(b).filter((f) => f.field === first);
  return rest.length === 0 ? here.map((f) => f.value) : here.flatMap((f) => (Buffer.isBuffer(f.value) ? dig(f.value, ...rest) : []));
};
const texts = (b: Buffer, ...path: number[]): string[] => dig(b, ...path).map(String);

const document: Swagger = {
  swagger: "2.0",
  info: { title: "T", version: "1" },
  paths: {
    "/stacks/{name}": {
      patch: {
        description: "Change",
        operationId: "patchStack",
        consumes: ["a/b"],
        produces: ["c/d"],
        parameters: [
          { name: "dryRun", in: "query", description: "q", type: "string" },
          { name: "name", in: "path", description: "p", required: true, type: "string" },
          { name: "body", in: "body", description: "b", required: true, schema: { $ref: "#/definitions/S" } },
        ],
        responses: { "200": { description: "OK", schema: { $ref: "#/definitions/S" } } },
        "x-kubernetes-group-version-kind": { group: "g", version: "v", kind: "S" },
      },
    },
  },
  definitions: {
    S: {
      type: "object",
      description: "Größe",
      required: ["a"],
      properties: {
        a: { type: "array", items: { type: "integer", minimum: 1.5 }, maxItems: 300 },
        m: { type: "object", additionalProperties: { type: "string", enum: ["x"] } },
      },
      "x-kubernetes-group-version-kind": [{ group: "g", kind: "S", version: "v" }],
    },
  },
};

describe("encodeSwagger", () => {
  const bytes = encodeSwagger(document);
  const operation = [8, 2, 2, 8];
  const definition = [9, 1, 2];

  it.each([
    { what: "version", path: [1], want: ["2.0"] },
    { what: "title", path: [2, 1], want: ["T"] },
    { what: "path", path: [8, 2, 1], want: ["/stacks/{name}"] },
    { what: "operation id", path: [...operation, 5], want: ["patchStack"] },
    { what: "produces", path: [...operation, 6], want: ["c/d"] },
    { what: "consumes", path: [...operation, 7], want: ["a/b"] },
    { what: "query parameter", path: [...operation, 8, 1, 2, 3, 4], want: ["dryRun"] },
    { what: "path parameter", path: [...operation, 8, 1, 2, 4, 4], want: ["name"] },
    { what: "body parameter", path: [...operation, 8, 1, 1, 2], want: ["body"] },
    { what: "body's type", path: [...operation, 8, 1, 1, 5, 1], want: ["#/definitions/S"] },
    { what: "response", path: [...operation, 9, 1, 1], want: ["200"] },
    { what: "response's type", path: [...operation, 9, 1, 2, 1, 2, 1, 1], want: ["#/definitions/S"] },
    { what: "extension", path: [...operation, 13, 1], want: ["x-kubernetes-group-version-kind"] },
    { what: "extension's value", path: [...operation, 13, 2, 2], want: ['{"group":"g","version":"v","kind":"S"}'] },
    { what: "definition", path: [9, 1, 1], want: ["S"] },
    { what: "description", path: [...definition, 4], want: ["Größe"] },
    { what: "required", path: [...definition, 19], want: ["a"] },
    { what: "properties", path: [...definition, 25, 1, 1], want: ["a", "m"] },
    { what: "types", path: [...definition, 25, 1, 2, 22, 1], want: ["array", "object"] },
    { what: "type of items", path: [...definition, 25, 1, 2, 23, 1, 22, 1], want: ["integer"] },
    { what: "type of values", path: [...definition, 25, 1, 2, 21, 1, 22, 1], want: ["string"] },
    { what: "enum", path: [...definition, 25, 1, 2, 21, 1, 20, 2], want: ['"x"'] },
    { what: "kind", path: [...definition, 31, 2, 2], want: ['[{"group":"g","kind":"S","version":"v"}]'] },
  ])("writes the $what where gnostic looks for it", ({ path, want }) => {
    expect(texts(bytes, ...path)).toEqual(want);
  });

  it("writes numbers and truth values", () => {
    expect(dig(bytes, ...definition, 25, 1, 2, 14)).toEqual([300n]);
    const [minimum] = dig(bytes, ...definition, 25, 1, 2, 23, 1, 9) as Buffer[];
    expect(minimum?.readDoubleLE()).toBe(1.5);
    expect(dig(bytes, ...operation, 8, 1, 2, 4, 1)).toEqual([1n]);
  });

  it("refuses a word that it would lose", () => {
    const strange: Swagger = { ...document, definitions: { S: Object.assign({ type: "object" }, { anyOf: [] }) } };
    expect(() => encodeSwagger(strange)).toThrow("OpenAPI v2: no encoding for schema.anyOf");
  });
});

describe("varint", () => {
  it("is read back as it was written", () => {
    assert(
      property(bigInt({ min: 0n, max: 2n ** 64n - 1n }), (n) => {
        const bytes = varint(n);
        expect(readVarint(bytes, 0)).toEqual([n, bytes.length]);
      }),
    );
  });

  it("of a negative number takes ten bytes", () => {
    expect(varint(-1)).toHaveLength(10);
    expect(readVarint(varint(-1), 0)[0]).toBe(2n ** 64n - 1n);
  });
});
