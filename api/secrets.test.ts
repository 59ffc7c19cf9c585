// Secrets through the API of servers whose store encrypts them: kubectl sees plain objects, and never a list with gaps.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { newKey, openAtRest } from "../store/at-rest/index.ts";
import { realEnv } from "../store/env.ts";
import { MemoryKv } from "../store/memory.ts";
import { type TestApi, testApi } from "./testing/server.ts";

const CANARY = "correct-horse-battery";
const BASE64 = Buffer.from(CANARY).toString("base64");
const PATH = "/api/v1/namespaces/default/secrets";
const silent = pino({ level: "silent" });
const secret = (name: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, annotations: { "kubectl.kubernetes.io/last-applied-configuration": `{"data":{"p":"${BASE64}"}}` } },
  data: { p: BASE64 },
});

let dir: string;
let etcd: MemoryKv;
let apis: TestApi[];
const logged: string[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "secrets-api-"));
  etcd = new MemoryKv(realEnv);
  apis = [];
});
afterEach(async () => {
  for (const api of apis) await api[Symbol.asyncDispose]();
  await etcd.close();
  rmSync(dir, { recursive: true });
});

/** A server with the keys of that file. */
const server = async (file: string): Promise<TestApi> => {
  const { kv, problem } = await openAtRest({ kv: etcd.another(), log: silent, path: join(dir, file) });
  const api = await testApi({ kv, secretsProblem: problem, log: (line) => logged.push(line) });
  apis.push(api);
  return api;
};
const stored = async (): Promise<string> => JSON.stringify((await etcd.range("/steadfleet/")).items);

test("get, list, watch, patch, apply, pages, old revisions and metadata show the object; etcd and the log never do", async () => {
  const api = await server("a.key");
  const watching = await api.watch(`${PATH}?watch=true`);
  const made = await api.call("POST", PATH, { body: secret("db") });
  expect(made.body.data).toEqual({ p: BASE64 });
  const created = made.body.metadata.resourceVersion;
  expect((await api.call("GET", `${PATH}/db`)).body).toEqual(made.body);
  const applied = await api.call("PATCH", `${PATH}/db?fieldManager=me&force=true`, {
    headers: { "Content-Type": "application/apply-patch+yaml" },
    body: { ...secret("db"), data: { p: BASE64, q: "cXE=" } },
  });
  expect(applied.body.data).toEqual({ p: BASE64, q: "cXE=" });
  expect(JSON.stringify(applied.body.metadata.managedFields)).not.toContain(BASE64);
  const merged = await api.call("PATCH", `${PATH}/db`, {
    headers: { "Content-Type": "application/merge-patch+json" },
    body: { stringData: { r: "rr" } },
  });
  expect(merged.body.data).toEqual({ p: BASE64, q: "cXE=", r: "cnI=" });
  await api.call("POST", PATH, { body: secret("db2") });
  const page = await api.call("GET", `${PATH}?limit=1`);
  const rest = await api.call("GET", `${PATH}?limit=1&continue=${page.body.metadata.continue}`);
  expect([...page.body.items, ...rest.body.items].map((o) => o.data["p"])).toEqual([BASE64, BASE64]);
  const old = await api.call("GET", `${PATH}?resourceVersion=${created}&resourceVersionMatch=Exact`);
  expect(old.body.items.map((o) => o.data)).toEqual([{ p: BASE64 }]);
  const metadata = await api.call("GET", `${PATH}/db`, {
    headers: { Accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" },
  });
  expect(metadata.body.metadata.annotations).toBeDefined();
  expect(metadata.text).not.toContain('"data":{');
  const events = await watching.until(4);
  expect(events.map((e) => [e.type, Object.keys(e.object.data).join("")])).toEqual([
    ["ADDED", "p"],
    ["MODIFIED", "pq"],
    ["MODIFIED", "pqr"],
    ["ADDED", "p"],
  ]);
  for (const text of [await stored(), logged.join("\n")])
    for (const hidden of [CANARY, BASE64, "cXE=", "cnI="]) expect(text).not.toContain(hidden);
});

test("a server without the key says so and serves no Secret, and everything else", async () => {
  const right = await server("a.key");
  await right.call("POST", PATH, { body: secret("db") });
  writeFileSync(join(dir, "b.key"), `${newKey()}\n`, { mode: 0o600 });
  const wrong = await server("b.key");
  const before = await stored();
  const calls = [
    wrong.call("GET", PATH),
    wrong.call("GET", `${PATH}/db`),
    wrong.call("GET", `${PATH}/absent`),
    wrong.call("POST", PATH, { body: secret("new") }),
    wrong.call("DELETE", `${PATH}/db`),
    wrong.call("DELETE", PATH),
    wrong.call("GET", `${PATH}?watch=true`),
  ];
  for (const { code, body } of await Promise.all(calls))
    expect([code, body.reason, body.message]).toEqual([
      500,
      "EncryptionKeyMissing",
      expect.stringMatching(
        /^Secrets are not served: .*encryption key \w+: .*b\.key does not hold it; copy the file from a server that has it/,
      ),
    ]);
  expect(await stored()).toBe(before);
  const configMap = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "b" } };
  expect((await wrong.call("POST", "/api/v1/namespaces/default/configmaps", { body: configMap })).code).toBe(201);
  expect((await right.call("GET", `${PATH}/db`)).body.data).toEqual({ p: BASE64 });
});

test("one value that cannot be read stops all: a list with a gap would say that it does not exist", async () => {
  const api = await server("a.key");
  await api.call("POST", PATH, { body: secret("db") });
  const { item } = await etcd.get("/steadfleet/objects/core/secrets/default/db");
  const copied = JSON.parse((item?.value ?? "").replaceAll('"db"', '"copy"')) as object;
  await etcd.commit([{ key: "/steadfleet/objects/core/secrets/default/copy", value: copied }]);
  await expect.poll(async () => (await api.call("GET", PATH)).body.reason).toBe("EncryptionKeyMissing");
  expect((await api.call("GET", `${PATH}/db`)).code).toBe(500);
  await etcd.commit([{ key: "/steadfleet/objects/core/secrets/default/copy", value: null }]);
  await expect.poll(async () => (await api.call("GET", PATH)).code).toBe(200);
});
