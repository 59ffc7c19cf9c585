// create, update and patch: what the request wants the object to be.
import { apiVersionOf } from "../../schemas/resources.ts";
import { addressed, checkIdentity, fieldValidationOf } from "../admission.ts";
import { writerOf } from "../apply/writer.ts";
import { mediaType, parseBody, readBody, readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { isObject, type Json } from "../json.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge.ts";
import { strategicPatch } from "../patch/strategic.ts";
import { APPLY_PATCH, JSON_PATCH, MERGE_PATCH, patchTypesOf, STRATEGIC_PATCH } from "../patch/types.ts";
import { badRequest, conflict, invalid, unsupportedMediaType } from "../status.ts";
import { applyPatch } from "./apply.ts";
import { insert, modify, type WriteOptions } from "./commit.ts";

/** Of the request's parameters. `kind` as in `UpdateOptions`. @throws ApiError 400, 422 */
export const writeOptions = (deps: Deps, call: Call, kind: "CreateOptions" | "UpdateOptions" | "PatchOptions"): WriteOptions => ({
  dryRun: dryRunOf(kind, call.query.all("dryRun")),
  fieldValidation: fieldValidationOf(call.query.text("fieldValidation")),
  writer: writerOf(deps, call, kind),
});

export async function create(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace } = call;
  const options = writeOptions(deps, call, "CreateOptions");
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name: "" });
  const meta = body["metadata"] as Record<string, unknown>;
  if (meta["resourceVersion"]) throw badRequest("resourceVersion should not be set on objects to be created");
  return { type: "object", code: 201, object: await insert(deps, call, body, options) };
}

export async function update(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace, name } = call;
  const options = writeOptions(deps, call, "UpdateOptions");
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name });
  const meta = body["metadata"] as Record<string, unknown>;
  if (kind.custom && !meta["resourceVersion"])
    throw invalid(kind.resource, name, [
      { field: "metadata.resourceVersion", message: "Invalid value: 0: must be specified for an update", reason: "FieldValueInvalid" },
    ]);
  const object = await modify(deps, call, options, ({ old }) => {
    if (meta["uid"] && meta["uid"] !== old.metadata.uid)
      throw conflict(
        kind.resource,
        name,
        `Precondition failed: UID in precondition: ${JSON.stringify(meta["uid"])}, UID in object meta: ${old.metadata.uid}`,
      );
    // A manifest that was never read back says nothing about finalizers: only an empty list takes them away.
    const finalizers = meta["finalizers"] ?? old.metadata.finalizers;
    return { next: { ...body, metadata: { ...meta, uid: old.metadata.uid, ...(finalizers === undefined ? {} : { finalizers }) } } };
  });
  return { type: "object", code: 200, object };
}

/**
 * Reads the patch that a request holds, other than one to apply. Answers what it makes of an object.
 * @throws ApiError 400, 413; what is answered throws 400 and 422
 */
export async function readPatch({ kind, req }: Call): Promise<(target: Json) => { [key: string]: Json }> {
  const type = mediaType(req);
  const given: Json = parseBody(await readBody(req));
  if (type === MERGE_PATCH && !isObject(given)) throw badRequest("a merge patch is a JSON object");
  return (target) => {
    const next =
      type === JSON_PATCH
        ? applyJsonPatch(target, given)
        : type === STRATEGIC_PATCH
          ? strategicPatch(target, given, kind.mergeKeys)
          : mergePatch(target, given);
    if (!isObject(next)) throw badRequest("the patch leaves no object");
    return next;
  };
}

/** @throws ApiError 415 */
export function patchTypeOf({ kind, req }: Call): string {
  const type = mediaType(req);
  const accepted = patchTypesOf(kind);
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  return type;
}

export async function patch(deps: Deps, call: Call): Promise<Answer> {
  if (patchTypeOf(call) === APPLY_PATCH) return applyPatch(deps, call);
  const options = writeOptions(deps, call, "PatchOptions");
  const patched = await readPatch(call);
  const object = await modify(deps, call, options, ({ old, version }) => {
    // To the client the object has the version that it reads, which of a joined kind is not that of the stored part.
    const target = { ...old, metadata: { ...old.metadata, resourceVersion: version } };
    const next = patched(target as unknown as Json);
    checkIdentity(call.kind, old, next);
    return { next };
  });
  return { type: "object", code: 200, object };
}
