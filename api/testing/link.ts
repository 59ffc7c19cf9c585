// NodeLinks over HTTP/2 connections of this process, for tests: the protocol of the tunnel without the tunnel.
import { type ClientHttp2Session, constants } from "node:http2";
import type { NodeLinks, NodeRequest, NodeStream } from "../links.ts";
import { unavailable } from "../status.ts";

export const linksOver = (sessionOf: (node: string) => ClientHttp2Session | undefined): NodeLinks => ({
  open: (node, request) => {
    const session = sessionOf(node);
    if (!session) return Promise.reject(unavailable(`node ${node} is not connected`));
    return openOver(session, request);
  },
  connected: (node) => sessionOf(node) !== undefined,
});

const openOver = (session: ClientHttp2Session, r: NodeRequest): Promise<NodeStream> =>
  new Promise((resolve, reject) => {
    const path = r.query && r.query.size > 0 ? `${r.path}?${r.query.toString()}` : r.path;
    const body = session.request({ ":method": r.method, ":path": path }, { endStream: false });
    const abort = (): void => {
      body.close(constants.NGHTTP2_CANCEL);
      body.destroy();
    };
    if (r.signal.aborted) abort();
    r.signal.addEventListener("abort", abort, { once: true });
    body.on("close", () => r.signal.removeEventListener("abort", abort));
    body.on("error", reject);
    body.on("close", () => reject(new Error("closed")));
    const trailers = new Promise<Record<string, string>>((ok, fail) => {
      let found: Record<string, string> = {};
      body.on("trailers", (headers) => {
        found = Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)]));
      });
      body.on("error", fail);
      // A stream that was cut off ends like any other; only its code tells them apart.
      body.on("close", () => (body.rstCode === constants.NGHTTP2_NO_ERROR && body.readableEnded ? ok(found) : fail(new Error("cut off"))));
    });
    trailers.catch(() => {});
    body.on("response", (headers) => resolve({ status: Number(headers[":status"]), body, trailers }));
  });
