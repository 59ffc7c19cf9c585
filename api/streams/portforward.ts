// port-forward: GET or POST …/pods/<name>/portforward, upgraded. One session carries any number of connections to ports of a pod.
// Source: Kubernetes API, PodPortForwardOptions; k8s.io/apimachinery/pkg/util/portforward.
import type { Readable } from "node:stream";
import { createWebSocketStream } from "ws";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import type { Deps } from "../call.ts";
import { badRequest, unavailable } from "../status.ts";
import type { Upgrade, UpgradeHandler } from "../upgrade.ts";
import { channelSocket } from "./channel-socket.ts";
import { copy } from "./copy.ts";
import { type Connection, type Forwarding, portOf } from "./forwarding.ts";
import { forwardOverSpdy } from "./portforward-spdy.ts";
import { openOnNode, queryOf } from "./node.ts";
import { StreamEndedError } from "./open-streams.ts";
import { acceptSpdy, isSpdy, streamProtocol } from "./spdy/accept.ts";
import { mustRun, targetOf } from "./target.ts";
import { acceptWebSocket, checkHandshake, isWebSocket, noCommonProtocol, offeredProtocols } from "./websocket.ts";

const SPDY_PROTOCOL = "portforward.k8s.io";
/** The same SPDY, byte for byte, in binary messages. */
const TUNNELED = `SPDY/3.1+${SPDY_PROTOCOL}`;
const NATIVE = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"];
/** Two channels each, of which one byte says which. */
const MAX_PORTS = 127;
/** For what a client sent before it went to reach the container. */
const LAST_WORDS_MS = 5_000;
/** For what the client says after the container has closed. */
const CLOSED_MS = 1_000;
const CLOSE_MS = 30_000;

/** Answers the handshake and serves until the session is over. */
type Serve = (f: Forwarding) => Promise<void>;

/** @throws ApiError 400, 403 when the client speaks nothing that is spoken here */
function sessionOf(u: Upgrade, deps: Deps): Serve {
  if (isSpdy(u)) {
    const protocol = streamProtocol(u, [SPDY_PROTOCOL]);
    return (f) => forwardOverSpdy(acceptSpdy(u, protocol), f, deps);
  }
  if (!isWebSocket(u)) throw badRequest(`unable to upgrade: ${JSON.stringify(u.req.headers.upgrade)} is not spoken here`);
  checkHandshake(u);
  const offered = offeredProtocols(u);
  if (offered.includes(TUNNELED))
    return async (f) => forwardOverSpdy(createWebSocketStream(await acceptWebSocket(u, TUNNELED, deps.env)), f, deps);
  const protocol = NATIVE.find((p) => offered.includes(p));
  if (!protocol) throw noCommonProtocol(offered, [TUNNELED, ...NATIVE]);
  const ports = u.query.all("ports").flatMap((p) => p.split(","));
  const numbers = ports.map((p) => portOf(p.trim()));
  if (ports.length === 0) throw badRequest("the parameter ports is required: which ports of the pod, for example ports=80");
  if (ports.length > MAX_PORTS) throw badRequest(`${ports.length} ports are too many: at most ${MAX_PORTS}`);
  const wrong = ports[numbers.indexOf(undefined)];
  if (wrong !== undefined) throw badRequest(`ports: ${JSON.stringify(wrong.slice(0, 40))} is not a port`);
  return (f) => overWebSocket(u, deps, f, protocol, numbers.map(Number));
}

/** A data and an error channel for each port; each says first which port it is of. */
async function overWebSocket(u: Upgrade, deps: Deps, f: Forwarding, protocol: string, ports: readonly number[]): Promise<void> {
  const ws = await acceptWebSocket(u, protocol, deps.env);
  const socket = channelSocket(ws, protocol.includes("base64"), { lastWords: true });
  const each = ports.map(async (port, i) => {
    const from = socket.input(2 * i);
    const head = Buffer.alloc(2);
    head.writeUInt16LE(port);
    await Promise.all([socket.send(2 * i, head), socket.send(2 * i + 1, head)]);
    await f.connect({ port, from, to: socket.output(2 * i) }).catch((e: Error) => socket.send(2 * i + 1, Buffer.from(e.message)));
  });
  const ended = new Promise<void>((resolve) => f.signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([Promise.allSettled(each), ended]);
  const { reason } = f.signal;
  const cancel = deps.env.timer(CLOSE_MS, () => socket.destroy());
  await socket.close(reason instanceof StreamEndedError ? reason.closeCode : 1000);
  cancel();
}

export const portforward: UpgradeHandler = async (deps, u) => {
  const target = await targetOf(deps, u.namespace, u.name, undefined);
  mustRun(target, deps.env.now());
  const serve = sessionOf(u, deps);
  const { node, namespace, pod, uid } = target;
  // Connections come later, and a session that none can go through should not begin.
  if (!deps.links.connected(node))
    throw unavailable(`node ${node} has no tunnel to the API: is its agent running, and can it reach this server?`);
  const about = { user: u.user.name, tokenId: u.user.tokenId, subresource: "portforward", namespace, pod, uid, node };
  const open = deps.streams.enter(about);
  const began = deps.env.monotonic();
  let connections = 0;
  const connect = async (c: Connection): Promise<void> => {
    connections++;
    deps.log.info({ audit: true, ...about, port: c.port }, "portforward connection");
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, open.signal]);
    try {
      const query = queryOf(target, { port: String(c.port) });
      const stream = await openOnNode(deps, node, { method: "POST", path: TUNNEL_PATHS.portforward(namespace, pod), query, signal });
      const options = { onBytes: () => open.touch() };
      const up = copy(c.from, stream.body, options);
      const down = copy(stream.body, c.to, options);
      try {
        // When the container has closed it is over, as for every kubectl: old ones tell their client only when we end it. When the
        // client is no longer there to listen, what it said is still brought to its end.
        const over = down.then(
          () => within(deps, CLOSED_MS, up),
          () => within(deps, LAST_WORDS_MS, Promise.all([up, drained(stream.body)])),
        );
        await Promise.race([over, up.then(() => over)]);
      } catch (err) {
        // As of any TCP connection: it is reset. In words it would be an error to kubectl, which then ends all others, too; and
        // kubectl itself resets what it needs no longer.
        deps.log.debug({ err, ...about, port: c.port }, "portforward connection broke off");
        c.to.destroy();
      }
    } finally {
      done.abort(new Error("over"));
    }
  };
  try {
    deps.log.info({ audit: true, ...about }, "portforward began");
    await serve({ connect, signal: open.signal });
  } finally {
    open.leave();
    deps.log.info({ audit: true, ...about, connections, seconds: Math.round((deps.env.monotonic() - began) / 1000) }, "portforward ended");
  }
};

/** What is left of a body, read and dropped. */
const drained = (body: Readable): Promise<void> =>
  new Promise((resolve) => {
    if (body.readableEnded || body.destroyed) return resolve();
    body.on("end", resolve).on("close", resolve);
    body.resume();
  });

/** Waits for it, well or not, but not for long. */
async function within({ env }: Deps, ms: number, what: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = env.timer(ms, resolve);
  });
  await Promise.race([what.catch(() => {}), late]);
  cancel();
}
