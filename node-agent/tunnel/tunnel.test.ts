// The agent's side alone: when it dials, where, and what it says.
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { realEnv } from "../../store/env.ts";
import { ManualEnv } from "../../store/testing/env.ts";
import { unknownPath } from "./answer.ts";
import { serveTunnel, type TunnelHandle } from "./index.ts";

interface Knock {
  at: number;
  path: string;
  headers: IncomingMessage["headers"];
}

/** A server that takes tunnels, or refuses them, and writes down who came when. */
class Door {
  knocks: Knock[] = [];
  refuse: { code: number; body: string; headers?: Record<string, string> } | undefined;
  /** Answers nothing at all. */
  silent = false;
  private readonly raw: Duplex[] = [];
  readonly sockets = new WebSocketServer({ noServer: true });
  readonly http: Server = createServer();
  constructor(env: ManualEnv) {
    this.http.on("upgrade", (req, socket, head) => {
      this.knocks.push({ at: env.monotonic(), path: req.url ?? "", headers: req.headers });
      this.raw.push(socket);
      socket.on("error", () => {});
      if (this.silent) return;
      if (!this.refuse) return this.sockets.handleUpgrade(req, socket, head, () => {});
      const { code, body, headers = {} } = this.refuse;
      const lines = Object.entries({ ...headers, "Content-Length": String(Buffer.byteLength(body)), Connection: "close" });
      socket.end(`HTTP/1.1 ${code} No\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join("")}\r\n${body}`);
    });
  }
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.http.listen(0, "127.0.0.1", resolve));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.http.address() as AddressInfo).port}`;
  }
  drop(): void {
    for (const ws of this.sockets.clients) ws.terminate();
  }
  async close(): Promise<void> {
    for (const socket of this.raw) socket.destroy();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

interface Line {
  level: number;
  msg: string;
  retryInMs?: number;
  reason?: string;
  err?: { message: string };
}

let env: ManualEnv;
let doors: Door[];
let tunnel: TunnelHandle;
let lines: Line[];
let token: string;
beforeEach(async () => {
  env = new ManualEnv({ seed: 7 });
  // As unlucky as can be: delays are what they are at most.
  env.random = () => 1 - Number.EPSILON;
  doors = [await new Door(env).listen(), await new Door(env).listen()];
  lines = [];
  token = "t1";
});
afterEach(async () => {
  await tunnel.close();
  for (const door of doors) await door.close();
});

const start = (servers: number): void => {
  const log = pino({ level: "debug" }, { write: (line: string) => void lines.push(JSON.parse(line) as Line) });
  const urls = doors.slice(0, servers).map((d) => d.url);
  tunnel = serveTunnel({ env, log, node: "n1", servers: urls, token: () => token, version: "1.2.3", handler: unknownPath });
};
/** Real time passes (sockets), the clock stands still. */
const until = async (what: string, holds: () => boolean): Promise<void> => {
  const end = realEnv.monotonic() + 20_000;
  while (!holds()) {
    if (realEnv.monotonic() > end) throw new Error(`not in time: ${what}; ${JSON.stringify(lines)}`);
    await realEnv.sleep(2);
  }
};
const failures = (): Line[] => lines.filter((l) => l.msg.startsWith("no tunnel"));
const door = (n = 0): Door => doors[n] as Door;

describe("an agent's tunnel", () => {
  it("waits for the agent's session, and then shows it with its token", async () => {
    start(1);
    await env.advance(600_000);
    expect(door().knocks).toEqual([]);
    tunnel.session("s 1");
    await until("the tunnel", () => tunnel.connected);
    expect(door().knocks).toMatchObject([
      { path: "/tunnel/v1/nodes/n1?session=s+1&dial=1", headers: { authorization: "Bearer t1", "user-agent": "steady-agent/1.2.3" } },
    ]);
  });

  it("dials again 1 s after a failure, then twice as long each time up to 2 min, for ever; and says so once", async () => {
    door().refuse = { code: 409, body: JSON.stringify({ message: "another agent holds the session" }) };
    start(1);
    tunnel.session("s");
    for (let n = 1; n <= 10; n++) {
      await until(`failure ${n}`, () => failures().length === n);
      await env.advance(failures().at(-1)?.retryInMs ?? 0);
    }
    expect(
      failures()
        .slice(0, 10)
        .map((f) => f.retryInMs),
    ).toEqual([1, 2, 4, 8, 16, 32, 64, 120, 120, 120].map((s) => s * 1000));
    expect(failures()[0]).toMatchObject({ level: 40, err: { message: "another agent holds the session" } });
    expect(
      failures()
        .slice(1)
        .every((f) => f.level === 20),
    ).toBe(true);
    // And then it works.
    door().refuse = undefined;
    await until("one more", () => door().knocks.length > 10);
    await env.advance(120_000);
    await until("the tunnel", () => tunnel.connected);
  });

  it("waits longer where the API asks for it", async () => {
    door().refuse = { code: 503, body: "busy", headers: { "Retry-After": "30" } };
    start(1);
    tunnel.session("s");
    await until("the refusal", () => failures().length === 1);
    expect(failures()[0]).toMatchObject({ retryInMs: 31_000, err: { message: "answered 503 instead of a tunnel" } });
  });

  it("begins anew at 1 s after a connection that lasted, not after one that broke at once", async () => {
    start(1);
    tunnel.session("s");
    const rounds = async (lastedMs: number): Promise<number | undefined> => {
      await until("the tunnel", () => tunnel.connected);
      const before = failures().length;
      await env.advance(lastedMs);
      door().drop();
      await until("its end", () => failures().length > before);
      const ms = failures().at(-1)?.retryInMs;
      await env.advance(ms ?? 0);
      return ms;
    };
    expect([await rounds(0), await rounds(0), await rounds(0), await rounds(31_000), await rounds(0)]).toEqual([
      1_000, 2_000, 4_000, 1_000, 1_000,
    ]);
  });

  it("goes to the next server when one fails, with the token of now", async () => {
    start(2);
    tunnel.session("s");
    await until("the tunnel", () => tunnel.connected);
    token = "t2";
    door(0).drop();
    await until("its end", () => failures().length === 1);
    await env.advance(1_000);
    await until("the other one", () => tunnel.connected && door(1).knocks.length === 1);
    expect(door(1).knocks).toMatchObject([{ path: "/tunnel/v1/nodes/n1?session=s&dial=2", headers: { authorization: "Bearer t2" } }]);
  });

  it("connects again when the agent has a new session", async () => {
    start(1);
    tunnel.session("s");
    await until("the tunnel", () => tunnel.connected);
    tunnel.session("t");
    await until("the old one's end", () => failures().length === 1);
    await env.advance(1_000);
    await until("the new one", () => tunnel.connected);
    expect(door().knocks.map((k) => k.path)).toEqual(["/tunnel/v1/nodes/n1?session=s&dial=1", "/tunnel/v1/nodes/n1?session=t&dial=1"]);
  });

  it("gives up a handshake that nobody answers", async () => {
    door().silent = true;
    start(1);
    tunnel.session("s");
    await until("the knock", () => door().knocks.length === 1);
    await env.advance(10_000);
    await until("its end", () => failures().length === 1);
    expect(failures()[0]?.err?.message).toMatch(/no connection to http:.* in 10 s/);
  });
});
