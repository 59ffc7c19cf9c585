// A Secret as it lies in etcd: who it is can be read, what it says cannot. Annotations are hidden, too: kubectl keeps the whole
// object in one of them. Everything that is not known to be harmless is hidden.
import { RESOURCES } from "../../schemas/resources.ts";
import { EncryptionKeyError } from "../errors.ts";
import { objectPrefix } from "../keys.ts";
import type { Encrypted, Keyring } from "./keyring.ts";

type Fields = Record<string, unknown>;

const OPEN: readonly string[] = ["apiVersion", "kind", "metadata", "type", "immutable"];
const MEMBER = "encrypted";

/** What is encrypted lies below it. */
export const secretsPrefix = objectPrefix(RESOURCES.secrets);
export const isSecretKey = (key: string): boolean => key.startsWith(secretsPrefix);

/** Encrypted content of a value of etcd, if it is of that kind. */
export const encryptedIn = (value: unknown): Encrypted | undefined => {
  const found = (value as Fields | null)?.[MEMBER] as Partial<Encrypted> | undefined;
  return typeof found?.key === "string" && typeof found.data === "string" ? { key: found.key, data: found.data } : undefined;
};

/** @param key in etcd: the value can only be read there. @throws EncryptionKeyError when there is no key */
export const encryptObject = (keyring: Keyring, key: string, object: object): object => {
  const { annotations, ...metadata } = (object as { metadata?: Fields }).metadata ?? {};
  const hidden: Fields = {};
  const open: Fields = {};
  // A member of that name is nobody's: it would make the object unreadable.
  for (const [name, value] of Object.entries(object)) if (name !== MEMBER) (OPEN.includes(name) ? open : hidden)[name] = value;
  const plain = Buffer.from(JSON.stringify({ hidden, ...(annotations === undefined ? {} : { annotations }) }));
  return { ...open, ...("metadata" in object ? { metadata } : {}), [MEMBER]: keyring.encrypt(plain, key) };
};

/** What is in the clear stays as it is. @throws EncryptionKeyError */
export const decryptObject = (keyring: Keyring, key: string, value: object): object => {
  const encrypted = encryptedIn(value);
  if (!encrypted) return value;
  const { [MEMBER]: _, ...open } = value as Fields;
  const { hidden, annotations } = JSON.parse(keyring.decrypt(encrypted, key).toString()) as { hidden: Fields; annotations?: Fields };
  const metadata = open["metadata"] as Fields | undefined;
  return { ...open, ...hidden, ...(metadata && annotations ? { metadata: { ...metadata, annotations } } : {}) };
};

/** @throws EncryptionKeyError for what is still encrypted: it must not be taken for an object */
export const refuseEncrypted = (key: string, value: unknown): void => {
  const encrypted = isSecretKey(key) ? encryptedIn(value) : undefined;
  if (encrypted) throw new EncryptionKeyError(`${key} is encrypted with key ${encrypted.key}, which this server does not have`);
};
