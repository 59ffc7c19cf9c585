// Over TLS, as it is in earnest: agents trust an authority, servers trust what is registered.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { dial } from "../../node-agent/tunnel/dial.ts";
import { realEnv } from "../../store/env.ts";
import { replicaKey, replicasPrefix, tunnelKey } from "../../store/keys.ts";
import { MemoryKv } from "../../store/memory.ts";
import { type ApiHandle, startApi } from "../server.ts";
import type { ReplicaRecord } from "./records.ts";
import { serveTunnel } from "../../node-agent/tunnel/index.ts";
import { unknownPath } from "../../node-agent/tunnel/answer.ts";
import { beginSession, nodeToken, noSignal, quiet, until } from "./testing/world.ts";

const undo: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Each has a data directory of its own, and so an authority of its own. */
const server = async (kv: MemoryKv): Promise<ApiHandle> => {
  const dataDir = mkdtempSync(join(tmpdir(), "steady-tunnel-"));
  undo.push(() => rmSync(dataDir, { recursive: true, force: true }));
  const api = await startApi({ kv, env: realEnv, log: quiet, dataDir, host: "127.0.0.1", port: 0, version: "0.0.0" });
  undo.push(() => api.close());
  return api;
};

describe("over TLS", () => {
  it("an agent connects to a server whose authority it was given, and sends its token to no other", async () => {
    const kv = new MemoryKv(realEnv);
    const [a, b] = [await server(kv), await server(kv)];
    await beginSession({ kv }, "n1", "s");
    const token = await nodeToken({ kv }, "n1");
    const facts = { env: realEnv, node: "n1", nonce: "s", dial: 1, token, version: "1", signal: noSignal(), server: a.url };
    await expect(dial(facts)).rejects.toThrow(/is not trusted .*--ca-file names its authority/);
    await expect(dial({ ...facts, ca: b.caPem })).rejects.toThrow(/is not trusted/);
    const link = await dial({ ...facts, ca: `${b.caPem}${a.caPem}` });
    link.close(1000, "the test is over");
    await link.closed;
  });

  it("servers reach each other by the registered certificate, whoever signed it, and nobody who has another", async () => {
    const kv = new MemoryKv(realEnv);
    const [a, b] = [await server(kv), await server(kv.another())];
    await beginSession({ kv }, "n1", "s");
    const token = await nodeToken({ kv }, "n1");
    const about = { env: realEnv, log: quiet, node: "n1", servers: [a.url], token: () => token, ca: a.caPem, version: "1" };
    const tunnel = serveTunnel({ ...about, handler: unknownPath });
    undo.push(() => tunnel.close());
    tunnel.session("s");
    const ask = () => b.links.open("n1", { method: "GET", path: "/v1/x", signal: noSignal() });
    await until("the tunnel", () => b.links.connected("n1"));
    const s = await ask();
    expect([s.status, JSON.parse(await text(s.body))]).toMatchObject([404, { reason: "NotFound" }]);
    // Somebody else answers at the address of another server.
    const item = (await kv.range(replicasPrefix)).items.find((i) => i.value.includes(a.url));
    const record = JSON.parse(item?.value ?? "{}") as ReplicaRecord;
    const wrong = { ...record, fingerprint: record.fingerprint?.replaceAll(/[0-9A-F]{2}/g, "00") };
    await kv.commit([
      { key: replicaKey("posing"), value: wrong },
      { key: tunnelKey("n2"), value: { replica: "posing", term: 1, session: "s", dial: 1 } },
    ]);
    await until("the other one", () => b.links.connected("n2"));
    await expect(b.links.open("n2", { method: "GET", path: "/", signal: noSignal() })).rejects.toMatchObject({
      code: 503,
      message: expect.stringContaining("its certificate is not the one that it registered") as string,
    });
  });
});
