import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sealedKey } from "./keys.ts";
import { newKeyPair, open, plainFor, publicKeyOf, sealFor, SealError } from "./seal.ts";

const KEY = sealedKey("n1", "default", "secret:db:password", "0123456789abcdef");
const node = newKeyPair();

describe("sealing", () => {
  test("any content comes back, of any length, and never lies there in the clear", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (content) => {
        const sealed = sealFor(node.publicKey, KEY, content);
        expect(open(node.privateKey, KEY, sealed).equals(Buffer.from(content))).toBe(true);
        if (content.length >= 8) {
          const text = Buffer.from(content).toString("base64").slice(0, 8);
          expect(sealed.data).not.toContain(text);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("a key pair is 32 and 32 bytes, and the public half follows from the private one", () => {
    expect(Buffer.from(node.publicKey, "base64")).toHaveLength(32);
    expect(Buffer.from(node.privateKey, "base64")).toHaveLength(32);
    expect(publicKeyOf(node.privateKey)).toBe(node.publicKey);
    expect(newKeyPair().privateKey).not.toBe(node.privateKey);
  });

  test("the same content is never sealed to the same bytes", () => {
    const content = Buffer.from("hunter2");
    expect(sealFor(node.publicKey, KEY, content)).not.toEqual(sealFor(node.publicKey, KEY, content));
    expect(sealFor(node.publicKey, KEY, content)).toMatchObject({ type: "sealed", recipient: node.publicKey });
  });

  test("it opens only with the node's key, only where it was put, and only as it was sealed", () => {
    const sealed = sealFor(node.publicKey, KEY, Buffer.from("hunter2"));
    expect(() => open(newKeyPair().privateKey, KEY, sealed)).toThrow(SealError);
    expect(() => open(node.privateKey, sealedKey("n1", "default", "secret:db:user", "0123456789abcdef"), sealed)).toThrow(SealError);
    const bytes = Buffer.from(sealed.data, "base64");
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ 0x40;
      expect(() => open(node.privateKey, KEY, { ...sealed, data: altered.toString("base64") }), `byte ${at}`).toThrow(SealError);
    }
    for (let length = 0; length < bytes.length; length += 7)
      expect(() => open(node.privateKey, KEY, { ...sealed, data: bytes.subarray(0, length).toString("base64") })).toThrow(SealError);
  });

  test("no error tells the content", () => {
    const sealed = sealFor(node.publicKey, KEY, Buffer.from("hunter2"));
    try {
      open(newKeyPair().privateKey, KEY, sealed);
    } catch (e) {
      expect(`${(e as Error).message} ${String((e as Error).cause)}`).not.toContain("hunter2");
    }
  });

  test.each(["", "AAAA", "not base64 at all!", Buffer.alloc(32).toString("base64")])("%j is no key to seal to", (key) => {
    expect(() => sealFor(key, KEY, Buffer.from("x"))).toThrow(SealError);
  });

  test("plain content needs no key", () => {
    expect(open("", KEY, plainFor(Buffer.from("a: 1\n"))).toString()).toBe("a: 1\n");
  });
});
