import { describe, expect, it } from "vitest";
import * as fc from "fast-check";
import { boolField, intField, messageField, stringField } from "./openapi/wire.ts";
import { decodeProtobuf, ProtobufError } from "./protobuf.ts";
import { entry, envelope, meta } from "./testing/protobuf.ts";

describe("protocol buffers", () => {
  it("read a ConfigMap, a Secret and a Namespace as kubectl 1.32 sends them", () => {
    expect(
      decodeProtobuf(
        envelope("v1", "ConfigMap", [
          meta("c", [entry(11, "a", Buffer.from("1"))]),
          entry(2, "k", Buffer.from("v")),
          entry(3, "b", Buffer.from([1, 2])),
          boolField(4, true),
        ]),
      ),
    ).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "c", namespace: "default", generation: 0, creationTimestamp: null, labels: { a: "1" } },
      data: { k: "v" },
      binaryData: { b: "AQI=" },
      immutable: true,
    });
    expect(decodeProtobuf(envelope("v1", "Secret", [meta("s"), entry(2, "k", Buffer.from("v")), stringField(3, "Opaque")]))).toMatchObject({
      data: { k: "dg==" },
      type: "Opaque",
    });
    expect(decodeProtobuf(envelope("v1", "Namespace", [meta("n"), messageField(2, []), messageField(3, [])]))).not.toHaveProperty("spec");
  });
  it("read times and deletion options", () => {
    const event = decodeProtobuf(
      envelope("v1", "Event", [
        meta("e"),
        messageField(6, [intField(1, 1_700_000_000)]),
        messageField(10, [intField(1, 1_700_000_000), intField(2, 123_456_789)]),
      ]),
    );
    expect(event).toMatchObject({ firstTimestamp: "2023-11-14T22:13:20Z", eventTime: "2023-11-14T22:13:20.123456Z" });
    expect(
      decodeProtobuf(
        envelope("v1", "DeleteOptions", [
          intField(1, 0),
          messageField(2, [stringField(1, "u")]),
          stringField(4, "Background"),
          stringField(5, "All"),
        ]),
      ),
    ).toMatchObject({
      gracePeriodSeconds: 0,
      preconditions: { uid: "u" },
      propagationPolicy: "Background",
      dryRun: ["All"],
    });
  });
  it("refuse what they do not know, and prototypes", () => {
    expect(() => decodeProtobuf(envelope("apps/v1", "Deployment", []))).toThrow(/application\/json only/);
    expect(() => decodeProtobuf(envelope("v1", "constructor", []))).toThrow(ProtobufError);
    expect(() => decodeProtobuf(envelope("v1", "ConfigMap", [entry(2, "__proto__", Buffer.from("x"))]))).toThrow(/ForbiddenKey/);
    expect(() => decodeProtobuf(Buffer.from("{}"))).toThrow(/magic/);
  });
  it("end on any bytes, with an object or a ProtobufError", () => {
    const any = fc.uint8Array({ maxLength: 200 }).map((b) => Buffer.from(b));
    fc.assert(
      fc.property(any, fc.constantFrom("ConfigMap", "Secret", "Event", "Namespace", "DeleteOptions"), (raw, kind) => {
        try {
          expect(decodeProtobuf(envelope("v1", kind, [raw]))).toMatchObject({ kind });
        } catch (e) {
          expect(e).toBeInstanceOf(ProtobufError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
