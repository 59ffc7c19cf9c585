// One agent's tunnel, held by this process: HTTP/2 over the WebSocket that the agent dialled, with us as the client.
import { type ClientHttp2Session, connect } from "node:http2";
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import { HTTP2, type Link } from "../../store/websocket.ts";
import type { NodeRequest } from "../links.ts";
import { ApiError } from "../status.ts";
import { type Extra, type Opened, openStream } from "./stream.ts";

/** Streams at once. Also bounds what a node's answers may take of our memory: so many windows. */
const MAX_STREAMS = HTTP2.settings.maxConcurrentStreams;

/** Codes of closing a WebSocket; 4000 and above are ours. */
export const CLOSE = { stopping: 1001, failed: 1011, revoked: 4401, gone: 4404, fenced: 4409 } as const;

export interface TunnelFacts {
  node: string;
  /** Nonce of the agent's session in etcd, at the time of dialling. */
  session: string;
  /** Counts the agent's connections within a session. */
  dial: number;
  /** Public part of the token it came with. */
  tokenId: string;
  agentVersion: string;
}

/** HTTP/2 over a link, as its client. */
export class Http2Link {
  readonly closed: Promise<string>;
  private readonly h2: ClientHttp2Session;
  private streams = 0;

  constructor(
    private readonly link: Link,
    private readonly env: Env,
    log: Logger,
  ) {
    this.h2 = connect("http://tunnel", { createConnection: () => link.stream, ...HTTP2.options, settings: HTTP2.settings });
    this.h2.on("error", (err) => {
      log.debug({ err }, "tunnel session");
      link.close(CLOSE.failed, "HTTP/2 failed");
    });
    this.h2.once("connect", () => this.h2.setLocalWindowSize(HTTP2.connectionWindow));
    this.closed = link.closed.then((why) => {
      this.h2.destroy();
      return why;
    });
  }

  /** `node`: for messages. @throws ApiError 503, 504 as NodeLinks; 429 when too many streams are open */
  async open(node: string, request: NodeRequest, extra?: Extra): Promise<Opened> {
    if (this.streams >= MAX_STREAMS)
      throw new ApiError(
        429,
        "TooManyRequests",
        `${MAX_STREAMS} streams to node ${node} are open, which is all it takes at once: end some (logs -f, exec, port-forward), or try again`,
        { retryAfterSeconds: 1 },
        { "Retry-After": "1" },
      );
    this.streams++;
    const over = (): void => void this.streams--;
    try {
      const opened = await openStream(this.h2, node, request, this.env, extra);
      if (opened.body.destroyed) over();
      else opened.body.once("close", over);
      return opened;
    } catch (e) {
      over();
      throw e;
    }
  }

  close(code: number, reason: string): void {
    this.link.close(code, reason);
  }
}

export class Tunnel extends Http2Link {
  constructor(
    readonly facts: TunnelFacts,
    link: Link,
    env: Env,
    log: Logger,
  ) {
    super(link, env, log);
  }
}
