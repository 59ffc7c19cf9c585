import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { command, eventually } from "../testing/command.ts";
import { type StreamWorld, streamWorld } from "../testing/streams.ts";

let w: StreamWorld;
let echo: Server;
const sockets = new Set<Socket>();
beforeAll(async () => {
  w = await streamWorld();
  echo = createServer({ allowHalfOpen: true }, (s) => {
    sockets.add(s);
    s.on("close", () => sockets.delete(s)).on("error", () => {});
    s.pipe(s);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  await w[Symbol.asyncDispose]();
  for (const s of sockets) s.destroy();
  echo.close();
});
beforeEach(async () => {
  await w.putPod("web-0");
  w.node.ports = { 7: (echo.address() as AddressInfo).port };
});
const V4 = { protocols: ["v4.channel.k8s.io"] };
const forward = (ports: string) => command(w.t, `web-0/portforward?${ports}`, V4);
const port = (n: number): string => Buffer.of(n % 256, n >> 8).toString("utf8");

describe("port-forward over WebSocket channels", () => {
  it("gives each port two channels, which begin with its number", async () => {
    const c = await forward("ports=7&ports=81");
    c.send(0, "hello");
    await c.until(() => c.bytes(0) === 7);
    expect(c.text(0)).toBe(`${port(7)}hello`);
    await c.until(() => c.bytes(3) > 2);
    expect(c.text(3)).toBe(`${port(81)}connection refused: nothing listens on port 81 in pod default/web-0`);
    c.ws.close();
    await eventually(() => w.node.open.size === 0 && sockets.size === 0);
  });

  it("closes when the container has closed, and brings what a client said before it went", async () => {
    const heard: string[] = [];
    const server = createServer((s) => {
      s.on("data", (d: Buffer) => heard.push(d.toString()));
      s.on("end", () => heard.push("end"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    w.node.ports[9] = (server.address() as AddressInfo).port;
    const c = await forward("ports=9");
    c.send(0, "last words");
    c.ws.close();
    await eventually(() => heard.join("") === "last wordsend");
    await eventually(() => w.node.open.size === 0);
    server.close();
  });

  it.each([
    ["", "ports is required"],
    ["ports=0", '"0\\" is not a port'],
    ["ports=80,http", '"http\\" is not a port'],
    ["ports=99999", "is not a port"],
  ])("refuses %s", async (query, words) => {
    expect(await forward(query).then(() => "", String)).toMatch(/400/);
    expect(await forward(query).then(() => "", String)).toContain(words);
  });

  it("does not begin for what does not run, or without a tunnel", async () => {
    await w.putPod("web-0", { state: "exited", phase: "Succeeded", exitCode: 0, finishedAt: "2026-01-01T00:00:00Z" });
    expect(await forward("ports=7").then(() => "", String)).toMatch(/400 .*is not running: Exited \(0\)/);
  });
});

describe("an upgrade", () => {
  const upgrade = (headers: Record<string, string>, method = "POST") =>
    w.t.call(method, "/api/v1/namespaces/default/pods/web-0/portforward", { headers: { Connection: "Upgrade", ...headers } });

  it("that is not understood is an answer like any other", async () => {
    expect((await upgrade({ Upgrade: "h2c" })).body.message).toContain('"h2c" is not spoken here');
    expect((await upgrade({ Upgrade: "SPDY/3.1" })).body.message).toContain("X-Stream-Protocol-Version is required");
    const unknown = await upgrade({ Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": "v9" });
    expect([unknown.code, unknown.headers["x-accepted-stream-protocol-versions"]]).toEqual([403, "portforward.k8s.io"]);
    expect((await upgrade({ Upgrade: "websocket" }, "GET")).body.message).toContain("Sec-WebSocket-Key is missing");
    expect((await upgrade({ Upgrade: "websocket" })).body.message).toContain("opened with GET");
    expect((await w.t.call("GET", "/api/v1/namespaces/default/pods/web-0/exec")).body.message).toContain("Upgrade request required");
  });

  it("with a message larger than any client sends is closed", async () => {
    const c = await command(w.t, "web-0/exec?command=cat&stdin=true&stdout=true");
    c.ws.send(Buffer.alloc(17 * 1024 * 1024));
    expect((await c.ended).code).toBe(1009);
    await eventually(() => w.node.open.size === 0);
  });

  it("ends with the server, and the server does not wait for it", async () => {
    await using other = await streamWorld();
    await other.putPod("web-0");
    const exec = await command(other.t, "web-0/exec?command=sleep&command=60&stdout=true");
    const ports = await command(other.t, "web-0/portforward?ports=81", V4);
    await other.t.api.close();
    expect((await exec.ended).status.message).toBe("the server is stopping; try again");
    await ports.ended;
    expect(exec.ws.readyState).toBe(WebSocket.CLOSED);
  });
});
