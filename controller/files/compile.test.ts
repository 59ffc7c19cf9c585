import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { FileSpec } from "../../schemas/fleet.ts";
import { compile } from "../compile.ts";
import { service } from "../testing/builders.ts";
import { contentId, type Objects, resolveFiles, resolvePullSecrets, usesOf } from "./compile.ts";

const objects = (all: Record<string, Record<string, string> | { unreadable: string }>, key = true): Objects => ({
  find: (kind, name) => {
    const found = all[`${kind}/${name}`];
    if (found && "unreadable" in found) return { unreadable: found.unreadable };
    return found && new Map(Object.entries(found).map(([k, v]) => [k, Buffer.from(v)]));
  },
  hash: (about, content) =>
    key ? createHash("sha256").update(about).update(content).digest("hex").slice(0, 16) : { unreadable: "there is no key" },
});
const file = (source: FileSpec["source"], key = "conf"): FileSpec => ({
  kind: source.kind === "Secret" ? "secret" : "config",
  key,
  source,
  target: `/${key}`,
  mode: 0o444,
});
const web = (...files: FileSpec[]) => service("web", { container: { files } });
const resolve = (o: Objects, ...files: FileSpec[]) => {
  const { normal, missing, contents } = resolveFiles({ services: [web(...files), service("db")] }, "default", o);
  const [first] = normal.services;
  return {
    files: first?.container.files,
    missing: missing.get("web"),
    contents: [...contents.values()].map((c) => Buffer.from(c).toString()),
    normal,
  };
};

interface Row {
  name: string;
  source: FileSpec["source"];
  key?: string;
  have: Record<string, Record<string, string> | { unreadable: string }>;
  want: string | { reason: string; message: RegExp };
}
const secret = (name: string, item?: string): FileSpec["source"] => ({ kind: "Secret", name, ...(item === undefined ? {} : { item }) });
const rows: Row[] = [
  { name: "the named key", source: secret("db", "b"), have: { "Secret/db": { a: "1", b: "2" } }, want: "2" },
  { name: "the only key", source: secret("db"), have: { "Secret/db": { password: "1" } }, want: "1" },
  { name: "the key called as the Stack calls it", source: secret("db"), key: "b", have: { "Secret/db": { a: "1", b: "2" } }, want: "2" },
  { name: "a ConfigMap", source: { kind: "ConfigMap", name: "web" }, have: { "ConfigMap/web": { "nginx.conf": "x" } }, want: "x" },
  { name: "an empty content", source: secret("db"), have: { "Secret/db": { a: "" } }, want: "" },
  { name: "what the Stack says itself", source: { kind: "Inline", content: "hello" }, have: {}, want: "hello" },
  {
    name: "no such Secret",
    source: secret("db"),
    have: { "ConfigMap/db": { a: "1" } },
    want: { reason: "SecretNotFound", message: /^secret conf: Secret db does not exist in the Stack's namespace: kubectl create secret/ },
  },
  {
    name: "no such ConfigMap",
    source: { kind: "ConfigMap", name: "web" },
    have: {},
    want: { reason: "ConfigMapNotFound", message: /^config conf: ConfigMap web does not exist/ },
  },
  {
    name: "no such key",
    source: secret("db", "c"),
    have: { "Secret/db": { a: "canary", b: "2" } },
    want: { reason: "KeyNotFound", message: /Secret db has no key c \(it has a, b\)/ },
  },
  {
    name: "several keys and none chosen",
    source: secret("db"),
    have: { "Secret/db": { a: "1", b: "2" } },
    want: { reason: "KeyNotFound", message: /several keys and none is called conf \(it has a, b\)/ },
  },
  { name: "an empty Secret", source: secret("db"), have: { "Secret/db": {} }, want: { reason: "KeyNotFound", message: /holds nothing/ } },
  {
    name: "one that cannot be decrypted",
    source: secret("db"),
    have: { "Secret/db": { unreadable: "encrypted with key 1" } },
    want: { reason: "EncryptionKeyMissing", message: /Secret db: encrypted with key 1/ },
  },
  {
    name: "one that is too large",
    source: secret("db"),
    have: { "Secret/db": { a: "x".repeat(800_000) } },
    want: { reason: "ContentTooLarge", message: /Secret db, a is 800000 bytes; at most 716800/ },
  },
];

describe("resolveFiles", () => {
  test.each(rows)("$name", ({ source, key, have, want }) => {
    const { files, missing, contents } = resolve(objects(have), file(source, key));
    if (typeof want === "string") {
      expect(missing).toBeUndefined();
      expect(contents).toEqual([want]);
      expect(files?.[0]?.hash).toMatch(/^[0-9a-f]{16}$/);
    } else {
      expect(missing).toEqual({ reason: want.reason, message: expect.stringMatching(want.message) });
      expect(missing?.message).not.toContain("canary");
      expect(files?.[0]?.hash).toBeUndefined();
      expect(contents).toEqual([]);
    }
  });

  test("content never stays in a container, and a stale hash is no answer", () => {
    const { files } = resolve(objects({}), file({ kind: "Inline", content: "hello" }), { ...file(secret("db")), hash: "old" });
    expect(files?.map((f) => [f.source, f.hash !== undefined])).toEqual([
      [{ kind: "Inline", content: "" }, true],
      [secret("db"), false],
    ]);
  });

  test("other content is another template; other services and other metadata are not touched", () => {
    const hashOf = (value: string, ...files: FileSpec[]) =>
      compile(resolve(objects({ "Secret/db": { a: value } }), ...files).normal).services.map((s) => s.templateHash);
    const source = secret("db");
    expect(hashOf("1", file(source))).toEqual(hashOf("1", file(source)));
    expect(hashOf("1", file(source))[0]).toBe(hashOf("2", file(source))[0]);
    expect(hashOf("1", file(source))[1]).not.toBe(hashOf("2", file(source))[1]);
    const normal = { services: [service("web"), service("db")] };
    expect(resolveFiles(normal, "default", objects({})).normal).toBe(normal);
  });

  test("without a key nothing is told apart, and the service waits", () => {
    const { missing } = resolve(objects({ "ConfigMap/web": { a: "1" } }, false), file({ kind: "ConfigMap", name: "web" }));
    expect(missing).toEqual({ reason: "EncryptionKeyMissing", message: "config conf: there is no key" });
  });
});

test("pull secrets are found by name, and one that is missing holds up nobody", () => {
  const docker = { ".dockerconfigjson": "{}" };
  const { pullSecrets, missing, contents } = resolvePullSecrets(
    ["a", "b", "c"],
    "default",
    objects({ "Secret/a": docker, "Secret/c": { x: "1" } }),
  );
  expect(pullSecrets).toEqual([{ name: "a", hash: expect.stringMatching(/^[0-9a-f]{16}$/) }]);
  expect(missing.map((m) => m.reason)).toEqual(["SecretNotFound", "KeyNotFound"]);
  expect([...contents.keys()]).toEqual([contentId(secret("a", ".dockerconfigjson"), pullSecrets[0]?.hash ?? "")]);
});

test("a Stack uses the objects of its files and of its registries", () => {
  const s = {
    ...web(file(secret("db")), file({ kind: "ConfigMap", name: "web" }), file({ kind: "Inline", content: "" })),
    imagePullSecrets: ["hub"],
  };
  expect([...usesOf({ services: [s] })]).toEqual(["Secret/db", "ConfigMap/web", "Secret/hub"]);
});
