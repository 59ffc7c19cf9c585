// HTTP/2 over a WebSocket, as its client: to an agent, or to another API server.
import { type ClientHttp2Session, connect } from "node:http2";
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import { HTTP2, type Link } from "../../store/websocket.ts";
import type { NodeRequest } from "../links.ts";
import { ApiError } from "../status.ts";
import { type Extra, type Opened, openStream } from "./stream.ts";

/** Streams at once. Also bounds what a node's answers may take of our memory: so many windows. */
const MAX_STREAMS = HTTP2.settings.maxConcurrentStreams;

/** HTTP/2 over a link, as its client. */
export class Http2Link {
  readonly closed: Promise<string>;
  private readonly h2: ClientHttp2Session;
  private streams = 0;
  private idleMs = 0;
  private cancelIdle = (): void => {};

  constructor(
    private readonly link: Link,
    private readonly env: Env,
    log: Logger,
  ) {
    this.h2 = connect("http://tunnel", { createConnection: () => link.stream, ...HTTP2.options, settings: HTTP2.settings });
    this.h2.on("error", (err) => {
      log.debug({ err }, "tunnel session");
      link.close(1011, "HTTP/2 failed");
    });
    this.h2.once("connect", () => this.h2.setLocalWindowSize(HTTP2.connectionWindow));
    this.closed = link.closed.then((why) => {
      this.cancelIdle();
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
    this.cancelIdle();
    const over = (): void => {
      this.streams--;
      if (this.streams === 0 && this.idleMs > 0) this.idle();
    };
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

  /** From now on. */
  closeWhenIdle(ms: number): void {
    this.idleMs = ms;
    if (this.streams === 0) this.idle();
  }

  private idle(): void {
    this.cancelIdle();
    this.cancelIdle = this.env.timer(this.idleMs, () => this.close(1000, "idle"));
  }

  close(code: number, reason: string): void {
    this.link.close(code, reason);
  }
}
