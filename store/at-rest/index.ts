// Encryption at rest, as a process opens it: which key the cluster's Secrets are under, and whether this server has it.
import { createHmac } from "node:crypto";
import { rm } from "node:fs/promises";
import type { Logger } from "pino";
import { EncryptionKeyError } from "../errors.ts";
import { encryptionKey } from "../keys.ts";
import type { Guard, Kv } from "../kv.ts";
import { makeKeyFile, readKeyFile } from "./key-file.ts";
import { Keyring } from "./keyring.ts";
import { EncryptedKv } from "./kv.ts";
import { type EncryptionRecord, firstRecord, readRecord } from "./record.ts";
import { rotate } from "./rotate.ts";

export { Keyring, newKey } from "./keyring.ts";
export { EncryptedKv } from "./kv.ts";
export { secretsPrefix } from "./codec.ts";

const HASH_CHARACTERS = 16;

export interface AtRest {
  /** With Secrets in the clear. */
  kv: Kv;
  /** Why Secrets cannot be served, in words; undefined: they can. */
  problem: () => string | undefined;
  /**
   * 16 hex characters that tell one content from another, and nobody without the key what it is. `about` is bound in.
   * @throws EncryptionKeyError where there is a problem
   */
  hash: (about: string, content: Uint8Array) => string;
  keyring: Keyring;
  /** For the leader: brings everything under the first key of this server's file. @returns how many values were written anew */
  rotate(o: { guard: Guard; signal: AbortSignal }): Promise<number>;
}

export interface AtRestOptions {
  kv: Kv;
  log: Logger;
  /** Of the keys; made when absent, unless the cluster has keys already. */
  path: string;
}

/**
 * A server without the right key starts all the same, and says so: only what needs Secrets does not work.
 * @throws EncryptionKeyError for a file that cannot be used; what `Kv.get` throws
 */
export const openAtRest = async ({ kv, log, path }: AtRestOptions): Promise<AtRest> => {
  let keyring = await readKeyFile(path);
  let record: EncryptionRecord | undefined = await readRecord(kv);
  if (!record) {
    const own = keyring ? { keyring, made: false } : await makeKeyFile(path);
    if (own.made) log.warn({ path, key: own.keyring.primary }, "encryption key made: keep a copy, without it Secrets are lost");
    record = await firstRecord(kv, own.keyring);
    keyring = own.keyring;
    // Another server was faster: this key has never been used, and would only lead astray.
    if (own.made && record.key !== keyring.primary) {
      await rm(path);
      keyring = undefined;
    }
  }
  return atRestOf(kv, log, path, keyring ?? Keyring.empty, record);
};

const atRestOf = (kv: Kv, log: Logger, path: string, keyring: Keyring, record: EncryptionRecord): AtRest => {
  let hashKey: Buffer | undefined;
  let problem: string | undefined;
  if (keyring.has(record.key)) hashKey = keyring.decrypt(record.hashKey, encryptionKey);
  else {
    const has = keyring.primary === undefined ? `there is no file ${path}` : `${path} does not hold it`;
    problem = `this server does not have the cluster's encryption key ${record.key}: ${has}; copy the file from a server that has it, then start this one again`;
    log.error({ path, key: record.key, primary: keyring.primary }, "Secrets are not served: the cluster's encryption key is missing");
  }
  const usable = problem === undefined ? keyring : Keyring.empty;
  return {
    kv: new EncryptedKv(kv, () => usable),
    keyring: usable,
    problem: () => problem,
    rotate: (o) => rotate({ kv, keyring: usable, log, ...o }),
    hash(about, content) {
      if (!hashKey) throw new EncryptionKeyError(problem ?? "there is no key");
      const part = (bytes: Uint8Array): Buffer => {
        const size = Buffer.alloc(4);
        size.writeUInt32BE(bytes.length);
        return Buffer.concat([size, bytes]);
      };
      const mac = createHmac("sha256", hashKey)
        .update(part(Buffer.from(about)))
        .update(part(content));
      return mac.digest("hex").slice(0, HASH_CHARACTERS);
    },
  };
};
