// A link on a clock that moves only when told, over real sockets and a proxy that swallows bytes.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { ManualEnv } from "./testing/env.ts";
import { type FaultProxy, startProxy } from "./testing/proxy.ts";
import { type Link, linkOver } from "./websocket.ts";

let http: Server;
let proxy: FaultProxy;
let server: WebSocket;
let client: WebSocket;
let env: ManualEnv;
const links: Link[] = [];

beforeEach(async () => {
  env = new ManualEnv();
  http = createServer();
  const accepting = new WebSocketServer({ server: http });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  proxy = await startProxy(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
  const accepted = once(accepting, "connection");
  client = new WebSocket(proxy.endpoint.replace("http", "ws"), { perMessageDeflate: false });
  await once(client, "open");
  [server] = (await accepted) as [WebSocket];
});
afterEach(async () => {
  for (const link of links.splice(0)) link.close(1000, "the test is over");
  client.terminate();
  server.terminate();
  await proxy.close();
  await new Promise((resolve) => http.close(resolve));
});
const link = (ws: WebSocket): Link => {
  const made = linkOver(ws, env);
  links.push(made);
  return made;
};

describe.each([
  ["agent's", () => client, () => server],
  ["API's", () => server, () => client],
])("the %s side of a link", (_, mine, other) => {
  it("stays for as long as the other side answers its pings", async () => {
    let over = false;
    void link(mine()).closed.then(() => (over = true));
    for (let i = 0; i < 5; i++) {
      const pong = once(mine(), "pong");
      await env.advance(30_000);
      await pong;
    }
    expect(over).toBe(false);
    expect(other().readyState).toBe(WebSocket.OPEN);
  });

  it("gives up after 60 s without a sign of life, and not before", async () => {
    let over = false;
    const { closed, stream } = link(mine());
    void closed.then(() => (over = true));
    proxy.blackHole(true);
    await env.advance(59_999);
    expect(over).toBe(false);
    await env.advance(1);
    expect(await closed).toBe("no sign of life for 60 s");
    expect(stream.destroyed).toBe(true);
    expect(env.pending).toBe(0);
  });

  it("takes any byte for a sign of life", async () => {
    let over = false;
    const { stream } = link(mine());
    stream.resume();
    void once(mine(), "close").then(() => (over = true));
    mine().removeAllListeners("pong");
    for (let i = 0; i < 4; i++) {
      const arrived = once(mine(), "message");
      other().send(Buffer.from("x"));
      await arrived;
      await env.advance(30_000);
    }
    expect(over).toBe(false);
  });

  it("says why the other side ended it, and waits no longer than a second for an answer", async () => {
    const { closed } = link(mine());
    other().close(4409, "a newer session");
    expect(await closed).toBe("a newer session");
  });

  it("ends a connection whose other side does not answer", async () => {
    const made = link(mine());
    proxy.blackHole(true);
    made.close(1001, "stopping");
    await env.advance(1_000);
    expect(await made.closed).toBe("stopping");
  });
});
