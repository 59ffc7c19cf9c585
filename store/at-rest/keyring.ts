// The keys that Secrets lie in etcd under: AES-256-GCM, a random nonce each time. The first key writes, all of them read.
import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { EncryptionKeyError } from "../errors.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** As it lies in etcd. `data`: base64 of nonce, ciphertext and tag. */
export interface Encrypted {
  /** Id of the key, which tells nothing of it. */
  key: string;
  data: string;
}

interface Key {
  id: string;
  bytes: Buffer;
}

export const newKey = (): string => randomBytes(KEY_BYTES).toString("base64");

const idOf = (bytes: Buffer): string => createHash("sha256").update("steadfleet key id v1").update(bytes).digest("hex").slice(0, 12);

export class Keyring {
  private constructor(private readonly keys: readonly Key[]) {}

  /**
   * One key (32 bytes, base64) in each line; empty lines and what begins with "#" do not count.
   * @param from where the text comes from, for messages
   * @throws EncryptionKeyError
   */
  static parse(text: string, from: string): Keyring {
    const keys = text.split("\n").flatMap((line, i): Key[] => {
      const word = line.trim();
      if (word === "" || word.startsWith("#")) return [];
      const bytes = Buffer.from(word, "base64");
      if (!/^[A-Za-z0-9+/]+=*$/.test(word) || bytes.length !== KEY_BYTES)
        throw new EncryptionKeyError(`${from}, line ${i + 1}: expected a key of ${KEY_BYTES} bytes in base64 (openssl rand -base64 32)`);
      return [{ id: idOf(bytes), bytes }];
    });
    if (keys.length === 0) throw new EncryptionKeyError(`${from} holds no key`);
    return new Keyring(keys);
  }

  /** None: nothing can be read or written. */
  static readonly empty = new Keyring([]);

  /** Of the key that writes. */
  get primary(): string | undefined {
    return this.keys[0]?.id;
  }
  has(id: string): boolean {
    return this.keys.some((k) => k.id === id);
  }

  /** @param about bound in: it can only be opened as the same. @throws EncryptionKeyError when there is no key */
  encrypt(plain: Uint8Array, about: string): Encrypted {
    const key = this.keys[0];
    if (!key) throw new EncryptionKeyError(`${about} cannot be encrypted: this server has no encryption key`);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", key.bytes, nonce).setAAD(Buffer.from(about));
    return { key: key.id, data: Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]).toString("base64") };
  }

  /** @throws EncryptionKeyError: another key, another place, or altered */
  decrypt({ key: id, data }: Encrypted, about: string): Buffer {
    const key = this.keys.find((k) => k.id === id);
    if (!key) throw new EncryptionKeyError(`${about} is encrypted with key ${id}, which this server does not have`);
    const bytes = Buffer.from(data, "base64");
    try {
      const decipher = createDecipheriv("aes-256-gcm", key.bytes, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new EncryptionKeyError(`${about} cannot be decrypted: it was altered, or copied from another place`, { cause });
    }
  }
}
