// Requests to a pod's node, with the node's errors told as the API's.
import type { Readable } from "node:stream";
import { TUNNEL_PATHS, type TunnelError } from "../../schemas/tunnel.ts";
import type { Deps } from "../call.ts";
import type { NodeRequest, NodeStream } from "../links.ts";
import { ApiError } from "../status.ts";
import type { Target } from "./target.ts";

/** Reasons that a node may give, as what they are for the client. A node never says who the client is, so there is no 401 or 403. */
const CODES: Readonly<Record<string, number>> = {
  NotFound: 404,
  BadRequest: 400,
  Conflict: 409,
  Gone: 410,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_MESSAGE = 2_000;

/** What a pod's stream is asked with: `uid` always, and flags as "1". */
export const queryOf = (
  t: Target,
  more: Readonly<Record<string, string | boolean | readonly string[] | undefined>> = {},
): URLSearchParams => {
  const query = new URLSearchParams({ uid: t.uid });
  for (const [name, value] of Object.entries(more)) {
    if (value === undefined || value === false) continue;
    for (const v of typeof value === "object" ? value : [value === true ? "1" : value]) query.append(name, v);
  }
  return query;
};

/**
 * A stream to the node, which said yes to it. Its trailers may be left unread.
 * @throws ApiError as the node says, or 503 and 504 when it cannot be reached
 */
export async function openOnNode(deps: Deps, node: string, request: NodeRequest): Promise<NodeStream> {
  const stream = await deps.links.open(node, request);
  // Whoever wants the trailers waits for them; a stream that is cut off is told by its body as well.
  stream.trailers.catch(() => {});
  if (stream.status >= 200 && stream.status < 300) return stream;
  const error = await errorOf(node, stream);
  stream.body.destroy();
  throw error;
}

/** A node is believed what happened there, but not to fill memory or terminals. */
async function errorOf(node: string, stream: NodeStream): Promise<ApiError> {
  const text = await textOf(stream.body);
  let said: Partial<TunnelError> = {};
  try {
    said = JSON.parse(text) as Partial<TunnelError>;
  } catch {
    // Told below as what it is: an answer without words.
  }
  const reason = typeof said?.reason === "string" && said.reason in CODES ? said.reason : "InternalError";
  const message =
    typeof said?.message === "string" && said.message !== ""
      ? said.message.replaceAll(/\p{Cc}+/gu, " ").slice(0, MAX_MESSAGE)
      : `node ${node} answered ${stream.status} without saying why; its agent's log says more`;
  return new ApiError(CODES[reason] ?? 500, reason, message);
}

const textOf = (body: Readable): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (): void => resolve(Buffer.concat(chunks).toString("utf8"));
    body.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_ERROR_BYTES) done();
      else chunks.push(chunk);
    });
    body.on("end", done).on("error", done).on("close", done);
  });

/** The size of a terminal, in characters. */
export interface TerminalSize {
  width: number;
  height: number;
}

/** Tells a session's size to its node, one request at a time and only the newest. */
export function sizeTeller(deps: Deps, node: string, session: string, signal: AbortSignal): (size: TerminalSize) => void {
  let next: TerminalSize | undefined;
  let telling = false;
  const tell = async (): Promise<void> => {
    telling = true;
    for (let size = next; size && !signal.aborted; size = next) {
      next = undefined;
      const query = new URLSearchParams({ width: String(size.width), height: String(size.height) });
      try {
        const { body } = await openOnNode(deps, node, { method: "PUT", path: TUNNEL_PATHS.size(session), query, signal });
        body.on("error", () => {});
        body.end();
        body.resume();
      } catch (err) {
        // The program goes on in a terminal of the wrong size.
        deps.log.debug({ err, node, session }, "terminal size not set");
      }
    }
    telling = false;
  };
  return (size) => {
    next = size;
    if (!telling) void tell();
  };
}
