import { describe, expect, it } from "vitest";
import { ExpiredError, FencedError, NoSpaceError, StoreError, TooLargeError, UnavailableError } from "../errors.ts";
import { classify, makeClient, toStoreError } from "./client.ts";
import { isTaggedWith, prefixEnd, tagWrite, untag } from "./encoding.ts";

describe("etcd's errors", () => {
  it.each([
    { message: "14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED", outcome: "unsent", error: UnavailableError },
    { message: "14 UNAVAILABLE: Connection dropped", outcome: "ambiguous", error: UnavailableError },
    { message: "14 UNAVAILABLE: read ECONNRESET", outcome: "ambiguous", error: UnavailableError },
    { message: "4 DEADLINE_EXCEEDED: Deadline exceeded", outcome: "ambiguous", error: UnavailableError },
    { message: "14 UNAVAILABLE: etcdserver: leader changed", outcome: "ambiguous", error: UnavailableError },
    { message: "etcdserver: too many requests", outcome: "refused", error: UnavailableError },
    { message: "3 INVALID_ARGUMENT: etcdserver: revision of auth store is old", outcome: "refused", error: UnavailableError },
    { message: "11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted", outcome: "compacted", error: ExpiredError },
    { message: "11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision", outcome: "compacted", error: ExpiredError },
    { message: "8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded", outcome: "no-space", error: NoSpaceError },
    { message: "3 INVALID_ARGUMENT: etcdserver: request is too large", outcome: "too-large", error: TooLargeError },
    { message: "5 NOT_FOUND: etcdserver: requested lease not found", outcome: "lease-gone", error: FencedError },
    { message: "7 PERMISSION_DENIED: etcdserver: permission denied", outcome: "fatal", error: StoreError },
  ])("$message is $outcome", ({ message, outcome, error }) => {
    const cause = new Error(message);
    expect(classify(cause)).toBe(outcome);
    const e = toStoreError(cause, "get /a");
    expect(e).toBeInstanceOf(error);
    expect(e.message).toContain("get /a");
    expect(e.cause).toBe(cause);
  });
});

describe("connecting", () => {
  it("asks for a server name where TLS has none", () => {
    const ca = Buffer.from("");
    expect(() => makeClient({ hosts: [] })).toThrow(/no etcd endpoint/);
    expect(() => makeClient({ hosts: ["https://10.0.0.1:2379"], credentials: { ca } })).toThrow(/serverName/);
    expect(() => makeClient({ hosts: ["https://[fd00::1]:2379"], credentials: { ca } })).toThrow(/serverName/);
  });
});

describe("write ids", () => {
  it.each(["{}", '{"a":1}', '{"_w":"mine"}', '{"a":{"_w":"x"}}', '{"t":"\\"_w\\":\\"\\"}"}'])("come off %s as they went on", (text) => {
    const tagged = tagWrite(text, "id-1");
    expect(JSON.parse(tagged.toString())).toMatchObject({ _w: "id-1" });
    expect(untag(tagged.toString())).toBe(text);
    expect([isTaggedWith(tagged, "id-1"), isTaggedWith(tagged, "id-2")]).toEqual([true, false]);
  });
  it("are not looked for in what others wrote", () => {
    for (const text of ["", "plain", '{"a":1}']) expect(untag(text)).toBe(text);
  });
});

it("ends a prefix where the next one begins", () => {
  expect(prefixEnd("/a/").toString()).toBe("/a0");
  expect(prefixEnd("a\u007f")).toEqual(Buffer.from([0x61, 0x80]));
});
