// JSON patch (RFC 6902) within bounds: so many operations, and so much copied.
import jsonpatch, { type Operation } from "fast-json-patch";
import { isObject, type Json } from "../json.ts";
import { ApiError, badRequest } from "../status.ts";

export const MAX_OPERATIONS = 1_000;
/** Characters of JSON that all `copy` operations of one patch may add. */
const MAX_COPIED = 1024 * 1024;
const OPS = ["add", "remove", "replace", "move", "copy", "test"];
const FORBIDDEN = /(^|\/)(__proto__|constructor|prototype)(\/|$)/;

const tooMuch = (what: string): ApiError => badRequest(`PatchTooLarge: ${what}`);
const failed = (index: number, message: string, cause?: unknown): ApiError =>
  new ApiError(
    422,
    "Invalid",
    `the server rejected our request due to an error in our request: operation ${index} of the patch: ${message}`,
    {},
    {},
    { cause },
  );

const operation = (value: Json, index: number): Operation => {
  if (!isObject(value)) throw badRequest(`operation ${index} of the patch is not an object`);
  const { op, path, from } = value;
  if (typeof op !== "string" || !OPS.includes(op)) throw badRequest(`operation ${index} of the patch: op must be one of ${OPS.join(", ")}`);
  for (const [name, pointer] of Object.entries({ path, ...(op === "move" || op === "copy" ? { from } : {}) })) {
    if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/")))
      throw badRequest(`operation ${index} of the patch: ${name} must be a JSON pointer, such as /metadata/labels/a`);
    if (FORBIDDEN.test(pointer.replaceAll("~1", "/").replaceAll("~0", "~")))
      throw badRequest(`ForbiddenKey: operation ${index} of the patch: ${name} names a prototype`);
  }
  if ((op === "add" || op === "replace" || op === "test") && !Object.hasOwn(value, "value"))
    throw badRequest(`operation ${index} of the patch: ${op} needs a value`);
  return value as unknown as Operation;
};

/**
 * @throws ApiError 400 for what is no patch or too large a one, 422 when an operation does not apply (a `test` that fails, too)
 */
export function applyJsonPatch(target: Json, patch: Json): Json {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations");
  if (patch.length > MAX_OPERATIONS) throw tooMuch(`${patch.length} operations; the limit is ${MAX_OPERATIONS}`);
  let document: Json = structuredClone(target);
  let copied = 0;
  for (const [index, raw] of patch.entries()) {
    const op = operation(raw, index);
    try {
      if (op.op === "copy") {
        copied += JSON.stringify(jsonpatch.getValueByPointer(document, op.from) ?? null).length;
        if (copied > MAX_COPIED) throw tooMuch(`operation ${index} copies more than ${MAX_COPIED} characters in all`);
      }
      document = jsonpatch.applyOperation(document, op, true, true, true, index).newDocument;
    } catch (e) {
      if (e instanceof ApiError) throw e;
      throw failed(index, (e instanceof Error ? e.message : String(e)).split("\n")[0] ?? "does not apply", e);
    }
  }
  return document;
}
