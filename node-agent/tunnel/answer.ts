// How an answer that is no success looks on the tunnel.
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { TunnelError } from "../../schemas/tunnel.ts";

/** Before anything else was answered. The client may be gone; then nothing happens. */
export const answerError = (stream: ServerHttp2Stream, status: number, error: TunnelError): void => {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond({ ":status": status, "content-type": "application/json" });
  stream.end(JSON.stringify(error));
};

/** For paths that nobody serves. */
export const unknownPath = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void =>
  answerError(stream, 404, {
    reason: "NotFound",
    message: `this agent has no path ${String(headers[":method"])} ${String(headers[":path"]).split("?")[0]}: it may be older than the API; update it`,
  });
