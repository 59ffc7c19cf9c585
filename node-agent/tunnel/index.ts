// The agent's side of the tunnel: dials out, and serves HTTP/2 over the connection. Nothing on the node waits for it.
import { type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import { linkSignals } from "../../store/signals.ts";
import { HTTP2, type Link } from "../../store/websocket.ts";
import { reconnectMs, STABLE_MS } from "./backoff.ts";
import { dial, RefusedError } from "./dial.ts";

/** Answers one stream; paths are those of schemas/tunnel.ts. What it throws, or rejects with, resets that stream alone. */
export type TunnelHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void | Promise<void>;

/** Where the API is, and how to get in. */
export interface TunnelAccess {
  /** Of the API: `https://host:port`, or `http://` on loopback addresses. Tried in turn. */
  servers: readonly string[];
  /** Asked for each connection: a token that was renewed counts at once. */
  token(): string | Promise<string>;
  /** PEM of whom to trust; absent: whom the system trusts. */
  ca?: string | undefined;
}

export interface TunnelOptions extends TunnelAccess {
  env: Env;
  log: Logger;
  node: string;
  version: string;
  handler: TunnelHandler;
}

export interface TunnelHandle {
  readonly connected: boolean;
  /** The agent's session in etcd has begun: without one, the API takes no tunnel. Another nonce means another connection. */
  session(nonce: string): void;
  close(): Promise<void>;
}

/** Runs until closed, and is never the reason for anything else to stop. */
export const serveTunnel = (o: TunnelOptions): TunnelHandle => {
  const tunnel = new Tunnel(o);
  return tunnel;
};

class Tunnel implements TunnelHandle {
  connected = false;
  private readonly stop = new AbortController();
  private readonly log: Logger;
  private readonly running: Promise<void>;
  private nonce: string | undefined;
  private dials = 0;
  private server = 0;
  private changed = (): void => {};

  constructor(private readonly o: TunnelOptions) {
    if (o.servers.length === 0) throw new TypeError("a tunnel needs the address of a server");
    this.log = o.log.child({ loop: "tunnel" });
    this.running = this.run();
  }

  session(nonce: string): void {
    if (nonce === this.nonce) return;
    this.nonce = nonce;
    this.dials = 0;
    this.changed();
  }

  async close(): Promise<void> {
    this.stop.abort(new Error("the agent stops"));
    this.changed();
    await this.running;
  }

  private async run(): Promise<void> {
    const { env } = this.o;
    const { signal } = this.stop;
    /** Said once per trouble. */
    let told = false;
    for (let failures = 0; !signal.aborted; ) {
      const nonce = await this.untilSession();
      if (nonce === undefined) break;
      const server = this.o.servers[this.server % this.o.servers.length] ?? "";
      const began = env.monotonic();
      let pause = 0;
      let reason: unknown;
      try {
        const link = await this.connect(server, nonce);
        this.log.info({ server }, "tunnel connected");
        told = false;
        reason = await this.serve(link, nonce);
      } catch (err) {
        reason = err;
        if (err instanceof RefusedError) pause = err.retryAfterMs;
      }
      if (signal.aborted) break;
      failures = env.monotonic() - began >= STABLE_MS ? 0 : failures + 1;
      this.server++;
      const retryInMs = Math.round(pause + reconnectMs(Math.max(0, failures - 1), env.random()));
      const facts = { server, retryInMs, ...(reason instanceof Error ? { err: reason } : { reason }) };
      this.log[told ? "debug" : "warn"](facts, "no tunnel: logs, exec, attach, port-forward and metrics of this node do not work");
      told = true;
      await env.sleep(retryInMs, signal).catch(() => {});
    }
  }

  /** The nonce to dial with; undefined when stopped. */
  private async untilSession(): Promise<string | undefined> {
    while (this.nonce === undefined && !this.stop.signal.aborted) await new Promise<void>((resolve) => (this.changed = resolve));
    return this.stop.signal.aborted ? undefined : this.nonce;
  }

  private async connect(server: string, nonce: string): Promise<Link> {
    const { env, node, ca, version } = this.o;
    const until = linkSignals(this.stop.signal);
    try {
      return await dial({ env, server, node, nonce, dial: ++this.dials, token: await this.o.token(), ca, version, signal: until.signal });
    } finally {
      until.release();
    }
  }

  /** Until the connection is over; answers why. */
  private async serve(link: Link, nonce: string): Promise<string> {
    const session = performServerHandshake(link.stream, { ...HTTP2.options, settings: HTTP2.settings });
    session.setLocalWindowSize(HTTP2.connectionWindow);
    session.on("error", (err) => {
      this.log.debug({ err }, "tunnel session");
      link.close(1011, "HTTP/2 failed");
    });
    session.on("stream", (stream, headers) => this.answer(stream, headers));
    this.connected = true;
    this.changed = () => {
      if (this.stop.signal.aborted) link.close(1001, "the agent stops");
      else if (this.nonce !== nonce) link.close(1000, "the agent has a new session");
    };
    this.changed();
    const reason = await link.closed;
    this.connected = false;
    this.changed = () => {};
    ended(session);
    return reason;
  }

  private answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const broken = (err: unknown): void => {
      this.log.error({ err, path: String(headers[":path"]).split("?")[0] }, "stream of the tunnel failed");
      stream.close(INTERNAL_ERROR);
    };
    // Resets are how clients leave.
    stream.on("error", (err) => this.log.debug({ err }, "stream of the tunnel"));
    try {
      void Promise.resolve(this.o.handler(stream, headers)).catch(broken);
    } catch (err) {
      broken(err);
    }
  }
}

/** Source: RFC 9113, section 7. */
const INTERNAL_ERROR = 2;

const ended = (session: ServerHttp2Session): void => {
  if (!session.destroyed) session.destroy();
};
