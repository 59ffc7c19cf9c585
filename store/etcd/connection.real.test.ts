import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WatchSink } from "../kv.ts";
import { startTestEtcd, type TestEtcd } from "../testing/etcd.ts";
import { connectEtcd } from "./index.ts";

const quiet: WatchSink = { opened() {}, events() {}, progress() {} };

describe("the streams of one connection", () => {
  let etcd: TestEtcd;
  beforeAll(async () => {
    etcd = await startTestEtcd({ extraFlags: ["--grpc-keepalive-min-time=100ms"] });
  });
  afterAll(() => etcd?.stop());

  it("outlive one of them that is cancelled, and a call that fails", async () => {
    const kv = connectEtcd({ hosts: [etcd.endpoint], keepaliveMs: 500 });
    const stop = new AbortController();
    const { revision } = await kv.status();
    const ends: string[] = [];
    // The server tells progress every few seconds: by then the connection has been probed several times.
    const progress = new Promise<string>((resolve) => {
      void kv.watch("/stays/", revision, { ...quiet, progress: () => resolve("progress") }, stop.signal).then((end) => {
        ends.push(end.reason);
        resolve(`ended: ${end.message}`);
      });
    });
    const cancel = new AbortController();
    await new Promise<void>((resolve) => {
      void kv.watch("/goes/", revision, { ...quiet, opened: () => resolve() }, cancel.signal);
    });
    cancel.abort();
    await expect(kv.get("/stays/x", { revision: revision + 1_000_000 })).rejects.toThrow();
    expect(await progress).toBe("progress");
    expect(ends).toEqual([]);
    stop.abort();
    await kv.close();
  });
});
