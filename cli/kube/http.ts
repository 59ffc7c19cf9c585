// Requests to the API over node:http(s): one keep-alive agent, JSON in and out, streams by line, errors in the caller's words.
import * as http from "node:http";
import * as https from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { WebSocket } from "ws";
import { CLI } from "../../schemas/constants.ts";
import { ApiError, CliError, EXIT, errorCode, errorText, type Status } from "../errors.ts";
import type { Access } from "./kubeconfig.ts";

export interface RequestOptions {
  query?: Record<string, string | undefined>;
  body?: unknown;
  /** Content type of the body; JSON when absent. */
  type?: string;
  accept?: string;
  signal?: AbortSignal;
  /** Milliseconds until the answer's headers; absent: the client's. */
  timeoutMs?: number;
}

export interface HttpOptions {
  access: Access;
  userAgent: string;
  timeoutMs: number;
  /** Called once for each different Warning header. */
  warn(text: string): void;
}

const MAX_BODY = 256 * 1024 * 1024;

export class Http {
  readonly #o: HttpOptions;
  readonly #agent: http.Agent;
  readonly #warned = new Set<string>();
  readonly #tls: boolean;

  constructor(o: HttpOptions) {
    this.#o = o;
    let url: URL;
    try {
      url = new URL(o.access.server);
    } catch {
      throw new CliError(EXIT.unreachable, `context ${JSON.stringify(o.access.context)}: ${JSON.stringify(o.access.server)} is not a URL`);
    }
    this.#tls = url.protocol === "https:";
    this.#agent = this.#tls ? new https.Agent({ keepAlive: true, ...tlsOf(o.access) }) : new http.Agent({ keepAlive: true });
  }

  /** @throws ApiError (any answer that is not 2xx), CliError exit 3 (no answer) */
  async json<T>(method: string, path: string, o: RequestOptions = {}): Promise<T> {
    const response = await this.#open(method, path, o);
    const text = await this.#text(response, o.signal);
    const code = response.statusCode ?? 0;
    if (code < 200 || code > 299) throw apiError(code, text);
    if (text === "") return undefined as T;
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.#unreachable(`answered something that is not JSON: ${JSON.stringify(text.slice(0, 60))}`);
    }
  }

  /** One JSON value per line, until the server or the signal ends it. A broken connection ends it like the server does. */
  async *stream<T>(path: string, o: RequestOptions = {}): AsyncGenerator<T, void> {
    const response = await this.#open("GET", path, o);
    if (response.statusCode !== 200) throw apiError(response.statusCode ?? 0, await this.#text(response, o.signal));
    response.setEncoding("utf8");
    let rest = "";
    try {
      for await (const chunk of response) {
        rest += String(chunk);
        for (let eol = rest.indexOf("\n"); eol >= 0; eol = rest.indexOf("\n")) {
          const line = rest.slice(0, eol).trim();
          rest = rest.slice(eol + 1);
          if (line !== "") yield JSON.parse(line) as T;
        }
        if (rest.length > MAX_BODY) throw new Error("a line of the watch is too long");
      }
    } catch (error) {
      if (o.signal?.aborted) throw o.signal.reason;
      // Reconnecting is the caller's; a line that is cut in the middle is lost with the connection.
      if (errorCode(error) !== "ECONNRESET" && !(error instanceof SyntaxError)) throw error;
    } finally {
      response.destroy();
    }
  }

  /**
   * The answer's body as it comes. An end without an error is the body's end.
   * @throws ApiError (any answer that is not 200), CliError exit 3 (no answer, or it broke off)
   */
  async *bytes(path: string, o: RequestOptions = {}): AsyncGenerator<Buffer, void> {
    const response = await this.#open("GET", path, { accept: "*/*", ...o });
    if (response.statusCode !== 200) throw apiError(response.statusCode ?? 0, await this.#text(response, o.signal));
    try {
      for await (const chunk of response) yield chunk as Buffer;
    } catch (error) {
      if (o.signal?.aborted) throw o.signal.reason;
      throw this.#unreachable(`broke off its answer: ${errorText(error)}`, error);
    } finally {
      response.destroy();
    }
  }

  /**
   * A WebSocket to the same API as the same user, open and paused: resume it when its listeners are there.
   * @throws ApiError (the API refused it), CliError exit 3 (no answer)
   */
  async socket(path: string, query: URLSearchParams, protocol: string, signal: AbortSignal): Promise<WebSocket> {
    const { WebSocket } = await import("ws");
    const { access, timeoutMs } = this.#o;
    const url = `${access.server.replace(/^http/, "ws")}${path}?${query.toString()}`;
    return new Promise((resolve, reject) => {
      const ws = new WebSocket(url, [protocol], {
        headers: this.#identity(),
        perMessageDeflate: false,
        ...(timeoutMs > 0 ? { handshakeTimeout: timeoutMs } : {}),
        ...(this.#tls ? tlsOf(access) : {}),
      });
      const abort = (): void => ws.terminate();
      signal.addEventListener("abort", abort, { once: true });
      ws.on("close", () => signal.removeEventListener("abort", abort));
      ws.once("open", () => {
        // What comes with the answer must not be there before its reader is.
        ws.pause();
        resolve(ws);
      });
      ws.once("unexpected-response", (_request, response) => {
        this.#text(response, signal).then((text) => reject(apiError(response.statusCode ?? 0, text)), reject);
      });
      // Stays: what breaks later is told by the close.
      ws.on("error", (error) => reject(signal.aborted ? signal.reason : this.#unreachable(say(error), error)));
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #identity(): Record<string, string> {
    const { access, userAgent } = this.#o;
    const authorization = access.token === undefined ? access.basic : `Bearer ${access.token}`;
    return { "user-agent": userAgent, ...(authorization === undefined ? {} : { authorization }) };
  }

  #open(method: string, path: string, o: RequestOptions): Promise<http.IncomingMessage> {
    const url = new URL(this.#o.access.server + path);
    for (const [k, v] of Object.entries(o.query ?? {})) if (v !== undefined) url.searchParams.set(k, v);
    const body = o.body === undefined ? undefined : Buffer.from(JSON.stringify(o.body));
    const headers: http.OutgoingHttpHeaders = { accept: o.accept ?? "application/json", ...this.#identity() };
    if (body) Object.assign(headers, { "content-type": o.type ?? "application/json", "content-length": body.length });
    return new Promise((resolve, reject) => {
      const timeoutMs = o.timeoutMs ?? this.#o.timeoutMs;
      const call = (this.#tls ? https : http).request(url, {
        method,
        headers,
        agent: this.#agent,
        ...(o.signal ? { signal: o.signal } : {}),
      });
      if (timeoutMs > 0) call.setTimeout(timeoutMs, () => call.destroy(new Error(`no answer after ${timeoutMs / 1000} s`)));
      call.once("response", (response) => {
        call.setTimeout(0);
        this.#warnings(response);
        resolve(response);
      });
      call.once("error", (error) => reject(o.signal?.aborted ? o.signal.reason : this.#unreachable(say(error), error)));
      call.end(body);
    });
  }

  async #text(response: http.IncomingMessage, signal: AbortSignal | undefined): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response) {
        chunks.push(chunk as Buffer);
        size += (chunk as Buffer).length;
        if (size > MAX_BODY) throw new Error("the answer is too long");
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : this.#unreachable(`broke off its answer (${errorText(error)})`, error);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  #warnings(response: http.IncomingMessage): void {
    for (const header of response.headersDistinct["warning"] ?? [])
      for (const match of header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
        const text = (match[1] ?? "").replace(/\\(.)/g, "$1");
        if (this.#warned.has(text)) continue;
        this.#warned.add(text);
        this.#o.warn(text);
      }
  }

  #unreachable(what: string, cause?: unknown): CliError {
    const { context, server } = this.#o.access;
    const help = [
      "containers on the nodes keep running",
      context === `steadfleet-dev` ? `is \`${CLI} dev\` running?` : `another cluster: --context`,
    ];
    return new CliError(EXIT.unreachable, `the API at ${server} (context ${context}) ${what}`, { help, cause });
  }
}

const tlsOf = ({ ca, cert, key, insecure, serverName }: Access): ConnectionOptions => ({
  rejectUnauthorized: !insecure,
  ...(ca === undefined ? {} : { ca }),
  ...(cert === undefined ? {} : { cert }),
  ...(key === undefined ? {} : { key }),
  ...(serverName === undefined ? {} : { servername: serverName }),
});

const TLS: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "has a certificate that the context's CA did not sign",
  SELF_SIGNED_CERT_IN_CHAIN: "has a certificate that the context's CA did not sign; do not ignore this",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "has a certificate that the context's CA did not sign; do not ignore this",
  CERT_SIGNATURE_FAILURE: "has a certificate that the context's CA did not sign; do not ignore this",
  CERT_HAS_EXPIRED: "has a certificate that has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "has a certificate for another name",
  EPROTO: "does not speak TLS; is the context's server http://?",
};

const say = (error: Error): string => {
  const code = errorCode(error) ?? (error instanceof AggregateError ? errorCode(error.errors[0]) : undefined) ?? "";
  if (TLS[code]) return TLS[code];
  if (code === "ECONNREFUSED") return "cannot be reached: connection refused";
  if (code === "ENOTFOUND") return "cannot be reached: its host name is not known";
  if (code === "ECONNRESET") return "closed the connection without an answer";
  return `cannot be reached: ${errorText(error)}`;
};

const apiError = (code: number, text: string): ApiError => {
  try {
    const status = JSON.parse(text) as Status;
    if (typeof status === "object" && status !== null && status.kind === "Status") return new ApiError(code, status);
  } catch {
    // Not ours: a proxy's page, say.
  }
  return new ApiError(code, {
    kind: "Status",
    code,
    message: `the server answered HTTP ${code}${text ? `: ${text.slice(0, 200).trim()}` : ""}`,
  });
};
