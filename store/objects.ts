// Typed API objects over a Kv: uid, generation, resourceVersion, finalizers and deletion as in Kubernetes.
// Source: Kubernetes API conventions; k8s.io/apiserver registry/rest (BeforeCreate, BeforeUpdate, BeforeDelete).
import { isDeepStrictEqual } from "node:util";
import type { KubeObject, ManagedFieldsEntry, ObjectMeta } from "../schemas/meta.ts";
import { refuseEncrypted } from "./at-rest/codec.ts";
import type { Env } from "./env.ts";
import { AlreadyExistsError, ConflictError, InvalidError, NotFoundError } from "./errors.ts";
import { objectKey, objectPrefix, type ResourceRef } from "./keys.ts";
import type { Guard, Item, Kv } from "./kv.ts";
import { decodeContinue, encodeContinue } from "./list-token.ts";

/** What `create` takes: the store gives uid, resourceVersion, generation and creationTimestamp. */
export type Draft<T extends KubeObject> = Omit<T, "metadata"> & { metadata: Partial<ObjectMeta> };

export interface WriteOptions {
  guard?: Guard | undefined;
  /** Answers what would be stored, and stores nothing. */
  dryRun?: boolean | undefined;
  /** The key lives as long as this lease. */
  lease?: string | undefined;
  /** `metadata.managedFields` after the write; `[]` for none. Absent: what is stored stays, whatever the object says of them. */
  managedFields?: readonly ManagedFieldsEntry[] | undefined;
}
export interface ListOptions {
  namespace?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  signal?: AbortSignal;
}
export interface DeleteOptions extends Omit<WriteOptions, "lease"> {
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  graceSeconds?: number | undefined;
  /** Which finalizers the object has from now on, given those that it has; absent: the same. */
  finalizers?: ((present: readonly string[]) => readonly string[]) | undefined;
}

const PAGE = 5_000;
/** Attempts of an unconditional write against others; every lost attempt means that someone else won. */
const ATTEMPTS = 50;

/** JSON text → object, with `metadata.resourceVersion` = the item's mod revision. @throws SyntaxError or TypeError on what is no object of ours, EncryptionKeyError on what is encrypted */
export const decodeObject = <T extends KubeObject>(item: Item): T => {
  const object = JSON.parse(item.value) as T;
  if (typeof object?.metadata !== "object" || object.metadata === null)
    throw new TypeError(`${item.key} holds no API object: metadata is missing`);
  refuseEncrypted(item.key, object);
  object.metadata.resourceVersion = String(item.mod);
  return object;
};

const label = (r: ResourceRef, name: string): string => `${r.resource}${r.group ? `.${r.group}` : ""} "${name}"`;

export class ObjectStore {
  constructor(
    private readonly kv: Kv,
    private readonly env: Env,
  ) {}

  /** @throws NotFoundError */
  async get<T extends KubeObject>(r: ResourceRef, namespace: string | undefined, name: string): Promise<T> {
    return (await this.read<T>(r, namespace, name)).object;
  }

  /**
   * One revision over all pages. `remaining`: how many follow the page.
   * @throws ExpiredError (the token's revision is compacted: list again), InvalidError (no token of ours)
   */
  async list<T extends KubeObject>(
    r: ResourceRef,
    o: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string; continue?: string; remaining?: number }> {
    const prefix = objectPrefix(r, o.namespace || undefined);
    const token = o.continue ? decodeContinue(o.continue) : undefined;
    let after = token ? prefix + token.after : undefined;
    let revision = token?.revision;
    const items: T[] = [];
    for (;;) {
      const limit = o.limit ? o.limit - items.length : PAGE;
      const page = await this.kv.range(prefix, {
        limit: Math.min(limit, PAGE),
        ...(after === undefined ? {} : { after }),
        ...(revision === undefined ? {} : { revision }),
        ...(o.signal ? { signal: o.signal } : {}),
      });
      revision ??= page.revision;
      for (const item of page.items) items.push(decodeObject<T>(item));
      after = page.items.at(-1)?.key ?? after;
      const answer = { items, resourceVersion: String(revision) };
      if (!page.more || after === undefined) return answer;
      if (o.limit && items.length >= o.limit)
        return {
          ...answer,
          continue: encodeContinue({ revision, after: after.slice(prefix.length) }),
          remaining: page.count - page.items.length,
        };
    }
  }

  /** @throws AlreadyExistsError, InvalidError, FencedError, TooLargeError, and what `Kv.commit` throws */
  async create<T extends KubeObject>(r: ResourceRef, draft: Draft<T>, o: WriteOptions = {}): Promise<T> {
    const meta = draft.metadata;
    const name = meta.name || (meta.generateName ? meta.generateName + this.suffix() : "");
    if (name === "") throw new InvalidError("metadata.name", "name or generateName is required");
    if (r.namespaced && !meta.namespace) throw new InvalidError("metadata.namespace", `${r.resource} needs a namespace`);
    if (meta.resourceVersion) throw new InvalidError("metadata.resourceVersion", "must not be set on objects to be created");
    const metadata: Partial<ObjectMeta> = { ...meta, name, uid: this.env.uid(), generation: 1, creationTimestamp: this.timestamp() };
    if (!r.namespaced) delete metadata.namespace;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.resourceVersion;
    manage(metadata, [], o);
    // Status has a writer of its own, and what a client sends at birth is not his.
    const { status: _status, ...body } = clean(draft) as Draft<T> & { status?: unknown };
    const object = { ...body, metadata: clean(metadata) } as unknown as T;
    const key = objectKey(r, metadata.namespace, name);
    if (o.dryRun) {
      if ((await this.kv.get(key)).item) throw new AlreadyExistsError(`${label(r, name)} already exists`);
      return object;
    }
    try {
      const { revision } = await this.kv.commit([{ key, mod: 0, value: object, ...lease(o) }], { guard: o.guard });
      return versioned(object, revision);
    } catch (e) {
      if (e instanceof ConflictError) throw new AlreadyExistsError(`${label(r, name)} already exists`, { cause: e });
      throw e;
    }
  }

  /**
   * Everything but status. Compares `metadata.resourceVersion`; an empty one means whatever is stored.
   * generation + 1 iff something outside metadata and status changed. Writes nothing when nothing changed.
   * Removes the object when it is being deleted and its last finalizer goes.
   * @throws NotFoundError, ConflictError, InvalidError, and what `Kv.commit` throws
   */
  async update<T extends KubeObject>(r: ResourceRef, object: T, o: WriteOptions = {}): Promise<T> {
    return this.modify<T>(r, object, o, (stored) => {
      const next = clean(object) as T & { status?: unknown };
      const metadata = mergeMeta(stored.metadata, next.metadata);
      manage(metadata, stored.metadata.managedFields, o);
      const { status: _ignored, ...body } = next;
      const { status } = stored as T & { status?: unknown };
      const merged = { ...body, metadata, ...(status === undefined ? {} : { status }) } as unknown as T;
      if (!isDeepStrictEqual(content(merged), content(stored))) metadata.generation = (stored.metadata.generation ?? 0) + 1;
      return merged;
    });
  }

  /** Only `status`. Same comparison and errors as `update`; generation never changes. */
  async updateStatus<T extends KubeObject>(r: ResourceRef, object: T, o: WriteOptions = {}): Promise<T> {
    return this.modify<T>(r, object, o, (stored) => {
      const { status } = clean(object) as T & { status?: unknown };
      const { status: _old, ...rest } = stored as T & { status?: unknown };
      const metadata = { ...stored.metadata };
      manage(metadata, stored.metadata.managedFields, o);
      return { ...rest, metadata, ...(status === undefined ? {} : { status }) } as unknown as T;
    });
  }

  /**
   * With finalizers: sets deletionTimestamp, and the object stays until the last of them goes. Without: removes it at once (`gone`).
   * `uid` and `resourceVersion` are preconditions. Deleting what is already being deleted changes nothing but its finalizers.
   * @throws NotFoundError, ConflictError, and what `Kv.commit` throws
   */
  async delete<T extends KubeObject>(
    r: ResourceRef,
    namespace: string | undefined,
    name: string,
    o: DeleteOptions = {},
  ): Promise<{ object: T; gone: boolean }> {
    for (let attempt = 1; ; attempt++) {
      const { key, object } = await this.read<T>(r, namespace, name);
      const meta = object.metadata;
      if (o.uid !== undefined && o.uid !== meta.uid) throw new ConflictError(key, `${label(r, name)} has uid ${meta.uid}, not ${o.uid}`);
      if (o.resourceVersion !== undefined && o.resourceVersion !== meta.resourceVersion)
        throw new ConflictError(key, `${label(r, name)} has resourceVersion ${meta.resourceVersion}, not ${o.resourceVersion}`);
      const mod = Number(meta.resourceVersion);
      const had = meta.finalizers ?? [];
      const finalizers = [...(o.finalizers?.(had) ?? had)];
      const stays = finalizers.length > 0;
      if (stays && meta.deletionTimestamp && isDeepStrictEqual(finalizers, had)) return { object, gone: false };
      const since = meta.deletionTimestamp ? {} : { deletionTimestamp: this.timestamp(), deletionGracePeriodSeconds: o.graceSeconds ?? 0 };
      const marked: T = { ...object, metadata: { ...meta, finalizers, ...since } };
      if (o.dryRun) return { object: stays ? marked : object, gone: !stays };
      try {
        const { revision } = await this.kv.commit([{ key, mod, value: stays ? stored(marked) : null }], { guard: o.guard });
        return { object: versioned(stays ? marked : object, revision), gone: !stays };
      } catch (e) {
        // Someone else wrote in between. The caller asked to delete whatever is there, so look again.
        if (!(e instanceof ConflictError) || attempt >= ATTEMPTS) throw e;
        await this.pause(attempt);
      }
    }
  }

  private async read<T extends KubeObject>(r: ResourceRef, namespace: string | undefined, name: string) {
    const key = objectKey(r, namespace, name);
    const { item } = await this.kv.get(key);
    if (!item) throw new NotFoundError(`${label(r, name)} not found`);
    return { key, item, object: decodeObject<T>(item) };
  }

  private async modify<T extends KubeObject>(r: ResourceRef, wanted: T, o: WriteOptions, change: (stored: T) => T): Promise<T> {
    const { name, namespace, uid, resourceVersion } = wanted.metadata;
    for (let attempt = 1; ; attempt++) {
      const { key, item, object: old } = await this.read<T>(r, namespace, name);
      const modified = `the object has been modified; please apply your changes to the latest version and try again`;
      const conflict = (why: string): ConflictError => new ConflictError(key, `operation cannot be fulfilled on ${label(r, name)}: ${why}`);
      if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw conflict(modified);
      if (uid && uid !== old.metadata.uid)
        throw conflict(`it was replaced by another object of this name (uid ${old.metadata.uid}, not ${uid})`);
      const next = change(old);
      const ends = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers?.length ?? 0) === 0;
      if (!ends && isDeepStrictEqual(stored(next), stored(old))) return old;
      if (o.dryRun) return next;
      // A write without a lease would take the key off the one it has.
      const kept = o.lease ?? (item.lease === "0" ? undefined : item.lease);
      try {
        const { revision } = await this.kv.commit(
          [ends ? { key, mod: item.mod, value: null } : { key, mod: item.mod, value: stored(next), ...lease({ lease: kept }) }],
          { guard: o.guard },
        );
        return versioned(next, revision);
      } catch (e) {
        if (!(e instanceof ConflictError)) throw e;
        if (resourceVersion || attempt >= ATTEMPTS) throw conflict(modified);
        await this.pause(attempt);
      }
    }
  }

  private pause(attempt: number): Promise<void> {
    return this.env.sleep(this.env.random() * Math.min(5 * 2 ** Math.min(attempt, 6), 250));
  }
  private timestamp(): string {
    return `${new Date(this.env.now()).toISOString().slice(0, 19)}Z`;
  }
  /** Five characters, as Kubernetes' generateName. */
  private suffix(): string {
    const alphabet = "bcdfghjklmnpqrstvwxz2456789";
    return Array.from({ length: 5 }, () => alphabet[Math.floor(this.env.random() * alphabet.length)]).join("");
  }
}

/** Drops undefined members, so that what is compared is what would be read back. */
const clean = <V>(value: V): V => JSON.parse(JSON.stringify(value)) as V;
const lease = (o: { lease?: string | undefined }): { lease?: string } => (o.lease === undefined ? {} : { lease: o.lease });
const versioned = <T extends KubeObject>(object: T, revision: number): T => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
});
/** resourceVersion is etcd's to tell, so it is not written. */
const stored = (object: KubeObject): object => {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
};
const content = (object: KubeObject): object => {
  const { metadata: _m, status: _s, ...rest } = object as KubeObject & { status?: unknown };
  return rest;
};
/** Only who tracks the managers writes who manages what. */
const manage = (metadata: Partial<ObjectMeta>, present: readonly ManagedFieldsEntry[] | undefined, o: WriteOptions): void => {
  const entries = o.managedFields ?? present ?? [];
  if (entries.length > 0) metadata.managedFields = [...entries];
  else delete metadata.managedFields;
};
/** What the store decides about an object is not for its writers to change. */
const mergeMeta = (old: ObjectMeta, next: ObjectMeta): ObjectMeta => {
  const metadata: ObjectMeta = {
    ...next,
    name: old.name,
    uid: old.uid,
    creationTimestamp: old.creationTimestamp,
    resourceVersion: old.resourceVersion,
  };
  for (const key of ["namespace", "generation", "generateName", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    delete metadata[key];
    if (old[key] !== undefined) Object.assign(metadata, { [key]: old[key] });
  }
  if (old.deletionTimestamp) {
    const added = (next.finalizers ?? []).filter((f) => !old.finalizers?.includes(f));
    if (added.length > 0)
      throw new InvalidError(
        "metadata.finalizers",
        `no new finalizers can be added while the object is being deleted: ${added.join(", ")}`,
      );
  }
  return metadata;
};
