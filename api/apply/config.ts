// The body of a server-side apply: one YAML document, of which JSON is a part, within the bounds of every body.
import { loadSchema } from "../../schemas/load.ts";
import { withoutNulls } from "../../schemas/walk.ts";
import { yamlValue } from "../../schemas/yaml/value.ts";
import { withoutServerFields } from "../admission.ts";
import { checkJson, isObject, type Json, JsonError, parseJson } from "../json.ts";
import type { Kind } from "../kind.ts";
import { badRequest } from "../status.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws ApiError 400 with the place of what is wrong */
export function parseConfig(body: Buffer): { [key: string]: Json } {
  let text: string;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw badRequest("the body is not UTF-8", cause);
  }
  const value = parsed(text);
  if (!isObject(value)) throw badRequest("the body of an apply is an object with apiVersion, kind and metadata");
  for (const field of ["apiVersion", "kind"] as const)
    if (!value[field]) throw badRequest(`the body of an apply must say what it is: ${field} is missing`);
  const { metadata } = value;
  if (isObject(metadata) && metadata["managedFields"] !== undefined && metadata["managedFields"] !== null)
    throw badRequest("metadata.managedFields must be nil: who manages what is worked out by the server; remove it");
  return value;
}

function parsed(text: string): Json {
  try {
    // What kubectl sends is JSON, which is read much faster.
    if (/^\s*\{/.test(text)) return parseJson(text);
  } catch (e) {
    if (!(e instanceof JsonError)) throw e;
    if (!e.message.startsWith("Malformed")) throw badRequest(`the body is not acceptable JSON: ${e.message}`, e);
  }
  const document = yamlValue(text);
  if ("problem" in document) throw badRequest(`error decoding YAML: ${document.problem}`);
  try {
    return checkJson(document.value);
  } catch (e) {
    throw e instanceof JsonError ? badRequest(`error decoding YAML: ${e.message}`, e) : e;
  }
}

/**
 * The configuration as it will be stored, so that what is owned is there: without what only the server may say and without nulls
 * that mean nothing; a Secret's `stringData` is what becomes of it. `body` is in line with the path (`addressed`).
 */
export function configOf(kind: Pick<Kind, "schema" | "status">, body: object, subresource: string | undefined): { [key: string]: Json } {
  const said = withoutServerFields(subresource === "status" ? { status: false } : kind, body);
  const config = withoutNulls({ schema: loadSchema(kind.schema), base: kind.schema }, said) as { [key: string]: Json };
  const { stringData, data, ...rest } = config;
  if (kind.schema !== "secret" || !isObject(stringData) || !Object.values(stringData).every((v) => typeof v === "string")) return config;
  const encoded = Object.entries(stringData as Record<string, string>).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  return { ...rest, data: { ...(isObject(data) ? data : {}), ...Object.fromEntries(encoded) } };
}
