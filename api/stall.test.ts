// Who asks and does not read loses the connection, and with it what was kept for him.
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realEnv } from "../store/env.ts";
import { STALL_MS } from "./stall.ts";
import { type TestApi, testApi } from "./testing/server.ts";

const CMS = "/api/v1/namespaces/default/configmaps";
/** A minute passes in half a second, where it is this minute that is waited for. */
const env = { ...realEnv, timer: (ms: number, fn: () => void) => realEnv.timer(ms === STALL_MS ? 500 : ms, fn) };
const text = "x".repeat(900_000);
const lines: string[] = [];
let t: TestApi;
beforeAll(async () => {
  t = await testApi({ env, log: (l) => lines.push(l) });
  for (let i = 0; i < 20; i++)
    await t.call("POST", CMS, { body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `big-${i}` }, data: { text } } });
});
afterAll(async () => {
  await t[Symbol.asyncDispose]();
});

/** Sends a request and reads nothing of the answer. */
const deaf = (path: string): Socket => {
  const socket = connect(Number(new URL(t.api.url).port), "127.0.0.1").on("error", () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${t.token}\r\n\r\n`);
  return socket;
};
const open = async (): Promise<number> =>
  Number(/^steadfleet_api_watchers\{resource="configmaps"\} (\d+)$/m.exec((await t.call("GET", "/metrics")).text)?.[1]);
/** The server has let go of it: the rest can be read to an end, and the answer is not whole. */
const brokenOff = (socket: Socket): Promise<boolean> =>
  new Promise((resolve) => {
    let tail = "";
    socket.on("data", (d: Buffer) => (tail = (tail + d.toString("latin1")).slice(-7)));
    socket.on("close", () => resolve(tail !== "\r\n0\r\n\r\n"));
    socket.resume();
  });

describe("a client that does not read", () => {
  it("a list is broken off", async () => {
    const socket = deaf(CMS);
    await expect.poll(() => lines.filter((l) => l.includes("answer is not read")).length, { timeout: 20_000 }).toBe(1);
    expect(await brokenOff(socket)).toBe(true);
  });

  it("a watch is ended, in its beginning and later", async () => {
    const beginning = deaf(`${CMS}?watch=true`);
    const later = deaf(`${CMS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`);
    const reads = await t.watch(`${CMS}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan`);
    await expect.poll(open).toBeGreaterThanOrEqual(2);
    for (let i = 0; i < 12; i++)
      await t.call("PATCH", `${CMS}/big-${i}`, {
        body: { data: { more: String(i) } },
        headers: { "Content-Type": "application/merge-patch+json" },
      });
    await reads.until(12);
    // Only who reads is left.
    await expect.poll(open, { timeout: 20_000 }).toBe(1);
    expect(await Promise.all([brokenOff(beginning), brokenOff(later)])).toEqual([true, true]);
    reads.stop();
  });

  it("one that reads slowly is served to the end", async () => {
    const socket = deaf(CMS);
    let bytes = 0;
    let tail = "";
    socket.on("data", (d: Buffer) => {
      bytes += d.length;
      tail = (tail + d.toString("latin1")).slice(-7);
      // 18 MB in a few seconds, with pauses that are shorter than the time that is given.
      if (bytes % 8 === 0) {
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      }
    });
    socket.resume();
    await expect.poll(() => tail, { timeout: 20_000 }).toBe("\r\n0\r\n\r\n");
    expect(bytes).toBeGreaterThan(20 * 900_000);
    socket.destroy();
  });
});
