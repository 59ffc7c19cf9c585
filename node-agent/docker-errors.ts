// What an engine's error means. Codes first, because words differ between engines; first match wins.
import type { EngineErrorKind } from "./engine.ts";
import { EngineError } from "./engine.ts";

interface Raw {
  message: string;
  status: number | undefined;
  code: string | undefined;
  operation: string;
}

const NETWORK_CODES = /^(ECONNREFUSED|ECONNRESET|ENOENT|EACCES|EPIPE|ETIMEDOUT|ABORT_ERR|ERR_STREAM_PREMATURE_CLOSE)$/;

const TABLE: { kind: EngineErrorKind; when: (e: Raw) => boolean }[] = [
  {
    kind: "unavailable",
    when: (e) => e.status === undefined && (NETWORK_CODES.test(e.code ?? "") || /socket hang up|aborted/.test(e.message)),
  },
  { kind: "noSpace", when: (e) => /no space left on device|disk quota exceeded/i.test(e.message) },
  {
    kind: "imageDenied",
    when: (e) =>
      e.operation === "pull" &&
      (e.status === 401 || e.status === 403 || /access denied|unauthorized|authentication|denied:/i.test(e.message)),
  },
  { kind: "imageNotFound", when: (e) => e.operation === "pull" && (e.status === 404 || /manifest unknown|not found/i.test(e.message)) },
  { kind: "imageNotFound", when: (e) => e.status === 404 && (e.operation === "inspect image" || /no such image/i.test(e.message)) },
  { kind: "portConflict", when: (e) => /port is already allocated|address already in use|failed to bind host port/i.test(e.message) },
  { kind: "addressPool", when: (e) => /non-overlapping IPv4|predefined address pools/i.test(e.message) },
  { kind: "ambiguous", when: (e) => /^(\d+ matches found .*)?network .+ is ambiguous/.test(e.message) },
  { kind: "notFound", when: (e) => e.status === 404 },
  {
    kind: "nameConflict",
    when: (e) => e.status === 409 && (e.operation === "create" || e.operation === "rename" || e.operation === "create network"),
  },
  { kind: "inUse", when: (e) => (e.status === 409 || e.status === 403) && /in use|active endpoints/i.test(e.message) },
  { kind: "conflict", when: (e) => e.status === 409 },
  { kind: "invalid", when: (e) => e.status === 400 },
];

/** An EngineError of the right kind from whatever was thrown; an EngineError stays as it is. */
export const classify = (error: unknown, operation: string): EngineError => {
  if (error instanceof EngineError) return error;
  const { message, statusCode, code, json } = error as { message?: string; statusCode?: number; code?: string; json?: unknown };
  const text = (json as { message?: string } | null | undefined)?.message ?? stripFrame(message ?? String(error));
  const raw: Raw = { message: text, status: statusCode, code, operation };
  const kind = TABLE.find((row) => row.when(raw))?.kind ?? "failed";
  return new EngineError(kind, text, operation, { cause: error, ...(statusCode === undefined ? {} : { status: statusCode }) });
};

/** dockerode wraps what the engine said: `(HTTP code 404) no such container - … `. */
const stripFrame = (message: string): string => message.replace(/^\(HTTP code \d+\) [^-]* - /, "").trim();
