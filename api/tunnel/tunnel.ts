// One agent's tunnel, held by this process: HTTP/2 over the WebSocket that the agent dialled, with us as the client.
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import type { Link } from "../../store/websocket.ts";
import { Http2Link } from "./http2-link.ts";

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
