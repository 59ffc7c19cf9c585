// When to dial again.
import { TUNNEL } from "../../schemas/tunnel.ts";

/** A connection that lasted so long was a good one: what comes after it is a new trouble. */
export const STABLE_MS = 30_000;

/**
 * Full jitter: anywhere from nothing to base·2ⁿ, capped, so that a fleet that lost its server comes back spread out.
 * `failures` in a row, 0 for none; `random` in [0, 1). Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
export const reconnectMs = (failures: number, random: number): number =>
  random * Math.min(TUNNEL.reconnectMaxMs, TUNNEL.reconnectFirstMs * 2 ** Math.min(failures, 30));
