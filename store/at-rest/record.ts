// Which key the cluster's Secrets are under: the same answer for all servers.
import { randomBytes } from "node:crypto";
import { ConflictError } from "../errors.ts";
import { encryptionKey } from "../keys.ts";
import type { Kv } from "../kv.ts";
import type { Encrypted, Keyring } from "./keyring.ts";

/** `/steadfleet/auth/encryption`: made by the first server; changed when the leader rotates. */
export interface EncryptionRecord {
  /** Id of the key that Secrets are written with. */
  key: string;
  /** Ids of keys that it was before: a server that still begins with one of them does not turn the rotation back. */
  retired: string[];
  /** What contents are told apart by; 32 random bytes. It outlives the master keys, so that rotating them replaces no container. */
  hashKey: Encrypted;
}

export const readRecord = async (kv: Kv): Promise<(EncryptionRecord & { mod: number }) | undefined> => {
  const { item } = await kv.get(encryptionKey);
  return item && { ...(JSON.parse(item.value) as EncryptionRecord), mod: item.mod };
};

/** Whoever comes first decides. */
export const firstRecord = async (kv: Kv, keyring: Keyring): Promise<EncryptionRecord> => {
  const value: EncryptionRecord = {
    key: keyring.primary ?? "",
    retired: [],
    hashKey: keyring.encrypt(randomBytes(32), encryptionKey),
  };
  try {
    await kv.commit([{ key: encryptionKey, mod: 0, value }]);
    return value;
  } catch (error) {
    const there = error instanceof ConflictError ? await readRecord(kv) : undefined;
    if (!there) throw error;
    return there;
  }
};
