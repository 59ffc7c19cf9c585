// An agent dials in, and the API reaches its handler: both real halves, over loopback.
import { once } from "node:events";
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { answerError } from "../../node-agent/tunnel/answer.ts";
import type { TunnelHandle } from "../../node-agent/tunnel/index.ts";
import { realEnv } from "../../store/env.ts";
import { tokenKey, tunnelsPrefix } from "../../store/keys.ts";
import { createToken, revokeToken } from "../auth.ts";
import { ApiError } from "../status.ts";
import { type TestApi, testApi } from "../testing/server.ts";
import { type AgentOptions, beginSession, connectedAgent, dialIn, nodeToken, noSignal, until } from "./testing/world.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

const world = async (): Promise<TestApi> => {
  const t = await testApi();
  undo.push(async () => t[Symbol.asyncDispose]());
  return t;
};
const closing = (tunnel: TunnelHandle): TunnelHandle => {
  undo.push(() => tunnel.close());
  return tunnel;
};
const agent = async (t: TestApi, o?: AgentOptions): Promise<TunnelHandle> => closing(await dialIn(t, o));
const connected = async (t: TestApi, o?: AgentOptions): Promise<TunnelHandle> => closing(await connectedAgent(t, o));

describe("a tunnel", () => {
  it("carries a request there, and head, body and trailers back", async () => {
    const t = await world();
    const seen: IncomingHttpHeaders[] = [];
    await connected(t, {
      handler: (stream, headers) => {
        seen.push(headers);
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ outcome: '{"exitCode":3}' }));
        stream.pipe(stream);
      },
    });
    const query = new URLSearchParams({ command: "ls /", stdin: "1" });
    const s = await t.api.links.open("n1", { method: "POST", path: "/v1/pods/default/web-0/exec", query, signal: noSignal() });
    s.body.end("hello");
    expect([s.status, await text(s.body)]).toEqual([200, "hello"]);
    expect(await s.trailers).toEqual({ outcome: '{"exitCode":3}' });
    expect(seen[0]).toMatchObject({ ":method": "POST", ":path": "/v1/pods/default/web-0/exec?command=ls+%2F&stdin=1" });
  });

  it("says in words that a path is unknown", async () => {
    const t = await world();
    await connected(t);
    const s = await t.api.links.open("n1", { method: "GET", path: "/v1/nothing", signal: noSignal() });
    expect(s.status).toBe(404);
    expect(JSON.parse(await text(s.body))).toMatchObject({
      reason: "NotFound",
      message: expect.stringContaining("GET /v1/nothing") as string,
    });
    expect(await s.trailers).toEqual({});
  });

  it.each(["destroys the body", "aborts"])("resets the stream when the reader %s", async (how) => {
    const t = await world();
    const streams: ServerHttp2Stream[] = [];
    await connected(t, {
      handler: (stream) => {
        streams.push(stream);
        stream.respond({ ":status": 200 });
        stream.write("x");
      },
    });
    const controller = new AbortController();
    const s = await t.api.links.open("n1", { method: "POST", path: "/v1/x", signal: controller.signal });
    const [stream] = streams;
    if (!stream) throw new Error("no stream");
    const closed = once(stream, "close");
    if (how === "aborts") controller.abort();
    else s.body.destroy();
    await closed;
    // CANCEL. Source: RFC 9113, section 7.
    expect([stream.rstCode, stream.aborted]).toEqual([8, true]);
    await expect(s.trailers).rejects.toThrow("cut off");
  });

  it("takes a handler that fails for that stream's end alone", async () => {
    const t = await world();
    await connected(t, {
      handler: async (stream, headers) => {
        if (headers[":path"] === "/bad") throw new Error("bug");
        answerError(stream, 400, { reason: "BadRequest", message: "no" });
      },
    });
    await expect(t.api.links.open("n1", { method: "GET", path: "/bad", signal: noSignal() })).rejects.toMatchObject({ code: 503 });
    expect((await t.api.links.open("n1", { method: "GET", path: "/good", signal: noSignal() })).status).toBe(400);
  });
});

describe("who may have a tunnel", () => {
  /** The answer to a handshake. */
  const knock = async (t: TestApi, token: string, node = "n1", session = "a") =>
    t.call("GET", `/tunnel/v1/nodes/${node}?session=${session}`, {
      token,
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });

  it("is the node's own token, and no other", async () => {
    const t = await world();
    await beginSession(t, "n1", "a");
    const reader = await createToken(t.kv, realEnv, { name: "r", groups: ["system:readers"] });
    const posing = await createToken(t.kv, realEnv, { name: "system:node:n1", groups: ["system:readers"] });
    for (const token of [t.token, reader, posing, await nodeToken(t, "n2")]) expect((await knock(t, token)).code).toBe(403);
    expect((await knock(t, "nonsense")).code).toBe(401);
  });

  it("is the agent that holds the session", async () => {
    const t = await world();
    const token = await nodeToken(t, "n1");
    expect(await knock(t, token)).toMatchObject({ code: 409, body: { message: expect.stringContaining("no agent session") as string } });
    await beginSession(t, "n1", "new");
    expect(await knock(t, token)).toMatchObject({
      code: 409,
      body: { message: expect.stringContaining("another agent holds the session of node n1: process 7 on host") as string },
    });
    const without = await t.call("GET", "/tunnel/v1/nodes/n1", { token, headers: { Connection: "Upgrade", Upgrade: "websocket" } });
    expect(without.code).toBe(400);
  });

  it("is the newer session: the older tunnel ends, and does not come back", async () => {
    const t = await world();
    const old = await connected(t, { nonce: "a" });
    await beginSession(t, "n1", "b");
    await until("the old one's end", () => !old.connected);
    const fresh = await agent(t, { nonce: "b" });
    await until("the new tunnel", () => fresh.connected && t.api.links.connected("n1"));
    expect(old.connected).toBe(false);
  });

  it("loses it with the token", async () => {
    const t = await world();
    const token = await nodeToken(t, "n1");
    const tunnel = await connected(t, { token });
    await revokeToken(t.kv, token);
    await until("its end", () => !tunnel.connected && !t.api.links.connected("n1"));
    expect((await t.kv.get(tokenKey(token.split("_")[1] ?? ""))).item).toBeUndefined();
    await expect(t.api.links.open("n1", { method: "GET", path: "/", signal: noSignal() })).rejects.toThrow(/token was revoked/);
  });
});

describe("a node", () => {
  it("that is deleted loses its tunnel, and comes back as a new one", async () => {
    const t = await world();
    await t.call("POST", "/api/v1/nodes", { body: { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } } });
    const tunnel = await connected(t);
    expect((await t.call("DELETE", "/api/v1/nodes/n1")).code).toBe(200);
    await until("its end", () => !tunnel.connected);
    await until("another one", () => tunnel.connected && t.api.links.connected("n1"));
  });
});

describe("a fleet", () => {
  it("that connects at once is let in, in turn, for few writes", async () => {
    const t = await world();
    const names = Array.from({ length: 200 }, (_, i) => `n${i}`);
    const tokens = await Promise.all(names.map((n) => nodeToken(t, n)));
    for (const n of names) await beginSession(t, n, "a");
    const revision = async (): Promise<number> => (await t.kv.get(tokenKey("none"))).revision;
    const before = await revision();
    const tunnels = await Promise.all(names.map((node, i) => agent(t, { node, token: tokens[i] ?? "" })));
    await until("all", () => tunnels.every((x) => x.connected) && names.every((n) => t.api.links.connected(n)));
    await until("all of them in etcd", async () => (await t.kv.range(tunnelsPrefix)).items.length === 200);
    // Arrivals that come together share a commit; how many come together depends on the machine.
    expect((await revision()) - before).toBeLessThan(120);
  });
});

describe("without a tunnel", () => {
  const failure = async (t: TestApi): Promise<ApiError> => {
    try {
      await t.api.links.open("n1", { method: "GET", path: "/v1/stats", signal: noSignal() });
    } catch (e) {
      if (e instanceof ApiError) return e;
    }
    throw new Error("it opened");
  };

  it("tells why, and what to do", async () => {
    const t = await world();
    const never = await failure(t);
    expect([never.code, never.message]).toEqual([
      503,
      expect.stringMatching(/^node n1 has no tunnel: .* check that `steady agent` runs there$/),
    ]);
    const tunnel = await connected(t);
    await tunnel.close();
    await until("its end", () => !t.api.links.connected("n1"));
    const recent = await failure(t);
    expect(recent.message).toMatch(/since 20.*; if it runs, it connects again within seconds; else check/);
    // Only then is it worth a client's while to try again by itself.
    expect([never.headers, recent.headers]).toEqual([{}, { "Retry-After": "1" }]);
  });

  it("tells an agent that only lacks the way", async () => {
    const t = await world();
    await beginSession(t, "n1", "a");
    await until("the session to be known", async () => (await failure(t)).message.includes("the agent runs and reaches etcd: check that"));
  });
});
