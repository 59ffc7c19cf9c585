// What the protocols of port-forward share.
import type { Readable, Writable } from "node:stream";

/** One connection of the client: to which port, and its two directions. */
export interface Connection {
  port: number;
  from: Readable;
  to: Writable;
}

/** What the protocols need of the session that they serve. */
export interface Forwarding {
  /** Sees a connection through, whoever ends or resets it. @throws ApiError when it cannot be made, in words for the client's error stream */
  connect(c: Connection): Promise<void>;
  /** Aborted when the server ends the session. */
  signal: AbortSignal;
}

export const portOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9]{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65_536 ? Number(text) : undefined;
