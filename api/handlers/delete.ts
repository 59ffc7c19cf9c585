// delete and deletecollection.
import { FOREGROUND_FINALIZER, ORPHAN_FINALIZER } from "../../schemas/constants.ts";
import type { PodDeletion } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { COLLECTED, type Resource, RESOURCES } from "../../schemas/resources.ts";
import { ConflictError, NotFoundError } from "../../store/errors.ts";
import { podDeletionKey } from "../../store/keys.ts";
import type { Change, Guard } from "../../store/kv.ts";
import { readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import { isObject, type Json } from "../json.ts";
import type { Problem } from "../kind.ts";
import { ApiError, badRequest, conflict, forbidden, invalidOptions, success, toApiError } from "../status.ts";
import { list, readOne } from "./read.ts";

export interface Options {
  uid?: string;
  resourceVersion?: string;
  graceSeconds?: number;
  dryRun: boolean;
  /** Absent: as the object's finalizers say, which is in the background without any. */
  policy?: PropagationPolicy;
}

const POLICIES = ["Background", "Foreground", "Orphan"] as const;
/** What becomes of the objects that the deleted one owns. */
export type PropagationPolicy = (typeof POLICIES)[number];

/**
 * The finalizers of an object that is deleted: by two of them the garbage collector learns of the policy. Without a policy those
 * count that the object has. Nobody sees to kinds that are not collected, so these keep none.
 * Source: k8s.io/apiserver registry/generic, deletionFinalizersForGarbageCollection.
 */
const finalizersFor =
  (resource: Resource, policy: PropagationPolicy | undefined) =>
  (present: readonly string[]): readonly string[] => {
    const collected = COLLECTED.includes(resource);
    if (collected && policy === undefined) return present;
    const others = present.filter((f) => f !== FOREGROUND_FINALIZER && f !== ORPHAN_FINALIZER);
    if (!collected || policy === "Background") return others;
    return [...others, policy === "Orphan" ? ORPHAN_FINALIZER : FOREGROUND_FINALIZER];
  };

async function readOptions(call: Call): Promise<Options> {
  const { headers } = call.req;
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return optionsOf(call, hasBody ? await readObject(call.req) : {});
}

/** From DeleteOptions and the query. @throws ApiError 400, 422 */
export function optionsOf(call: Call, body: { [key: string]: Json }): Options {
  const preconditions = body["preconditions"] ?? {};
  const problems: Problem[] = [];
  const given = body["propagationPolicy"] ?? call.query.text("propagationPolicy");
  const orphan =
    body["orphanDependents"] ?? (call.query.text("orphanDependents") === undefined ? undefined : call.query.flag("orphanDependents"));
  const named = POLICIES.find((p) => p === given);
  if (given !== undefined && given !== null && named === undefined)
    problems.push({
      field: "propagationPolicy",
      message: `Unsupported value: ${JSON.stringify(given)}: supported values: ${POLICIES.map((p) => `"${p}"`).join(", ")}`,
      reason: "FieldValueNotSupported",
    });
  if (named !== undefined && typeof orphan === "boolean")
    problems.push({
      field: "propagationPolicy",
      message: "orphanDependents and propagationPolicy cannot be both set",
      reason: "FieldValueInvalid",
    });
  const policy = named ?? (typeof orphan === "boolean" ? (orphan ? "Orphan" : "Background") : undefined);
  if (policy === "Orphan" && call.kind.resource === RESOURCES.stacks)
    problems.push({
      field: "propagationPolicy",
      message: "a Stack's pods cannot outlive it; its named volumes do",
      reason: "FieldValueForbidden",
    });
  const grace = body["gracePeriodSeconds"] ?? call.query.number("gracePeriodSeconds");
  if (grace !== undefined && grace !== null && !(typeof grace === "number" && Number.isSafeInteger(grace) && grace >= 0))
    problems.push({ field: "gracePeriodSeconds", message: "must be a whole number of seconds", reason: "FieldValueInvalid" });
  if (problems.length > 0) throw invalidOptions("DeleteOptions", problems);
  if (!isObject(preconditions)) throw badRequest("preconditions must be an object");
  const { uid, resourceVersion } = preconditions;
  const dryRun = [...(Array.isArray(body["dryRun"]) ? body["dryRun"] : []), ...call.query.all("dryRun")];
  return {
    dryRun: dryRunOf("DeleteOptions", dryRun),
    ...(policy === undefined ? {} : { policy }),
    ...(typeof uid === "string" ? { uid } : {}),
    ...(typeof resourceVersion === "string" ? { resourceVersion } : {}),
    ...(typeof grace === "number" ? { graceSeconds: grace } : {}),
  };
}

/** @throws ApiError 409 */
export function checkPreconditions(call: Call, object: KubeObject, o: Options): void {
  const { uid, resourceVersion } = object.metadata;
  const { resource } = call.kind;
  if (o.uid !== undefined && o.uid !== uid)
    throw conflict(
      resource,
      object.metadata.name,
      `the UID in the precondition (${o.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  if (o.resourceVersion !== undefined && o.resourceVersion !== resourceVersion)
    throw conflict(
      resource,
      object.metadata.name,
      `the ResourceVersion in the precondition (${o.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
}

export async function remove(deps: Deps, call: Call): Promise<Answer> {
  const options = await readOptions(call);
  const object = await readOne(deps, call.kind, call.namespace, call.name, call.signal);
  checkPreconditions(call, object, options);
  const { resource } = call.kind;
  const { object: left, gone } = await removeOne(deps, call, object, options);
  if (!gone) return { type: "object", code: 200, object: call.kind.present?.(left) ?? left };
  const { name, uid } = object.metadata;
  return { type: "status", status: success({ name, ...(resource.group ? { group: resource.group } : {}), kind: resource.resource, uid }) };
}

async function removeOne(deps: Deps, call: Call, object: KubeObject, o: Options): Promise<{ object: KubeObject; gone: boolean }> {
  const { kind, namespace = object.metadata.namespace } = call;
  const { name, uid } = object.metadata;
  if (kind.reads === "pods") return { object: await askForDeletion(deps, call, object, o), gone: false };
  if (kind.resource === RESOURCES.namespaces && name === "default")
    throw forbidden('namespaces "default" is forbidden: this namespace may not be deleted');
  try {
    // A view that can be deleted is one object under another name.
    const { resource } = kind.derived?.from ?? kind;
    return await deps.store.delete<KubeObject>(resource, namespace, name, {
      // The object that was looked at, and no successor of it.
      uid,
      ...(o.resourceVersion !== undefined && kind.reads === "stored" ? { resourceVersion: o.resourceVersion } : {}),
      graceSeconds: o.graceSeconds,
      dryRun: o.dryRun,
      finalizers: finalizersFor(resource, o.policy),
    });
  } catch (e) {
    if (e instanceof ConflictError && o.uid === undefined && o.resourceVersion === undefined)
      throw conflict(kind.resource, name, "it was deleted and made again meanwhile; try again", e);
    throw e;
  }
}

/**
 * `desired` is the controller's alone to write, so it is asked to delete the pod. Asked twice is asked once.
 * `only`: what must hold in etcd for the request to be made. @throws ConflictError, FencedError when that does not hold
 */
export async function askForDeletion(
  deps: Deps,
  call: Call,
  pod: KubeObject,
  o: Options,
  only: { unchanged?: Change[]; guard?: Guard } = {},
): Promise<KubeObject> {
  const { name, namespace = "", uid, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp) return pod;
  if (o.graceSeconds !== undefined) call.warn("gracePeriodSeconds is not used: a pod stops within the stop_grace_period of its service");
  const now = new Date(deps.env.now()).toISOString();
  const request: PodDeletion = { uid, requestedAt: now, by: call.user.name };
  const changes = [{ key: podDeletionKey(namespace, name), value: request }, ...(only.unchanged ?? [])];
  if (!o.dryRun) await deps.kv.commit(changes, { guard: only.guard });
  return {
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp: `${now.slice(0, 19)}Z`, deletionGracePeriodSeconds: o.graceSeconds ?? 30 },
  };
}

/** Objects that are deleted at a time. */
const WORKERS = 10;
const NAMED_FAILURES = 20;

/**
 * Deletes what a list would show, each under the same options, and answers what it deleted. One that cannot be deleted does
 * not keep the others: it is told at the end.
 * @throws ApiError of the first failure, with how many there were
 */
export async function removeCollection(deps: Deps, call: Call): Promise<Answer> {
  const options = await readOptions(call);
  const found = await list(deps, call);
  const deleted = new Map<number, KubeObject>();
  const failures: { name: string; error: ApiError }[] = [];
  const next = found.items.entries();
  let stop = false;
  const work = async (): Promise<void> => {
    for (const [i, object] of next) {
      if (stop || call.signal.aborted) return;
      try {
        checkPreconditions(call, object, options);
        deleted.set(i, (await removeOne(deps, call, object, { ...options, uid: object.metadata.uid })).object);
      } catch (e) {
        // Someone else was faster.
        if (e instanceof NotFoundError) continue;
        const error = toApiError(e, { resource: call.kind.resource, name: object.metadata.name });
        failures.push({ name: object.metadata.name, error });
        // What stops one for a reason of etcd's stops all.
        if (error.code >= 500) stop = true;
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, work));
  if (failures.length > 0) throw someFailed(failures, deleted.size, found.items.length);
  const items = found.items.flatMap((_, i) => deleted.get(i) ?? []);
  return { type: "list", items: items.map((o) => call.kind.present?.(o) ?? o), metadata: found.metadata };
}

function someFailed(failures: readonly { name: string; error: ApiError }[], deleted: number, of: number): ApiError {
  const [first] = failures;
  if (!first) throw new TypeError("nothing failed");
  const { code, reason, message, details, headers } = first.error;
  if (of === 1) return first.error;
  const named = failures.slice(0, NAMED_FAILURES);
  const causes = named.map(({ name, error }) => ({ reason: error.reason, message: error.message, field: name }));
  const text = `${message} (${deleted} of ${of} were deleted, ${failures.length} could not be)`;
  return new ApiError(code, reason, text, { ...details, causes }, headers, { cause: first.error });
}
