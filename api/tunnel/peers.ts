// To the other API servers: one connection to each that is asked for something, with a stream for each request.
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { text } from "node:stream/consumers";
import type { Logger } from "pino";
import { WebSocket } from "ws";
import type { Env } from "../../store/env.ts";
import { linkOver, MAX_MESSAGE_BYTES } from "../../store/websocket.ts";
import type { NodeRequest, NodeStream } from "../links.ts";
import { ApiError, type Status, unavailable } from "../status.ts";
import { FORWARD_ERROR, NODE_HEADER, replicaPath } from "./forward.ts";
import { Http2Link } from "./http2-link.ts";
import { isLoopback } from "../tls.ts";
import type { ReplicaRecord } from "./records.ts";
import { MAC_HEADER, type ReplicaSecret } from "./secret.ts";
import { pathOf } from "./stream.ts";

const CONNECT_MS = 5_000;
/** A connection that carries nothing for so long is closed. */
const IDLE_MS = 60_000;

export interface PeersOptions {
  env: Env;
  log: Logger;
  secret: ReplicaSecret;
}

export class Peers {
  private readonly links = new Map<string, Promise<Http2Link>>();

  constructor(private readonly o: PeersOptions) {}

  /**
   * Asks the server that holds the node's tunnel.
   * @throws ApiError as NodeLinks.open; 503 when that server cannot be reached
   */
  async open(id: string, replica: ReplicaRecord, node: string, request: NodeRequest): Promise<NodeStream> {
    const link = await this.link(id, replica, node);
    const claim = { to: id, node, method: request.method, path: pathOf(request) };
    const opened = await link.open(node, request, { [NODE_HEADER]: node, [MAC_HEADER]: await this.o.secret.sign(claim) });
    if (opened.headers[FORWARD_ERROR] === undefined) return opened;
    const status = JSON.parse(await text(opened.body)) as Status;
    throw new ApiError(status.code, status.reason ?? "ServiceUnavailable", status.message ?? "", status.details);
  }

  async close(): Promise<void> {
    for (const link of this.links.values()) await link.then((l) => l.close(1001, "the server is stopping")).catch(() => {});
  }

  private link(id: string, replica: ReplicaRecord, node: string): Promise<Http2Link> {
    // A server that was renewed or moved is another one.
    const key = JSON.stringify([id, replica.url, replica.fingerprint]);
    const known = this.links.get(key);
    if (known) return known;
    const made = this.connect(id, replica).catch((cause: unknown) => {
      this.links.delete(key);
      if (cause instanceof ApiError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw unavailable(
        `the way to node ${node} leads through another API server, which cannot be reached at ${replica.url}: ${why}; check --advertise there, and the network between the two`,
        cause,
      );
    });
    this.links.set(key, made);
    void made.then(
      async (link) => {
        link.closeWhenIdle(IDLE_MS);
        const why = await link.closed;
        this.o.log.debug({ replica: id, why }, "connection to another API server ended");
        if (this.links.get(key) === made) this.links.delete(key);
      },
      () => {},
    );
    return made;
  }

  private async connect(id: string, replica: ReplicaRecord): Promise<Http2Link> {
    const { env, log, secret } = this.o;
    const url = new URL(replicaPath(id), replica.url);
    const claim = { to: id, node: "", method: "GET", path: url.pathname };
    const headers = { [MAC_HEADER]: await secret.sign(claim) };
    return await new Promise<Http2Link>((resolve, reject) => {
      let ws: WebSocket | undefined;
      let socket: Socket | undefined;
      const cancel = env.timer(CONNECT_MS, () => fail(new Error(`no answer in ${CONNECT_MS / 1000} s`)));
      const fail = (err: unknown): void => {
        cancel();
        reject(err);
        ws?.terminate();
        socket?.destroy();
      };
      // Before the first byte is sent it must be known who is there.
      socket = reach(url, replica.fingerprint, (err, reached) => {
        if (err) return fail(err);
        ws = new WebSocket(url.href.replace(/^http/, "ws"), {
          headers,
          perMessageDeflate: false,
          maxPayload: MAX_MESSAGE_BYTES,
          createConnection: () => reached,
        });
        ws.on("error", fail);
        ws.once("unexpected-response", (_, response) => fail(new Error(`it answered ${response.statusCode}`)));
        const opening = ws;
        ws.once("open", () => {
          cancel();
          resolve(new Http2Link(linkOver(opening, env), env, log));
        });
      });
    });
  }
}

/** A connected socket, of the server whose certificate is the registered one. */
const reach = (url: URL, fingerprint: string | undefined, done: (err: Error | undefined, socket: Socket) => void): Socket => {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (url.protocol !== "https:") {
    const plain: Socket = connectTcp({ host, port });
    plain.once("error", (err) => done(err, plain));
    if (!isLoopback(host)) plain.destroy(new Error("plain HTTP leaves this machine: give that server a certificate"));
    else plain.once("connect", () => done(undefined, plain));
    return plain;
  }
  // Not by who signed it: each server may have an authority of its own. Pinned instead.
  const secure: TLSSocket = connectTls({ host, port, rejectUnauthorized: false, ...(isIP(host) ? {} : { servername: host }) });
  secure.once("error", (err) => done(err, secure));
  secure.once("secureConnect", () => {
    const found = secure.getPeerCertificate().fingerprint256;
    if (fingerprint !== undefined && found === fingerprint) return done(undefined, secure);
    secure.destroy(new Error("its certificate is not the one that it registered: another server answers there, or something in between"));
  });
  return secure;
};
