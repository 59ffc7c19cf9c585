// Pages of a list are of one revision, whatever is written between them and however little history the cache keeps; and a
// watch of a derived kind, from a list on, leads to the later list.
import * as fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { aDesired } from "../../schemas/testing/pod.ts";
import type { DesiredPod } from "../../schemas/fleet.ts";
import type { KubeObject } from "../../schemas/meta.ts";
import { type Resource, RESOURCES } from "../../schemas/resources.ts";
import { realEnv } from "../../store/env.ts";
import { desiredKey, desiredPrefix, objectPrefix, sessionKey } from "../../store/keys.ts";
import { MemoryKv } from "../../store/memory.ts";
import { decodeObject, ObjectStore } from "../../store/objects.ts";
import { type Call, type Deps, Query } from "../call.ts";
import { list } from "../handlers/read.ts";
import type { Kind } from "../kind.ts";
import { configmaps } from "../kinds/configmaps.ts";
import { pods } from "../kinds/pods.ts";
import { noLinks } from "../links.ts";
import { OpenStreams } from "../streams/open-streams.ts";
import { ApiError } from "../status.ts";
import { eventOf, idOf } from "./kind-cache.ts";
import { WatchCache } from "./watch-cache.ts";

/** One view for each entry of a ConfigMap, whose order is not that of the ConfigMaps. */
const views = (source: KubeObject & { data?: Record<string, string> }): KubeObject[] =>
  Object.entries(source.data ?? {}).map(([key, value]) => ({
    apiVersion: "v1",
    kind: "Entry",
    metadata: { ...source.metadata, name: `${key}-${source.metadata.name}`, uid: `${source.metadata.uid}/${key}`, labels: { value } },
  }));
const resource: Resource = { ...RESOURCES.configmaps, resource: "entries", kind: "Entry" };
const entries: Kind = { ...configmaps, resource, reads: "derived", derived: { from: configmaps, views } };

const NAMES = ["a", "b", "c", "d", "e"];
const write = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant("put" as const),
      name: fc.constantFrom(...NAMES),
      data: fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2")),
    }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("delete" as const), name: fc.constantFrom(...NAMES) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("pod" as const), name: fc.constantFrom(...NAMES), there: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("disconnect" as const) }) },
);
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

const desired = (name: string): DesiredPod => aDesired(name, { uid: realEnv.uid() });

interface World {
  kv: MemoryKv;
  deps: Deps;
  close(): Promise<void>;
}
async function world(history: number): Promise<World> {
  const kv = new MemoryKv(realEnv);
  const stop = new AbortController();
  const store = new ObjectStore(kv, realEnv);
  const log = pino({ level: "silent" });
  await kv.commit([{ key: sessionKey("n1"), value: { nonce: "x", hostname: "n1", pid: 1, startedAt: "" } }]);
  const cache = new WatchCache({ kv, env: realEnv, log, kinds: [configmaps, entries, pods], history });
  cache.start(stop.signal);
  while (!cache.ready) await realEnv.sleep(0);
  const deps: Deps = {
    kv,
    env: realEnv,
    log,
    store,
    cache,
    links: noLinks,
    streams: new OpenStreams({ env: realEnv, log, cache, closing: stop.signal }),
    eventLease: async () => "",
    closing: stop.signal,
  };
  const close = async (): Promise<void> => {
    stop.abort();
    await cache.stopped;
  };
  return { kv, deps, close };
}

async function apply({ kv, deps }: World, w: Write): Promise<void> {
  const r = RESOURCES.configmaps;
  if (w.op === "disconnect") return kv.disconnect();
  if (w.op === "pod")
    return void (await kv.commit([{ key: desiredKey("n1", "default", w.name), value: w.there ? desired(w.name) : null }]));
  if (w.op === "delete") return void (await deps.store.delete(r, "default", w.name).catch(() => {}));
  const draft = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: w.name, namespace: "default" }, data: w.data };
  await deps.store.create(r, draft).catch(() => deps.store.update(r, draft as unknown as KubeObject));
}

const ask = (w: World, kind: Kind, query: string) =>
  list(w.deps, {
    kind,
    name: "",
    namespace: "default",
    query: new Query(new URLSearchParams(query)),
    signal: new AbortController().signal,
  } as unknown as Call);

const versions = (objects: readonly KubeObject[]): string[] =>
  objects.map((o) => `${idOf(o)} ${o.metadata.uid}@${o.metadata.resourceVersion}`);

/** What a list at a revision must be, read from the store alone. */
async function truth({ kv }: World, kind: Kind, revision: number): Promise<string[]> {
  if (kind === pods) {
    const { items } = await kv.range(desiredPrefix("n1"), { revision });
    return items.map((i) => `${i.key.slice(desiredPrefix("n1").length)} ${(JSON.parse(i.value) as DesiredPod).uid}@${i.mod}`);
  }
  const { items } = await kv.range(objectPrefix(RESOURCES.configmaps, "default"), { revision });
  const stored = items.map((i) => decodeObject<KubeObject>(i));
  return versions(kind === entries ? stored.flatMap(views).toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1)) : stored);
}

describe("a list in pages", () => {
  it.each([
    ["stored", configmaps],
    ["derived", entries],
    ["joined", pods],
  ] as const)("is the list at the revision of its first page (%s)", async (_, kind) => {
    const rounds = fc.array(fc.array(write, { maxLength: 8 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        rounds,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 20 }),
        async ([first = [], ...more], limit, history) => {
          const w = await world(history);
          for (const o of first) await apply(w, o);
          const found: KubeObject[] = [];
          let revision: string | undefined;
          let token: string | undefined;
          do {
            const page = await ask(w, kind, `limit=${limit}${token === undefined ? "" : `&continue=${token}`}`);
            revision ??= page.metadata.resourceVersion;
            expect(page.metadata.resourceVersion).toBe(revision);
            found.push(...page.items);
            token = page.metadata.continue;
            const all = await truth(w, kind, Number(revision));
            if (token !== undefined) expect(page.items).toHaveLength(limit);
            // etcd tells no count for what it does not keep as such.
            if (page.metadata.remainingItemCount) expect(found.length + page.metadata.remainingItemCount).toBe(all.length);
            for (const o of more.shift() ?? []) await apply(w, o);
          } while (token !== undefined);
          expect(versions(found)).toEqual(await truth(w, kind, Number(revision)));
          const exact = await ask(w, kind, `resourceVersion=${revision}&resourceVersionMatch=Exact`);
          expect(versions(exact.items)).toEqual(versions(found));
          await w.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  it("that lost its revision says so, and how to go on with what there is now", async () => {
    for (const kind of [configmaps, entries, pods]) {
      const w = await world(2);
      for (const name of NAMES) {
        await apply(w, { op: "put", name, data: { x: "1" } });
        await apply(w, { op: "pod", name, there: true });
      }
      const page = await ask(w, kind, "limit=2");
      for (let i = 0; i < 10; i++) {
        await apply(w, { op: "put", name: "d", data: { x: i % 2 === 0 ? "1" : "2" } });
        await apply(w, { op: "pod", name: "d", there: true });
      }
      w.kv.compact();
      const lost = await ask(w, kind, `limit=2&continue=${page.metadata.continue}`).catch((e: unknown) => e);
      expect(lost).toBeInstanceOf(ApiError);
      const { code, reason, continue: fresh } = lost as ApiError;
      expect([code, reason]).toEqual([410, "Expired"]);
      const rest = await ask(w, kind, `limit=9&continue=${fresh}`);
      expect([...page.items, ...rest.items]).toHaveLength(5);
      expect(Number(rest.metadata.resourceVersion)).toBeGreaterThan(Number(page.metadata.resourceVersion));
      const past = await ask(w, kind, `resourceVersion=${page.metadata.resourceVersion}&resourceVersionMatch=Exact`).catch(
        (e: unknown) => e,
      );
      expect(past).toMatchObject({ code: 410 });
      await w.close();
    }
  });
});

describe("a derived kind", () => {
  it("is watched as if it were stored: a list and the events after it are the later list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 15 }), fc.array(write, { maxLength: 25 }), async (before, after) => {
        const w = await world(1_000);
        for (const o of before) await apply(w, o);
        const start = await ask(w, entries, "");
        const picture = new Map(start.items.map((o) => [idOf(o), o]));
        const view = w.deps.cache.of(entries);
        for (const o of after) await apply(w, o);
        const end = await ask(w, entries, "");
        for (const t of view.since(Number(start.metadata.resourceVersion)) ?? []) {
          const e = eventOf(t, () => true);
          if (!e) continue;
          expect(picture.has(t.id)).toBe(e.type !== "ADDED");
          if (e.type === "DELETED") picture.delete(t.id);
          else picture.set(t.id, e.object);
        }
        const strip = (o: KubeObject): string => `${idOf(o)} ${o.metadata.uid} ${o.metadata.labels?.["value"]}`;
        expect([...picture.values()].map(strip).toSorted()).toEqual(end.items.map(strip).toSorted());
        // One by one as in a list.
        for (const o of end.items) expect(view.get(idOf(o))).toEqual(o);
        expect([...view.objects.keys()].toSorted()).toEqual(end.items.map(idOf));
        await w.close();
      }),
      { numRuns: 40 },
    );
  });
});
