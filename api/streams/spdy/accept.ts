// Handshakes of SPDY/3.1 with a protocol for its streams.
// Source: k8s.io/apimachinery/pkg/util/httpstream, Handshake.
import type { Duplex } from "node:stream";
import { ApiError, badRequest } from "../../status.ts";
import type { Upgrade } from "../../upgrade.ts";

const KEEP_ALIVE_MS = 30_000;

export const isSpdy = (u: Upgrade): boolean => u.req.headers.upgrade?.toLowerCase() === "spdy/3.1";

/**
 * The first of the client's protocols that is spoken here.
 * @throws ApiError 400 without any, 403 (as Kubernetes) without a common one
 */
export function streamProtocol<T extends string>(u: Upgrade, accepted: readonly T[]): T {
  const offered = [u.req.headers["x-stream-protocol-version"] ?? []]
    .flat()
    .join(",")
    .split(",")
    .map((p) => p.trim())
    .filter((p) => p !== "");
  if (offered.length === 0) throw badRequest("unable to upgrade: X-Stream-Protocol-Version is required");
  const found = offered.map((p) => accepted.find((a) => a === p)).find((p) => p !== undefined);
  if (found) return found;
  const message = `unable to upgrade: unable to negotiate protocol: client supports ${offered.join(", ").slice(0, 200)}; accepted: ${accepted.join(", ")}`;
  throw new ApiError(403, "Forbidden", message, {}, { "X-Accepted-Stream-Protocol-Versions": accepted.join(", ") });
}

/** Answers the handshake. @returns the connection, which speaks SPDY from here on */
export function acceptSpdy(u: Upgrade, protocol: string): Duplex {
  const { req, socket, head } = u;
  req.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  req.socket.setNoDelay(true);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return socket;
}
