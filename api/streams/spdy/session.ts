// A SPDY/3.1 connection, the serving side of it: the client opens streams. Small, for kubectl's streaming: no push, no flow control
// (the clients send none and expect none), no priorities.
// Source: SPDY Protocol Draft 3.1; moby/spdystream, which is what clients of Kubernetes use.
import { Duplex } from "node:stream";
import type { Logger } from "pino";
import type { Env } from "../../../store/env.ts";
import { dataFrame, type Frame, FrameReader, GOAWAY, goAway, ping, RST, rstStream, SpdyError, synReply } from "./frames.ts";
import { formatHeaders, HeaderDeflater, HeaderInflater, type Headers, parseHeaders } from "./headers.ts";

/** Bytes of one stream that wait for their reader; from here on the connection is read no further. */
const MAX_UNREAD = 256 * 1024;
const MAX_DATA = 32 * 1024;
const MAX_STREAMS = 512;

/** As of a WebSocket (websocket.ts): finds out about a client that died while it was not read, and keeps proxies from forgetting. */
const PULSE_MS = 5_000;
const PING_EVERY = 4;

export interface SessionOptions {
  env: Env;
  log: Logger;
  /** A stream that the client opened; what nobody reads holds up the connection in time. */
  onStream(stream: SpdyStream): void;
  maxStreams?: number;
}

export class SpdySession {
  /** Aborted when the connection is gone. */
  readonly gone: AbortSignal;
  private readonly over = new AbortController();
  private readonly reader = new FrameReader();
  private readonly inflater = new HeaderInflater();
  private readonly deflater = new HeaderDeflater();
  private readonly streams = new Map<number, SpdyStream>();
  private readonly full = new Set<number>();
  private lastId = 0;
  private cancelPulse = (): void => {};

  constructor(
    private readonly transport: Duplex,
    private readonly o: SessionOptions,
  ) {
    this.gone = this.over.signal;
    transport.on("data", (chunk: Buffer) => this.read(chunk));
    transport.on("error", () => {});
    // A client that says no more is gone: streams end by frames.
    transport.on("end", () => this.destroy());
    transport.on("close", () => this.destroy());
    this.keepPulse(1);
  }

  private keepPulse(beat: number): void {
    const cancel = this.o.env.timer(PULSE_MS, () => {
      // Ours are even; the client echoes them.
      if (this.full.size > 0 || beat % PING_EVERY === 0) this.send(ping(2));
      this.keepPulse(beat + 1);
    });
    this.cancelPulse = cancel;
    if (this.gone.aborted) cancel();
  }

  /** Says that no more streams are taken, sends what was written, and closes. */
  async close(): Promise<void> {
    if (this.gone.aborted) return;
    const ended = new Promise<void>((resolve) => this.gone.addEventListener("abort", () => resolve(), { once: true }));
    this.release();
    this.transport.end(goAway(this.lastId, GOAWAY.ok));
    await ended;
  }

  destroy(): void {
    if (this.gone.aborted) return;
    this.cancelPulse();
    this.over.abort(new Error("the client went away"));
    this.transport.destroy();
    for (const s of this.streams.values()) s.destroy();
    this.streams.clear();
  }

  /** @internal For streams. Done when the connection has taken it. */
  send(frame: Buffer, done: (error?: Error | null) => void = () => {}): void {
    if (this.transport.destroyed || this.transport.writableEnded) return done(new Error("the connection is closed"));
    this.transport.write(frame, done);
  }

  /** @internal For streams: whether this one has more than enough to read. */
  holdUp(id: number, yes: boolean): void {
    if (yes) {
      this.full.add(id);
      this.transport.pause();
    } else if (this.full.delete(id) && this.full.size === 0) this.transport.resume();
  }

  /** @internal For streams. */
  forget(id: number): void {
    this.holdUp(id, false);
    this.streams.delete(id);
  }

  private release(): void {
    for (const id of [...this.full]) this.holdUp(id, false);
  }

  private read(chunk: Buffer): void {
    try {
      for (const frame of this.reader.read(chunk)) {
        this.take(frame);
        if (this.gone.aborted) return;
      }
    } catch (err) {
      this.o.log.warn({ err, lastStream: this.lastId }, "spdy connection broken");
      // Not SPDY, or not any more: nothing after it can be trusted.
      this.transport.end(goAway(this.lastId, GOAWAY.protocolError), () => this.destroy());
      this.transport.removeAllListeners("data");
      this.transport.resume();
    }
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case "syn":
        return this.opened(frame.id, frame.fin, parseHeaders(this.inflater.inflate(frame.block)));
      case "headers":
      case "reply":
        // Of no use, but the packer goes on from it.
        this.inflater.inflate(frame.block);
        return;
      case "data": {
        const stream = this.streams.get(frame.id);
        if (stream) stream.received(frame.data, frame.fin);
        else if (frame.id > this.lastId || frame.id % 2 === 0) throw new SpdyError(`data of stream ${frame.id}, which was never opened`);
        return;
      }
      case "rst":
        this.streams.get(frame.id)?.wasReset();
        return;
      case "ping":
        // Ours would be even.
        if (frame.id % 2 === 1) this.send(ping(frame.id));
        return;
      case "goaway":
      case "other":
        return;
    }
  }

  private opened(id: number, fin: boolean, headers: Headers): void {
    if (id % 2 === 0 || id <= this.lastId) throw new SpdyError(`stream ${id} after ${this.lastId}`);
    this.lastId = id;
    if (this.streams.size >= (this.o.maxStreams ?? MAX_STREAMS)) return this.send(rstStream(id, RST.refusedStream));
    const stream = new SpdyStream(this, id, headers);
    this.streams.set(id, stream);
    this.send(synReply(id, this.deflater.deflate(formatHeaders(new Map()))));
    if (fin) stream.received(Buffer.alloc(0), true);
    this.o.onStream(stream);
  }
}

/** One stream: reading is what the client sends, ending is our half's FIN, destroying before that resets it. */
export class SpdyStream extends Duplex {
  private finished = false;

  constructor(
    private readonly session: SpdySession,
    readonly id: number,
    readonly headers: Headers,
  ) {
    super({ allowHalfOpen: true, readableHighWaterMark: MAX_UNREAD });
    this.on("error", () => {});
  }

  /** @internal */
  received(data: Buffer, fin: boolean): void {
    if (this.destroyed || this.finished) return;
    if (data.length > 0 && !this.push(Buffer.from(data))) this.session.holdUp(this.id, true);
    if (fin) {
      this.finished = true;
      this.push(null);
    }
  }

  /** @internal */
  wasReset(): void {
    this.session.forget(this.id);
    this.destroy(new Error("the client reset the stream"));
  }

  override _read(): void {
    this.session.holdUp(this.id, false);
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.sendFrom(chunk, 0, done);
  }
  /** Piece by piece, so that the connection's other streams have their turn. */
  private sendFrom(chunk: Buffer, at: number, done: (error?: Error | null) => void): void {
    const end = at + MAX_DATA;
    this.session.send(dataFrame(this.id, chunk.subarray(at, end)), (error) =>
      error || end >= chunk.length ? done(error) : this.sendFrom(chunk, end, done),
    );
  }
  override _final(done: (error?: Error | null) => void): void {
    this.session.send(dataFrame(this.id, Buffer.alloc(0), true), done);
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.session.gone.aborted && !(this.finished && this.writableFinished)) this.session.send(rstStream(this.id, RST.cancel));
    this.session.forget(this.id);
    done(error);
  }
}
