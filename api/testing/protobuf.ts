// Bodies as typed Go clients send them.
import { bytesField, intField, messageField, stringField } from "../openapi/wire.ts";
import { PROTOBUF_TYPE } from "../protobuf.ts";

/** An object, as the fields of its message. */
export const envelope = (apiVersion: string, kind: string, raw: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from("k8s\0", "latin1"),
    messageField(1, [stringField(1, apiVersion), stringField(2, kind)]),
    bytesField(2, Buffer.concat(raw)),
    stringField(3, ""),
    stringField(4, ""),
  ]);

export const entry = (field: number, key: string, value: Buffer): Buffer =>
  messageField(field, [stringField(1, key), bytesField(2, value)]);

/** As Go writes it: empty texts and an empty time included. */
export const meta = (name: string, more: Buffer[] = []): Buffer =>
  messageField(1, [
    stringField(1, name),
    stringField(2, ""),
    stringField(3, "default"),
    stringField(4, ""),
    intField(7, 0),
    messageField(8, []),
    ...more,
  ]);

/** seconds and nanoseconds */
export const time = (field: number, seconds: number, nanos = 0): Buffer => messageField(field, [intField(1, seconds), intField(2, nanos)]);

/** What `TestApi.call` takes. */
export const protobufBody = (raw: Buffer): { raw: Buffer; headers: Record<string, string> } => ({
  raw,
  headers: { "Content-Type": PROTOBUF_TYPE, "Content-Length": String(raw.length) },
});
