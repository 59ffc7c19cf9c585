// Where agents come in: an upgrade to a WebSocket, for the one agent that holds its node's session in etcd.
import type { NodeSession } from "../../schemas/fleet.ts";
import { tunnelPath } from "../../schemas/tunnel.ts";
import { sessionKey } from "../../store/keys.ts";
import { linkOver, MAX_MESSAGE_BYTES } from "../../store/websocket.ts";
import { WebSocketServer } from "ws";
import type { Deps } from "../call.ts";
import { ApiError, badRequest } from "../status.ts";
import type { Upgrade, UpgradeRoute } from "../upgrade.ts";
import { CLOSE, Tunnel } from "./tunnel.ts";
import type { Tunnels } from "./tunnels.ts";

/** Being looked at at the same time: after a restart a whole fleet comes at once. */
const MAX_ARRIVING = 64;

export const acceptRoute = (tunnels: Tunnels): UpgradeRoute => {
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES, clientTracking: false });
  let arriving = 0;
  return {
    path: tunnelPath(":name"),
    policy: { type: "node" },
    handle: async (deps, upgrade) => {
      if (arriving >= MAX_ARRIVING)
        throw new ApiError(503, "ServiceUnavailable", "too many agents connect at once; try again", {}, { "Retry-After": "1" });
      arriving++;
      try {
        await accept(deps, upgrade, server, tunnels);
      } finally {
        arriving--;
      }
    },
  };
};

async function accept(deps: Deps, u: Upgrade, server: WebSocketServer, tunnels: Tunnels): Promise<void> {
  const node = u.name;
  if (String(u.req.headers["upgrade"]).toLowerCase() !== "websocket") throw badRequest("a tunnel is a WebSocket: Upgrade: websocket");
  const session = u.query.text("session");
  const dial = u.query.number("dial") ?? 0;
  if (session === undefined) throw badRequest("the parameter session is missing: the nonce of the agent's session in etcd");
  await checkSession(deps, tunnels, node, session);
  if (deps.closing.aborted) throw badRequest("the server is stopping");
  const agentVersion = /^steady-agent\/([\w.+-]{1,64})/.exec(u.req.headers["user-agent"] ?? "")?.[1] ?? "unknown";
  const facts = { node, session, dial, tokenId: u.user.tokenId, agentVersion };
  server.handleUpgrade(u.req, u.socket, u.head, (ws) => {
    const tunnel = new Tunnel(facts, linkOver(ws, deps.env), deps.env, deps.log);
    tunnels.add(tunnel);
    // It may have changed while the handshake was sent.
    const now = tunnels.session(node);
    if (now && now.nonce !== session) tunnel.close(CLOSE.fenced, "a newer session of this node's agent has begun");
    else if (deps.closing.aborted) tunnel.close(CLOSE.stopping, "the server is stopping");
  });
}

/** What is known here may be late: etcd has the last word before anyone is sent away. @throws ApiError 409 */
async function checkSession(deps: Deps, tunnels: Tunnels, node: string, nonce: string): Promise<void> {
  if (tunnels.session(node)?.nonce === nonce) return;
  const { item } = await deps.kv.get(sessionKey(node));
  if (!item)
    throw new ApiError(
      409,
      "Conflict",
      `node ${node} has no agent session in etcd: the agent opens one first; it does so by itself when etcd answers`,
    );
  const now = JSON.parse(item.value) as NodeSession;
  if (now.nonce !== nonce)
    throw new ApiError(
      409,
      "Conflict",
      `another agent holds the session of node ${node}: process ${now.pid} on ${now.hostname}, since ${now.startedAt}; stop one of the two, or give one another --node-name`,
    );
}
