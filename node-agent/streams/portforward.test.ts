import { connect, createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import { until } from "../../test/harness/until.ts";
import { StreamRig } from "../testing/stream-rig.ts";

const PORT = TUNNEL_PATHS.portforward("default", "web");
const uid = "uid-web";

describe("port-forward", () => {
  let rig: StreamRig;
  let server: Server;
  let port: number;
  let connections = 0;
  beforeEach(async () => {
    rig = await StreamRig.start();
    rig.engine.networks.set("host", { id: "host", name: "host", labels: {} });
    await rig.pod("web", uid, { HostConfig: { NetworkMode: "host" } });
    connections = 0;
    server = createServer({ allowHalfOpen: true }, (socket) => {
      connections++;
      socket.on("error", () => {});
      socket.once("close", () => connections--);
      socket.write("hello\n");
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as { port: number }).port;
  });
  afterEach(() => {
    rig.close();
    server.close();
  });

  it("carries bytes both ways, and each side may end first", async () => {
    rig.dial = async (p) => connect({ port: p, host: "127.0.0.1", allowHalfOpen: true });
    const forward = await rig.ask("POST", PORT, { uid, port: String(port) });
    await forward.until("hello");
    forward.stream.end("ping\n");
    expect(await forward.text()).toBe("hello\nping\n");
    await until(() => connections === 0, { what: "the connection to close" });
  });

  it("closing it closes the connection", async () => {
    rig.dial = async (p) => connect({ port: p, host: "127.0.0.1" });
    const forward = await rig.ask("POST", PORT, { uid, port: String(port) });
    await forward.until("hello");
    forward.stream.close();
    await until(() => connections === 0, { what: "the connection to close" });
  });

  it("is tried from inside first: loopback, then the container's own addresses", async () => {
    let asked: string[] = [];
    rig.dial = async (p, addresses) => {
      asked = addresses;
      return connect({ port: p, host: "127.0.0.1" });
    };
    (await rig.ask("POST", PORT, { uid, port: String(port) })).stream.close();
    expect(asked.slice(0, 2)).toEqual(["127.0.0.1", "::1"]);
  });

  it("says when nothing listens there, and what cannot be reached from outside", async () => {
    server.close();
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    rig.dial = () => Promise.reject(refused);
    const inside = await rig.ask("POST", PORT, { uid, port: "81" });
    expect([inside.status, (await inside.error()).message]).toEqual([
      503,
      "connection refused: nothing listens on port 81 of pod default/web",
    ]);
    rig.dial = undefined;
    const outside = await rig.ask("POST", PORT, { uid, port: String(port) });
    expect((await outside.error()).message).toBe(
      `connection refused: nothing listens on port ${port} of pod default/web; a server that listens on 127.0.0.1 inside the container cannot be reached from here`,
    );
    expect((await rig.ask("POST", PORT, { uid, port: "0" })).status).toBe(400);
  });
});
