// exec and attach over WebSocket.
// Source: remotecommand protocols v4.channel.k8s.io and v5.channel.k8s.io.
import type { Env } from "../../store/env.ts";
import type { Upgrade } from "../upgrade.ts";
import { type ChannelSocket, channelSocket } from "./channel-socket.ts";
import { CHANNEL, COMMAND_PROTOCOLS, commandProtocol, type CommandProtocol, tellsStatus, terminalSize } from "./channels.ts";
import type { CommandStatus } from "./outcome.ts";
import type { ClientStdio, CommandOptions } from "./stdio.ts";
import { acceptWebSocket, checkHandshake, noCommonProtocol, offeredProtocols } from "./websocket.ts";

/** Sees whether the client can be served, and how, before anything is started. @throws ApiError 400 */
export function commandOverWebSocket(u: Upgrade, o: CommandOptions, env: Env): () => Promise<ClientStdio> {
  checkHandshake(u);
  const offered = offeredProtocols(u);
  const protocol = commandProtocol(offered);
  if (!protocol) throw noCommonProtocol(offered, COMMAND_PROTOCOLS);
  return async () => {
    const ws = await acceptWebSocket(u, offered.length === 0 ? "" : protocol, env);
    const socket = channelSocket(ws, protocol.includes("base64"));
    return stdioOf(socket, protocol, o);
  };
}

function stdioOf(socket: ChannelSocket, protocol: CommandProtocol, o: CommandOptions): ClientStdio {
  const stdin = o.stdin ? socket.input(CHANNEL.stdin) : undefined;
  let onSize: Parameters<ClientStdio["onSize"]>[0] = () => {};
  socket.onOther(({ channel, payload }) => {
    if (channel === CHANNEL.resize) {
      const size = terminalSize(payload.toString("utf8"));
      if (size) onSize(size);
    } else if (channel === CHANNEL.close && protocol === "v5.channel.k8s.io" && payload[0] === CHANNEL.stdin) stdin?.finish();
  });
  const stdout = o.stdout ? socket.output(CHANNEL.stdout) : undefined;
  const stderr = o.stderr ? socket.output(CHANNEL.stderr) : undefined;
  // As Kubernetes does, so that a client knows from the first message that it is connected.
  socket.send(stdout ? CHANNEL.stdout : stderr ? CHANNEL.stderr : CHANNEL.error, new Uint8Array()).catch(() => {});
  return {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    onSize: (fn) => {
      onSize = fn;
    },
    gone: socket.gone,
    finish: async (status, closeCode) => {
      const text = words(status, protocol);
      if (text !== "") await socket.send(CHANNEL.error, Buffer.from(text)).catch(() => {});
      await socket.close(closeCode);
    },
    destroy: () => socket.destroy(),
  };
}

/** Before v4 there are words only, and none for success. */
const words = (status: CommandStatus, protocol: CommandProtocol): string =>
  tellsStatus(protocol) ? JSON.stringify(status) : status.status === "Success" ? "" : (status.message ?? "failed");
