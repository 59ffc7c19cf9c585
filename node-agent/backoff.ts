// When to try again, and what to call what went wrong.
import { isEngineError, type EngineErrorKind } from "./engine.ts";
import { Obstacle, PodFault } from "./faults.ts";
import { imageAdvice } from "./images/advice.ts";

const BASE_MS = 1_000;
const CAP_MS = 300_000;
const LOOK_CAP_MS = 30_000;
/** Races with other actors clear up by looking again. */
const QUICK: readonly EngineErrorKind[] = ["notFound", "nameConflict", "conflict"];
const QUICK_TRIES = 2;

/** Nothing but a person changes these: asked again now and then, for a person may. */
const PERMANENT: readonly EngineErrorKind[] = ["imageNotFound", "imageDenied", "imagePlatform"];
const PERMANENT_MS = { base: 20_000, cap: 600_000 };
/** A registry that counts pulls is asked seldom: each try counts, too. */
const RATE_LIMIT_MS = { base: 60_000, cap: 1_800_000 };

/** Exponential, capped, ± 20 % jitter, never final. `failures` counts those in a row, 1 for the first; `random` in [0, 1). */
export const retryDelayMs = (failures: number, error: unknown, random: number): number => {
  if (failures <= QUICK_TRIES && isEngineError(error, ...QUICK)) return 50;
  const exponent = Math.min(failures - 1, 20);
  const bounds = isEngineError(error, "rateLimited")
    ? RATE_LIMIT_MS
    : isEngineError(error, ...PERMANENT)
      ? PERMANENT_MS
      : { base: BASE_MS, cap: error instanceof Obstacle ? LOOK_CAP_MS : CAP_MS };
  const delay = Math.min(bounds.base * 2 ** exponent, bounds.cap) * (0.8 + 0.4 * random);
  // Never before the time that the other side has said.
  return Math.max(delay, isEngineError(error) ? (error.retryAfterMs ?? 0) : 0);
};

/** Starting again what somebody outside keeps stopping: so many at once, and one more each so many ms. */
const BURST = 10;
const REFILL_MS = 6_000;

/** How often a container was healed lately. Heals are immediate until somebody fights them. */
export class HealBudget {
  private spent = 0;
  private at = 0;

  /** Takes one heal; the answer is how long to wait before it, 0 for now. `now` on a clock that never goes back. */
  delayMs(now: number): number {
    this.spent = Math.max(0, this.spent - (now - this.at) / REFILL_MS);
    this.at = now;
    return this.spent < BURST ? 0 : Math.ceil((this.spent - BURST + 1) * REFILL_MS);
  }
  take(): void {
    this.spent++;
  }
}

export interface Failure {
  reason: string;
  message: string;
  /** Verbatim, bounded. */
  lastError: string;
}

const REASONS: Partial<Record<EngineErrorKind, string>> = {
  imageNotFound: "ImageNotFound",
  imageDenied: "ImageDenied",
  imagePlatform: "ImageWrongPlatform",
  rateLimited: "RegistryRateLimited",
  registryUnreachable: "RegistryUnreachable",
  nameConflict: "NameConflict",
  portConflict: "PortConflict",
  addressPool: "NetworkPoolExhausted",
  noSpace: "NoSpace",
  timeout: "EngineTimeout",
  unavailable: "RuntimeUnavailable",
};
const BY_OPERATION: Record<string, string> = {
  create: "CreateFailed",
  start: "StartFailed",
  pull: "PullFailed",
  stop: "StopFailed",
  remove: "RemoveFailed",
  update: "UpdateFailed",
  rename: "RenameFailed",
  connect: "NetworkFailed",
  disconnect: "NetworkFailed",
  "create network": "NetworkFailed",
  "create volume": "VolumeFailed",
};
const HINTS: Partial<Record<EngineErrorKind, string>> = {
  nameConflict: "the name is taken on this node",
  portConflict: "the host port is taken on this node: free it, or publish another",
  addressPool: "the engine has no free subnet left: remove unused networks, or give it more with default-address-pools",
  noSpace: "the disk of the engine is full: free space on the node",
  timeout: "the engine did not answer in time",
  unavailable: "the engine cannot be reached",
};

export const MAX_ERROR = 2_000;

export const explain = (error: unknown): Failure => {
  const text = (error instanceof Error ? error.message : String(error)).slice(0, MAX_ERROR);
  if (error instanceof PodFault) return { reason: error.reason, message: text, lastError: text };
  if (!isEngineError(error)) return { reason: "AgentError", message: `the agent failed: ${text}`, lastError: text };
  const reason = REASONS[error.kind] ?? BY_OPERATION[error.operation] ?? "EngineError";
  const hint = HINTS[error.kind] ?? imageAdvice(error.kind, text, error.retryAfterMs);
  return { reason, message: hint ? `${error.operation}: ${hint}` : `${error.operation} failed: ${text}`, lastError: text };
};
