// From any history, whatever happens to the connection: a watcher's picture is the store's, by legal steps only.
import type { ServerResponse } from "node:http";
import * as fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { realEnv } from "../../store/env.ts";
import { objectKey } from "../../store/keys.ts";
import { MemoryKv } from "../../store/memory.ts";
import { ObjectStore } from "../../store/objects.ts";
import { type Call, type Deps, Query } from "../call.ts";
import { watch } from "../handlers/watch.ts";
import { KINDS } from "../kinds/index.ts";
import { configmaps } from "../kinds/configmaps.ts";
import { eventOf, KindCache } from "./kind-cache.ts";
import { noLinks } from "../links.ts";
import { OpenStreams } from "../streams/open-streams.ts";
import { WatchCache } from "./watch-cache.ts";

interface Line {
  type: string;
  object: KubeObject;
}

/** A client that keeps a picture from the events alone and refuses what makes no sense. */
class Watcher {
  readonly picture = new Map<string, string>();
  /** Steps that make no sense. Not thrown: who calls us would take it for a broken connection. */
  readonly wrong: string[] = [];
  private readonly gone = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly deps: Deps,
    private readonly query: string,
  ) {}

  async open(): Promise<void> {
    const call = {
      kind: configmaps,
      name: "",
      namespace: "default",
      query: new Query(new URLSearchParams(`watch=true&${this.query}`)),
      req: { method: "GET" },
      user: { name: "t", groups: [], tokenId: "" },
      form: { as: "object" },
      signal: this.gone.signal,
      warn: () => {},
    } as unknown as Call;
    const answer = await watch(this.deps, call);
    if (answer.type !== "stream") throw new TypeError("a stream was expected");
    const res = {
      writeHead: () => {},
      flushHeaders: () => {},
      end: () => {},
      on: () => {},
      once: () => {},
      destroyed: false,
      writableLength: 0,
      writableEnded: false,
      write: (s: string) => this.take(s),
    };
    this.running = answer.run(res as unknown as ServerResponse);
  }

  private take(line: string): void {
    const { type, object } = JSON.parse(line) as Line;
    const { name, uid, resourceVersion } = object.metadata;
    const known = this.picture.has(name);
    if ((type === "ADDED") === known) this.wrong.push(`${type} of ${name}, which was ${known ? "" : "un"}known`);
    if (type === "DELETED") this.picture.delete(name);
    else this.picture.set(name, `${uid}@${resourceVersion}`);
  }

  async close(): Promise<void> {
    this.gone.abort();
    await this.running;
  }
}

const operation = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant("put" as const), name: fc.constantFrom("a", "b", "c"), tier: fc.constantFrom("web", "db") }),
  },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("delete" as const), name: fc.constantFrom("a", "b", "c") }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("disconnect" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("compact" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("watch" as const),
      query: fc.constantFrom("", "labelSelector=tier%3Dweb", "fieldSelector=metadata.name%3Da"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("settle" as const) }) },
);

describe("the watch cache", () => {
  it("gives every watcher the store's picture, without a miss or a repeat", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 40 }), async (operations) => {
        const kv = new MemoryKv(realEnv);
        const stop = new AbortController();
        const store = new ObjectStore(kv, realEnv);
        const log = pino({ level: "silent" });
        const cache = new WatchCache({ kv, env: realEnv, log, kinds: KINDS });
        cache.start(stop.signal);
        while (!cache.ready) await realEnv.sleep(0);
        const streams = new OpenStreams({ env: realEnv, log, cache, closing: stop.signal });
        const deps: Deps = {
          kv,
          env: realEnv,
          log,
          store,
          cache,
          links: noLinks,
          streams,
          eventLease: async () => "",
          closing: stop.signal,
        };
        const watchers: { query: string; watcher: Watcher }[] = [];
        const settle = async (): Promise<void> => {
          const { revision } = await kv.status();
          expect(await cache.reaches(revision, 5_000)).toBe(true);
        };
        for (const o of operations) {
          if (o.op === "put") {
            const labels = { tier: o.tier };
            const draft = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: o.name, namespace: "default", labels } };
            const key = objectKey(RESOURCES.configmaps, "default", o.name);
            const old = (await kv.get(key)).item;
            await (old
              ? store.update(RESOURCES.configmaps, {
                  ...draft,
                  metadata: { ...draft.metadata, annotations: { n: realEnv.uid() } },
                } as unknown as KubeObject)
              : store.create(RESOURCES.configmaps, draft));
          } else if (o.op === "delete") await store.delete(RESOURCES.configmaps, "default", o.name).catch(() => {});
          else if (o.op === "disconnect") kv.disconnect();
          else if (o.op === "compact") kv.compact();
          else if (o.op === "settle") await settle();
          else {
            const watcher = new Watcher(deps, o.query);
            await watcher.open();
            watchers.push({ query: o.query, watcher });
          }
        }
        await settle();
        const { items } = await store.list<KubeObject>(RESOURCES.configmaps, { namespace: "default" });
        for (const { query, watcher } of watchers) {
          const mine = items.filter((i) =>
            query.includes("web") ? i.metadata.labels?.["tier"] === "web" : query.includes("name") ? i.metadata.name === "a" : true,
          );
          expect(Object.fromEntries(watcher.picture)).toEqual(
            Object.fromEntries(mine.map((i) => [i.metadata.name, `${i.metadata.uid}@${i.metadata.resourceVersion}`])),
          );
          expect(watcher.wrong).toEqual([]);
          await watcher.close();
        }
        stop.abort();
        await cache.stopped;
      }),
      { numRuns: 30 },
    );
  });

  it("resumes at any version it still knows with exactly what came after", () => {
    const change = fc.record({ id: fc.constantFrom("a", "b", "c"), tier: fc.constantFrom("web", "db", undefined) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.integer({ min: 2, max: 12 }), fc.nat(70), (changes, capacity, from) => {
        const cache = new KindCache(capacity);
        const all: [number, string][] = [];
        const web = (o: KubeObject): boolean => o.metadata.labels?.["tier"] === "web";
        cache.subscribe((t) => {
          const e = eventOf(t, web);
          if (e) all.push([t.revision, `${e.type} ${e.object.metadata.resourceVersion}`]);
        });
        changes.forEach(({ id, tier }, i) => {
          const metadata = { name: id, uid: id, resourceVersion: String(i + 1), creationTimestamp: "", labels: { tier: tier ?? "" } };
          cache.set(id, tier === undefined ? undefined : { apiVersion: "v1", kind: "ConfigMap", metadata }, i + 1);
        });
        const resumed = cache.since(from);
        if (from < cache.floor) {
          expect(resumed).toBeUndefined();
          return;
        }
        const told = resumed?.flatMap((t) => {
          const e = eventOf(t, web);
          return e ? [[t.revision, `${e.type} ${e.object.metadata.resourceVersion}`]] : [];
        });
        expect(told).toEqual(all.filter(([revision]) => revision > from));
      }),
    );
  });
});
