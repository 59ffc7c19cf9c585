// Carries out what the plan says of each object. What it acts on was read from etcd a moment before, not from an informer (I8),
// and each write names the version that was read: a reference that somebody takes away meanwhile saves the object.
import type { Logger } from "pino";
import type { KubeObject, OwnerReference } from "../../schemas/meta.ts";
import { ORPHAN_FINALIZER, FOREGROUND_FINALIZER } from "../../schemas/constants.ts";
import { apiVersionOf, COLLECTED, type Resource } from "../../schemas/resources.ts";
import type { Env } from "../../store/env.ts";
import { ConflictError, NotFoundError } from "../../store/errors.ts";
import type { Informer } from "../../store/informer.ts";
import { parseObjectKey } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import { decodeObject, ObjectStore } from "../../store/objects.ts";
import { WorkQueue } from "../../store/workqueue.ts";
import type { Recorder } from "../events/recorder.ts";
import type { Leadership } from "../leadership.ts";
import { millisOf } from "../times.ts";
import { concerns, type Owned, ownedOf, OwnerGraph, ownerPlace, type OwnerView } from "./owners.ts";
import { type GarbageStep, planObject } from "./plan.ts";

/** When somebody else was faster, or the watch is away, in milliseconds. */
const LOOK_MS = 500;
/** An object costs a few reads and a write, one after the other. */
const WORKERS = 8;

export class GarbageLoop {
  private readonly queue: WorkQueue;
  private readonly objects: ObjectStore;
  private readonly graph = new OwnerGraph();
  private readonly followed: Pick<Informer<unknown>, "synced">[] = [];
  /** References out of place that an Event was written of in this term. */
  private readonly told = new Set<string>();
  private leading = false;

  constructor(private readonly o: { kv: Kv; env: Env; log: Logger; recorder: Pick<Recorder, "record"> }) {
    this.queue = new WorkQueue({ env: o.env, log: o.log, name: "garbage" });
    this.objects = new ObjectStore(o.kv, o.env);
  }

  /** Every kind of COLLECTED must be followed, before the informers start. */
  follow<T>(informer: Informer<T>, owned: (value: T) => Owned): void {
    this.followed.push(informer);
    informer.subscribe(({ key, new: now }) => {
      const touched = this.graph.set(key, now === undefined ? undefined : owned(now));
      // Who does not lead only keeps the index: with the term, all is looked at.
      if (this.leading) for (const k of touched) this.queue.add(k);
    });
  }

  /** Until leadership ends. The informers need not have caught up: what comes late is looked at then. */
  async run(leadership: Leadership): Promise<void> {
    this.told.clear();
    this.leading = true;
    for (const key of this.graph.keys()) {
      const object = this.graph.get(key);
      if (object && concerns(object)) this.queue.add(key);
    }
    try {
      await this.queue.run({ workers: WORKERS, signal: leadership.signal, reconcile: (key) => this.reconcile(key, leadership) });
    } finally {
      this.leading = false;
    }
  }

  private async reconcile(key: string, { guard, signal }: Leadership): Promise<{ afterMs?: number } | void> {
    const first = planObject(this.graph, key);
    if (first.misplaced.length > 0) this.tell(key, first.misplaced);
    if (!first.step) return;
    if (!this.followed.every((i) => i.synced)) return { afterMs: LOOK_MS };
    const { object, view } = await this.read(key, signal);
    const { step } = planObject(view, key);
    const resource = resourceOf(key);
    if (!object || !step || !resource) return { afterMs: LOOK_MS };
    try {
      await this.carryOut(resource, object, step, { guard, signal });
    } catch (err) {
      // Somebody else wrote, or was faster: on what there is now we may think otherwise.
      if (!(err instanceof ConflictError) && !(err instanceof NotFoundError)) throw err;
      return { afterMs: LOOK_MS };
    }
  }

  private async carryOut(r: Resource, object: KubeObject, step: GarbageStep, leadership: Leadership): Promise<void> {
    const { guard } = leadership;
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const word = { kind: object.kind, namespace, name, uid };
    switch (step.type) {
      case "delete": {
        const finalizers = step.foreground ? foreground : undefined;
        await this.objects.delete(r, namespace, name, { uid, resourceVersion, guard, finalizers });
        return this.o.log.info({ ...word, owners: step.owners.map(nameOf), foreground: step.foreground }, "dependent deleted");
      }
      case "release":
        await this.release(r, object, new Set(step.owners.map((o) => o.uid)), leadership);
        return this.o.log.info({ ...word, owners: step.owners.map(nameOf) }, "references to owners taken away");
      case "finish": {
        // What stays must be free of its owner before that goes: otherwise it would go with it.
        if (step.finalizer === ORPHAN_FINALIZER) await this.releaseAll(object, leadership);
        const finalizers = object.metadata.finalizers?.filter((f) => f !== step.finalizer) ?? [];
        await this.objects.update(r, { ...object, metadata: { ...object.metadata, finalizers } }, { guard });
        return this.o.log.info({ ...word, finalizer: step.finalizer }, "owner may go");
      }
    }
  }

  private async release(r: Resource, object: KubeObject, uids: ReadonlySet<string>, { guard }: Leadership): Promise<void> {
    const { ownerReferences = [], ...metadata } = object.metadata;
    const rest = ownerReferences.filter((o) => !uids.has(o.uid));
    const next = { ...metadata, ...(rest.length > 0 ? { ownerReferences: rest } : {}) };
    await this.objects.update(r, { ...object, metadata: next }, { guard });
  }

  /** All that names the owner, as etcd has it: an informer that lags would cost what was to stay. */
  private async releaseAll({ metadata: { namespace, uid } }: KubeObject, leadership: Leadership): Promise<void> {
    for (const r of COLLECTED) {
      if (namespace !== undefined && !r.namespaced) continue;
      const { items } = await this.objects.list<KubeObject>(r, { namespace, signal: leadership.signal });
      for (const item of items)
        if (item.metadata.ownerReferences?.some((o) => o.uid === uid)) await this.release(r, item, new Set([uid]), leadership);
    }
  }

  /** The object and its owners from etcd, laid over what the informers show. @throws SyntaxError, TypeError when one of them cannot be read */
  private async read(key: string, signal: AbortSignal): Promise<{ object: KubeObject | undefined; view: OwnerView }> {
    const { graph } = this;
    const fresh = new Map<string, Owned | undefined>();
    const get = async (k: string): Promise<KubeObject | undefined> => {
      const { item } = await this.o.kv.get(k, { signal });
      const object = item && decodeObject<KubeObject>(item);
      fresh.set(k, object && ownedOf(object));
      return object;
    };
    const object = await get(key);
    const places = (object?.metadata.ownerReferences ?? []).map((ref) => ownerPlace(key, ref));
    for (const place of places) if (typeof place !== "string" && !fresh.has(place.key)) await get(place.key);
    const view: OwnerView = {
      get: (k) => (fresh.has(k) ? fresh.get(k) : graph.get(k)),
      keyOf: (uid) => graph.keyOf(uid),
      naming: (uid) => graph.naming(uid),
    };
    return { object, view };
  }

  private tell(key: string, refs: readonly OwnerReference[]): void {
    const { env, log, recorder } = this.o;
    const place = parseObjectKey(key);
    const object = this.graph.get(key);
    const kind = resourceOf(key);
    if (!place || !object || !kind) return;
    const { namespace, name } = place;
    for (const ref of refs) {
      const id = `${object.uid} ${ref.uid}`;
      if (this.told.has(id)) continue;
      this.told.add(id);
      const where = namespace === undefined ? "in cluster scope" : `in the namespace "${namespace}"`;
      const message = `the owner ${nameOf(ref)} is not ${where}, where an owner of this must be: correct metadata.ownerReferences, for once that owner is gone, this is deleted like anything whose owners are gone`;
      log.warn({ key, owner: nameOf(ref), uid: ref.uid }, "owner out of place; the object is left alone");
      recorder.record({
        subject: { ...subjectKind(kind), ...(namespace === undefined ? {} : { namespace }), name, uid: object.uid },
        type: "Warning",
        reason: "OwnerRefInvalidNamespace",
        message,
        at: millisOf(env.now()),
      });
    }
  }
}

const foreground = (present: readonly string[]): readonly string[] =>
  present.includes(FOREGROUND_FINALIZER) ? present : [...present, FOREGROUND_FINALIZER];
const nameOf = (ref: OwnerReference): string => `${ref.kind}/${ref.name}`;
const resourceOf = (key: string): Resource | undefined => {
  const place = parseObjectKey(key);
  return place && COLLECTED.find((r) => r.group === place.group && r.resource === place.resource);
};
const subjectKind = (r: Resource): { apiVersion: string; kind: string } => ({ apiVersion: apiVersionOf(r), kind: r.kind });
