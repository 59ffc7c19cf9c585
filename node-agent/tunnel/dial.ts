// One connection to the API: dialled, upgraded, refused in words.
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { tunnelPath } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import { type Link, linkOver, MAX_MESSAGE_BYTES } from "../../store/websocket.ts";

const CONNECT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;

export interface DialOptions {
  env: Env;
  /** `https://host:port`, or `http://` on loopback. */
  server: string;
  node: string;
  /** Of the session in etcd. */
  nonce: string;
  /** Counts up within a session: of two connections the API keeps the one that was dialled later. */
  dial: number;
  token: string;
  /** PEM; absent: what the system trusts. */
  ca?: string | undefined;
  version: string;
  signal: AbortSignal;
}

/** The API said no. */
export class RefusedError extends Error {
  override name = "RefusedError";
  constructor(
    readonly code: number,
    message: string,
    /** It asks to be left alone for so long; 0: it did not say. */
    readonly retryAfterMs: number,
  ) {
    super(message);
  }
}

/** @throws RefusedError; Error when there is no connection in 10 s, or it is not trusted; the signal's reason */
export const dial = (o: DialOptions): Promise<Link> =>
  new Promise((resolve, reject) => {
    if (o.signal.aborted) return reject(o.signal.reason);
    const url = new URL(tunnelPath(o.node), o.server);
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:";
    url.search = new URLSearchParams({ session: o.nonce, dial: String(o.dial) }).toString();
    const ws = new WebSocket(url, {
      headers: { Authorization: `Bearer ${o.token}`, "User-Agent": `steady-agent/${o.version}` },
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      followRedirects: false,
      ...(o.ca === undefined ? {} : { ca: o.ca }),
    });
    let over = false;
    const settle = (then: () => void): void => {
      if (over) return;
      over = true;
      cancel();
      o.signal.removeEventListener("abort", aborted);
      then();
    };
    const fail = (err: unknown): void =>
      settle(() => {
        ws.terminate();
        reject(err);
      });
    const aborted = (): void => fail(o.signal.reason);
    o.signal.addEventListener("abort", aborted, { once: true });
    const cancel = o.env.timer(CONNECT_MS, () => fail(new Error(`no connection to ${o.server} in ${CONNECT_MS / 1000} s`)));
    // Stays for the whole life of the socket: terminating one that connects is told as an error, too.
    ws.on("error", (err) => fail(untrusted(err, o.server) ?? err));
    ws.once("unexpected-response", (_, response) => void refusal(response).then(fail, fail));
    ws.once("open", () => settle(() => resolve(linkOver(ws, o.env))));
  });

const UNTRUSTED = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|ERR_TLS_CERT_)/;

/** Node's words do not say what to do. */
const untrusted = (err: NodeJS.ErrnoException, server: string): Error | undefined =>
  UNTRUSTED.test(err.code ?? "")
    ? new Error(
        `the certificate of ${server} is not trusted (${err.message}): --ca-file names its authority, pki/ca.crt in that server's data directory`,
        {
          cause: err,
        },
      )
    : undefined;

/** The API answers with a Status; a proxy between might answer anything. */
const refusal = (response: IncomingMessage): Promise<RefusedError> =>
  new Promise((resolve) => {
    let text = "";
    const done = (): void => {
      let message = "";
      try {
        const status = JSON.parse(text) as { message?: unknown };
        if (typeof status.message === "string") message = status.message;
      } catch {
        // Not ours: the code alone has to do.
      }
      const code = response.statusCode ?? 0;
      const seconds = Number(response.headers["retry-after"] ?? 0);
      resolve(new RefusedError(code, message || `answered ${code} instead of a tunnel`, seconds > 0 ? Math.min(seconds, 120) * 1000 : 0));
    };
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      if (text.length < MAX_ANSWER_BYTES) text += part;
    });
    response.once("end", done);
    response.once("error", done);
  });
