// A WebSocket as channels, each a stream with the WebSocket's own flow control beneath.
import { Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import { decodeMessage, encodeMessage, type Message } from "./channels.ts";

const LAST_PING = "end";

export interface ChannelSocket {
  /** Output on a channel; a write is done when the connection has taken it. */
  output(channel: number): Writable;
  /** Input of a channel. Call before messages can come. */
  input(channel: number): Readable & { /** The client says there is no more. */ finish(): void };
  /** Messages of channels without input. */
  onOther(fn: (m: Message) => void): void;
  send(channel: number, payload: Uint8Array): Promise<void>;
  gone: AbortSignal;
  /** Closes with the code and a reason, and waits until it is closed. */
  close(code: number): Promise<void>;
  destroy(): void;
}

/** `lastWords`: a client that goes has ended its input, rather than broken it off. */
export function channelSocket(ws: WebSocket, base64: boolean, { lastWords = false } = {}): ChannelSocket {
  const inputs = new Map<number, Readable>();
  const full = new Set<number>();
  const ended = new Set<number>();
  const gone = new AbortController();
  let other: (m: Message) => void = () => {};
  let closing = false;

  const room = (channel: number): void => {
    full.delete(channel);
    if (full.size === 0 && ws.isPaused) ws.resume();
  };
  const finish = (channel: number): void => {
    if (ended.has(channel)) return;
    ended.add(channel);
    inputs.get(channel)?.push(null);
  };
  ws.on("message", (data: Buffer) => {
    const message = decodeMessage(data, base64);
    if (!message) return ws.close(1007, "not a message of this protocol");
    const { channel, payload } = message;
    const input = inputs.get(channel);
    if (!input) return other(message);
    if (closing || ended.has(channel) || input.destroyed || payload.length === 0) return;
    if (!input.push(payload)) {
      full.add(channel);
      ws.pause();
    }
  });
  ws.on("close", () => {
    for (const [channel, input] of inputs)
      if (lastWords) finish(channel);
      else input.destroy();
    gone.abort(new Error("the client went away"));
  });
  const send = (channel: number, payload: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      const data = encodeMessage(channel, payload, base64);
      ws.send(data, { binary: typeof data !== "string" }, (err) => (err ? reject(err) : resolve()));
    });
  return {
    output: (channel) =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          send(channel, chunk).then(() => done(), done);
        },
      }),
    input: (channel) => {
      const input = new Readable({ read: () => room(channel), destroy: (e, done) => (room(channel), done(e)) });
      input.on("error", () => {});
      inputs.set(channel, input);
      return Object.assign(input, { finish: () => finish(channel) });
    },
    onOther: (fn) => {
      other = fn;
    },
    send,
    gone: gone.signal,
    close: async (code) => {
      closing = true;
      // The other side's close is behind whatever it sent before.
      full.clear();
      ws.resume();
      if (ws.readyState !== ws.OPEN) return;
      const closed = new Promise<void>((resolve) => ws.once("close", () => resolve()));
      // ws waits 30 s for the answer to a close. Who reads slowly has first to come to the end: it shows that by answering a ping.
      const atTheEnd = new Promise<void>((resolve) => {
        ws.on("pong", (data: Buffer) => {
          if (data.toString() === LAST_PING) resolve();
        });
      });
      ws.ping(LAST_PING);
      await Promise.race([atTheEnd, closed]);
      ws.close(code);
      await closed;
    },
    destroy: () => ws.terminate(),
  };
}
