// An agent's claim to be the one agent of its node.
//
// The session key lives by a lease: a heartbeat is a keep-alive and costs no write. Every write of the agent carries the guard,
// so that of two agents with one node name only one can write. A second agent therefore waits until the first one's
// session has ended: a cloned machine, or a wrong --node-name, must not throw out an agent that works. But an agent that
// was restarted finds its own old session, and would wait for its TTL, with nobody healing the node's status. So it shows
// the nonce of its previous run (kept on its disk, where no other machine has it), and then replaces the key at once. The old
// process, should it still be alive, is fenced from that very commit on, since the guard compares the mod revision too.
import type { Logger } from "pino";
import type { Env } from "./env.ts";
import { type HeldKey, claim } from "./held-key.ts";
import type { Guard, Item, Kv } from "./kv.ts";
import { backoffMs } from "./rules.ts";

export interface SessionOptions {
  env: Env;
  log: Logger;
  /** `sessionKey(node)` */
  key: string;
  /** Stored as is; `nonce` must be new for every session. Keep it on disk before calling, for the next run's `previousNonce`. */
  value: { nonce: string };
  /** 15–40 are sensible: a lost node is noticed after about so long. */
  ttlSeconds: number;
  /** Of an earlier session of the same identity, which is then replaced instead of waited for. */
  previousNonce?: string | undefined;
  signal?: AbortSignal;
}
export interface Session {
  /** Give it to every write of the agent. */
  readonly guard: Guard & { check: () => void };
  /** Aborted when the session is lost or closed; open another one then, with this one's nonce as `previousNonce`. */
  readonly lost: AbortSignal;
  /** To be asked before effects outside etcd that need the session. */
  valid(): boolean;
  /** Ends the session at once: the node is seen as gone. */
  close(): Promise<void>;
}

/** Waits for as long as another holder is alive or etcd is away, and then holds the key. Rejects only with the signal's reason. */
export const openSession = async (kv: Kv, o: SessionOptions): Promise<Session> => {
  const { env, log, key } = o;
  const signal = o.signal ?? new AbortController().signal;
  for (let attempt = 0; ; attempt++) {
    try {
      const held: HeldKey = await claim({
        kv,
        env,
        log,
        key,
        value: o.value,
        ttlSeconds: o.ttlSeconds,
        signal,
        replaces: (item) => o.previousNonce !== undefined && nonceOf(item) === o.previousNonce,
        onHeld: (item) => log.warn({ key, holder: item.value }, "another agent holds this node's session; waiting until it ends"),
      });
      return { guard: held.guard, lost: held.lost, valid: () => held.valid(), close: () => held.release() };
    } catch (err) {
      signal.throwIfAborted();
      const ms = backoffMs(attempt, 100, 5_000, env.random());
      log.warn({ key, err, retryInMs: Math.round(ms) }, "no session yet; trying again");
      await env.sleep(ms, signal);
    }
  }
};

const nonceOf = (item: Item): unknown => {
  try {
    return (JSON.parse(item.value) as { nonce?: unknown }).nonce;
  } catch {
    return undefined;
  }
};
