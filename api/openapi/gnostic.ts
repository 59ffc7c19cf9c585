// OpenAPI v2 in the only form that kubectl before 1.27 reads: gnostic's protocol buffers.
// Encodes the subset of Swagger 2.0 that swagger.ts writes; a keyword that it does not know is an error, so that nothing is lost in silence.
// Source of the field numbers: github.com/google/gnostic, openapiv2/OpenAPIv2.proto (Apache-2.0).
import { boolField, doubleField, intField, messageField, stringField } from "./wire.ts";

/** Media type of the answer. Clients ask for `…v2@v1.0+protobuf`, but kubectl's own parser refuses an "@" in a Content-Type. */
export const GNOSTIC_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

export interface SwaggerSchema {
  $ref?: string;
  format?: string;
  title?: string;
  description?: string;
  default?: unknown;
  maximum?: number;
  minimum?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
  maxItems?: number;
  minItems?: number;
  uniqueItems?: boolean;
  required?: string[];
  enum?: unknown[];
  additionalProperties?: SwaggerSchema;
  type?: string;
  items?: SwaggerSchema;
  allOf?: SwaggerSchema[];
  properties?: Record<string, SwaggerSchema>;
  readOnly?: boolean;
  example?: unknown;
  [extension: `x-${string}`]: unknown;
}

export interface SwaggerParameter {
  name: string;
  in: "query" | "path" | "body";
  description: string;
  required?: boolean;
  type?: string;
  schema?: SwaggerSchema;
}

export interface SwaggerOperation {
  description: string;
  operationId: string;
  consumes: string[];
  produces: string[];
  parameters: SwaggerParameter[];
  responses: Record<string, { description: string; schema?: SwaggerSchema }>;
  [extension: `x-${string}`]: unknown;
}

export type Method = "get" | "put" | "post" | "delete" | "patch";

export interface Swagger {
  swagger: "2.0";
  info: { title: string; version: string };
  paths: Record<string, Partial<Record<Method, SwaggerOperation>>>;
  definitions: Record<string, SwaggerSchema>;
}

type Encoder = (value: never) => Buffer[];

const text = (field: number) => (value: string) => [stringField(field, value)];
const texts = (field: number) => (value: string[]) => value.map((v) => stringField(field, v));
const integer = (field: number) => (value: number) => [intField(field, value)];
const double = (field: number) => (value: number) => [doubleField(field, value)];
const bool = (field: number) => (value: boolean) => [boolField(field, value)];
/** gnostic's Any holds YAML text; JSON is YAML. */
const anyParts = (value: unknown): Buffer[] => [stringField(2, JSON.stringify(value))];
const any = (field: number) => (value: unknown) => [messageField(field, anyParts(value))];
const named = <T>(field: number, encode: (value: T) => Buffer[], map: Record<string, T>): Buffer[] =>
  Object.entries(map).map(([name, value]) => messageField(field, [stringField(1, name), messageField(2, encode(value))]));

/** Encodes each key by its encoder; keys that begin with "x-" become vendor extensions in `extensions`. */
function parts(what: string, object: object, encoders: Readonly<Record<string, Encoder>>, extensions?: number): Buffer[] {
  const vendor: Record<string, unknown> = {};
  const out: Buffer[] = [];
  for (const [key, value] of Object.entries(object)) {
    if (value === undefined) continue;
    const encode = Object.hasOwn(encoders, key) ? encoders[key] : undefined;
    if (encode) out.push(...encode(value as never));
    else if (extensions !== undefined && key.startsWith("x-")) vendor[key] = value;
    else throw new TypeError(`OpenAPI v2: no encoding for ${what}.${key}`);
  }
  return extensions === undefined ? out : [...out, ...named(extensions, anyParts, vendor)];
}

const schemaParts = (schema: SwaggerSchema): Buffer[] => parts("schema", schema, SCHEMA, 31);
const schema = (field: number) => (value: SwaggerSchema) => [messageField(field, schemaParts(value))];

const SCHEMA: Readonly<Record<string, Encoder>> = {
  $ref: text(1),
  format: text(2),
  title: text(3),
  description: text(4),
  default: any(5),
  maximum: double(7),
  minimum: double(9),
  maxLength: integer(11),
  minLength: integer(12),
  pattern: text(13),
  maxItems: integer(14),
  minItems: integer(15),
  uniqueItems: bool(16),
  required: texts(19),
  enum: (values: unknown[]) => values.flatMap(any(20)),
  additionalProperties: (value: SwaggerSchema) => [messageField(21, schema(1)(value))],
  type: (value: string) => [messageField(22, [stringField(1, value)])],
  items: (value: SwaggerSchema) => [messageField(23, schema(1)(value))],
  allOf: (values: SwaggerSchema[]) => values.flatMap(schema(24)),
  properties: (value: Record<string, SwaggerSchema>) => [messageField(25, named(1, schemaParts, value))],
  readOnly: bool(27),
  example: any(30),
};

/** ParametersItem › Parameter › BodyParameter, or NonBodyParameter › its place. */
const parameter = (p: SwaggerParameter): Buffer[] => {
  if (p.in === "body") {
    const body = parts("body parameter", p, { description: text(1), name: text(2), in: text(3), required: bool(4), schema: schema(5) });
    return [messageField(1, [messageField(1, body)])];
  }
  const type = p.in === "query" ? 6 : 5;
  const fields = parts(`${p.in} parameter`, p, { required: bool(1), in: text(2), description: text(3), name: text(4), type: text(type) });
  return [messageField(1, [messageField(2, [messageField(p.in === "query" ? 3 : 4, fields)])])];
};

const response = (r: { description: string; schema?: SwaggerSchema }): Buffer[] => {
  const fields = parts("response", r, { description: text(1), schema: (s: SwaggerSchema) => [messageField(2, schema(1)(s))] });
  return [messageField(1, fields)];
};

const operation = (field: number) => (o: SwaggerOperation) => {
  const fields = parts(
    "operation",
    o,
    {
      description: text(3),
      operationId: text(5),
      produces: texts(6),
      consumes: texts(7),
      parameters: (ps: SwaggerParameter[]) => ps.map((p) => messageField(8, parameter(p))),
      responses: (rs: SwaggerOperation["responses"]) => [messageField(9, named(1, response, rs))],
    },
    13,
  );
  return [messageField(field, fields)];
};

const PATH_ITEM = { get: operation(2), put: operation(3), post: operation(4), delete: operation(5), patch: operation(8) };

/** The document as `openapi.v2.Document`. */
export function encodeSwagger(document: Swagger): Buffer {
  return Buffer.concat(
    parts("document", document, {
      swagger: text(1),
      info: (info: Swagger["info"]) => [messageField(2, parts("info", info, { title: text(1), version: text(2) }))],
      paths: (paths: Swagger["paths"]) => [
        messageField(
          8,
          named(2, (item: object) => parts("path", item, PATH_ITEM), paths),
        ),
      ],
      definitions: (definitions: Swagger["definitions"]) => [messageField(9, named(1, schemaParts, definitions))],
    }),
  );
}
