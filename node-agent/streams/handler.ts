// The agent's side of the tunnel's protocol (schemas/tunnel.ts): one HTTP/2 stream is one request, and closing it frees everything
// that it holds here.
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Logger } from "pino";
import type { TunnelError } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import type { Engine } from "../engine.ts";
import { composeProjects, differencesOf, type Wanted } from "../import/projects.ts";
import type { World } from "../world.ts";
import { serveProcess } from "./exec.ts";
import { serveLog } from "./log.ts";
import { servePort } from "./portforward.ts";
import { hostReach, type Reach } from "./reach.ts";
import { notFound, Refusal, toRefusal } from "./refusal.ts";
import { GoneError, linger } from "./send.ts";
import { Sessions } from "./sessions.ts";
import { type HostUsage, Stats } from "./stats.ts";
import { targetOf } from "./target.ts";

export interface StreamParts {
  engine: Engine;
  /** The containers of this node. */
  world: Pick<World, "ofPod" | "podKeys" | "clusterId" | "isOurs">;
  env: Env;
  log: Logger;
  /** Aborting ends all streams. */
  signal: AbortSignal;
  /** Default: this machine's. */
  reach?: Reach;
  usage?: () => HostUsage;
}

/** For the `stream` event of an HTTP/2 server session. Never throws or rejects. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface Request {
  method: string;
  query: URLSearchParams;
  stream: ServerHttp2Stream;
}
interface Route {
  method: string;
  path: RegExp;
  /** `parts`: what the path's groups say. */
  handle(request: Request, ...parts: string[]): Promise<void>;
}

export const streamHandler = (o: StreamParts): StreamHandler => {
  const { engine, world, env, signal, reach = hostReach } = o;
  const log = o.log.child({ loop: "streams" });
  const sessions = new Sessions(env);
  const stats = new Stats({ engine, world, env, log, ...(o.usage ? { usage: o.usage } : {}) });
  const parts = { engine, env, log, reach, sessions };
  const open = new Set<ServerHttp2Stream>();
  signal.addEventListener("abort", () => {
    for (const stream of open) stream.destroy(new Error("the agent is stopping"));
  });
  const ofPod = (namespace: string, pod: string, query: URLSearchParams) =>
    targetOf({ engine, world }, `${namespace}/${pod}`, query.get("uid"));
  const podRoute = (
    method: string,
    name: string,
    handle: (r: Request, target: Awaited<ReturnType<typeof ofPod>>) => Promise<void>,
  ): Route => ({
    method,
    path: new RegExp(`^/v1/pods/([^/]+)/([^/]+)/${name}$`),
    handle: async (r, namespace = "", pod = "") => handle(r, await ofPod(namespace, pod, r.query)),
  });
  const routes: Route[] = [
    podRoute("GET", "log", ({ query, stream }, target) => serveLog({ engine, env }, target, query, stream)),
    podRoute("POST", "exec", ({ query, stream }, target) => serveProcess(parts, target, "exec", query, stream)),
    podRoute("POST", "attach", ({ query, stream }, target) => serveProcess(parts, target, "attach", query, stream)),
    podRoute("POST", "portforward", ({ query, stream }, target) => servePort(parts, target, query, stream)),
    { method: "GET", path: /^\/v1\/sessions\/([^/]+)\/stderr$/, handle: async ({ stream }, id = "") => sessions.stderr(id, stream) },
    {
      method: "PUT",
      path: /^\/v1\/sessions\/([^/]+)\/size$/,
      handle: async ({ query, stream }, id = "") => {
        await sessions.resize(id, query);
        stream.respond({ ":status": 204 }, { endStream: true });
      },
    },
    {
      method: "GET",
      path: /^\/v1\/compose$/,
      handle: async ({ query, stream }) =>
        answer(stream, 200, await composeProjects(engine, (id) => world.isOurs(id), query.get("project") ?? undefined)),
    },
    {
      method: "POST",
      path: /^\/v1\/compose$/,
      handle: async ({ stream }) => {
        // The body comes when the answer has begun: what goes wrong is told in it.
        stream.respond({ ":status": 200, "content-type": "application/json" });
        const said = await bodyOf<Wanted>(stream)
          .then((wanted) => differencesOf(engine, world.clusterId, wanted))
          .catch((error: unknown) => {
            const { reason, message } = toRefusal(error);
            return { reason, message } satisfies TunnelError;
          });
        if (!stream.destroyed) stream.end(JSON.stringify(said));
      },
    },
    { method: "GET", path: /^\/v1\/stats$/, handle: async ({ stream }) => answer(stream, 200, await stats.read()) },
  ];

  const serve = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> => {
    const method = String(headers[":method"]);
    const url = new URL(String(headers[":path"]), "http://node");
    const found = routes.filter((r) => r.path.test(url.pathname));
    const route = found.find((r) => r.method === method);
    if (found.length > 0 && !route) throw new Refusal(405, "MethodNotAllowed", `${method} is not how to ask for ${url.pathname}`);
    if (!route) throw notFound(`this agent does not know ${url.pathname}: it is older or newer than the server`);
    if (signal.aborted) throw new Refusal(503, "ServiceUnavailable", "the agent is stopping");
    const names = (route.path.exec(url.pathname) ?? []).slice(1).map(decodeURIComponent);
    await route.handle({ method, query: url.searchParams, stream }, ...names);
  };

  return (stream, headers) => {
    open.add(stream);
    stream.once("close", () => open.delete(stream));
    stream.on("error", (err) => log.debug({ err }, "stream"));
    // Reset without an error code, a stream with an unread body is not closed by itself.
    stream.once("aborted", () => stream.destroy());
    if (headers[":method"] === "GET") stream.resume();
    serve(stream, headers).catch((error: unknown) => {
      if (error instanceof GoneError || stream.destroyed) return;
      const refusal = toRefusal(error);
      const { status, reason, message } = refusal;
      if (status >= 500) log.warn({ err: error, path: String(headers[":path"]).split("?")[0], status }, "stream failed");
      if (stream.headersSent) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      answer(stream, status, { reason, message } satisfies TunnelError);
      linger(stream, env);
    });
  };
};

const MAX_BODY_BYTES = 4 << 20;

const bodyOf = async <T>(stream: ServerHttp2Stream): Promise<T> => {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    length += (part as Buffer).length;
    if (length > MAX_BODY_BYTES) throw new Refusal(413, "RequestEntityTooLarge", `at most ${MAX_BODY_BYTES} bytes`);
    parts.push(part as Buffer);
  }
  return JSON.parse(Buffer.concat(parts).toString("utf8")) as T;
};

const answer = (stream: ServerHttp2Stream, status: number, body: object): void => {
  if (stream.destroyed) return;
  stream.respond({ ":status": status, "content-type": "application/json" });
  stream.end(JSON.stringify(body));
};
