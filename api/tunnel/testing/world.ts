// The real API, and agents' tunnels with a handler of the test's own, over loopback.
import { pino } from "pino";
import { unknownPath } from "../../../node-agent/tunnel/answer.ts";
import { serveTunnel, type TunnelHandle, type TunnelHandler } from "../../../node-agent/tunnel/index.ts";
import { type Env, realEnv } from "../../../store/env.ts";
import { sessionKey } from "../../../store/keys.ts";
import { createToken } from "../../auth.ts";
import type { TestApi } from "../../testing/server.ts";

export const quiet = pino({ level: "silent" });
/** One that is never aborted. */
export const noSignal = (): AbortSignal => new AbortController().signal;

/** Waits for a condition, with a deadline. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  const end = realEnv.monotonic() + 20_000;
  while (!(await holds())) {
    if (realEnv.monotonic() > end) throw new Error(`not in time: ${what}`);
    await realEnv.sleep(5);
  }
};

/** As an agent does when it starts: its session in etcd. */
export const beginSession = (t: Pick<TestApi, "kv">, node: string, nonce: string): Promise<unknown> =>
  t.kv.commit([{ key: sessionKey(node), value: { nonce, hostname: "host", pid: 7, startedAt: "2026-11-21T12:00:00.000Z" } }]);

export const nodeToken = (t: Pick<TestApi, "kv">, node: string): Promise<string> =>
  createToken(t.kv, realEnv, { name: `system:node:${node}`, groups: ["system:nodes"] });

export interface AgentOptions {
  /** Default n1. */
  node?: string;
  /** Default a. */
  nonce?: string;
  token?: string;
  /** Default: 404 for everything. */
  handler?: TunnelHandler;
  /** Default: that of the API given. */
  servers?: string[];
  env?: Env;
}

/** Dials, whether the API will have it or not. Close it. */
export const dialIn = async (t: TestApi, o: AgentOptions = {}): Promise<TunnelHandle> => {
  const { node = "n1", nonce = "a", handler = unknownPath, servers = [t.api.url], env = realEnv } = o;
  const token = o.token ?? (await nodeToken(t, node));
  const tunnel = serveTunnel({ env, log: quiet, node, servers, token: () => token, version: "1.2.3", handler });
  tunnel.session(nonce);
  return tunnel;
};

/** An agent with a session and a tunnel that both sides know of. Close it. */
export const connectedAgent = async (t: TestApi, o: AgentOptions = {}): Promise<TunnelHandle> => {
  const { node = "n1", nonce = "a" } = o;
  await beginSession(t, node, nonce);
  const tunnel = await dialIn(t, o);
  await until(`the tunnel of ${node}`, () => tunnel.connected && t.api.links.connected(node));
  return tunnel;
};
