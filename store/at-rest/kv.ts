// A Kv in which Secrets look as if they lay in etcd in the clear. Everything above it (reads, lists, watches, comparisons) stays
// as it is. What cannot be decrypted comes as it lies there: decodeObject refuses it.
import type { Change, Guard, Item, Kv, KvEvent, RangeOptions, RangeResult, WatchEnd, WatchSink } from "../kv.ts";
import { decryptObject, encryptObject, isSecretKey } from "./codec.ts";
import { checkSize } from "../rules.ts";
import type { Keyring } from "./keyring.ts";

export class EncryptedKv implements Kv {
  constructor(
    private readonly kv: Kv,
    private readonly keyring: () => Keyring,
  ) {}

  async get(key: string, options?: { revision?: number; signal?: AbortSignal }) {
    const { item, revision } = await this.kv.get(key, options);
    return { item: item && this.plain(item), revision };
  }

  async range(prefix: string, options?: RangeOptions): Promise<RangeResult> {
    const page = await this.kv.range(prefix, options);
    return { ...page, items: page.items.map((item) => this.plain(item)) };
  }

  /** @throws EncryptionKeyError, besides what every Kv throws */
  async commit(changes: Change[], options?: { guard?: Guard | undefined; signal?: AbortSignal }): Promise<{ revision: number }> {
    const hidden = changes.map((change) => {
      const { key, value } = change;
      if (value === null || Array.isArray(value) || !isSecretKey(key)) return change;
      checkSize(key, Buffer.byteLength(JSON.stringify(value)));
      return { ...change, value: encryptObject(this.keyring(), key, value) };
    });
    return await this.kv.commit(hidden, options);
  }

  async watch(prefix: string, from: number, sink: WatchSink, signal: AbortSignal): Promise<WatchEnd> {
    const plain: WatchSink = {
      opened: (revision, clusterId) => sink.opened(revision, clusterId),
      events: (events) => sink.events(events.map((e): KvEvent => (e.type === "put" ? { type: "put", item: this.plain(e.item) } : e))),
      progress: (revision) => sink.progress(revision),
    };
    return await this.kv.watch(prefix, from, plain, signal);
  }

  grant(ttlSeconds: number): ReturnType<Kv["grant"]> {
    return this.kv.grant(ttlSeconds);
  }
  status(): ReturnType<Kv["status"]> {
    return this.kv.status();
  }
  close(): Promise<void> {
    return this.kv.close();
  }

  private plain(item: Item): Item {
    if (!isSecretKey(item.key)) return item;
    try {
      const value = JSON.parse(item.value) as object;
      const open = decryptObject(this.keyring(), item.key, value);
      return open === value ? item : { ...item, value: JSON.stringify(open) };
    } catch {
      // Whoever decodes it is told why, by its key: a range over everything must not fail for one of its values.
      return item;
    }
  }
}
