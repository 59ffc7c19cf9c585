import { duplexPair } from "node:stream";
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { realEnv } from "../../../store/env.ts";
import { eventually } from "../../testing/command.ts";
import { dataFrame, type Frame, FrameReader, ping, rstStream, synStream } from "./frames.ts";
import { formatHeaders, HeaderDeflater } from "./headers.ts";
import { SpdySession, type SpdyStream } from "./session.ts";

/** A session, and a client that speaks in bytes. */
function world(maxStreams?: number) {
  const [server, client] = duplexPair();
  const streams: SpdyStream[] = [];
  const frames: Frame[] = [];
  const session = new SpdySession(server, {
    env: realEnv,
    log: pino({ level: "silent" }),
    onStream: (s) => streams.push(s),
    ...(maxStreams ? { maxStreams } : {}),
  });
  const reader = new FrameReader();
  client.on("data", (d: Buffer) => frames.push(...[...reader.read(d)].map((f) => ("data" in f ? { ...f, data: Buffer.from(f.data) } : f))));
  client.on("error", () => {});
  client.on("end", () => client.end());
  const packer = new HeaderDeflater();
  const open = (id: number, headers: Record<string, string> = {}) => {
    client.write(synStream(id, packer.deflate(formatHeaders(new Map(Object.entries(headers))))));
  };
  return { session, client, streams, frames, open };
}
const types = (frames: readonly Frame[]): string[] => frames.map((f) => f.type);

describe("a SPDY session", () => {
  it("answers each stream, with both directions and both ends", async () => {
    const w = world();
    w.open(1, { streamtype: "stdin" });
    await eventually(() => w.streams.length === 1 && types(w.frames).includes("reply"));
    const [s] = w.streams;
    expect(s?.headers.get("streamtype")).toBe("stdin");
    let text = "";
    s?.on("data", (d: Buffer) => (text += d.toString())).on("end", () => s.end("bye"));
    w.client.write(Buffer.concat([dataFrame(1, Buffer.from("hel")), dataFrame(1, Buffer.from("lo"), true)]));
    await eventually(() => w.frames.some((f) => f.type === "data" && f.fin));
    expect(text).toBe("hello");
    expect(Buffer.concat(w.frames.flatMap((f) => (f.type === "data" ? [f.data] : []))).toString()).toBe("bye");
    await w.session.close();
    expect(types(w.frames)).toEqual(["reply", "data", "data", "goaway"]);
  });

  it("echoes pings of the client", async () => {
    const w = world();
    w.client.write(ping(7));
    await eventually(() => w.frames.length === 1);
    expect(w.frames).toEqual([{ type: "ping", id: 7 }]);
    w.session.destroy();
  });

  it("refuses streams beyond its limit, and goes on", async () => {
    const w = world(2);
    for (const id of [1, 3, 5]) w.open(id);
    await eventually(() => w.frames.length === 3);
    expect(w.frames[2]).toEqual({ type: "rst", id: 5, status: 3 });
    w.client.write(rstStream(1, 5));
    w.open(7);
    await eventually(() => w.streams.length === 3);
    w.session.destroy();
  });

  it("reads no further while a stream has more than its reader takes", async () => {
    const w = world();
    w.open(1);
    await eventually(() => w.streams.length === 1);
    let taken = 0;
    for (let i = 0; i < 200; i++) w.client.write(dataFrame(1, Buffer.alloc(16_384)), () => taken++);
    await eventually(() => taken > 0);
    let before = -1;
    await eventually(() => {
      const still = taken === before;
      before = taken;
      return still;
    });
    expect(taken).toBeLessThan(60);
    let got = 0;
    w.streams[0]?.on("data", (d: Buffer) => (got += d.length));
    await eventually(() => got === 200 * 16_384);
    w.session.destroy();
  });

  it.each([
    { name: "an even id", act: (w: ReturnType<typeof world>) => w.open(2) },
    { name: "an id that goes back", act: (w: ReturnType<typeof world>) => (w.open(5), w.open(3)) },
    { name: "data of a stream that never was", act: (w: ReturnType<typeof world>) => w.client.write(dataFrame(9, Buffer.of(1))) },
    { name: "bad zlib", act: (w: ReturnType<typeof world>) => w.client.write(synStream(1, Buffer.from("no zlib at all"))) },
    {
      name: "a bomb",
      act: (w: ReturnType<typeof world>) => w.client.write(synStream(1, new HeaderDeflater().deflate(Buffer.alloc(5_000_000)))),
    },
    { name: "a frame too large", act: (w: ReturnType<typeof world>) => w.client.write(Buffer.from("8003000100ffffff", "hex")) },
    { name: "plain HTTP", act: (w: ReturnType<typeof world>) => w.client.write(`\x80\x03GET / HTTP/1.1\r\n\r\n`) },
  ])("ends with GOAWAY on $name", async ({ act }) => {
    const w = world();
    act(w);
    await eventually(() => w.session.gone.aborted);
    await eventually(() => w.frames.some((f) => f.type === "goaway"));
  });

  it("survives whatever comes", async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(fc.constantFrom(1, 2, 3, 4, 6, 7, 8, 9, 10), fc.uint8Array({ maxLength: 40 }))
        .map(([type, body]) => Buffer.concat([Buffer.of(0x80, 3, 0, type, 0, 0, 0, body.length), body])),
      fc.tuple(fc.constantFrom(1, 3, 9), fc.uint8Array({ maxLength: 40 })).map(([id, body]) => dataFrame(id, body)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 20 }), async (pieces) => {
        const w = world();
        for (const p of pieces) w.client.write(p);
        await new Promise((r) => setImmediate(r));
        w.session.destroy();
        expect(w.streams.every((s) => s.destroyed)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("lets its streams go when the client does", async () => {
    const w = world();
    w.open(1);
    await eventually(() => w.streams.length === 1);
    w.client.end();
    await eventually(() => w.session.gone.aborted);
    expect(w.streams[0]?.destroyed).toBe(true);
  });
});
