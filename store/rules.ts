// What both stores ask of a commit before they do anything, so that the fake refuses what the real one would.
import { isSecretKey } from "./at-rest/codec.ts";
import { TooLargeError } from "./errors.ts";
import type { Change } from "./kv.ts";

/** One object, as UTF-8 JSON. */
export const MAX_VALUE_BYTES = 1024 * 1024;
/** The same after encryption, which writes its bytes as base64 once more (store/at-rest). */
const MAX_ENCRYPTED_BYTES = Math.ceil((MAX_VALUE_BYTES * 4) / 3) + 4096;
/** One commit. etcd refuses requests above 1.5 MiB; the rest is room for keys, compares and framing. */
export const MAX_COMMIT_BYTES = 1.5 * 1024 * 1024 - 64 * 1024;
/** etcd takes 128 operations in one transaction; half of that leaves room for what we add. */
export const MAX_CHANGES = 64;

/** "a/" → the half-open range of all keys below it; a whole key → just that key (`end` undefined). */
export const isPrefix = (prefix: string): boolean => prefix.endsWith("/");

/** @throws TypeError for what is a bug of the caller: an empty prefix would mean the whole store. */
export const checkPrefix = (prefix: string): void => {
  if (prefix.length < 2 || !isPrefix(prefix)) throw new TypeError(`not a prefix (must end in "/"): ${JSON.stringify(prefix)}`);
};

export const checkKey = (key: string): void => {
  if (key === "" || isPrefix(key)) throw new TypeError(`not a key: ${JSON.stringify(key)}`);
};

/** @throws TooLargeError */
export const checkSize = (key: string, bytes: number, most = MAX_VALUE_BYTES): void => {
  if (bytes > most) throw new TooLargeError(`${key} would be ${bytes} bytes; at most ${most} are kept`);
};

/**
 * The JSON text of each put, in the order of the changes; undefined for deletes.
 * @throws TypeError (malformed commit), TooLargeError
 */
export const encodeChanges = (changes: Change[]): (string | undefined)[] => {
  if (changes.length === 0) throw new TypeError("a commit needs at least one change");
  if (changes.length > MAX_CHANGES) throw new TypeError(`${changes.length} changes in one commit; at most ${MAX_CHANGES}`);
  const seen = new Set<string>();
  let total = 0;
  return changes.map(({ key, value, lease }) => {
    checkKey(key);
    if (seen.has(key)) throw new TypeError(`key twice in one commit: ${key}`);
    seen.add(key);
    total += Buffer.byteLength(key);
    if (value === null) {
      if (lease !== undefined) throw new TypeError(`a delete takes no lease: ${key}`);
      return undefined;
    }
    if (Array.isArray(value)) throw new TypeError(`a value is a JSON object: ${key}`);
    const text = JSON.stringify(value);
    const bytes = Buffer.byteLength(text);
    checkSize(key, bytes, isSecretKey(key) ? MAX_ENCRYPTED_BYTES : MAX_VALUE_BYTES);
    total += bytes;
    if (total > MAX_COMMIT_BYTES) throw new TooLargeError(`commit of ${changes.length} keys is larger than ${MAX_COMMIT_BYTES} bytes`);
    return text;
  });
};

/** Base and cap in milliseconds → a delay between half and all of base·2ⁿ: never zero, never in step with others. */
export const backoffMs = (attempt: number, baseMs: number, maxMs: number, random: number): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(attempt, 30)) * (0.5 + random / 2);
