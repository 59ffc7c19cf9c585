import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dataFrame, type Frame, FrameReader, goAway, MAX_CONTROL_BYTES, ping, rstStream, synReply, synStream } from "./frames.ts";
import { DICTIONARY, formatHeaders, HeaderDeflater, HeaderInflater, parseHeaders } from "./headers.ts";

/** Packed by zlib as one stream, with a flush after each block, as the clients pack them. */
const PACKED = ["78f9e3c6a7c202a62346703a2b294a4dcc851625aca9a08006000000ffff", "c22a054ccc29f9a52500000000ffff"];

const hex = (b: Buffer): string => b.toString("hex");
const readAll = (chunks: readonly Buffer[]): Frame[] => {
  const reader = new FrameReader();
  return chunks.flatMap((c) => [...reader.read(c)]);
};
/** Parts of data put together, as their receiver sees them. */
const joined = (frames: readonly Frame[]): object[] => {
  const found: { type: string; data?: string }[] = [];
  const open = new Map<number, { type: string; id: number; data: string; fin: boolean }>();
  for (const f of frames) {
    if (f.type !== "data") {
      found.push("block" in f ? { type: f.type, data: hex(f.block) } : f);
      continue;
    }
    const before = open.get(f.id) ?? { type: "data", id: f.id, data: "", fin: false };
    open.set(f.id, { ...before, data: before.data + hex(f.data), fin: before.fin || f.fin });
  }
  return [...found, ...[...open.values()].toSorted((a, b) => a.id - b.id)];
};

describe("frames", () => {
  // Golden bytes: SPDY Protocol Draft 3.1, section 2.2.
  it.each([
    { name: "PING", frame: ping(1), bytes: "800300060000000400000001" },
    { name: "RST_STREAM", frame: rstStream(5, 3), bytes: "80030003000000080000000500000003" },
    { name: "GOAWAY", frame: goAway(7, 1), bytes: "80030007000000080000000700000001" },
    { name: "DATA", frame: dataFrame(3, Buffer.from("hi")), bytes: "00000003000000026869" },
    { name: "DATA with FIN", frame: dataFrame(3, Buffer.alloc(0), true), bytes: "0000000301000000" },
    { name: "SYN_REPLY", frame: synReply(3, Buffer.of(1, 2)), bytes: "8003000200000006000000030102" },
    { name: "SYN_STREAM", frame: synStream(1, Buffer.of(9), true), bytes: "800300010100000b0000000100000000000009" },
  ])("$name", ({ frame, bytes }) => {
    expect(hex(frame)).toBe(bytes);
  });

  it("are the same however their bytes are cut", () => {
    const frame = fc.oneof(
      fc
        .record({ id: fc.constantFrom(1, 3, 5), data: fc.uint8Array({ maxLength: 300 }), fin: fc.boolean() })
        .map((f) => dataFrame(f.id, f.data, f.fin)),
      fc.integer({ min: 1, max: 99 }).map(ping),
      fc.tuple(fc.constantFrom(1, 3), fc.integer({ min: 1, max: 9 })).map(([id, code]) => rstStream(id, code)),
      fc.uint8Array({ maxLength: 100 }).map((b) => synStream(7, Buffer.from(b))),
      fc.constant(goAway(3, 0)),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
        const bytes = Buffer.concat(frames);
        const at = [0, ...cuts.map((c) => c % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(joined(readAll(pieces))).toEqual(joined(readAll([bytes])));
      }),
    );
  });

  it("of other versions, or too large, or too short are an error", () => {
    expect(() => readAll([Buffer.from("800200060000000400000001", "hex")])).toThrow("version 2");
    expect(() => readAll([Buffer.from("8003000100ffffff", "hex")])).toThrow("control frame of 16777215 bytes");
    expect(() => readAll([Buffer.from("800300030000000400000001", "hex")])).toThrow("too short");
    expect(() => readAll([Buffer.from("800300010000000400000001", "hex")])).toThrow("too short");
  });

  it("of data are never kept, however large they say they are", () => {
    const reader = new FrameReader();
    const [first] = [...reader.read(Buffer.from("0000000101ffffffaabb", "hex"))];
    expect(first).toEqual({ type: "data", id: 1, fin: false, data: Buffer.of(0xaa, 0xbb) });
    expect([...reader.read(Buffer.alloc(MAX_CONTROL_BYTES))]).toHaveLength(1);
  });
});

describe("header blocks", () => {
  it("have the dictionary of the draft", () => {
    expect(DICTIONARY).toHaveLength(1423);
    // Its Adler-32, which every first block names.
    let [a, b] = [1, 0];
    for (const byte of DICTIONARY) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    expect((b * 65_536 + a).toString(16)).toBe("e3c6a7c2");
  });

  it("go through packing in their order", () => {
    const [packer, unpacker] = [new HeaderDeflater(), new HeaderInflater()];
    const text = fc.string({ maxLength: 40, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(
        fc.dictionary(
          text.filter((t) => t !== ""),
          text,
        ),
        (given) => {
          const headers = new Map(Object.entries(given).slice(0, 20));
          expect(parseHeaders(unpacker.inflate(packer.deflate(formatHeaders(headers))))).toEqual(headers);
        },
      ),
    );
  });

  it("are read as one stream of zlib, where later blocks repeat earlier ones", () => {
    const blocks = PACKED.map((b) => Buffer.from(b, "hex"));
    const unpacker = new HeaderInflater();
    expect(blocks.map((b) => Object.fromEntries(parseHeaders(unpacker.inflate(b))))).toEqual([
      { streamtype: "error" },
      { streamtype: "stdout" },
    ]);
  });

  it("that are no zlib, or bombs, or lie about lengths are an error", () => {
    expect(() => new HeaderInflater().inflate(Buffer.from("hello there"))).toThrow("not zlib");
    expect(() => new HeaderInflater().inflate(new HeaderDeflater().deflate(Buffer.alloc(10_000_000)))).toThrow();
    expect(() => parseHeaders(Buffer.from("00000001ffffffff", "hex"))).toThrow("cut off");
    expect(() => parseHeaders(Buffer.from("ffffffff", "hex"))).toThrow("too many");
    expect(() => parseHeaders(Buffer.alloc(2))).toThrow("cut off");
  });

  it("of random bytes never do more than throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        for (const make of [() => new HeaderInflater().inflate(Buffer.from(bytes)), () => parseHeaders(Buffer.from(bytes))])
          try {
            make();
          } catch (e) {
            expect(e).toBeInstanceOf(Error);
          }
      }),
    );
  });
});
