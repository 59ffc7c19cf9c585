// The loop on a store in memory: who goes with whom, and what may happen meanwhile.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubeObject, ObjectMeta, OwnerReference } from "../../schemas/meta.ts";
import { apiVersionOf, type Resource, RESOURCES } from "../../schemas/resources.ts";
import { objectKey, objectPrefix } from "../../store/keys.ts";
import { laggingKv, withCommit } from "../testing/faulty-kv.ts";
import { Fleet } from "../testing/fleet.ts";

const { configmaps, secrets, namespaces, nodes } = RESOURCES;
let fleet: Fleet;
beforeEach(() => {
  fleet = new Fleet();
});
afterEach(() => fleet.close());

const make = (r: Resource, name: string, more: Partial<ObjectMeta> = {}): Promise<KubeObject> =>
  fleet.objects.create(r, {
    apiVersion: apiVersionOf(r),
    kind: r.kind,
    metadata: { name, ...(r.namespaced ? { namespace: "default" } : {}), ...more },
  });
const ref = ({ apiVersion, kind, metadata: { name, uid } }: KubeObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  ...more,
});
const owned = (...owners: OwnerReference[]): Partial<ObjectMeta> => ({ ownerReferences: owners });
const read = (r: Resource, name: string, namespace = "default"): KubeObject | undefined => {
  const item = fleet.kv.server.at(objectKey(r, r.namespaced ? namespace : undefined, name));
  return item && (JSON.parse(item.value) as KubeObject);
};
const foreground = { finalizers: (had: readonly string[]) => [...had, "foregroundDeletion"] };
const orphan = { finalizers: (had: readonly string[]) => [...had, "orphan"] };

describe("a dependent", () => {
  it("goes with its owner, and what it owns goes with it; nothing else does", async () => {
    fleet.control();
    const a = await make(configmaps, "a");
    const b = await make(secrets, "b", owned(ref(a)));
    await make(configmaps, "c", owned(ref(b)));
    const other = await make(configmaps, "other");
    await make(configmaps, "kept", owned(ref(other), ref(a)));
    await make(configmaps, "foreign", owned({ apiVersion: "acme.io/v1", kind: "Thing", name: "t", uid: "t-1" }));
    await fleet.objects.delete(configmaps, "default", "a");
    await fleet.until(
      () => !read(secrets, "b") && !read(configmaps, "c") && read(configmaps, "kept")?.metadata.ownerReferences?.length === 1,
    );
    expect(read(configmaps, "kept")?.metadata.ownerReferences).toEqual([ref(other)]);
    await fleet.env.advance(10_000);
    expect(["other", "kept", "foreign"].map((n) => read(configmaps, n)?.metadata.name)).toEqual(["other", "kept", "foreign"]);
  });

  it("goes also when its owner went while nobody led, or was made anew under its name; at rest nothing is written", async () => {
    const a = await make(configmaps, "a");
    await make(configmaps, "b", owned(ref(a)));
    await make(configmaps, "c", owned(ref(await make(nodes, "n1"))));
    await fleet.objects.delete(configmaps, "default", "a");
    await make(configmaps, "a");
    fleet.control();
    await fleet.until(() => !read(configmaps, "b"));
    expect(read(configmaps, "c")).toBeDefined();
    await fleet.env.advance(5_000);
    const { revision } = fleet.kv.server;
    await fleet.env.advance(600_000);
    expect(fleet.kv.server.revision).toBe(revision);
  });

  it("goes with a Stack, when that is gone", async () => {
    await fleet.agent("n1");
    fleet.control();
    const stack = await fleet.apply("shop", { web: {} });
    await make(configmaps, "settings", owned(ref(stack)));
    await fleet.until(() => fleet.healthy("shop"));
    await fleet.objects.delete(RESOURCES.stacks, "default", "shop", foreground);
    await fleet.until(() => !fleet.stack("shop"));
    await fleet.until(() => !read(configmaps, "settings"));
    expect([fleet.live().size, fleet.revisions("shop")]).toEqual([0, []]);
  });

  it("stays when its owner is elsewhere, and an Event says so", async () => {
    fleet.control();
    await make(namespaces, "team");
    const a = await make(configmaps, "a", { namespace: "team" });
    await make(configmaps, "b", owned(ref(a)));
    await fleet.until(() => fleet.events().some((e) => e.reason === "OwnerRefInvalidNamespace" && e.involvedObject.name === "b"));
    await fleet.env.advance(10_000);
    expect(read(configmaps, "b")).toBeDefined();
    expect(
      fleet
        .events()
        .filter((e) => e.reason === "OwnerRefInvalidNamespace")
        .map((e) => e.count),
    ).toEqual([1]);
  });

  it("is judged by what etcd says of its owner, not by an informer that lags (I8)", async () => {
    let late = false;
    fleet.control("c1", (kv) => laggingKv(kv, objectPrefix(configmaps), () => late, fleet.env));
    await fleet.env.advance(1_000);
    late = true;
    const a = await make(configmaps, "a");
    await make(secrets, "b", owned(ref(a)));
    await fleet.env.advance(10_000);
    expect(read(secrets, "b")).toBeDefined();
    late = false;
  });

  it("stays when its owner cannot be read", async () => {
    const a = await make(configmaps, "a");
    await make(secrets, "b", owned(ref(a)));
    await fleet.kv.commit([{ key: objectKey(configmaps, "default", "a"), value: { kind: "ConfigMap" } }]);
    fleet.control();
    await fleet.env.advance(30_000);
    expect(read(secrets, "b")).toBeDefined();
    await fleet.objects.delete(secrets, "default", "b");
  });

  it("stays when somebody lets go of it while it is looked at", async () => {
    const a = await make(configmaps, "a");
    const b = await make(secrets, "b", owned(ref(a)));
    await fleet.objects.delete(configmaps, "default", "a");
    let tried = false;
    fleet.control("c1", (kv) =>
      withCommit(kv, async (changes, o) => {
        if (!tried && changes.some((c) => c.key.endsWith("/b") && c.value === null)) {
          tried = true;
          await fleet.objects.update(secrets, { ...b, metadata: { ...b.metadata, ownerReferences: [] } });
        }
        return kv.commit(changes, o);
      }),
    );
    await fleet.until(() => tried);
    await fleet.env.advance(10_000);
    expect(read(secrets, "b")).toBeDefined();
  });
});

describe("an owner that is deleted", () => {
  it("in the foreground goes after what blocks it", async () => {
    const a = await make(configmaps, "a");
    const b = await make(secrets, "b", { ...owned(ref(a, { blockOwnerDeletion: true })), finalizers: ["acme.io/slow"] });
    await make(secrets, "c", owned(ref(b, { blockOwnerDeletion: true })));
    fleet.control();
    await fleet.env.advance(1_000);
    await fleet.objects.delete(configmaps, "default", "a", foreground);
    await fleet.until(() => !read(secrets, "c") && read(secrets, "b")?.metadata.finalizers?.join() === "acme.io/slow");
    expect(read(configmaps, "a")?.metadata.finalizers).toEqual(["foregroundDeletion"]);
    await fleet.objects.update(secrets, { ...b, metadata: { ...b.metadata, resourceVersion: "", finalizers: [] } });
    await fleet.until(() => !read(secrets, "b") && !read(configmaps, "a"));
  });

  it("to be orphaned goes alone, also when an informer has not seen all that it owns", async () => {
    let late = false;
    fleet.control("c1", (kv) => laggingKv(kv, objectPrefix(secrets), () => late, fleet.env));
    await fleet.env.advance(1_000);
    late = true;
    const a = await make(configmaps, "a");
    await make(secrets, "b", owned(ref(a, { blockOwnerDeletion: true })));
    await make(configmaps, "c", owned(ref(a)));
    await fleet.objects.delete(configmaps, "default", "a", orphan);
    await fleet.until(() => !read(configmaps, "a"));
    expect([read(secrets, "b"), read(configmaps, "c")].map((o) => o && (o.metadata.ownerReferences ?? []))).toEqual([[], []]);
    late = false;
  });

  it("in a circle goes, and all of it", async () => {
    fleet.control();
    const a = await make(configmaps, "a");
    const b = await make(configmaps, "b", owned(ref(a, { blockOwnerDeletion: true })));
    await fleet.objects.update(configmaps, { ...a, metadata: { ...a.metadata, ownerReferences: [ref(b, { blockOwnerDeletion: true })] } });
    await fleet.objects.delete(configmaps, "default", "a", foreground);
    await fleet.until(() => !read(configmaps, "a") && !read(configmaps, "b"));
  });

  it("with its namespace leaves the rest to that", async () => {
    fleet.control();
    await make(namespaces, "team");
    const a = await make(configmaps, "a", { namespace: "team", finalizers: ["foregroundDeletion"] });
    await make(configmaps, "b", { namespace: "team", ...owned(ref(a, { blockOwnerDeletion: true })) });
    await fleet.env.advance(1_000);
    await fleet.objects.delete(namespaces, undefined, "team", foreground);
    await fleet.until(() => !fleet.kv.server.at(objectKey(namespaces, undefined, "team")));
    expect([read(configmaps, "a", "team"), read(configmaps, "b", "team")]).toEqual([undefined, undefined]);
  });
});
