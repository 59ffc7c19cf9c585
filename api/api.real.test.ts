// The API on a real etcd that is killed and started again while clients watch.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { connectEtcd, type EtcdProcess, startEtcd } from "../store/etcd/index.ts";
import type { Kv } from "../store/kv.ts";
import { STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

let dir: string;
let etcd: EtcdProcess;
let kv: Kv;
let t: TestApi;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "steady-api-real-"));
  etcd = await startEtcd({ dataDir: join(dir, "etcd"), env: realEnv, log: pino({ level: "silent" }) });
  kv = connectEtcd({ hosts: [etcd.endpoint], env: realEnv });
  t = await testApi({ kv });
});
afterAll(async () => {
  await t?.[Symbol.asyncDispose]();
  await kv?.close();
  await etcd?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const name = (n: number): string => `s${String(n).padStart(3, "0")}`;
/** Tries again while etcd is away; what was written although the answer was lost exists already. */
const create = async (n: number): Promise<void> => {
  await expect
    .poll(async () => (await t.call("POST", STACKS, { body: stack(name(n)) })).code, { timeout: 60_000, interval: 100 })
    .toSatisfy((code: number) => code === 201 || code === 409);
};

describe("the API on etcd", () => {
  it("pages a list at one revision", async () => {
    for (let i = 0; i < 5; i++) await create(i);
    const first = (await t.call("GET", `${STACKS}?limit=2`)).body;
    expect(first.metadata.remainingItemCount).toBe(3);
    await t.call("PATCH", `${STACKS}/${name(4)}`, {
      body: { metadata: { finalizers: null } },
      headers: { "Content-Type": "application/merge-patch+json" },
    });
    await t.call("DELETE", `${STACKS}/${name(4)}`);
    const rest = (await t.call("GET", `${STACKS}?continue=${first.metadata.continue}`)).body;
    expect([...first.items, ...rest.items].map((i) => i.metadata.name)).toEqual([0, 1, 2, 3, 4].map(name));
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  it("a watch outlives etcd's death: nothing is missed, nothing comes twice", async () => {
    const { metadata } = (await t.call("GET", STACKS)).body;
    const w = await t.watch(`${STACKS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    for (let round = 0; round < 3; round++) {
      const from = 10 + round * 10;
      for (let i = from; i < from + 5; i++) await create(i);
      const { pid } = etcd;
      etcd.kill("SIGKILL");
      await expect.poll(() => etcd.pid, { timeout: 60_000 }).not.toBe(pid);
      for (let i = from + 5; i < from + 10; i++) await create(i);
    }
    const events = await w.until(30);
    expect(events.map((e) => `${e.type} ${e.object.metadata.name}`)).toEqual(Array.from({ length: 30 }, (_, i) => `ADDED ${name(10 + i)}`));
    const versions = events.map((e) => Number(e.object.metadata.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    w.stop();
  });

  it("resumes after the death from a version of before", async () => {
    const { metadata } = (await t.call("GET", STACKS)).body;
    const { pid } = etcd;
    etcd.kill("SIGKILL");
    await expect.poll(() => etcd.pid, { timeout: 60_000 }).not.toBe(pid);
    await create(100);
    const w = await t.watch(`${STACKS}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    expect((await w.until(1)).map((e) => e.object.metadata.name)).toEqual([name(100)]);
    w.stop();
    await expect.poll(async () => (await t.call("GET", "/readyz", { token: null })).code, { timeout: 60_000 }).toBe(200);
  });
});
