// The `continue` token of a list: opaque to clients, says where the next page begins and of which revision all pages are.
// Nothing in it is believed: the place is only compared with ids, and any revision may be asked for anyway.
import { badRequest } from "./status.ts";

export interface Position {
  /** Undefined: the client was told that the first page's is lost, and goes on with what there is now. */
  revision: number | undefined;
  /** Id of the last object of the page before. */
  after: string;
}

const VERSION = "meta.k8s.io/v1";
const MAX_LENGTH = 2048;

export const encodePosition = (p: Position): string =>
  Buffer.from(JSON.stringify({ v: VERSION, rv: p.revision ?? -1, start: `${p.after}\0` })).toString("base64url");

/** @throws ApiError 400 */
export function decodePosition(token: string): Position {
  const wrong = (cause?: unknown): Error => badRequest("continue key is not valid: it is not a token of a list of ours", cause);
  if (token.length > MAX_LENGTH || !/^[A-Za-z0-9_-]+={0,2}$/.test(token)) throw wrong();
  let t: { v?: unknown; rv?: unknown; start?: unknown } | null;
  try {
    t = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as typeof t;
  } catch (cause) {
    throw wrong(cause);
  }
  const { v, rv, start } = t ?? {};
  if (v !== VERSION || typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) throw wrong();
  if (typeof start !== "string" || !/^[a-z0-9][a-z0-9.:/-]*\0$/.test(start)) throw wrong();
  return { revision: rv === -1 ? undefined : rv, after: start.slice(0, -1) };
}
