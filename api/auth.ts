// Who is calling: bearer tokens, of which etcd keeps hashes only.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Env } from "../store/env.ts";
import { tokenKey, tokensPrefix } from "../store/keys.ts";
import type { Kv } from "../store/kv.ts";
import { Rates } from "./rates.ts";
import { ApiError, forbidden, unauthorized } from "./status.ts";

export interface User {
  name: string;
  groups: readonly string[];
  /** Public part of the token: for logs. */
  tokenId: string;
}

/** What etcd holds of a token, at `tokenKey(id)`. */
export interface TokenRecord {
  /** SHA-256 of the whole token, hex. The secret has 256 random bits, so a slow hash would add nothing. */
  hash: string;
  name: string;
  groups: string[];
  createdAt: string;
}

const TOKEN = /^steady_([0-9a-f]{16})_([0-9a-f]{64})$/;
/** Anything that looks like one of ours, e.g. in a URL. */
export const TOKEN_LIKE = /steady_[0-9a-z]{4,}_[0-9A-Za-z]{8,}/;

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/**
 * Makes a token and stores its hash. The text is shown here once and kept nowhere.
 * `groups`: `system:masters` may do everything, `system:readers` may read all but secrets.
 */
export async function createToken(kv: Kv, env: Env, o: { name: string; groups: string[] }): Promise<string> {
  const id = randomBytes(8).toString("hex");
  const token = `steady_${id}_${randomBytes(32).toString("hex")}`;
  const record: TokenRecord = {
    hash: sha256(token).toString("hex"),
    name: o.name,
    groups: o.groups,
    createdAt: new Date(env.now()).toISOString(),
  };
  await kv.commit([{ key: tokenKey(id), mod: 0, value: record }]);
  return token;
}

/** What may be known of a token. */
export type TokenInfo = Omit<TokenRecord, "hash"> & { id: string };

/** All tokens, oldest first. */
export async function listTokens(kv: Kv): Promise<TokenInfo[]> {
  const found: TokenInfo[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await kv.range(tokensPrefix, { limit: 500, ...(after === undefined ? {} : { after }) });
    for (const { key, value } of page.items) {
      const { name, groups, createdAt } = JSON.parse(value) as TokenRecord;
      found.push({ id: key.slice(tokensPrefix.length), name, groups, createdAt });
    }
    after = page.items.at(-1)?.key;
    more = page.more;
  }
  return found.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}

/** The ID within a token; undefined for what is no token. */
export const tokenIdOf = (token: string): string | undefined => TOKEN.exec(token)?.[1];

/** As `revokeToken`, by the token's ID. */
export const revokeTokenId = async (kv: Kv, id: string): Promise<void> => {
  await kv.commit([{ key: tokenKey(id), value: null }]);
};

/** From here on nobody gets in with it, within five seconds everywhere. Revoking what is not there is fine. */
export const revokeToken = async (kv: Kv, token: string): Promise<void> => {
  const id = TOKEN.exec(token)?.[1];
  if (id) await kv.commit([{ key: tokenKey(id), value: null }]);
};

const CACHE_MS = 5_000;
const CACHE_SIZE = 1_000;

export class Authenticator {
  private readonly known = new Map<string, { record: TokenRecord | undefined; until: number }>();

  constructor(
    private readonly kv: Kv,
    private readonly env: Env,
    private readonly rates: Rates = new Rates(env),
  ) {}

  /** A token was written or revoked: do not wait until its entry is stale. */
  forget(key: string): void {
    this.known.delete(key.slice(tokensPrefix.length));
  }

  /**
   * `address`: where the request comes from; so many of one address whose token is none are not looked up any more.
   * @throws ApiError 401 (one answer for everything that is wrong with a token), 429, 403 for impersonation; UnavailableError
   */
  async authenticate(headers: NodeJS.Dict<string | string[]>, address = ""): Promise<User> {
    try {
      return await this.identify(headers, address);
    } catch (e) {
      if (e instanceof ApiError && e.code === 401) this.rates.unknown(address);
      throw e;
    }
  }

  private async identify(headers: NodeJS.Dict<string | string[]>, address: string): Promise<User> {
    const text = /^Bearer (\S+)$/i.exec(String(headers["authorization"] ?? ""))?.[1] ?? "";
    const id = TOKEN.exec(text)?.[1];
    // Who is known does not suffer from strangers at the same address.
    if (id === undefined || !this.known.get(id)?.record) this.rates.stranger(address);
    if (id === undefined) throw unauthorized();
    const record = await this.record(id);
    const given = sha256(text);
    // Compared in any case, so that an unknown id takes as long as a wrong secret.
    const matches = timingSafeEqual(given, record ? Buffer.from(record.hash.padEnd(64, "0").slice(0, 64), "hex") : sha256(id));
    if (!record || !matches) throw unauthorized();
    if (Object.keys(headers).some((h) => h.startsWith("impersonate-")))
      throw forbidden(`User ${JSON.stringify(record.name)} cannot impersonate: impersonation is not supported; use a token of that user`);
    return { name: record.name, groups: [...record.groups, "system:authenticated"], tokenId: id };
  }

  private async record(id: string): Promise<TokenRecord | undefined> {
    const now = this.env.monotonic();
    const hit = this.known.get(id);
    if (hit && hit.until > now) return hit.record;
    const { item } = await this.kv.get(tokenKey(id));
    const record = item ? (JSON.parse(item.value) as TokenRecord) : undefined;
    this.known.delete(id);
    // Oldest out first: guesses of unknown ids cannot fill the memory.
    if (this.known.size >= CACHE_SIZE) this.known.delete(this.known.keys().next().value ?? "");
    this.known.set(id, { record, until: now + CACHE_MS });
    return record;
  }
}

/** Tokens in URLs end up in logs and histories. @throws ApiError 400 */
export const refuseTokenInUrl = (url: string): void => {
  if (TOKEN_LIKE.test(decodeQuietly(url)) || /[?&](access_token|token|bearer|authorization)=/i.test(url))
    throw new ApiError(
      400,
      "BadRequest",
      "TokenInUrl: a token in a URL is as good as published; send it in the Authorization header, and revoke this one",
    );
};

const decodeQuietly = (url: string): string => {
  try {
    return decodeURIComponent(url);
  } catch {
    return url;
  }
};
