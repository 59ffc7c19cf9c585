// Bytes to our words and back. Every put carries the id of its write as the last member of its JSON text, so that a lost reply can be
// looked up in the key's history; nobody outside store/etcd/ ever sees it.
import type { IEvent, IKeyValue } from "etcd3";
import type { Item, KvEvent } from "../kv.ts";

const TAG = /,?"_w":"[^"]*"\}$/;

/** `text` is the JSON text of an object. */
export const tagWrite = (text: string, writeId: string): Buffer =>
  Buffer.from(`${text.slice(0, -1)}${text === "{}" ? "" : ","}"_w":${JSON.stringify(writeId)}}`);

/** Values that others wrote come back as they are. */
export const untag = (text: string): string => (TAG.test(text.slice(-120)) ? text.replace(TAG, "}") : text);

export const isTaggedWith = (value: Buffer, writeId: string): boolean =>
  value
    .subarray(-120)
    .toString()
    .endsWith(`"_w":${JSON.stringify(writeId)}}`);

export const toItem = (kv: IKeyValue): Item => ({
  key: kv.key.toString(),
  value: untag(kv.value.toString()),
  mod: Number(kv.mod_revision),
  create: Number(kv.create_revision),
  version: Number(kv.version),
  lease: kv.lease,
});

export const toEvent = (e: IEvent): KvEvent =>
  e.type === "Put" ? { type: "put", item: toItem(e.kv) } : { type: "delete", key: e.kv.key.toString(), mod: Number(e.kv.mod_revision) };

/** The first key after all keys below the prefix. */
export const prefixEnd = (prefix: string): Buffer => {
  const b = Buffer.from(prefix);
  for (let i = b.length - 1; i >= 0; i--) {
    const byte = b[i] ?? 0xff;
    if (byte < 0xff) {
      b[i] = byte + 1;
      return b.subarray(0, i + 1);
    }
  }
  throw new TypeError("prefix has no end");
};
