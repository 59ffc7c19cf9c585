import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../schemas/meta.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import { realEnv } from "../env.ts";
import { EncryptionKeyError } from "../errors.ts";
import { encryptionKey, objectKey } from "../keys.ts";
import type { KvEvent } from "../kv.ts";
import { MemoryKv } from "../memory.ts";
import { ObjectStore } from "../objects.ts";
import { decryptObject, encryptedIn, encryptObject } from "./codec.ts";
import { type AtRest, Keyring, newKey, openAtRest } from "./index.ts";
import { readKeyFile } from "./key-file.ts";
import { rotate } from "./rotate.ts";

const CANARY = "correct-horse-battery";
const BASE64 = Buffer.from(CANARY).toString("base64");
const log = pino({ level: "silent" });
const SECRETS = RESOURCES.secrets;

type Secret = KubeObject & { data?: Record<string, string>; type?: string };
const draft = (name: string, value = BASE64): Secret => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: {
    name,
    namespace: "default",
    labels: { app: "db" },
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": `{"data":{"password":"${value}"}}` },
  } as unknown as KubeObject["metadata"],
  type: "Opaque",
  data: { password: value },
});

let dir: string;
let kv: MemoryKv;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "at-rest-"));
  path = join(dir, "encryption.key");
  kv = new MemoryKv(realEnv);
});
afterEach(async () => {
  await kv.close();
  rmSync(dir, { recursive: true });
});

const openIt = (file = path, on: MemoryKv = kv): Promise<AtRest> => openAtRest({ kv: on, log, path: file });
const storeOf = (rest: AtRest): ObjectStore => new ObjectStore(rest.kv, realEnv);
const everything = async (): Promise<string> =>
  (await kv.range("/steadfleet/")).items.map((item) => `${item.key} ${item.value}`).join("\n");
const keyOf = async (name: string): Promise<string | undefined> => {
  const { item } = await kv.get(objectKey(SECRETS, "default", name));
  return encryptedIn(JSON.parse(item?.value ?? "{}"))?.key;
};
const write = (file: string, ...keys: string[]): void => {
  writeFileSync(file, `# a comment\n\n${keys.join("\n")}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
};

describe("Secrets at rest", () => {
  test("readers and writers see them in the clear, etcd never does", async () => {
    const store = storeOf(await openIt());
    const made = await store.create<Secret>(SECRETS, draft("db"));
    const updated = await store.update<Secret>(SECRETS, { ...made, data: { password: BASE64, user: "YWRtaW4=" } });
    expect(updated.data?.["user"]).toBe("YWRtaW4=");
    expect(await store.get<Secret>(SECRETS, "default", "db")).toMatchObject({ ...updated });
    expect((await store.list<Secret>(SECRETS)).items).toMatchObject([{ data: { password: BASE64 }, metadata: { labels: { app: "db" } } }]);
    const text = await everything();
    for (const hidden of [CANARY, BASE64, "YWRtaW4=", "last-applied"]) expect(text).not.toContain(hidden);
    expect(text).toContain('"app":"db"');
    await store.delete(SECRETS, "default", "db");
    expect((await store.list(SECRETS)).items).toEqual([]);
  });

  test("watches and reads of the past see them in the clear, too, and other kinds are left alone", async () => {
    const rest = await openIt();
    const store = storeOf(rest);
    const first = await store.create<Secret>(SECRETS, draft("db"));
    await store.update<Secret>(SECRETS, { ...first, data: { password: "bmV3" } });
    await store.create(RESOURCES.configmaps, { ...draft("web"), kind: "ConfigMap" });
    const seen: KvEvent[] = [];
    const stop = new AbortController();
    const sink = { opened: () => {}, progress: () => {}, events: (events: KvEvent[]) => void seen.push(...events) };
    const watching = rest.kv.watch("/steadfleet/", 0, sink, stop.signal);
    await expect.poll(() => seen.length).toBe(4);
    stop.abort();
    await watching;
    const values = seen.map((e) => (e.type === "put" ? (JSON.parse(e.item.value) as Secret).data?.["password"] : undefined));
    expect(values).toEqual([undefined, BASE64, "bmV3", BASE64]);
    const past = await rest.kv.get(objectKey(SECRETS, "default", "db"), { revision: Number(first.metadata.resourceVersion) });
    expect(past.item?.value).toContain(BASE64);
    expect((await kv.get(objectKey(RESOURCES.configmaps, "default", "web"))).item?.value).toContain(BASE64);
  });

  test("any object comes back as it was", () => {
    const keyring = Keyring.parse(newKey(), "test");
    const member = fc.dictionary(fc.string(), fc.string());
    const object = fc.record(
      {
        kind: fc.constant("Secret"),
        metadata: fc.record({ name: fc.string(), annotations: member }, { requiredKeys: ["name"] }),
        data: member,
        stringData: member,
        more: fc.jsonValue(),
      },
      { requiredKeys: ["metadata"] },
    );
    fc.assert(
      fc.property(object, (o) => {
        const plain = JSON.parse(JSON.stringify(o)) as object;
        const stored = encryptObject(keyring, "/k", plain);
        expect(decryptObject(keyring, "/k", JSON.parse(JSON.stringify(stored)) as object)).toEqual(plain);
        expect(Object.keys(stored).toSorted()).not.toContain("data");
        expect(() => decryptObject(keyring, "/another", stored)).toThrow(EncryptionKeyError);
      }),
    );
  });

  test("what lay there in the clear is read, and encrypted by the pass", async () => {
    await new ObjectStore(kv, realEnv).create<Secret>(SECRETS, draft("old"));
    expect(await everything()).toContain(BASE64);
    const rest = await openIt();
    expect((await storeOf(rest).get<Secret>(SECRETS, "default", "old")).data).toEqual({ password: BASE64 });
    expect(await rotate({ kv, keyring: rest.keyring, log })).toBe(1);
    expect(await everything()).not.toContain(BASE64);
    expect((await storeOf(rest).get<Secret>(SECRETS, "default", "old")).data).toEqual({ password: BASE64 });
    expect(await rotate({ kv, keyring: rest.keyring, log })).toBe(0);
  });
});

describe("the key file", () => {
  test("is made once, for its owner alone", async () => {
    const rest = await openIt();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const text = readFileSync(path, "utf8");
    expect((await openIt()).keyring.primary).toBe(rest.keyring.primary);
    expect(readFileSync(path, "utf8")).toBe(text);
  });

  test.each([
    ["can be read by others", () => chmodSync(path, 0o644), /chmod 600/],
    ["holds no key", () => write(path, "# nothing"), /holds no key/],
    ["holds something else", () => write(path, "c2hvcnQ="), /line 3: expected a key of 32 bytes/],
  ])("is refused when it %s", async (_, spoil, words) => {
    write(path, newKey());
    spoil();
    await expect(readKeyFile(path)).rejects.toThrow(words);
  });

  test("of two servers that start at once on two machines one decides, and the other does without", async () => {
    const other = join(dir, "other.key");
    const [a, b] = await Promise.all([openIt(path), openIt(other, kv.another())]);
    const [winner, loser] = a.problem() === undefined ? [a, b] : [b, a];
    expect(winner.problem()).toBeUndefined();
    expect(loser.problem()).toMatch(/does not have the cluster's encryption key \w+: there is no file .*copy the file/);
    expect([path, other].filter((file) => existsSync(file))).toHaveLength(1);
  });

  test("a server without the key loses nothing: it reads no Secret and writes none", async () => {
    const right = storeOf(await openIt());
    await right.create<Secret>(SECRETS, draft("db"));
    const before = await everything();
    const other = join(dir, "other.key");
    write(other, newKey());
    const wrong = await openIt(other);
    expect(wrong.problem()).toMatch(/other\.key does not hold it/);
    const store = storeOf(wrong);
    await expect(store.get(SECRETS, "default", "db")).rejects.toThrow(EncryptionKeyError);
    await expect(store.list(SECRETS)).rejects.toThrow(EncryptionKeyError);
    await expect(store.create<Secret>(SECRETS, draft("new"))).rejects.toThrow(EncryptionKeyError);
    expect(() => wrong.hash("x", Buffer.from("y"))).toThrow(EncryptionKeyError);
    expect(await rotate({ kv, keyring: wrong.keyring, log })).toBe(0);
    expect(await everything()).toBe(before);
  });
});

describe("rotation", () => {
  const [one, two] = [newKey(), newKey()];

  test("brings all under the new key, keeps the hashes, and an older file does not turn it back", async () => {
    write(path, one);
    const before = await openIt();
    for (let i = 0; i < 5; i++) await storeOf(before).create<Secret>(SECRETS, draft(`s${i}`));
    const hash = before.hash("a", Buffer.from(CANARY));
    write(path, two, one);
    const after = await openIt();
    expect(await rotate({ kv, keyring: after.keyring, log })).toBe(5);
    expect(await keyOf("s3")).toBe(after.keyring.primary);
    expect(after.hash("a", Buffer.from(CANARY))).toBe(hash);

    const behind = join(dir, "behind.key");
    write(behind, one, two);
    const late = await openIt(behind);
    expect(late.problem()).toBeUndefined();
    await storeOf(late).create<Secret>(SECRETS, draft("late"));
    expect(await rotate({ kv, keyring: late.keyring, log })).toBe(0);
    expect(await rotate({ kv, keyring: after.keyring, log })).toBe(1);

    write(path, two);
    const done = await openIt();
    expect((await storeOf(done).list<Secret>(SECRETS)).items.map((s) => s.data?.["password"])).toEqual(Array(6).fill(BASE64));
    expect(done.hash("a", Buffer.from(CANARY))).toBe(hash);
  });

  test("two servers at once write each value at most once", async () => {
    write(path, one);
    const rest = await openIt();
    for (let i = 0; i < 20; i++) await storeOf(rest).create<Secret>(SECRETS, draft(`s${i}`));
    write(path, two, one);
    const { keyring } = await openIt();
    const { revision } = await kv.status();
    await rotate({ kv, keyring, log });
    const results = await Promise.all([rotate({ kv, keyring, log }), rotate({ kv: kv.another(), keyring, log })]);
    expect(results).toEqual([0, 0]);
    expect((await kv.status()).revision).toBe(revision + 21);
  });
});

test("a hash depends on what it is of, on the content, and on a key that lies encrypted", async () => {
  const rest = await openIt();
  const h = (about: string, content: string): string => rest.hash(about, Buffer.from(content));
  expect(h("a", "b")).toMatch(/^[0-9a-f]{16}$/);
  expect(new Set([h("a", "b"), h("b", "b"), h("a", "a"), h("ab", ""), h("", "ab")]).size).toBe(5);
  expect((await kv.get(encryptionKey)).item?.value).toContain('"hashKey":{"key"');
  const elsewhere = new MemoryKv(realEnv);
  expect((await openIt(path, elsewhere)).hash("a", Buffer.from("b"))).not.toBe(h("a", "b"));
  await elsewhere.close();
});
