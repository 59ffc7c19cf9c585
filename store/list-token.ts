// The `continue` token of a list: opaque to clients, pins the revision of the first page.
import { InvalidError } from "./errors.ts";

export interface ListPosition {
  revision: number;
  /** The last key of the page, relative to the list's prefix. */
  after: string;
}

export const encodeContinue = (p: ListPosition): string =>
  Buffer.from(JSON.stringify({ v: 1, rv: p.revision, after: p.after })).toString("base64url");

/** @throws InvalidError */
export const decodeContinue = (token: string): ListPosition => {
  let t: { v?: unknown; rv?: unknown; after?: unknown } | null;
  try {
    t = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as typeof t;
  } catch (cause) {
    throw new InvalidError("continue", "is not a token of a list", { cause });
  }
  if (t?.v !== 1 || !Number.isSafeInteger(t.rv) || (t.rv as number) < 1 || typeof t.after !== "string" || t.after === "")
    throw new InvalidError("continue", "is not a token of a list");
  return { revision: t.rv as number, after: t.after };
};
