// Why a stream cannot be opened, as the API gets to know it.
import type { TunnelError } from "../../schemas/tunnel.ts";
import { type EngineErrorKind, isEngineError } from "../engine.ts";

/** Thrown before the head of an answer was sent. */
export class Refusal extends Error implements TunnelError {
  override name = "Refusal";
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const badRequest = (message: string): Refusal => new Refusal(400, "BadRequest", message);
export const notFound = (message: string): Refusal => new Refusal(404, "NotFound", message);
export const conflict = (message: string): Refusal => new Refusal(409, "Conflict", message);
export const unavailable = (message: string, cause?: unknown): Refusal => new Refusal(503, "ServiceUnavailable", message, { cause });

const OF_ENGINE: Partial<Record<EngineErrorKind, [number, string]>> = {
  notFound: [404, "NotFound"],
  conflict: [409, "Conflict"],
  invalid: [400, "BadRequest"],
  timeout: [504, "Timeout"],
  unavailable: [503, "ServiceUnavailable"],
};

/** Whatever was thrown. The engine's own words are kept: people search for them. */
export const toRefusal = (error: unknown): Refusal => {
  if (error instanceof Refusal) return error;
  if (isEngineError(error)) {
    const [status, reason] = OF_ENGINE[error.kind] ?? [500, "InternalError"];
    return new Refusal(status, reason, `${error.operation}: ${error.message}`, { cause: error });
  }
  return new Refusal(500, "InternalError", "the agent failed; its log says more", { cause: error });
};
