// The agent's handlers behind real HTTP/2 on a fake engine, and a client as the API is one.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, createServer, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { pino } from "pino";
import { LABELS } from "../../schemas/constants.ts";
import type { TunnelError, TunnelOutcome } from "../../schemas/tunnel.ts";
import { type Env, realEnv } from "../../store/env.ts";
import type { CreateBody, Engine } from "../engine.ts";
import { streamHandler } from "../streams/handler.ts";
import type { Reach } from "../streams/reach.ts";
import { type HostUsage, hostUsage } from "../streams/stats.ts";
import { World } from "../world.ts";
import { FakeEngine } from "./fake-engine.ts";
import { CLUSTER } from "./rig.ts";

export interface Answer {
  status: number;
  stream: ClientHttp2Stream;
  /** All of the body, when it has ended. */
  text(): Promise<string>;
  /** Resolves when the body so far holds it. */
  until(text: string): Promise<string>;
  outcome(): Promise<TunnelOutcome>;
  error(): Promise<TunnelError>;
}

export class StreamRig<E extends Engine = FakeEngine> {
  readonly world = new World(CLUSTER);
  /** Signals that processes got. */
  readonly signals: string[] = [];
  /** What is reached from inside a container: undefined is nothing. */
  dial: ((port: number, addresses: string[]) => Promise<Socket>) | undefined;
  /** What the machine uses; undefined: what this one does. */
  host: HostUsage | undefined = { busyMs: 0, memoryBytes: 2 ** 30 };
  private readonly stopping = new AbortController();
  private readonly server = createServer();
  private session: ClientHttp2Session | undefined;

  constructor(
    readonly engine: E,
    readonly env: Env = realEnv,
    reach?: Reach,
  ) {
    const faked: Reach = {
      signal: async (pid, _container, signal) => {
        this.signals.push(`${pid} ${signal}`);
        return pid > 0;
      },
      connect: async (_pid, _container, port, addresses) => await this.dial?.(port, addresses),
    };
    const log = pino({ level: "silent" });
    const usage = (): HostUsage => this.host ?? hostUsage();
    const { world, stopping } = this;
    this.server.on("stream", streamHandler({ engine, world, env, log, usage, signal: stopping.signal, reach: reach ?? faked }));
  }

  static async start(env?: Env): Promise<StreamRig> {
    const rig = new StreamRig(new FakeEngine(env ?? realEnv), env);
    await rig.listen();
    return rig;
  }
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    this.session = connect(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`);
  }
  /** The agent stops. */
  stop(): void {
    this.stopping.abort();
  }
  close(): void {
    this.stop();
    this.session?.destroy();
    this.server.close();
  }

  /** A container of ours that runs, and its uid. */
  async pod(name: string, uid = `uid-${name}`, body: Partial<CreateBody> = {}): Promise<string> {
    const labels = { [LABELS.cluster]: CLUSTER, [LABELS.namespace]: "default", [LABELS.pod]: name, [LABELS.uid]: uid };
    const { id } = await this.engine.create(`${name}-${uid}`, {
      Image: "bb:1",
      HostConfig: { NetworkMode: "none" },
      ...body,
      Labels: labels,
    });
    await this.engine.start(id);
    await this.look();
    return id;
  }
  async look(): Promise<void> {
    await this.world.refresh(() => this.engine.list());
  }

  ask(method: string, path: string, query: Record<string, string | string[]> = {}): Promise<Answer> {
    const parameters = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) for (const one of [value].flat()) parameters.append(key, one);
    const stream = this.session!.request(
      { ":method": method, ":path": `${path}?${parameters.toString()}` },
      { endStream: method === "GET" },
    );
    let body = "";
    let trailers: IncomingHttpHeaders = {};
    const changed = new Set<() => void>();
    const tell = (): void => {
      for (const fn of changed) fn();
    };
    const ended = new Promise<void>((resolve) => {
      for (const event of ["end", "close"]) stream.once(event, resolve);
    });
    stream.on("error", () => {});
    stream.on("trailers", (t) => (trailers = t));
    return new Promise((resolve, reject) => {
      stream.once("close", () => reject(new Error(`the stream closed without an answer: ${stream.rstCode}`)));
      stream.once("response", (head) => {
        let reading = false;
        const read = (): void => {
          if (reading) return;
          reading = true;
          stream.on("data", (chunk: Buffer) => {
            body += chunk.toString();
            tell();
          });
          stream.once("close", tell);
        };
        const text = async (): Promise<string> => {
          read();
          await ended;
          return body;
        };
        resolve({
          status: head[":status"] ?? 0,
          stream,
          text,
          until: (wanted) => {
            read();
            return new Promise((found, failed) => {
              const check = (): void => {
                if (body.includes(wanted)) found(body);
                else if (stream.destroyed) failed(new Error(`ended without ${wanted}: ${body}`));
              };
              changed.add(check);
              check();
            });
          },
          outcome: async () => {
            await text();
            return JSON.parse(String(trailers["outcome"] ?? "null")) as TunnelOutcome;
          },
          error: async () => JSON.parse(await text()) as TunnelError,
        });
      });
    });
  }
}
