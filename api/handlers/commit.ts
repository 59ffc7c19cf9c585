// The one way into the store, for every verb that writes an object: admission, managed fields, and a compare on what was read.
import type { KubeObject, ManagedFieldsEntry } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { AlreadyExistsError, ConflictError, InvalidError, NotFoundError, TooLargeError } from "../../store/errors.ts";
import type { Draft } from "../../store/objects.ts";
import { admit, type FieldValidation } from "../admission.ts";
import { trackUpdate, type Writer } from "../apply/track.ts";
import type { Call, Deps } from "../call.ts";
import { type Kind, qualifiedResource } from "../kind.ts";
import { alreadyExists, ApiError, conflict, forbidden, invalid, notFound } from "../status.ts";
import { readOne } from "./read.ts";

const ATTEMPTS = 10;
const GENERATED_NAMES = 5;

export interface WriteOptions {
  dryRun: boolean;
  fieldValidation: FieldValidation;
  writer: Writer;
}

/** @throws ApiError 404 or 403 when nothing may be created there */
export async function checkNamespace(deps: Deps, call: Call, name: string): Promise<void> {
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

/**
 * Admits and creates `body`, which is in line with the path (`addressed`). Answers what readers see.
 * `track`: its managed fields, when not those of an ordinary write. @throws ApiError 409 when there is one of that name, 422, 404, 403
 */
export async function insert(
  deps: Deps,
  call: Call,
  body: object,
  o: WriteOptions,
  track = (admitted: KubeObject): ManagedFieldsEntry[] => trackUpdate(call.kind, undefined, admitted, o.writer),
): Promise<KubeObject> {
  const { kind } = call;
  const { object, warnings } = admit(kind, body, o);
  for (const w of warnings) call.warn(w);
  const name = object.metadata.name ?? object.metadata.generateName ?? "";
  await checkNamespace(deps, call, name);
  await checkAmong(deps, kind, object);
  const managedFields = track(object);
  const finalizers = [...new Set([...(object.metadata.finalizers ?? []), ...kind.finalizers])];
  const draft: Draft<KubeObject> = { ...object, metadata: { ...object.metadata, ...(finalizers.length > 0 ? { finalizers } : {}) } };
  const lease = kind.resource === RESOURCES.events && !o.dryRun ? await deps.eventLease() : undefined;
  for (let attempt = 1; ; attempt++) {
    try {
      const made = await deps.store.create<KubeObject>(kind.resource, draft, { dryRun: o.dryRun, lease, managedFields });
      return kind.present?.(made) ?? made;
    } catch (e) {
      const generated = !object.metadata.name && object.metadata.generateName;
      if (!(e instanceof AlreadyExistsError)) throw storeProblem(kind, name, e);
      if (!generated || attempt >= GENERATED_NAMES) throw alreadyExists(kind.resource, name, e);
    }
  }
}

/** @throws ApiError 422 */
export async function checkAmong(deps: Deps, kind: Kind, object: KubeObject, old?: KubeObject): Promise<void> {
  const problems = (await kind.validateAmong?.(deps.store, object, old)) ?? [];
  if (problems.length > 0) throw invalid(kind.resource, object.metadata.name ?? "", problems);
}

/** What the store found wrong with the object itself. */
const storeProblem = (kind: Kind, name: string, e: unknown): unknown => {
  if (e instanceof InvalidError)
    return invalid(kind.resource, name, [{ field: e.field, message: e.message.slice(e.field.length + 2), reason: "FieldValueForbidden" }]);
  if (e instanceof TooLargeError)
    return new ApiError(
      413,
      "RequestEntityTooLarge",
      `${qualifiedResource(kind.resource)} "${name}" is too large to be kept, with its managed fields: ${e.message}. Keep less in one object`,
      {},
      {},
      { cause: e },
    );
  return e;
};

export interface Stored {
  /** As stored. */
  old: KubeObject;
  /** resourceVersion as clients see it. */
  version: string;
  /** As clients see it. */
  view: KubeObject;
}

export interface Produced {
  /** The whole object as it should be; its resourceVersion, if any, must be the present one. */
  next: { [key: string]: unknown };
  /** Its managed fields, when not those of an ordinary write. */
  managedFields?: ManagedFieldsEntry[];
}

/**
 * Reads, changes, writes; and again when someone else wrote in between, unless the caller's object is of a certain version.
 * Of `status` nothing but the status of `next` counts; every other subresource writes the object. Answers what readers see.
 * @throws NotFoundError, ApiError
 */
export async function modify(deps: Deps, call: Call, o: WriteOptions, produce: (stored: Stored) => Produced): Promise<KubeObject> {
  const { kind, namespace, name, subresource } = call;
  const { dryRun } = o;
  for (let attempt = 1; ; attempt++) {
    const stored = await readStored(deps, call);
    const { old, version } = stored;
    const produced = produce(stored);
    const { next } = produced;
    const meta = (next["metadata"] ?? {}) as { resourceVersion?: unknown; managedFields?: unknown };
    if (meta.resourceVersion && meta.resourceVersion !== version) throw conflict(kind.resource, name);
    const status = subresource === "status";
    const whole = status ? { ...old, status: next["status"] } : kind.reads === "nodes" ? ownPart(next, stored) : next;
    const { object, warnings } = status ? admitStatus(kind, whole) : admit(kind, whole, { ...o, old });
    await checkAmong(deps, kind, object, old);
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: old.metadata.resourceVersion } };
    // A subresource is no way to rewrite the managers.
    const requested = subresource === undefined ? meta.managedFields : undefined;
    const managedFields = produced.managedFields ?? trackUpdate(kind, old, versioned, o.writer, requested);
    try {
      const written = await (status
        ? deps.store.updateStatus(kind.resource, versioned, { dryRun, managedFields })
        : deps.store.update(kind.resource, versioned, { dryRun, managedFields }));
      for (const w of warnings) call.warn(w);
      return kind.reads === "stored" || dryRun ? (kind.present?.(written) ?? written) : await readOne(deps, kind, namespace, name);
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
