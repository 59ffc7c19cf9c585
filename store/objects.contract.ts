// What ObjectStore promises on any Kv.
import { afterEach, beforeEach, expect, it } from "vitest";
import type { KubeObject, ManagedFieldsEntry } from "../schemas/meta.ts";
import { AlreadyExistsError, ConflictError, ExpiredError, FencedError, InvalidError, NotFoundError, TooLargeError } from "./errors.ts";
import { type ResourceRef, objectKey } from "./keys.ts";
import { type Draft, ObjectStore, decodeObject } from "./objects.ts";
import type { World } from "./testing/world.ts";

interface Thing extends KubeObject {
  spec: { size: number; note?: string };
  data?: Record<string, string>;
  status?: { seen: number };
}

let kinds = 0;
export const objectsContract = (open: () => Promise<World>): void => {
  let w: World;
  let store: ObjectStore;
  /** A kind of its own for each test, since all share one store. */
  let things: ResourceRef;
  const draft = (name: string, extra: Partial<Thing["metadata"]> = {}): Draft<Thing> => ({
    apiVersion: "steadfleet.dev/v1",
    kind: "Thing",
    metadata: { name, namespace: "default", ...extra },
    spec: { size: 1 },
  });
  const make = (name: string, extra?: Partial<Thing["metadata"]>) => store.create<Thing>(things, draft(name, extra));
  const read = (name: string) => store.get<Thing>(things, "default", name);

  beforeEach(async () => {
    w = await open();
    store = new ObjectStore(w.kv, w.env);
    things = { group: "steadfleet.dev", resource: `things${++kinds}`, namespaced: true };
  });
  afterEach(() => w.close());

  it("creates: uid, generation 1, creation time and revision are the store's, not the client's", async () => {
    const made = await store.create<Thing>(things, {
      ...draft("a", { uid: "mine", generation: 7, creationTimestamp: "1999-01-01T00:00:00Z", deletionTimestamp: "1999-01-01T00:00:00Z" }),
      status: { seen: 1 },
    });
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata.generation).toBe(1);
    expect(made.metadata.creationTimestamp).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(made.metadata.deletionTimestamp).toBeUndefined();
    expect(made.status).toBeUndefined();
    expect(await read("a")).toEqual(made);
    const { item } = await w.kv.get(objectKey(things, "default", "a"));
    expect(item && decodeObject<Thing>(item)).toEqual(made);
    expect(made.metadata.resourceVersion).toBe(String(item?.mod));
  });

  it("refuses to create what exists, has no name or namespace, or names a revision", async () => {
    await make("a");
    await expect(make("a")).rejects.toThrow(AlreadyExistsError);
    await expect(store.create<Thing>(things, draft("a"), { dryRun: true })).rejects.toThrow(AlreadyExistsError);
    await expect(make("")).rejects.toThrow(InvalidError);
    await expect(store.create<Thing>(things, { ...draft("b"), metadata: { name: "b" } })).rejects.toThrow(/metadata.namespace/);
    await expect(make("b", { resourceVersion: "5" })).rejects.toThrow(/resourceVersion/);
    const generated = await store.create<Thing>(things, draft("", { generateName: "web-" }));
    expect(generated.metadata.name).toMatch(/^web-[a-z0-9]{5}$/);
  });

  it("finds nothing where nothing is", async () => {
    await expect(read("none")).rejects.toThrow(/things.*"none" not found/);
    await expect(store.update(things, { ...(await make("a")), metadata: { ...(await read("a")).metadata, name: "b" } })).rejects.toThrow(
      NotFoundError,
    );
    await expect(store.delete(things, "default", "none")).rejects.toThrow(NotFoundError);
  });

  it("raises generation iff something outside metadata and status changes", async () => {
    let a = await make("a");
    const step = async (change: Partial<Thing>, generation: number): Promise<void> => {
      a = await store.update<Thing>(things, { ...a, ...change });
      expect(a.metadata.generation).toBe(generation);
    };
    await step({ spec: { size: 2 } }, 2);
    await step({ metadata: { ...a.metadata, labels: { x: "y" } } }, 2);
    await step({ data: { k: "v" } }, 3);
    await step({ status: { seen: 9 } }, 3);
    expect(a.status).toBeUndefined();
    await step({ metadata: { ...a.metadata, generation: 99 } }, 3);
    a = await store.updateStatus<Thing>(things, { ...a, spec: { size: 77 }, status: { seen: 1 } });
    expect(a).toMatchObject({ spec: { size: 2 }, status: { seen: 1 }, metadata: { generation: 3 } });
    const { status: _, ...without } = a;
    a = await store.update<Thing>(things, { ...without, spec: { size: 3 } });
    expect(a).toMatchObject({ spec: { size: 3 }, status: { seen: 1 }, metadata: { generation: 4 } });
    expect(await read("a")).toEqual(a);
  });

  it("takes managed fields from who tracks them, and from nobody else", async () => {
    const entry = (manager: string): ManagedFieldsEntry => ({
      manager,
      operation: "Update",
      apiVersion: "v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:spec": {} },
    });
    let a = await store.create<Thing>(things, draft("a", { managedFields: [entry("forged")] }), { managedFields: [entry("x")] });
    expect(a.metadata.managedFields).toEqual([entry("x")]);
    const { managedFields: _, ...without } = a.metadata;
    a = await store.update<Thing>(things, { ...a, metadata: without, spec: { size: 2 } });
    expect(a.metadata.managedFields).toEqual([entry("x")]);
    a = await store.updateStatus<Thing>(things, {
      ...a,
      metadata: { ...a.metadata, managedFields: [entry("forged")] },
      status: { seen: 1 },
    });
    expect(a.metadata.managedFields).toEqual([entry("x")]);
    a = await store.updateStatus<Thing>(things, { ...a, status: { seen: 2 } }, { managedFields: [entry("y")] });
    expect(a).toMatchObject({ status: { seen: 2 }, metadata: { managedFields: [entry("y")] } });
    a = await store.update<Thing>(things, a, { managedFields: [] });
    expect(a.metadata).not.toHaveProperty("managedFields");
    expect(await read("a")).toEqual(a);
  });

  it("writes nothing when nothing changes, in whatever order the members come", async () => {
    const a = await make("a", { labels: { x: "1", y: "2" } });
    const same = { spec: a.spec, kind: a.kind, apiVersion: a.apiVersion, metadata: { ...a.metadata, labels: { y: "2", x: "1" } } };
    expect(await store.update<Thing>(things, same)).toEqual(a);
    expect(await store.update<Thing>(things, { ...same, metadata: { ...same.metadata, resourceVersion: "" } })).toEqual(a);
    expect((await read("a")).metadata.resourceVersion).toBe(a.metadata.resourceVersion);
  });

  it("refuses an update of what has changed, and of another object of the same name", async () => {
    const old = await make("a");
    await store.update<Thing>(things, { ...old, spec: { size: 2 } });
    await expect(store.update<Thing>(things, { ...old, spec: { size: 3 } })).rejects.toThrow(ConflictError);
    await expect(store.updateStatus<Thing>(things, { ...old, status: { seen: 1 } })).rejects.toThrow(/has been modified/);
    const blind = { ...old, metadata: { ...old.metadata, resourceVersion: "" }, spec: { size: 4 } };
    expect((await store.update<Thing>(things, blind)).metadata.generation).toBe(3);
    await store.delete(things, "default", "a");
    await make("a");
    await expect(store.update<Thing>(things, blind)).rejects.toThrow(ConflictError);
  });

  it("keeps what is not the writer's: uid, creation time, deletion", async () => {
    const a = await make("a", { finalizers: ["x/y"] });
    const b = await store.update<Thing>(things, {
      ...a,
      metadata: { ...a.metadata, creationTimestamp: "1999-01-01T00:00:00Z", deletionTimestamp: "1999-01-01T00:00:00Z", labels: { l: "1" } },
    });
    expect(b.metadata).toEqual({ ...a.metadata, labels: { l: "1" }, resourceVersion: b.metadata.resourceVersion });
  });

  it("all of many unconditional updates count", async () => {
    await make("a");
    const one = async (): Promise<void> => {
      for (;;) {
        const now = await read("a");
        try {
          await store.update<Thing>(things, { ...now, spec: { size: now.spec.size + 1 } });
          return;
        } catch (e) {
          if (!(e instanceof ConflictError)) throw e;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, one));
    expect(await read("a")).toMatchObject({ spec: { size: 9 }, metadata: { generation: 9 } });
  });

  it("removes at once without finalizers", async () => {
    const a = await make("a");
    const preconditions = { uid: "another", resourceVersion: "1" };
    await expect(store.delete(things, "default", "a", { uid: preconditions.uid })).rejects.toThrow(ConflictError);
    await expect(store.delete(things, "default", "a", { resourceVersion: "1" })).rejects.toThrow(ConflictError);
    const { object, gone } = await store.delete<Thing>(things, "default", "a", {
      uid: a.metadata.uid,
      resourceVersion: a.metadata.resourceVersion,
    });
    expect({ gone, uid: object.metadata.uid }).toEqual({ gone: true, uid: a.metadata.uid });
    await expect(read("a")).rejects.toThrow(NotFoundError);
  });

  it("marks for deletion with finalizers, and goes with the last of them", async () => {
    await make("a", { finalizers: ["x/1", "x/2"] });
    const { object, gone } = await store.delete<Thing>(things, "default", "a", { graceSeconds: 7 });
    expect(gone).toBe(false);
    expect(object.metadata).toMatchObject({ deletionTimestamp: expect.stringMatching(/Z$/), deletionGracePeriodSeconds: 7, generation: 1 });
    expect(await store.delete<Thing>(things, "default", "a")).toEqual({ object, gone: false });
    await expect(store.update<Thing>(things, { ...object, metadata: { ...object.metadata, finalizers: ["x/1", "x/3"] } })).rejects.toThrow(
      /no new finalizers/,
    );
    const { deletionTimestamp: _, ...undeleted } = object.metadata;
    const left = await store.update<Thing>(things, { ...object, metadata: { ...undeleted, finalizers: ["x/2"] } });
    expect(left.metadata.deletionTimestamp).toBe(object.metadata.deletionTimestamp);
    const last = await store.update<Thing>(things, { ...left, metadata: { ...left.metadata, finalizers: [] } });
    expect(last.metadata.finalizers).toEqual([]);
    await expect(read("a")).rejects.toThrow(NotFoundError);
  });

  it("deletes with other finalizers than there were, also what is being deleted already", async () => {
    const a = await make("a", { finalizers: ["x/1"] });
    const add = { finalizers: (had: readonly string[]) => [...had, "x/2"] };
    const { object } = await store.delete<Thing>(things, "default", "a", { ...add, graceSeconds: 7 });
    expect(object.metadata).toMatchObject({ finalizers: ["x/1", "x/2"], deletionGracePeriodSeconds: 7 });
    const same = { finalizers: (had: readonly string[]) => [...had] };
    expect(await store.delete<Thing>(things, "default", "a", same)).toEqual({ object, gone: false });
    const less = await store.delete<Thing>(things, "default", "a", { finalizers: () => ["x/2"], graceSeconds: 1 });
    expect(less.object.metadata).toMatchObject({
      finalizers: ["x/2"],
      deletionTimestamp: object.metadata.deletionTimestamp,
      deletionGracePeriodSeconds: 7,
    });
    expect((await store.delete<Thing>(things, "default", "a", { finalizers: () => [], uid: a.metadata.uid })).gone).toBe(true);
    await expect(read("a")).rejects.toThrow(NotFoundError);
  });

  it("changes nothing in a dry run", async () => {
    const dry = await store.create<Thing>(things, draft("a"), { dryRun: true });
    expect(dry.metadata.uid).not.toBe("");
    await expect(read("a")).rejects.toThrow(NotFoundError);
    const a = await make("a", { finalizers: ["x/y"] });
    expect((await store.update<Thing>(things, { ...a, spec: { size: 5 } }, { dryRun: true })).metadata.generation).toBe(2);
    expect((await store.delete<Thing>(things, "default", "a", { dryRun: true })).object.metadata.deletionTimestamp).toBeDefined();
    expect(await read("a")).toEqual(a);
  });

  it("writes under a guard, or not at all", async () => {
    const a = await make("a");
    const { revision: create } = await w.kv.commit([{ key: `${w.prefix}term`, value: {} }]);
    const guard = { key: `${w.prefix}term`, create };
    const b = await store.update<Thing>(things, { ...a, spec: { size: 2 } }, { guard });
    const stale = { guard: { ...guard, create: create - 1 } };
    await expect(store.create<Thing>(things, draft("b"), stale)).rejects.toThrow(FencedError);
    await expect(store.update<Thing>(things, { ...b, spec: { size: 3 } }, stale)).rejects.toThrow(FencedError);
    await expect(store.updateStatus<Thing>(things, { ...b, status: { seen: 3 } }, stale)).rejects.toThrow(FencedError);
    await expect(store.delete<Thing>(things, "default", "a", stale)).rejects.toThrow(FencedError);
    expect(await read("a")).toEqual(b);
  });

  it("lets an object live by a lease, also after updates", async () => {
    const lease = await w.kv.grant(5);
    const a = await store.create<Thing>(things, draft("a"), { lease: lease.id });
    await store.update<Thing>(things, { ...a, spec: { size: 2 } });
    expect((await w.kv.get(objectKey(things, "default", "a"))).item?.lease).toBe(lease.id);
    await lease.revoke();
    await expect(read("a")).rejects.toThrow(NotFoundError);
  });

  it("keeps no object above 1 MiB", async () => {
    const a = await make("a");
    const big = { ...a, spec: { size: 1, note: "x".repeat(1024 * 1024) } };
    await expect(store.update<Thing>(things, big)).rejects.toThrow(TooLargeError);
    expect(await read("a")).toEqual(a);
  });

  it("lists one revision over all pages, by namespace or all", async () => {
    for (const n of ["a", "b", "c"]) await make(n);
    await make("d", { namespace: "other" });
    const all = await store.list<Thing>(things);
    expect(all.items.map((i) => i.metadata.name)).toEqual(["a", "b", "c", "d"]);
    expect(all.items[0]).toEqual(await read("a"));
    expect((await store.list<Thing>(things, { namespace: "other" })).items).toHaveLength(1);
    expect((await store.list<Thing>(things, { namespace: "nothing" })).items).toEqual([]);

    const first = await store.list<Thing>(things, { limit: 2 });
    expect(first).toMatchObject({ remaining: 2, resourceVersion: all.resourceVersion });
    await store.delete(things, "default", "c");
    await make("bb");
    const second = await store.list<Thing>(things, { limit: 2, continue: first.continue });
    expect(second.items.map((i) => i.metadata.name)).toEqual(["c", "d"]);
    expect(second).toEqual({ items: second.items, resourceVersion: first.resourceVersion });
  });

  it("refuses a token that is not one, or whose revision is gone", async () => {
    for (const n of ["a", "b"]) await make(n);
    const { continue: token } = await store.list<Thing>(things, { limit: 1 });
    for (const bad of ["x", "e30", Buffer.from('{"v":1,"rv":0,"after":"x"}').toString("base64url")])
      await expect(store.list<Thing>(things, { limit: 1, continue: bad })).rejects.toThrow(InvalidError);
    const { metadata } = await make("c");
    await w.compact(Number(metadata.resourceVersion));
    await expect(store.list<Thing>(things, { limit: 1, continue: token })).rejects.toThrow(ExpiredError);
  });
};
