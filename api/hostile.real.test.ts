// What an attacker or a broken client may send, over a real socket, to the real server on a real etcd. Every case is refused in
// words, where HTTP allows words, and changes nothing: not one revision. The server lives on, and does not grow.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { connectEtcd } from "../store/etcd/index.ts";
import type { Kv } from "../store/kv.ts";
import { startTestEtcd, type TestEtcd } from "../store/testing/etcd.ts";
import { createToken } from "./auth.ts";
import { CMS, GROUPS, hostileCases } from "./testing/hostile.ts";
import { STACKS, stack, type TestApi, testApi } from "./testing/server.ts";

let etcd: TestEtcd;
let kv: Kv;
let t: TestApi;
let reader: string;

beforeAll(async () => {
  etcd = await startTestEtcd();
  kv = connectEtcd({ hosts: [etcd.endpoint], env: realEnv });
  t = await testApi({ kv });
  reader = await createToken(kv, realEnv, { name: "eve", groups: ["system:readers"] });
  const cm = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { a: "1" } };
  expect((await t.call("POST", CMS, { body: cm })).code).toBe(201);
  expect((await t.call("POST", STACKS, { body: stack("kept") })).code).toBe(201);
});
afterAll(async () => {
  await t?.[Symbol.asyncDispose]();
  await kv?.close();
  await etcd?.stop();
});

/** All keys with what they hold, and the store's revision. */
async function everything(): Promise<string> {
  const { items, revision } = await kv.range("/steadfleet/");
  return JSON.stringify({ revision, items });
}

describe("hostile requests", () => {
  const all = () => hostileCases({ url: t.api.url, token: t.token, reader });
  it("are many", () => {
    expect(Object.values(all()).flat().length).toBeGreaterThanOrEqual(100);
  });

  it.each(GROUPS)("%s are refused in words, and change nothing", { timeout: 120_000 }, async (group) => {
    const cases = all()[group];
    const before = await everything();
    const rss = process.memoryUsage().rss;
    await Promise.all(
      cases.map(async ([name, act, codes]) => {
        const { code, text } = await act();
        expect(codes, `${name}: ${text.slice(0, 400)}`).toContain(code);
        if (code === 0) return;
        const body = JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4)) as {
          kind: string;
          code: number;
          message: string;
          reason: string;
        };
        expect(body, name).toMatchObject({ kind: "Status", status: "Failure", code });
        expect(body.message.length, name).toBeGreaterThan(5);
        expect(body.message.length, name).toBeLessThan(2_000);
        expect(body.reason, name).toMatch(/^[A-Z][A-Za-z]+$/);
        expect(text, name).not.toMatch(/node_modules|\.ts:\d|at Object/);
        expect(text, name).not.toContain(t.token);
      }),
    );
    expect(await everything()).toBe(before);
    expect(({} as Record<string, unknown>)["isAdmin"] ?? ({} as Record<string, unknown>)["x"]).toBeUndefined();
    expect((await t.call("GET", "/livez", { token: null })).text).toBe("ok");
    expect((await t.call("GET", `${CMS}/kept`)).body.data).toEqual({ a: "1" });
    expect(process.memoryUsage().rss - rss).toBeLessThan(400 << 20);
  });

  it("500 connections that say nothing do not keep others out", async () => {
    const before = await everything();
    const { port } = new URL(t.api.url);
    const sockets = Array.from({ length: 500 }, () =>
      connect(Number(port), "127.0.0.1")
        .on("error", () => {})
        .resume(),
    );
    expect((await t.call("GET", CMS)).code).toBe(200);
    // And are not kept either.
    await expect.poll(() => sockets.filter((s) => s.closed).length, { timeout: 60_000, interval: 500 }).toBe(500);
    for (const s of sockets) s.destroy();
    expect(await everything()).toBe(before);
  });
});
