// The port to etcd in our words. `store/etcd/` is the real one, `store/memory.ts` the fake; one contract suite runs against both.

/** A key as etcd holds it. `value` is UTF-8 JSON text. Revisions are safe integers. */
export interface Item {
  key: string;
  value: string;
  mod: number;
  create: number;
  version: number;
  /** Lease id, or "0". */
  lease: string;
}

export type KvEvent = { type: "put"; item: Item } | { type: "delete"; key: string; mod: number };

/** One key of a commit. `mod`: 0 = must not exist; n = must still be at revision n; absent = whatever it is. `value: null` deletes. */
export interface Change {
  key: string;
  mod?: number;
  value: object | null;
  lease?: string;
}

/** A key that must (still) have this create revision for a commit to count: leader terms and agent sessions. */
export interface Guard {
  key: string;
  create: number;
  /** Also this mod revision: tells two holders apart when one took the key over from the other without a gap (sessions). */
  mod?: number;
  /** Cheap local check before anything is sent: throws FencedError when the holder knows that it lost the key. */
  check?: () => void;
}

export interface RangeOptions {
  /** At most so many items; the rest by `after`. */
  limit?: number;
  /** Start behind this key. */
  after?: string;
  /** Read at this revision; ExpiredError when it is compacted. */
  revision?: number;
  signal?: AbortSignal;
}

export interface RangeResult {
  items: Item[];
  /** The revision the items are of (the pinned one, where one was given). */
  revision: number;
  more: boolean;
  /** Keys from the start of this page to the end of the prefix. */
  count: number;
  /** Which cluster answered: another one means that nothing read before counts. */
  clusterId: string;
}

export interface WatchSink {
  /** The server has accepted the watch; `revision` is the store's, not progress. */
  opened(revision: number, clusterId: string): void;
  /** Events of one or more whole revisions, in order, each with mod > `from`. */
  events(events: KvEvent[]): void;
  /** Everything up to this revision has been delivered. */
  progress(revision: number): void;
}

/** Why a watch ended. `compacted`: the history behind `from` is gone, or the store is older than `from` (restored): list again. `closed`: resume from where you are. */
export type WatchEnd = { reason: "compacted" | "closed" | "aborted"; message: string };

export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
  /** False as soon as the server might have let it expire; correct even after the process was frozen. */
  valid(): boolean;
  remainingMs(): number;
  /** Aborted when the lease is lost or revoked. */
  readonly lost: AbortSignal;
  revoke(): Promise<void>;
}

export interface Kv {
  get(key: string, options?: { revision?: number; signal?: AbortSignal }): Promise<{ item: Item | undefined; revision: number }>;
  /** One page. `prefix` must end in "/". */
  range(prefix: string, options?: RangeOptions): Promise<RangeResult>;
  /**
   * All changes or none, as one revision. At most 64 changes, each key once. Resolves lost replies: it answers only when it knows.
   * Deleting what does not exist, without a `mod`, is fine; when a commit changed nothing, `revision` is the store's.
   * @throws ConflictError (a `mod` did not match; names the key), FencedError (the guard does not hold), AmbiguousWriteError, UnavailableError, TooLargeError, NoSpaceError
   */
  commit(changes: Change[], options?: { guard?: Guard | undefined; signal?: AbortSignal }): Promise<{ revision: number }>;
  /** Runs until it ends; resume with `from` = the last revision applied (not +1: a tombstone compacted there would be lost). `prefix` ends in "/", or is a whole key. */
  watch(prefix: string, from: number, sink: WatchSink, signal: AbortSignal): Promise<WatchEnd>;
  grant(ttlSeconds: number): Promise<Lease>;
  /** Identity of the cluster; changes when a backup was restored under a new token. */
  status(): Promise<{ clusterId: string; revision: number; version: string }>;
  close(): Promise<void>;
}
