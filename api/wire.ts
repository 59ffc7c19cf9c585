// What is no request, or none that we take, before any handler sees it. Node answers most of it with a bare line; clients of
// Kubernetes show a Status.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import type { Context, Next } from "koa";
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";
import { ApiError, badRequest, failure, methodNotAllowed } from "./status.ts";
import { refuse } from "./upgrade.ts";

/** exec puts whole command lines into the URL, so both are far larger than usual. */
export const MAX_HEADER_BYTES = 64 * 1024;
const MAX_URL = 40 * 1024;
/** Node drops what is beyond its own limit in silence, so that one is off. */
const MAX_HEADERS = 200;
/** How long whoever was refused has to read why. */
const LINGER_MS = 1_000;

/** Of `createServer`. */
export const WIRE = {
  maxHeaderSize: MAX_HEADER_BYTES,
  /** To receive the head, and all of a request; not to answer it: watches are not touched by it. */
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  /** Longer than the 90 s after which Go clients let an idle connection go, so that they are never surprised. */
  keepAliveTimeout: 95_000,
  /** Refused by us, in words. */
  requireHostHeader: false,
};

const headersTooLarge = (what: string): ApiError =>
  new ApiError(
    431,
    "RequestHeaderFieldsTooLarge",
    `${what}; the head of a request has at most ${MAX_HEADER_BYTES} bytes and ${MAX_HEADERS} headers`,
  );

/** What the parser of HTTP stumbled over. */
const explain = (e: NodeJS.ErrnoException): ApiError => {
  if (e.code === "HPE_HEADER_OVERFLOW") return headersTooLarge("the head of the request is too large");
  if (e.code === "ERR_HTTP_REQUEST_TIMEOUT")
    return new ApiError(408, "Timeout", "the request did not arrive in time: the head within 10 s, all of it within 30 s");
  if (e.code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return new ApiError(413, "RequestEntityTooLarge", "chunk extensions are too large");
  return badRequest(`malformed HTTP request${e.code?.startsWith("HPE_") ? ` (${e.code.slice(4).toLowerCase()})` : ""}`);
};

/** Answers what never becomes a request, with a Status where the connection still allows one. */
export function refuseMalformed(server: Server | HttpsServer, env: Env, log: Logger): void {
  server.maxHeadersCount = 0;
  const seen = new WeakSet<Duplex>();
  const lastWords = (socket: Duplex, e: ApiError): void => {
    refuse(socket, e);
    env.timer(LINGER_MS, () => socket.destroy());
  };
  const answers = new WeakMap<Duplex, ServerResponse>();
  server.on("request", (req: IncomingMessage, res: ServerResponse) => void answers.set(req.socket, res));
  server.on("clientError", (e: NodeJS.ErrnoException, socket: Duplex) => {
    // Whatever else arrives on it fails again.
    if (seen.has(socket)) return;
    seen.add(socket);
    log.debug({ code: e.code }, "malformed request");
    const answer = answers.get(socket);
    // Within an answer nothing else can be said.
    if (e.code === "ECONNRESET" || !socket.writable || (answer?.headersSent && !answer.writableFinished)) return void socket.destroy();
    lastWords(socket, explain(e));
  });
  server.on("connect", (_: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => {});
    lastWords(socket, methodNotAllowed(["GET", "POST", "PUT", "PATCH", "DELETE"]));
  });
  server.on("checkExpectation", (_: IncomingMessage, res: ServerResponse) => {
    const e = new ApiError(417, "ExpectationFailed", "of Expect, only 100-continue is met");
    const body = JSON.stringify(failure(e));
    res.writeHead(417, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), Connection: "close" }).end(body);
  });
}

/** @throws ApiError 400, 414, 431 */
export async function refuseOversized(ctx: Context, next: Next): Promise<void> {
  if (ctx.req.rawHeaders.length > 2 * MAX_HEADERS) throw headersTooLarge(`${ctx.req.rawHeaders.length / 2} headers`);
  if (ctx.url.length > MAX_URL)
    throw new ApiError(414, "RequestURITooLong", `the URL has ${ctx.url.length} characters; at most ${MAX_URL} are taken`);
  if (ctx.req.headers.host === undefined && ctx.req.httpVersion === "1.1") throw badRequest("the request has no Host header");
  // koa answers an empty object where Host or path make no URL.
  if (!(ctx.URL instanceof URL)) throw badRequest("the Host header and the path of the request make no URL");
  await next();
}
