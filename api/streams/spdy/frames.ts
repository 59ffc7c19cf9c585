// Frames of SPDY/3.1. Pure: bytes in, frames out, and back.
// Source: SPDY Protocol Draft 3.1, section 2.2 and 2.6.

export const TYPE = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
export const RST = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5, internalError: 6, streamClosed: 9 } as const;
export const GOAWAY = { ok: 0, protocolError: 1, internalError: 2 } as const;
const FIN = 0x01;
const VERSION = 3;

/** Of a control frame; the largest that comes are headers. Data is never kept until its frame is whole. */
export const MAX_CONTROL_BYTES = 16 * 1024;

export type Frame =
  | { type: "syn"; id: number; fin: boolean; block: Buffer }
  | { type: "headers" | "reply"; id: number; fin: boolean; block: Buffer }
  | { type: "rst"; id: number; status: number }
  | { type: "ping"; id: number }
  | { type: "goaway"; last: number }
  /** A part of a data frame; `fin` with the last part only. */
  | { type: "data"; id: number; fin: boolean; data: Buffer }
  /** Says nothing that matters here: SETTINGS, WINDOW_UPDATE, what is unknown. */
  | { type: "other" };

/** What the other side sent is no SPDY: the connection ends. */
export class SpdyError extends Error {
  override name = "SpdyError";
}

export class FrameReader {
  /** Of a head or a control frame that is not whole yet. */
  private rest: Buffer = Buffer.alloc(0);
  private data: { id: number; fin: boolean; left: number } | undefined;

  /** Frames that are whole now, one at a time. @throws SpdyError */
  *read(chunk: Buffer): Generator<Frame> {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = Buffer.alloc(0);
    for (;;) {
      if (this.data) {
        if (bytes.length === 0 && this.data.left > 0) return;
        const { id, fin, left } = this.data;
        const part = bytes.subarray(0, left);
        bytes = bytes.subarray(part.length);
        this.data = part.length < left ? { id, fin, left: left - part.length } : undefined;
        yield { type: "data", id, fin: fin && !this.data, data: part };
        continue;
      }
      if (bytes.length < 8) break;
      const first = bytes.readUInt32BE(0);
      const flags = bytes[4] ?? 0;
      const length = bytes.readUIntBE(5, 3);
      if (first < 0x8000_0000) {
        this.data = { id: first, fin: (flags & FIN) !== 0, left: length };
        bytes = bytes.subarray(8);
        continue;
      }
      if (length > MAX_CONTROL_BYTES) throw new SpdyError(`control frame of ${length} bytes`);
      if (bytes.length < 8 + length) break;
      yield control(first, flags, bytes.subarray(8, 8 + length));
      bytes = bytes.subarray(8 + length);
    }
    this.rest = Buffer.from(bytes);
  }
}

function control(first: number, flags: number, body: Buffer): Frame {
  const version = (first >>> 16) & 0x7fff;
  const type = first & 0xffff;
  if (version !== VERSION) throw new SpdyError(`SPDY of version ${version}`);
  const fin = (flags & FIN) !== 0;
  const number = (at: number): number => {
    if (body.length < at + 4) throw new SpdyError(`control frame of type ${type} is too short`);
    return body.readUInt32BE(at);
  };
  const id = (at: number): number => number(at) & 0x7fff_ffff;
  if (type === TYPE.synStream) {
    if (body.length < 10) throw new SpdyError("SYN_STREAM is too short");
    return { type: "syn", id: id(0), fin, block: body.subarray(10) };
  }
  if (type === TYPE.synReply || type === TYPE.headers)
    return { type: type === TYPE.headers ? "headers" : "reply", id: id(0), fin, block: body.subarray(4) };
  if (type === TYPE.rstStream) return { type: "rst", id: id(0), status: number(4) };
  if (type === TYPE.ping) return { type: "ping", id: number(0) };
  if (type === TYPE.goAway) return { type: "goaway", last: id(0) };
  return { type: "other" };
}

const controlFrame = (type: number, flags: number, ...parts: (number | Buffer)[]): Buffer => {
  const body = Buffer.concat(parts.map((p) => (typeof p === "number" ? uint32(p) : p)));
  return Buffer.concat([uint32(0x8000_0000 + VERSION * 0x1_0000 + type), uint32(flags * 0x100_0000 + body.length), body]);
};
const uint32 = (n: number): Buffer => {
  const b = Buffer.alloc(4);
  b.writeUInt32BE(n);
  return b;
};

export const synStream = (id: number, block: Buffer, fin = false): Buffer =>
  controlFrame(TYPE.synStream, fin ? FIN : 0, id, 0, Buffer.of(0, 0), block);
export const synReply = (id: number, block: Buffer): Buffer => controlFrame(TYPE.synReply, 0, id, block);
export const rstStream = (id: number, status: number): Buffer => controlFrame(TYPE.rstStream, 0, id, status);
export const ping = (id: number): Buffer => controlFrame(TYPE.ping, 0, id);
export const goAway = (last: number, status: number): Buffer => controlFrame(TYPE.goAway, 0, last, status);
export const dataFrame = (id: number, data: Uint8Array, fin = false): Buffer =>
  Buffer.concat([uint32(id), uint32((fin ? FIN * 0x100_0000 : 0) + data.length), data]);
