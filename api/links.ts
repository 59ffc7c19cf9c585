// The way to the nodes, as the handlers see it: whichever API replica holds a node's tunnel.
import type { Duplex } from "node:stream";
import { unavailable } from "./status.ts";

export interface NodeRequest {
  method: "GET" | "POST" | "PUT";
  /** As in schemas/tunnel.ts TUNNEL_PATHS. */
  path: string;
  query?: URLSearchParams;
  /** Aborting resets the stream, which frees everything it holds on the node. */
  signal: AbortSignal;
}

/** The agent's answer, when its head is there. */
export interface NodeStream {
  /** 2xx, or an error whose body is a TunnelError. */
  status: number;
  /** Writing is the request's body, reading the answer's. Destroying it resets the stream. Flow control is end to end. */
  body: Duplex;
  /** Settles when the answer's body has ended: the trailers, {} for none. Rejects when the stream was cut off. */
  trailers: Promise<Readonly<Record<string, string>>>;
}

export interface NodeLinks {
  /** @throws ApiError 503 when the node has no tunnel (in words: since when, why, what to do), 504 when it does not answer in 10 s */
  open(node: string, request: NodeRequest): Promise<NodeStream>;
  /** Whether a tunnel of this node is known, here or at another replica. */
  connected(node: string): boolean;
}

/** Where no node has a tunnel. */
export const noLinks: NodeLinks = {
  open: (node) => Promise.reject(unavailable(`node ${node} has no tunnel to this server`)),
  connected: () => false,
};
