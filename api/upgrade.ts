// Connections that stop being HTTP (exec, attach, port-forward, tunnels): authenticated, authorised and audited as requests are,
// before the first byte of the other protocol. An upgraded connection carries nothing but the one thing it was opened for.
import type { IncomingMessage } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Authenticator, User } from "./auth.ts";
import { refuseTokenInUrl } from "./auth.ts";
import { type Deps, Query } from "./call.ts";
import { authorise, type Policy } from "./policy.ts";
import type { Rates } from "./rates.ts";
import { type ApiError, badRequest, failure, noSuchPath, toApiError } from "./status.ts";

export interface Upgrade {
  req: IncomingMessage;
  socket: Duplex;
  /** What the client sent after its head. */
  head: Buffer;
  /** From the path; checked to be names. */
  namespace: string;
  name: string;
  query: Query;
  user: User;
}

/** Throws before it has written anything (the client gets a Status), or sees the connection through to its end. */
export type UpgradeHandler = (deps: Deps, upgrade: Upgrade) => Promise<void>;

export interface UpgradeRoute {
  /** `/api/v1/namespaces/:namespace/pods/:name/exec` */
  path: string;
  policy: Policy;
  handle: UpgradeHandler;
  /** Instead of bearer tokens. @throws ApiError 401 */
  authenticate?(req: IncomingMessage): Promise<User>;
}

/** For a client to read why it was refused, and to close. */
const REFUSED_MS = 5_000;

export class Upgrades {
  readonly routes: UpgradeRoute[] = [];
  private readonly sockets = new Set<Duplex>();

  constructor(
    private readonly deps: Deps,
    private readonly authenticator: Authenticator,
    private readonly rates: Rates,
  ) {}

  add(route: UpgradeRoute): void {
    this.routes.push(route);
  }

  /** What is upgraded is no longer the server's: nobody else closes it. */
  destroyAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** For the server's `upgrade` event. Never rejects. */
  async handle(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", (err) => this.deps.log.debug({ err }, "upgraded connection"));
    // Upgraded sockets are half-open: without this they stay when the client goes.
    socket.on("end", () => socket.end());
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    let user: User | undefined;
    try {
      // A path such as "//" is no URL, and must not be more than a refusal.
      const url = urlOf(req);
      refuseTokenInUrl(req.url ?? "/");
      const found = this.find(url.pathname);
      user = await (found?.route.authenticate?.(req) ?? this.authenticator.authenticate(req.headers, req.socket.remoteAddress));
      if (!found) throw noSuchPath();
      const { route, namespace, name } = found;
      this.rates.admit(user, "create");
      authorise(user, route.policy, { verb: "create", namespace: namespace || undefined, name });
      if (this.deps.closing.aborted) throw badRequest("the server is stopping");
      this.deps.log.info({ audit: true, user: user.name, token: user.tokenId, upgrade: url.pathname }, "audit");
      await route.handle(this.deps, { req, socket, head, namespace, name, query: new Query(url.searchParams), user });
    } catch (e) {
      this.noteRefusal(req, user, toApiError(e));
      refuse(socket, e);
      // Read to its end, or the end is never seen; who does not close is closed.
      socket.resume();
      this.deps.env.timer(REFUSED_MS, () => socket.destroy());
    }
  }

  private noteRefusal(req: IncomingMessage, user: User | undefined, error: ApiError): void {
    const path = (req.url ?? "").split("?", 1)[0]?.slice(0, 500);
    const { code } = error;
    if (code === 401 || code === 403)
      this.deps.log.info(
        { audit: true, user: user?.name, token: user?.tokenId, upgrade: path, code, source: req.socket.remoteAddress },
        "audit",
      );
    else if (code >= 500) this.deps.log.warn({ err: error, upgrade: path, code }, "upgrade failed");
  }

  private find(path: string): { route: UpgradeRoute; namespace: string; name: string } | undefined {
    const parts = path.split("/");
    for (const route of this.routes) {
      const pattern = route.path.split("/");
      const params: Record<string, string> = {};
      const matches =
        pattern.length === parts.length &&
        pattern.every((p, i) => {
          const part = parts[i] ?? "";
          if (!p.startsWith(":")) return p === part;
          params[p.slice(1)] = part;
          // A DNS name, which needs no decoding: what cannot be a name names nothing.
          return /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(part);
        });
      if (matches) return { route, namespace: params["namespace"] ?? "", name: params["name"] ?? "" };
    }
    return undefined;
  }
}

const urlOf = (req: IncomingMessage): URL => {
  try {
    return new URL(req.url ?? "/", "http://localhost");
  } catch (cause) {
    throw badRequest("the path of the request is no URL", cause);
  }
};

/** A plain HTTP answer on a connection that was not upgraded. */
export function refuse(socket: Duplex, e: unknown): void {
  if (socket.destroyed || socket.writableEnded) return;
  const error = toApiError(e);
  const body = JSON.stringify(failure(error));
  const headers = { ...error.headers, "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body), Connection: "close" };
  const lines = Object.entries(headers).map(([k, v]) => `${k}: ${v}\r\n`);
  socket.end(`HTTP/1.1 ${error.code} ${STATUS_CODES[error.code] ?? ""}\r\n${lines.join("")}\r\n${body}`);
}
