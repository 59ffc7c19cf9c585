// The WebSocket half of streaming: handshakes, and the pulse of a connection.
import { type WebSocket, WebSocketServer } from "ws";
import type { Env } from "../../store/env.ts";
import type { Upgrade } from "../upgrade.ts";
import { refuse } from "../upgrade.ts";
import { badRequest } from "../status.ts";

/** Of one message, which is kept until it is whole. kubectl sends 32 KiB at a time, client-node whatever its user wrote at once. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** So that connections without traffic live through proxies, and those whose client died are noticed. */
const PULSE_MS = 5_000;
/** A ping is sent with each so many beats. */
const PING_EVERY = 4;
const KEEP_ALIVE_MS = 30_000;

/** Protocols that the client offers, in its order. */
export const offeredProtocols = (u: Upgrade): string[] =>
  (u.req.headers["sec-websocket-protocol"] ?? "")
    .split(",")
    .map((p) => p.trim())
    .filter((p) => p !== "");

export const isWebSocket = (u: Upgrade): boolean => u.req.headers.upgrade?.toLowerCase() === "websocket";

/** What can be seen of a bad handshake before anything is started for it. @throws ApiError 400 */
export function checkHandshake(u: Upgrade): void {
  const { method, headers } = u.req;
  const wrong =
    method !== "GET"
      ? "a WebSocket is opened with GET"
      : !/^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "")
        ? "Sec-WebSocket-Key is missing or malformed"
        : headers["sec-websocket-version"] !== "13"
          ? "Sec-WebSocket-Version must be 13"
          : undefined;
  if (wrong) throw badRequest(`unable to upgrade: ${wrong}`);
}

/** @throws ApiError 400 when none is spoken here */
export const noCommonProtocol = (offered: readonly string[], accepted: readonly string[]): Error =>
  badRequest(`unable to upgrade: no common protocol: the client offers ${offered.join(", ") || "none"}; accepted: ${accepted.join(", ")}`);

/** Answers the handshake with this protocol ("" for none), and keeps the connection's pulse until it closes. */
export const acceptWebSocket = (u: Upgrade, protocol: string, env: Env): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    // `ws` takes a name with a slash (SPDY/3.1+portforward.k8s.io) for no name: the client's list is ours to read, and the answer to write.
    delete u.req.headers["sec-websocket-protocol"];
    if (protocol !== "") server.on("headers", (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
    server.on("wsClientError", (err: Error) => {
      refuse(u.socket, badRequest(`unable to upgrade: ${err.message}`));
      reject(err);
    });
    u.socket.once("close", () => reject(new Error("the client went away")));
    const socket = u.req.socket;
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true);
    server.handleUpgrade(u.req, u.socket, u.head, (ws) => {
      // What is wrong with it is told by its close, too.
      ws.on("error", () => {});
      keepPulse(ws, env);
      resolve(ws);
    });
  });

/**
 * Pings, and pongs nobody asked for: while a connection is paused because its reader is slow, the client's pings wait in it
 * unread, and kubectl gives up after a minute without a pong. Writing also finds out about a client that died while it was not
 * read. A missing pong proves nothing (a client whose output nobody reads answers none), so it ends nothing; TCP does.
 */
function keepPulse(ws: WebSocket, env: Env): void {
  let cancel = (): void => {};
  let beats = 0;
  const beat = (): void => {
    cancel = env.timer(PULSE_MS, () => {
      if (ws.readyState !== ws.OPEN) return;
      if (ws.isPaused) ws.pong();
      else if (++beats % PING_EVERY === 0) ws.ping();
      beat();
    });
  };
  beat();
  ws.on("close", () => cancel());
}
