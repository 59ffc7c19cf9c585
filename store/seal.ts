// What only one node may read: sealed to its X25519 key, opened with the private half that never leaves it.
// X25519 (ephemeral) → HKDF-SHA256 → AES-256-GCM. The etcd key is additional data, so that a sealed value opens only where it was
// put: whoever can write to etcd cannot hand one pod another's secret. Source: RFC 7748, RFC 5869, and the shape of RFC 9180 (base mode).
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import type { Delivery } from "../schemas/fleet.ts";
import { StoreError } from "./errors.ts";

/** Raw keys of 32 bytes, base64. */
export interface KeyPair {
  publicKey: string;
  privateKey: string;
}

/** It was sealed for another key, lies under another key in etcd, or was altered. Says nothing of the content. */
export class SealError extends StoreError {}

const INFO = "steadfleet sealed v1";
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const raw = (key: string): Buffer => {
  const bytes = Buffer.from(key, "base64");
  if (bytes.length !== KEY_BYTES) throw new SealError(`no X25519 key: ${bytes.length} bytes instead of ${KEY_BYTES}`);
  return bytes;
};
const url = (bytes: Buffer): string => bytes.toString("base64url");

const publicObject = (bytes: Buffer): KeyObject => createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "X25519", x: url(bytes) } });
// PKCS #8 before the 32 bytes: as a JWK it could not be read without the public half.
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");
const privateObject = (bytes: Buffer): KeyObject => createPrivateKey({ format: "der", type: "pkcs8", key: Buffer.concat([PKCS8, bytes]) });

const publicBytes = (key: KeyObject): Buffer => Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");

const sharedKey = (own: KeyObject, other: KeyObject, ephemeral: Buffer, recipient: Buffer): Buffer =>
  Buffer.from(
    hkdfSync("sha256", diffieHellman({ privateKey: own, publicKey: other }), Buffer.concat([ephemeral, recipient]), INFO, KEY_BYTES),
  );

export const newKeyPair = (): KeyPair => {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const d = privateKey.export({ format: "jwk" }).d ?? "";
  return { publicKey: publicBytes(publicKey).toString("base64"), privateKey: Buffer.from(d, "base64url").toString("base64") };
};

/** @throws SealError when it is no key */
export const publicKeyOf = (privateKey: string): string => publicBytes(createPublicKey(privateObject(raw(privateKey)))).toString("base64");

/**
 * Never twice the same, for the same content.
 * @param publicKey as the node published it (NodeInfo.publicKey)
 * @param key the etcd key under which it will lie (`sealedKey`)
 * @throws SealError when `publicKey` is none
 */
export const sealFor = (publicKey: string, key: string, content: Uint8Array): Delivery => {
  const recipient = raw(publicKey);
  const pair = generateKeyPairSync("x25519");
  const ephemeral = publicBytes(pair.publicKey);
  const nonce = randomBytes(NONCE_BYTES);
  let secret: Buffer;
  try {
    secret = sharedKey(pair.privateKey, publicObject(recipient), ephemeral, recipient);
  } catch (cause) {
    throw new SealError("the node's public key is none that can be sealed to", { cause });
  }
  const cipher = createCipheriv("aes-256-gcm", secret, nonce).setAAD(Buffer.from(key));
  const sealed = Buffer.concat([ephemeral, nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  return { type: "sealed", recipient: publicKey, data: sealed.toString("base64") };
};

/** What everybody may read, in the same envelope. */
export const plainFor = (content: Uint8Array): Delivery => ({ type: "plain", data: Buffer.from(content).toString("base64") });

/**
 * The content again. Plain ones need no key.
 * @param key the etcd key under which it was found
 * @throws SealError
 */
export const open = (privateKey: string, key: string, delivery: Delivery): Buffer => {
  const bytes = Buffer.from(delivery.data, "base64");
  if (delivery.type === "plain") return bytes;
  if (bytes.length < KEY_BYTES + NONCE_BYTES + TAG_BYTES) throw new SealError(`${key} holds no sealed value: ${bytes.length} bytes`);
  try {
    const own = privateObject(raw(privateKey));
    const ephemeral = bytes.subarray(0, KEY_BYTES);
    const secret = sharedKey(own, publicObject(ephemeral), ephemeral, publicBytes(createPublicKey(own)));
    const decipher = createDecipheriv("aes-256-gcm", secret, bytes.subarray(KEY_BYTES, KEY_BYTES + NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(key)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(KEY_BYTES + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new SealError(`${key} cannot be opened: it was sealed for another key of this node, or altered`, { cause });
  }
};
