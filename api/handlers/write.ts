// create, update and patch: one way into the store, whatever the verb.
import type { KubeObject } from "../../schemas/meta.ts";
import { apiVersionOf, RESOURCES } from "../../schemas/resources.ts";
import { AlreadyExistsError, ConflictError, InvalidError, NotFoundError } from "../../store/errors.ts";
import type { Draft } from "../../store/objects.ts";
import { addressed, admit, checkIdentity, fieldValidationOf } from "../admission.ts";
import { mediaType, parseBody, readBody, readObject } from "../body.ts";
import { type Answer, type Call, type Deps, dryRunOf } from "../call.ts";
import type { Json } from "../json.ts";
import type { Kind } from "../kind.ts";
import { qualifiedResource } from "../kind.ts";
import { applyJsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge.ts";
import { strategicPatch } from "../patch/strategic.ts";
import { alreadyExists, badRequest, conflict, forbidden, invalid, notFound, unsupportedMediaType } from "../status.ts";
import { readOne } from "./read.ts";

const ATTEMPTS = 10;
const GENERATED_NAMES = 5;

/** @throws ApiError 404 or 403 when nothing may be created there */
async function checkNamespace(deps: Deps, call: Call, name: string): Promise<void> {
  const { kind, namespace } = call;
  if (!kind.resource.namespaced || namespace === undefined) return;
  const ns = await deps.store.get<KubeObject>(RESOURCES.namespaces, undefined, namespace).catch((e: unknown) => {
    if (e instanceof NotFoundError) throw notFound(RESOURCES.namespaces, namespace, e);
    throw e;
  });
  if (!ns.metadata.deletionTimestamp) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(`${qualifiedResource(kind.resource)} "${name}" is forbidden: ${why}`, {
    name,
    kind: kind.resource.resource,
    ...(kind.resource.group ? { group: kind.resource.group } : {}),
    causes: [{ reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" }],
  });
}

export async function create(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace } = call;
  const dryRun = dryRunOf("CreateOptions", call.query.all("dryRun"));
  const fieldValidation = fieldValidationOf(call.query.text("fieldValidation"));
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name: "" });
  const meta = body["metadata"] as Record<string, unknown>;
  if (meta["resourceVersion"]) throw badRequest("resourceVersion should not be set on objects to be created");
  const { object, warnings } = admit(kind, body, { fieldValidation });
  for (const w of warnings) call.warn(w);
  const name = object.metadata.name ?? object.metadata.generateName ?? "";
  await checkNamespace(deps, call, name);
  const finalizers = [...new Set([...(object.metadata.finalizers ?? []), ...kind.finalizers])];
  const draft: Draft<KubeObject> = { ...object, metadata: { ...object.metadata, ...(finalizers.length > 0 ? { finalizers } : {}) } };
  const lease = kind.resource === RESOURCES.events && !dryRun ? await deps.eventLease() : undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await deps.store.create<KubeObject>(kind.resource, draft, { dryRun, lease });
      return { type: "object", code: 201, object: kind.present?.(made) ?? made };
    } catch (e) {
      const generated = !object.metadata.name && object.metadata.generateName;
      if (!(e instanceof AlreadyExistsError)) throw storeProblem(kind, name, e);
      if (!generated || attempt >= GENERATED_NAMES) throw alreadyExists(kind.resource, name, e);
    }
  }
}

/** What the store found wrong with the object itself. */
const storeProblem = (kind: Kind, name: string, e: unknown): unknown =>
  e instanceof InvalidError
    ? invalid(kind.resource, name, [{ field: e.field, message: e.message.slice(e.field.length + 2), reason: "FieldValueForbidden" }])
    : e;

export async function update(deps: Deps, call: Call): Promise<Answer> {
  const { kind, namespace, name } = call;
  const dryRun = dryRunOf("UpdateOptions", call.query.all("dryRun"));
  const body = addressed(kind, await readObject(call.req), { apiVersion: apiVersionOf(kind.resource), namespace, name });
  const meta = body["metadata"] as Record<string, unknown>;
  if (kind.custom && !meta["resourceVersion"])
    throw invalid(kind.resource, name, [
      { field: "metadata.resourceVersion", message: "Invalid value: 0: must be specified for an update", reason: "FieldValueInvalid" },
    ]);
  return modify(deps, call, dryRun, ({ old }) => {
    if (meta["uid"] && meta["uid"] !== old.metadata.uid)
      throw conflict(
        kind.resource,
        name,
        `Precondition failed: UID in precondition: ${JSON.stringify(meta["uid"])}, UID in object meta: ${old.metadata.uid}`,
      );
    // A manifest that was never read back says nothing about finalizers: only an empty list takes them away.
    const finalizers = meta["finalizers"] ?? old.metadata.finalizers;
    return { ...body, metadata: { ...meta, uid: old.metadata.uid, ...(finalizers === undefined ? {} : { finalizers }) } };
  });
}

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";
const STRATEGIC_PATCH = "application/strategic-merge-patch+json";

export async function patch(deps: Deps, call: Call): Promise<Answer> {
  const { kind } = call;
  const type = mediaType(call.req);
  const accepted = [JSON_PATCH, MERGE_PATCH, ...(kind.custom ? [] : [STRATEGIC_PATCH])];
  if (!accepted.includes(type))
    throw unsupportedMediaType(accepted, type === "application/apply-patch+yaml" ? " (server-side apply is not supported yet)" : "");
  const dryRun = dryRunOf("PatchOptions", call.query.all("dryRun"));
  const given: Json = parseBody(await readBody(call.req));
  if (type === MERGE_PATCH && (typeof given !== "object" || given === null || Array.isArray(given)))
    throw badRequest("a merge patch is a JSON object");
  const apply = (target: Json): Json =>
    type === JSON_PATCH
      ? applyJsonPatch(target, given)
      : type === MERGE_PATCH
        ? mergePatch(target, given)
        : strategicPatch(target, given, kind.mergeKeys);
  return modify(deps, call, dryRun, ({ old, version }) => {
    // To the client the object has the version that it reads, which of a joined kind is not that of the stored part.
    const target = { ...old, metadata: { ...old.metadata, resourceVersion: version } };
    const patched = apply(target as unknown as Json);
    if (typeof patched !== "object" || patched === null || Array.isArray(patched)) throw badRequest("the patch leaves no object");
    checkIdentity(kind, old, patched);
    return patched;
  });
}

interface Stored {
  /** As stored. */
  old: KubeObject;
  /** resourceVersion as clients see it. */
  version: string;
  /** As clients see it. */
  view: KubeObject;
}

/**
 * Reads, changes, writes; and again when someone else wrote in between, unless the caller's object is of a certain version.
 * `produce` answers the whole object as it should be; its resourceVersion, if any, must be the present one.
 */
async function modify(deps: Deps, call: Call, dryRun: boolean, produce: (stored: Stored) => { [key: string]: unknown }): Promise<Answer> {
  const { kind, namespace, name, subresource } = call;
  const fieldValidation = fieldValidationOf(call.query.text("fieldValidation"));
  for (let attempt = 1; ; attempt++) {
    const stored = await readStored(deps, call);
    const { old, version } = stored;
    const next = produce(stored);
    const wanted = (next["metadata"] as { resourceVersion?: unknown } | undefined)?.resourceVersion;
    if (wanted && wanted !== version) throw conflict(kind.resource, name);
    const status = subresource === "status";
    const whole = status ? { ...old, status: next["status"] } : kind.reads === "nodes" ? ownPart(next, stored) : next;
    const { object, warnings } = status ? admitStatus(kind, whole) : admit(kind, whole, { old, fieldValidation });
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: old.metadata.resourceVersion } };
    try {
      const written = await (status
        ? deps.store.updateStatus(kind.resource, versioned, { dryRun })
        : deps.store.update(kind.resource, versioned, { dryRun }));
      for (const w of warnings) call.warn(w);
      const shown = kind.reads === "stored" || dryRun ? (kind.present?.(written) ?? written) : await readOne(deps, kind, namespace, name);
      return { type: "object", code: 200, object: shown };
    } catch (e) {
      // Produced anew: a version that the caller gave is then no longer the present one, and ends this.
      if (!(e instanceof ConflictError) || attempt >= ATTEMPTS) throw storeProblem(kind, name, e);
    }
  }
}

/** A status is its writer's, not people's: it is held against the schema as part of the whole. */
function admitStatus(kind: Kind, whole: { [key: string]: unknown }): { object: KubeObject; warnings: string[] } {
  return admit({ ...kind, status: false }, whole, { fieldValidation: "Strict" });
}

async function readStored(deps: Deps, call: Call): Promise<Stored> {
  const { kind, namespace, name } = call;
  const old = await deps.store.get<KubeObject>(kind.resource, namespace, name);
  if (kind.reads === "stored") return { old, version: old.metadata.resourceVersion, view: old };
  const view = await readOne(deps, kind, namespace, name, call.signal);
  return { old, version: view.metadata.resourceVersion, view };
}

/**
 * What people may write of a Node: labels that its agent reports stay the agent's, though a client that read the Node
 * sends them along.
 */
function ownPart(next: { [key: string]: unknown }, { old, view }: Stored): { [key: string]: unknown } {
  const metadata = next["metadata"] as { labels?: Record<string, string> };
  const reported = (key: string, value: string): boolean =>
    view.metadata.labels?.[key] === value && old.metadata.labels?.[key] === undefined;
  const { labels, ...rest } = metadata;
  if (typeof labels !== "object" || labels === null) return next;
  return { ...next, metadata: { ...rest, labels: Object.fromEntries(Object.entries(labels).filter(([k, v]) => !reported(k, v))) } };
}
