// What stands in etcd about tunnels, and what a server does about it: a pure decision for each node.
import type { TunnelFacts } from "./tunnel.ts";

/** At `replicaKey(id)`. */
export interface ReplicaRecord {
  /** Where other API servers reach this one. */
  url: string;
  /** SHA-256 of its certificate, `AB:CD:…`; absent for plain HTTP, on loopback. */
  fingerprint?: string;
  startedAt: string;
}

/** At `tunnelKey(node)`. */
export interface TunnelRecord {
  /** Id of the API server that holds it. */
  replica: string;
  /** Mod revision of that server's registration: one that had to register again writes its tunnels again, under its new lease. */
  term: number;
  session: string;
  dial: number;
}

export interface Stored {
  mod: number;
  record: TunnelRecord;
}

export type Step =
  | { type: "put"; mod: number; record: TunnelRecord }
  | { type: "delete"; mod: number }
  | { type: "yield" }
  | { type: "none" };

const NONE: Step = { type: "none" };

/**
 * `mine`: the tunnel held here, if any. `session`: nonce of the agent's session in etcd now, as far as it is known.
 * Of two tunnels the one of the current session counts; of one session, the one that was dialled later.
 */
export const decide = (
  self: { id: string; term: number },
  mine: Pick<TunnelFacts, "session" | "dial"> | undefined,
  stored: Stored | undefined,
  session: string | undefined,
): Step => {
  const ours = stored?.record.replica === self.id;
  if (!mine) return stored && ours ? { type: "delete", mod: stored.mod } : NONE;
  const record: TunnelRecord = { replica: self.id, term: self.term, session: mine.session, dial: mine.dial };
  const put: Step = { type: "put", mod: stored?.mod ?? 0, record };
  if (!stored) return put;
  const { record: other } = stored;
  const same = other.session === mine.session;
  if (ours) return same && other.dial === mine.dial && other.term === self.term ? NONE : put;
  if (same) return other.dial > mine.dial ? { type: "yield" } : put;
  if (session === mine.session) return put;
  return session === other.session ? { type: "yield" } : NONE;
};
