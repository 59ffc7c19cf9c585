// Many streams at once, and readers that do not read: directly, and through another API server.
import { randomBytes } from "node:crypto";
import type { ServerHttp2Stream } from "node:http2";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import type { TunnelHandler } from "../../node-agent/tunnel/index.ts";
import type { NodeStream } from "../links.ts";
import { type TestApi, testApi } from "../testing/server.ts";
import { connectedAgent, noSignal, until } from "./testing/world.ts";

const MIB = 1024 * 1024;
const BIG = 100 * MIB;
const CHUNK = randomBytes(64 * 1024);

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Writes `bytes` as fast as the reader takes them. */
const pour = (stream: ServerHttp2Stream, bytes: number, sent: (n: number) => void): void => {
  let left = bytes;
  stream.respond({ ":status": 200 });
  const go = (): void => {
    while (left > 0 && !stream.destroyed) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK;
      left -= chunk.length;
      sent(chunk.length);
      if (!stream.write(chunk)) return void stream.once("drain", go);
    }
    stream.end();
  };
  go();
};

const world = async (through: string, handler: TunnelHandler): Promise<TestApi> => {
  const a = await testApi();
  undo.push(async () => a[Symbol.asyncDispose]());
  let asked: TestApi = a;
  if (through !== "its own tunnel") {
    asked = await testApi({ kv: a.kv.another() });
    undo.push(async () => asked[Symbol.asyncDispose]());
  }
  const tunnel = await connectedAgent(a, { handler });
  undo.push(() => tunnel.close());
  await until("the tunnel to be known", () => asked.api.links.connected("n1"));
  return asked;
};
const get = (t: TestApi, path: string): Promise<NodeStream> => t.api.links.open("n1", { method: "GET", path, signal: noSignal() });

describe.each([
  ["its own tunnel", BIG],
  ["another server", BIG / 4],
])("through %s", (through, bytes) => {
  it("a reader that stops holds up its own stream only, and little of it is on its way", async () => {
    let sent = 0;
    const t = await world(through, (stream, headers) => {
      if (headers[":path"] === "/big") return pour(stream, bytes, (n) => void (sent += n));
      stream.respond({ ":status": 200 });
      stream.end("small");
    });
    const big = await get(t, "/big");
    for (let i = 0; i < 20; i++) expect(await text((await get(t, "/small")).body)).toBe("small");
    // A window, and what buffers between hold, for each hop.
    expect(sent).toBeLessThan(2 * MIB);
    let got = 0;
    for await (const chunk of big.body) got += (chunk as Buffer).length;
    expect([got, sent]).toEqual([bytes, bytes]);
  });

  it("a writer is held up by a reader that stops, too", async () => {
    const streams: ServerHttp2Stream[] = [];
    const t = await world(through, (stream) => {
      stream.respond({ ":status": 200 });
      streams.push(stream);
    });
    const s = await t.api.links.open("n1", { method: "POST", path: "/stdin", signal: noSignal() });
    let sent = 0;
    while (s.body.write(CHUNK)) sent += CHUNK.length;
    expect(sent).toBeLessThan(2 * MIB);
    let got = 0;
    streams[0]?.on("data", (chunk: Buffer) => void (got += chunk.length));
    s.body.end();
    await until("the rest", () => got === sent + CHUNK.length);
    s.body.destroy();
  });

  it("1,000 small streams at once are all answered", async () => {
    const held: ServerHttp2Stream[] = [];
    const t = await world(through, (stream, headers) => {
      stream.respond({ ":status": 200 });
      stream.write(String(headers[":path"]));
      held.push(stream);
    });
    const opened = await Promise.all(Array.from({ length: 1_000 }, (_, i) => get(t, `/s/${i}`)));
    expect(held).toHaveLength(1_000);
    for (const stream of held) stream.end();
    const texts = await Promise.all(opened.map((s) => text(s.body)));
    expect(texts).toEqual(Array.from({ length: 1_000 }, (_, i) => `/s/${i}`));
  });
});

describe("memory", () => {
  it("is bounded by the windows, however many readers have stopped", async () => {
    let sent = 0;
    const t = await world("its own tunnel", (stream) => pour(stream, BIG, (n) => void (sent += n)));
    const before = process.memoryUsage().rss;
    const opened = await Promise.all(Array.from({ length: 100 }, (_, i) => get(t, `/big/${i}`)));
    await until("the windows to fill", () => sent >= 100 * 256 * 1024);
    await get(t, "/one-more").then((s) => s.body.destroy());
    expect(sent).toBeLessThan(100 * MIB);
    // Both sides are in this process, and sent what 10 GB of answers may hold of memory.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * MIB);
    for (const s of opened) s.body.destroy();
  });

  it("more streams than a node takes are refused in words, and a stream that ends makes room", async () => {
    const t = await world("its own tunnel", (stream) => {
      stream.respond({ ":status": 200 });
      stream.write("x");
    });
    const opened = await Promise.all(Array.from({ length: 1_024 }, () => get(t, "/x")));
    await expect(get(t, "/x")).rejects.toMatchObject({ code: 429, message: expect.stringContaining("1024 streams to node n1") as string });
    opened[0]?.body.destroy();
    await until("room", async () => {
      const more = await get(t, "/x").catch(() => undefined);
      return more?.status === 200;
    });
    for (const s of opened) s.body.destroy();
  });
});
