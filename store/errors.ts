// What the store throws. One middleware of the API knows which HTTP code each is; the queue knows which to retry.

export class StoreError extends Error {
  override name = this.constructor.name;
}
/** No object at that key. */
export class NotFoundError extends StoreError {}
/** Create of something that exists. */
export class AlreadyExistsError extends StoreError {}
/** The object has changed since it was read. */
export class ConflictError extends StoreError {
  constructor(
    readonly key: string,
    message = `${key} has changed`,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
/** Leadership or session was lost: nothing was written. */
export class FencedError extends StoreError {}
/** A revision that is compacted: list again. */
export class ExpiredError extends StoreError {}
/** etcd cannot be reached, or did not answer in time, and nothing was written (or the call only reads). */
export class UnavailableError extends StoreError {}
/** The reply was lost and history is compacted: the write may or may not have happened. Read again. */
export class AmbiguousWriteError extends StoreError {}
/** etcd's quota is used up: reads and deletes work, writes do not. */
export class NoSpaceError extends StoreError {}
/** Larger than what we keep (1 MiB per object). */
export class TooLargeError extends StoreError {}
/** What lies in etcd encrypted cannot be read or written: the key is missing, or another one. Says nothing of the content. */
export class EncryptionKeyError extends StoreError {}
/** The object itself breaks a rule; `field` is its path. */
export class InvalidError extends StoreError {
  constructor(
    readonly field: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${field}: ${message}`, options);
  }
}
/** Do not retry until the input changes. */
export class TerminalError extends StoreError {}
