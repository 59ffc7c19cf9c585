// What another API server asks of a node whose tunnel is here. Each stream is authorised by itself, and goes to a tunnel of this
// process or nowhere: what was forwarded once is never forwarded again.
import { type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Stream, constants } from "node:http2";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { HTTP2, linkOver, MAX_MESSAGE_BYTES } from "../../store/websocket.ts";
import type { Deps } from "../call.ts";
import type { NodeLinks, NodeRequest, NodeStream } from "../links.ts";
import { REPLICA } from "../policy.ts";
import { type ApiError, failure, toApiError, unauthorized } from "../status.ts";
import type { UpgradeRoute } from "../upgrade.ts";
import { CLOSE } from "./tunnel.ts";
import { MAC_HEADER, type ReplicaSecret } from "./secret.ts";

export const replicaPath = (id: string): string => `/tunnel/v1/replicas/${id}`;
export const NODE_HEADER = "x-steadfleet-node";
/** The body is a Status of the server in between, not an answer of the node. */
export const FORWARD_ERROR = "x-steadfleet-error";

export interface ForwardOptions {
  /** Of this server. */
  id: string;
  secret: ReplicaSecret;
  /** Tunnels of this process only. */
  local: Pick<NodeLinks, "open">;
}

export const forwardRoute = (o: ForwardOptions): UpgradeRoute => {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES, clientTracking: false });
  return {
    path: replicaPath(":name"),
    policy: { type: "replica" },
    authenticate: async (req: IncomingMessage) => {
      // With our own id, not the one that was asked for: an address may lead to the wrong server.
      const claim = { to: o.id, node: "", method: "GET", path: replicaPath(o.id) };
      if (await o.secret.verify(header(req.headers[MAC_HEADER]), claim)) return REPLICA;
      throw unauthorized();
    },
    handle: async (deps, u) => {
      server.handleUpgrade(u.req, u.socket, u.head, (ws) => {
        const link = linkOver(ws, deps.env);
        const session = performServerHandshake(link.stream, { ...HTTP2.options, settings: HTTP2.settings });
        session.setLocalWindowSize(HTTP2.connectionWindow);
        session.on("error", (err) => {
          deps.log.debug({ err }, "connection of another API server");
          link.close(CLOSE.failed, "HTTP/2 failed");
        });
        session.on("stream", (stream, headers) => void forward(o, deps, stream, headers));
        const stopping = (): void => link.close(CLOSE.stopping, "the server is stopping");
        deps.closing.addEventListener("abort", stopping, { once: true });
        if (deps.closing.aborted) stopping();
        void link.closed.then(() => {
          deps.closing.removeEventListener("abort", stopping);
          session.destroy();
        });
      });
    },
  };
};

const METHODS: readonly string[] = ["GET", "POST", "PUT"] satisfies NodeRequest["method"][];
const isMethod = (m: string): m is NodeRequest["method"] => METHODS.includes(m);
const header = (v: string | string[] | undefined): string | undefined => (typeof v === "string" ? v : undefined);

async function forward(o: ForwardOptions, deps: Deps, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  const gone = new AbortController();
  stream.on("error", (err) => deps.log.debug({ err }, "forwarded stream"));
  stream.once("close", () => gone.abort(new Error("the other API server let the stream go")));
  try {
    const node = header(headers[NODE_HEADER]) ?? "";
    const method = headers[":method"] ?? "";
    const target = headers[":path"] ?? "";
    if (!isMethod(method) || !(await o.secret.verify(header(headers[MAC_HEADER]), { to: o.id, node, method, path: target })))
      throw unauthorized();
    const at = target.indexOf("?");
    const path = at < 0 ? target : target.slice(0, at);
    const query = new URLSearchParams(at < 0 ? "" : target.slice(at + 1));
    join(stream, await o.local.open(node, { method, path, query, signal: gone.signal }), method !== "GET");
  } catch (e) {
    answer(stream, toApiError(e));
  }
}

/** Both ways, with the pace of the slower side, until one of them ends it. */
function join(stream: ServerHttp2Stream, opened: NodeStream, sends: boolean): void {
  const { body } = opened;
  body.on("error", () => {});
  if (stream.destroyed) return void body.destroy();
  stream.respond({ ":status": opened.status }, { waitForTrailers: true });
  stream.once("wantTrailers", () => {
    opened.trailers.then(
      (trailers) => stream.destroyed || stream.sendTrailers({ ...trailers }),
      () => stream.close(constants.NGHTTP2_CANCEL),
    );
  });
  body.pipe(stream);
  if (sends) stream.pipe(body);
  stream.once("close", () => body.destroy());
  body.once("close", () => {
    if (!ended(body)) stream.close(constants.NGHTTP2_CANCEL);
  });
}

const ended = (body: Duplex): boolean => body.readableEnded;

function answer(stream: ServerHttp2Stream, e: ApiError): void {
  if (stream.destroyed || stream.closed || stream.headersSent) return;
  stream.respond({ ":status": e.code, "content-type": "application/json", [FORWARD_ERROR]: "1" });
  stream.end(JSON.stringify(failure(e)));
}
