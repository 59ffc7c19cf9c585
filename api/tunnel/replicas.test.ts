// Several API servers over one store: a node's tunnel is at one of them, and every one finds it.
import { once } from "node:events";
import { request } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { dial } from "../../node-agent/tunnel/dial.ts";
import type { TunnelHandle } from "../../node-agent/tunnel/index.ts";
import { realEnv } from "../../store/env.ts";
import { replicaKey, replicasPrefix, tunnelKey } from "../../store/keys.ts";
import type { MemoryKv } from "../../store/memory.ts";
import { type TestApi, testApi } from "../testing/server.ts";
import { type AgentOptions, connectedAgent, nodeToken, noSignal, until } from "./testing/world.ts";
import { ReplicaSecret } from "./secret.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

type Api = TestApi & { kv: MemoryKv };
const open = async (kv?: MemoryKv): Promise<Api> => {
  const t = await testApi(kv ? { kv } : {});
  let closed: Promise<void> | undefined;
  const dispose = t[Symbol.asyncDispose].bind(t);
  const close = (): Promise<void> => (closed ??= Promise.resolve(dispose()));
  undo.push(close);
  return { ...t, [Symbol.asyncDispose]: close };
};
const pair = async (): Promise<[Api, Api]> => {
  const a = await open();
  return [a, await open(a.kv.another())];
};
const agentAt = async (t: Api, o?: AgentOptions): Promise<TunnelHandle> => {
  const tunnel = await connectedAgent(t, o);
  undo.push(() => tunnel.close());
  return tunnel;
};
const known = (t: Api, node = "n1"): Promise<void> => until(`${node} to be known`, () => t.api.links.connected(node));
const record = async (t: Api, node = "n1"): Promise<{ replica: string } | undefined> => {
  const { item } = await t.kv.get(tunnelKey(node));
  return item && (JSON.parse(item.value) as { replica: string });
};
const echo: AgentOptions["handler"] = (stream) => {
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ outcome: "{}" }));
  stream.pipe(stream);
};

describe("a node's tunnel at another server", () => {
  it("carries bodies both ways, and the trailers", async () => {
    const [a, b] = await pair();
    await agentAt(a, { handler: echo });
    await known(b);
    const s = await b.api.links.open("n1", { method: "POST", path: "/v1/x", query: new URLSearchParams({ q: "1 2" }), signal: noSignal() });
    const sent = "0123456789".repeat(100_000);
    s.body.end(sent);
    expect([s.status, (await text(s.body)) === sent, await s.trailers]).toEqual([200, true, { outcome: "{}" }]);
  });

  it("passes on what the node refuses", async () => {
    const [a, b] = await pair();
    await agentAt(a);
    await known(b);
    const s = await b.api.links.open("n1", { method: "GET", path: "/v1/x", signal: noSignal() });
    expect([s.status, JSON.parse(await text(s.body))]).toMatchObject([404, { reason: "NotFound" }]);
  });

  it("resets the stream on the node when its reader goes, and tells the reader when the node goes", async () => {
    const [a, b] = await pair();
    const streams: ServerHttp2Stream[] = [];
    const tunnel = await agentAt(a, {
      handler: (stream) => {
        streams.push(stream);
        stream.respond({ ":status": 200 });
        stream.write("x");
      },
    });
    await known(b);
    const ask = () => b.api.links.open("n1", { method: "POST", path: "/v1/x", signal: noSignal() });
    const first = await ask();
    const closed = once(streams[0] as ServerHttp2Stream, "close");
    first.body.destroy();
    await closed;
    expect(streams[0]?.rstCode).toBe(8);
    const second = await ask();
    second.body.on("error", () => {}).resume();
    await tunnel.close();
    await expect(second.trailers).rejects.toThrow("cut off");
  });

  it("follows an agent that connects elsewhere when its server goes", async () => {
    const [a, b] = await pair();
    const tunnel = await agentAt(a, { servers: [a.api.url, b.api.url], handler: echo });
    await known(b);
    const before = await record(b);
    await a[Symbol.asyncDispose]();
    await until(
      "the tunnel at the other one",
      async () => tunnel.connected && ((await record(b))?.replica ?? before?.replica) !== before?.replica,
    );
    const s = await b.api.links.open("n1", { method: "POST", path: "/v1/x", signal: noSignal() });
    s.body.end("hi");
    expect(await text(s.body)).toBe("hi");
    // What the first one was is gone from etcd; only the second one stands there.
    expect((await b.kv.range(replicasPrefix)).items).toHaveLength(1);
  });

  it("ends there when the agent has dialled another one since", async () => {
    const [a, b] = await pair();
    const old = await agentAt(a);
    const replicaOfA = (await record(a))?.replica;
    // As an agent does whose first connection is dead without its server knowing: one session, dialled later.
    const token = await nodeToken(b, "n1");
    const facts = { env: realEnv, node: "n1", nonce: "a", dial: 50, version: "1", signal: noSignal() };
    const later = await dial({ ...facts, server: b.api.url, token });
    undo.push(async () => later.close(1000, "the test is over"));
    await until("the end of the older one", () => !old.connected);
    await until("one tunnel", async () => ((await record(b))?.replica ?? replicaOfA) !== replicaOfA);
  });

  it("is gone when its server is, without an agent that comes back: 503 in words", async () => {
    const [a, b] = await pair();
    await agentAt(a);
    await known(b);
    await a[Symbol.asyncDispose]();
    await until("it to be gone", () => !b.api.links.connected("n1"));
    await expect(b.api.links.open("n1", { method: "GET", path: "/", signal: noSignal() })).rejects.toMatchObject({
      code: 503,
      message: expect.stringMatching(/not connected to the API since 20.*held by API server/) as string,
    });
  });
});

describe("the way between servers", () => {
  it("is for those that know the secret, stream by stream", async () => {
    const a = await open();
    const [replica] = (await a.kv.range(replicasPrefix)).items;
    const id = replica?.key.slice(replicasPrefix.length) ?? "";
    const knock = async (mac: string | undefined): Promise<number> => {
      const { port } = new URL(a.api.url);
      const handshake = {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      };
      const headers = { ...handshake, Authorization: `Bearer ${a.token}`, ...(mac === undefined ? {} : { "x-steadfleet-mac": mac }) };
      return new Promise((resolve, reject) => {
        const req = request({ host: "127.0.0.1", port, path: `/tunnel/v1/replicas/${id}`, headers }, (res) => resolve(res.statusCode ?? 0));
        req.on("upgrade", (_, socket) => resolve((socket.destroy(), 101)));
        req.on("error", reject).end();
      });
    };
    const path = `/tunnel/v1/replicas/${id}`;
    const claim = { to: id, node: "", method: "GET", path };
    const secret = new ReplicaSecret(a.kv, realEnv);
    const late = new ReplicaSecret(a.kv, { ...realEnv, now: () => realEnv.now() - 600_000 });
    expect(await knock(undefined)).toBe(401);
    expect(await knock(`${realEnv.now()}.${"0".repeat(64)}`)).toBe(401);
    expect(await knock(await late.sign(claim))).toBe(401);
    expect(await knock(await secret.sign({ ...claim, to: "another" }))).toBe(401);
    expect(await knock(await secret.sign(claim))).toBe(101);
  });

  it("says in words when a server cannot be reached", async () => {
    const a = await open();
    await a.kv.commit([
      { key: replicaKey("gone"), value: { url: "http://127.0.0.1:1", startedAt: "" } },
      { key: replicaKey("far"), value: { url: "http://192.0.2.1:1", startedAt: "" } },
      { key: tunnelKey("n1"), value: { replica: "gone", term: 1, session: "s", dial: 1 } },
      { key: tunnelKey("n2"), value: { replica: "far", term: 1, session: "s", dial: 1 } },
    ]);
    await known(a);
    await known(a, "n2");
    const failure = (node: string) => a.api.links.open(node, { method: "GET", path: "/", signal: noSignal() });
    await expect(failure("n1")).rejects.toMatchObject({
      code: 503,
      message: expect.stringContaining("cannot be reached at http://127.0.0.1:1: connect ECONNREFUSED") as string,
    });
    await expect(failure("n2")).rejects.toThrow("plain HTTP leaves this machine");
  });

  it("does not lead in circles", async () => {
    // Each believes that the other has the tunnel.
    const [a, b] = await pair();
    const ids = (await a.kv.range(replicasPrefix)).items.map((i) => i.key.slice(replicasPrefix.length));
    const urls = await Promise.all(
      ids.map(async (id) => (JSON.parse((await a.kv.get(replicaKey(id))).item?.value ?? "{}") as { url: string }).url),
    );
    const idOfB = ids[urls.indexOf(b.api.url)] ?? "";
    await a.kv.commit([{ key: tunnelKey("n9"), value: { replica: idOfB, term: 0, session: "s", dial: 1 } }]);
    await expect(a.api.links.open("n9", { method: "GET", path: "/", signal: noSignal() })).rejects.toMatchObject({ code: 503 });
  });
});
