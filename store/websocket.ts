// The bytes under a tunnel: a WebSocket as a stream, which notices when the other side is gone. Used on both of its sides.
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { TUNNEL } from "../schemas/tunnel.ts";
import type { Env } from "./env.ts";

/** Of one message. HTTP/2 hands over frames of 16 KiB; this is room for what gathers while a socket is busy. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A close that is not answered ends so. */
const CLOSE_MS = 1_000;

/** HTTP/2 over a tunnel, for both sides. Source of the windows: 256 KiB a stream is 5 MB/s over a round trip of 50 ms. */
export const HTTP2 = {
  settings: { enablePush: false, initialWindowSize: 256 * 1024, maxConcurrentStreams: 1_024, maxHeaderListSize: 64 * 1024 },
  /** Of all streams together. Node gives it back as bytes arrive, so that one stream that is not read holds up no other. */
  connectionWindow: 4 * 1024 * 1024,
  /** Command lines of exec stand in the path. */
  options: { maxSendHeaderBlockLength: 128 * 1024, maxSessionMemory: 512 },
} as const;

export interface Link {
  /** Ends with the WebSocket, and the WebSocket with it. */
  readonly stream: Duplex;
  /** Settles when the connection is over, with why in words. */
  readonly closed: Promise<string>;
  /** Ends it in order, or after a second without answer. */
  close(code: number, reason: string): void;
}

/** Pings the other side, and gives the connection up when nothing at all came from there for `TUNNEL.deadSeconds`. */
export function linkOver(ws: WebSocket, env: Env): Link {
  // Both streams: bytes on their way are bounded by it.
  const stream = createWebSocketStream(ws, { highWaterMark: 64 * 1024 });
  stream.on("error", () => {});
  let heard = env.monotonic();
  let why: string | undefined;
  const alive = (): void => void (heard = env.monotonic());
  for (const event of ["message", "ping", "pong"]) ws.on(event, alive);
  let cancel = (): void => {};
  const beat = (): void => {
    cancel = env.timer(TUNNEL.pingSeconds * 1000, () => {
      const silentMs = env.monotonic() - heard;
      if (silentMs >= TUNNEL.deadSeconds * 1000) {
        why ??= `no sign of life for ${Math.round(silentMs / 1000)} s`;
        ws.terminate();
        return;
      }
      if (ws.readyState === ws.OPEN) ws.ping();
      beat();
    });
  };
  beat();
  let force = (): void => {};
  ws.on("error", (err) => void (why ??= err.message));
  const closed = new Promise<string>((resolve) => {
    ws.once("close", (code: number, reason: Buffer) => {
      cancel();
      force();
      stream.destroy();
      resolve(why ?? (reason.length > 0 ? reason.toString("utf8") : code === 1006 ? "the connection broke" : `closed with code ${code}`));
    });
  });
  return {
    stream,
    closed,
    close: (code, reason) => {
      if (ws.readyState === ws.CLOSED) return;
      why ??= reason;
      ws.close(code, reason.slice(0, 120));
      force();
      force = env.timer(CLOSE_MS, () => ws.terminate());
    },
  };
}
