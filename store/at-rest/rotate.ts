// Brings everything under the key that the leader's file begins with: what lay in etcd in the clear, and what an older key wrote.
import type { Logger } from "pino";
import { ConflictError } from "../errors.ts";
import { encryptionKey } from "../keys.ts";
import type { Guard, Kv } from "../kv.ts";
import { decryptObject, encryptedIn, encryptObject, secretsPrefix } from "./codec.ts";
import type { Keyring } from "./keyring.ts";
import { type EncryptionRecord, readRecord } from "./record.ts";

export interface RotateOptions {
  /** As it is: with Secrets encrypted. */
  kv: Kv;
  keyring: Keyring;
  log: Logger;
  /** Only one server at a time does this. */
  guard?: Guard | undefined;
  signal?: AbortSignal;
}

const PAGE = 100;

/**
 * Each value is compared when it is written: what somebody changes meanwhile is encrypted by whoever changed it. A server whose file
 * begins with a key that was replaced before leaves everything as it is.
 * @returns how many values were written anew
 */
export const rotate = async ({ kv, keyring, log, guard, signal }: RotateOptions): Promise<number> => {
  const { primary } = keyring;
  const record = await readRecord(kv);
  if (primary === undefined || !record) return 0;
  if (record.retired.includes(primary)) {
    log.warn(
      { key: primary, current: record.key },
      "this server's first encryption key was replaced: move the current one to the top of its file",
    );
    return 0;
  }
  const write = { guard, ...(signal ? { signal } : {}) };
  if (record.key !== primary) {
    const { mod, ...was } = record;
    const hashKey = keyring.encrypt(keyring.decrypt(was.hashKey, encryptionKey), encryptionKey);
    const value: EncryptionRecord = { key: primary, retired: [...was.retired, was.key], hashKey };
    await kv.commit([{ key: encryptionKey, mod, value }], write);
    log.info({ from: was.key, to: primary }, "encryption key rotated");
  }
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await kv.range(secretsPrefix, { limit: PAGE, ...(after === undefined ? {} : { after }), ...(signal ? { signal } : {}) });
    for (const { key, mod, value } of page.items) {
      const stored = JSON.parse(value) as object;
      if (encryptedIn(stored)?.key === primary) continue;
      try {
        await kv.commit([{ key, mod, value: encryptObject(keyring, key, decryptObject(keyring, key, stored)) }], write);
        count++;
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
    after = page.items.at(-1)?.key;
    if (!page.more || after === undefined) break;
  }
  if (count > 0) log.info({ secrets: count, key: primary }, "Secrets encrypted anew");
  return count;
};
