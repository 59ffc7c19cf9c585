import { expect, test } from "vitest";
import { deliveryKey, deliveryOf, pullSecretKey } from "./deliveries.ts";
import { parseNodeKey, parseSealedKey } from "./keys.ts";
import { newKeyPair, open, SealError } from "./seal.ts";

test("a content lies below its node, named by where it comes from and by what it is", () => {
  const parcel = { source: { kind: "Secret", name: "db.prod", item: "pass_word" }, hash: "00ff" } as const;
  const key = deliveryKey("n1", "shop", parcel);
  expect(key).toBe("/steadfleet/nodes/n1/sealed/shop/secret:db.prod:pass_word@00ff");
  expect(parseSealedKey(key)).toEqual({ node: "n1", namespace: "shop", name: "secret:db.prod:pass_word", hash: "00ff" });
  expect(parseNodeKey(key)).toBeUndefined();
  expect(deliveryKey("n1", "shop", { source: { kind: "ConfigMap", name: "web" }, hash: "1" })).toMatch(/\/config:web@1$/);
  expect(deliveryKey("n1", "shop", { source: { kind: "Inline", content: "x" }, hash: "1" })).toMatch(/\/inline@1$/);
  expect(pullSecretKey("n1", "shop", { name: "registry", hash: "1" })).toMatch(/\/secret:registry:\.dockerconfigjson@1$/);
  for (const other of ["/steadfleet/nodes/n1/desired/shop/p", "/steadfleet/nodes/n1/sealed/shop/x", "/other/n1/sealed/shop/x@1"])
    expect(parseSealedKey(other)).toBeUndefined();
});

test("only Secrets are sealed, and never without a key", () => {
  const node = newKeyPair();
  const content = Buffer.from("hello");
  expect(deliveryOf("/k", { kind: "ConfigMap", name: "web" }, content, undefined)).toEqual({ type: "plain", data: "aGVsbG8=" });
  const sealed = deliveryOf("/k", { kind: "Secret", name: "db" }, content, node.publicKey);
  expect(open(node.privateKey, "/k", sealed).toString()).toBe("hello");
  expect(() => deliveryOf("/k", { kind: "Secret", name: "db" }, content, undefined)).toThrow(SealError);
});
