// What an engine's error means. Codes first, because words differ between engines; first match wins.
import type { EngineErrorKind } from "./engine.ts";
import { EngineError } from "./engine.ts";

interface Raw {
  message: string;
  status: number | undefined;
  code: string | undefined;
  operation: string;
}

const isPull = (e: Raw): boolean => e.operation === "pull";
/** Go's words for a name that is not known, a closed port, silence, and certificates; and a registry that is out of order. */
const UNREACHABLE =
  /dial tcp|no such host|i\/o timeout|TLS handshake|x509:|tls: |connection (refused|reset)|network is unreachable|no route to host|HTTP response to HTTPS client|Client\.Timeout|context deadline exceeded|proxyconnect|unexpected EOF|: EOF|unexpected HTTP status: 5\d\d|bad gateway|service unavailable/i;

const NETWORK_CODES = /^(ECONNREFUSED|ECONNRESET|ENOENT|EACCES|EPIPE|ETIMEDOUT|ABORT_ERR|ERR_STREAM_PREMATURE_CLOSE)$/;

const TABLE: { kind: EngineErrorKind; when: (e: Raw) => boolean }[] = [
  {
    kind: "unavailable",
    when: (e) => e.status === undefined && (NETWORK_CODES.test(e.code ?? "") || /socket hang up|aborted/.test(e.message)),
  },
  { kind: "noSpace", when: (e) => /no space left on device|disk quota exceeded/i.test(e.message) },
  // What a registry says through the engine: as 500, as 404, or as a line of the stream. Texts are those of engines 20.10 to 28.
  { kind: "rateLimited", when: (e) => isPull(e) && /toomanyrequests|too many requests|rate limit|\b429\b/i.test(e.message) },
  { kind: "imagePlatform", when: (e) => /no matching manifest for|does not match the specified platform/i.test(e.message) },
  {
    kind: "imageDenied",
    when: (e) =>
      isPull(e) &&
      (e.status === 401 ||
        e.status === 403 ||
        /access denied|unauthorized|authentication required|no basic auth credentials|denied: |^denied$|40[13] (unauthorized|forbidden)/i.test(
          e.message,
        )),
  },
  { kind: "registryUnreachable", when: (e) => isPull(e) && UNREACHABLE.test(e.message) },
  { kind: "imageNotFound", when: (e) => isPull(e) && (e.status === 404 || /manifest unknown|name unknown|not found/i.test(e.message)) },
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
  const retryAfterMs = kind === "rateLimited" ? resetIn(text) : undefined;
  return new EngineError(kind, text, operation, {
    cause: error,
    ...(statusCode === undefined ? {} : { status: statusCode }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
};

/** `retry-after: 1m30s` (ghcr.io), `Retry-After: 90`, `try again in 5 minutes`. Engines do not pass the header on: only the text can tell. */
const resetIn = (text: string): number | undefined => {
  const said = /(?:retry-after:?|try again in|reset(?:s)? in)\s*((?:[\d.]+\s*[a-zµ]*\s*)+)/i.exec(text)?.[1];
  if (said === undefined) return undefined;
  let ms = 0;
  for (const [, n, unit = ""] of said.matchAll(/([\d.]+)\s*([a-zµ]*)/gi))
    ms += Number(n) * (UNITS[unit.toLowerCase()] ?? UNITS[unit[0]?.toLowerCase() ?? "s"] ?? 0);
  return Number.isFinite(ms) ? Math.ceil(ms) : undefined;
};
const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, "": 1_000, s: 1_000, m: 60_000, h: 3_600_000 };

/** dockerode wraps what the engine said: `(HTTP code 404) no such container - … `. */
const stripFrame = (message: string): string => message.replace(/^\(HTTP code \d+\) [^-]* - /, "").trim();
