// Many objects and many clients on a real etcd: what a list holds in memory while it is being read, and what watches cost etcd.
import { request, type IncomingMessage } from "node:http";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGunzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RESOURCES } from "../schemas/resources.ts";
import { realEnv } from "../store/env.ts";
import { connectEtcd } from "../store/etcd/index.ts";
import { objectKey } from "../store/keys.ts";
import type { Kv } from "../store/kv.ts";
import { startTestEtcd, type TestEtcd } from "../store/testing/etcd.ts";
import { type Body, STACKS, type TestApi, testApi, type Watching } from "./testing/server.ts";

const COUNT = 10_000;
/** Of one Stack, in bytes: all of them are 40 MB of JSON. */
const SIZE = 4_000;
const READERS = 20;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const held = (): number => {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

let etcd: TestEtcd;
let kv: Kv;
let t: TestApi;
const name = (i: number): string => `s-${String(i).padStart(5, "0")}`;
beforeAll(async () => {
  etcd = await startTestEtcd();
  kv = connectEtcd({ hosts: [etcd.endpoint], env: realEnv });
  const filler = "x".repeat(SIZE - 400);
  for (let from = 0; from < COUNT; from += 50)
    await kv.commit(
      Array.from({ length: 50 }, (_, i) => ({
        key: objectKey(RESOURCES.stacks, "default", name(from + i)),
        mod: 0,
        value: {
          apiVersion: "steadfleet.dev/v1",
          kind: "Stack",
          metadata: {
            name: name(from + i),
            namespace: "default",
            uid: realEnv.uid(),
            creationTimestamp: "2026-01-01T00:00:00Z",
            generation: 1,
            labels: { half: (from + i) % 2 === 0 ? "even" : "odd" },
            annotations: { filler },
          },
          spec: { services: { web: { image: "nginx:1" } } },
        },
      })),
    );
  t = await testApi({ kv });
});
afterAll(async () => {
  await t?.[Symbol.asyncDispose]();
  await kv?.close();
  await etcd?.stop();
});

const open = (path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(t.api.url);
    request({ host: hostname, port, path, agent: false, headers: { Authorization: `Bearer ${t.token}`, ...headers } })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });

/** Bytes of the text, and what is in it if it is to be parsed. */
async function read(r: IncomingMessage, parse = false): Promise<{ bytes: number; body: Body | undefined }> {
  let bytes = 0;
  const chunks: Buffer[] = [];
  const text = r.headers["content-encoding"] === "gzip" ? r.pipe(createGunzip()) : r;
  for await (const chunk of text as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (parse) chunks.push(chunk);
  }
  return { bytes, body: parse ? (JSON.parse(Buffer.concat(chunks).toString("utf8")) as Body) : undefined };
}

describe("10,000 Stacks", () => {
  it.each([
    ["as they are", {}],
    ["compressed", { "Accept-Encoding": "gzip" }],
  ])("are held once, not once for each reader that does not read (%s)", async (_, headers) => {
    const before = held();
    const readers = await Promise.all(Array.from({ length: READERS }, () => open(STACKS, headers)));
    expect(readers.map((r) => r.statusCode)).toEqual(Array(READERS).fill(200));
    // The server has sent what the connections take.
    let bytes = -1;
    await expect
      .poll(
        () => {
          const now = readers.reduce((n, r) => n + r.socket.bytesRead, 0);
          const still = now === bytes;
          bytes = now;
          return still;
        },
        { interval: 500, timeout: 60_000 },
      )
      .toBe(true);
    const more = held() - before;
    // As text, all of it would be 800 MB.
    expect(more).toBeLessThan(64 << 20);
    for (const r of readers.slice(1)) r.destroy();
    const { body } = await read(readers[0] as IncomingMessage, true);
    expect(body?.items.map((i) => i.metadata.name)).toEqual(Array.from({ length: COUNT }, (_unused, i) => name(i)));
  });

  it("come in pages of one revision, whatever is written meanwhile", async () => {
    const found: string[] = [];
    const revisions = new Set<string | undefined>();
    let token: string | undefined;
    let pages = 0;
    do {
      const r = await t.call("GET", `${STACKS}?limit=500${token === undefined ? "" : `&continue=${token}`}`);
      expect(r.code).toBe(200);
      found.push(...r.body.items.map((i) => i.metadata.name ?? ""));
      revisions.add(r.body.metadata.resourceVersion);
      token = r.body.metadata.continue;
      expect(r.body.metadata.remainingItemCount ?? 0).toBe(COUNT - found.length);
      await t.call("DELETE", `${STACKS}/${name(9_999 - pages)}`);
      pages++;
    } while (token !== undefined);
    expect(pages).toBe(20);
    expect(found).toEqual(Array.from({ length: COUNT }, (_, i) => name(i)));
    expect(revisions.size).toBe(1);
    const odd = await t.call("GET", `${STACKS}?labelSelector=half%3Dodd&limit=10`);
    expect(odd.body.items).toHaveLength(10);
    expect(odd.body.metadata.remainingItemCount).toBeUndefined();
  });
});

describe("100 clients that watch", () => {
  it("cost etcd one watch", async () => {
    const watchers = async (): Promise<number> => {
      const text = await (await fetch(`${etcd.endpoint}/metrics`)).text();
      const found = /^etcd_debugging_mvcc_watcher_total (\d+)/m.exec(text)?.[1];
      expect(found).toBeDefined();
      return Number(found);
    };
    const before = await watchers();
    // Of the cache, and of what the servers tell each other about tunnels: as many as without a client.
    expect(before).toBeLessThanOrEqual(2);
    const paths = [
      STACKS,
      "/api/v1/pods",
      "/api/v1/nodes",
      "/api/v1/namespaces/default/configmaps",
      `${STACKS}?fieldSelector=metadata.name%3Dnew`,
    ];
    const watches: Watching[] = [];
    for (let i = 0; i < 100; i++) {
      const path = paths[i % paths.length] ?? "";
      watches.push(
        await t.watch(`${path}${path.includes("?") ? "&" : "?"}watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`),
      );
    }
    expect(watches.map((w) => w.code)).toEqual(Array(100).fill(200));
    expect(await watchers()).toBe(before);
    const body = {
      apiVersion: "steadfleet.dev/v1",
      kind: "Stack",
      metadata: { name: "new" },
      spec: { services: { web: { image: "nginx:1" } } },
    };
    expect((await t.call("POST", STACKS, { body })).code).toBe(201);
    const told = watches.filter((_, i) => (paths[i % paths.length] ?? "").startsWith(STACKS));
    for (const w of told) expect((await w.until(1))[0]).toMatchObject({ type: "ADDED", object: { metadata: { name: "new" } } });
    expect(await watchers()).toBe(before);
    for (const w of watches) w.stop();
  });
});
