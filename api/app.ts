// The HTTP side: one koa application with one place that turns errors into Status answers.
import { promisify } from "node:util";
import { pipeline, Readable } from "node:stream";
import { constants, createGzip, gzip } from "node:zlib";
import type { IncomingMessage } from "node:http";
import Koa, { type Context, type Next } from "koa";
import Router from "@koa/router";
import { refuseTokenInUrl, type Authenticator } from "./auth.ts";
import type { Deps } from "./call.ts";
import { discoveryRoutes } from "./discovery.ts";
import { healthRoutes } from "./health.ts";
import { KINDS } from "./kinds/index.ts";
import { metricsOf } from "./metrics.ts";
import { openApi, openApiRoutes } from "./openapi/index.ts";
import type { Rates } from "./rates.ts";
import { resourceRoutes, Routes } from "./routes.ts";
import { Upgrades } from "./upgrade.ts";
import { refuseOversized } from "./wire.ts";
import { type About, failure, methodNotAllowed, noSuchPath, toApiError } from "./status.ts";

const MUTATING = new Set(["create", "update", "patch", "delete", "deletecollection"]);
/** From this size on an answer is compressed, where the client can take it. */
const GZIP_FROM = 128 * 1024;
/** So much of a body nobody wanted is read and dropped, so that the client gets to read why. */
const DROP_LIMIT = 16 * 1024 * 1024;

export interface App {
  koa: Koa;
  routes: Routes;
  upgrades: Upgrades;
}

export function appOf(deps: Deps, authenticator: Authenticator, rates: Rates, o: { version: string }): App {
  const koa = new Koa();
  const routes = new Routes(authenticator, rates);
  const upgrades = new Upgrades(deps, authenticator, rates);
  const metrics = metricsOf(deps.cache, rates, KINDS, deps.streams);
  healthRoutes(routes, deps, { version: o.version, metrics });
  const documents = new Router();
  discoveryRoutes(documents, KINDS);
  openApiRoutes(documents, openApi(o.version, KINDS), () => deps.env.now());
  documents.get("/", (ctx) => {
    ctx.body = { paths: [...new Set(routes.router.stack.map((l) => String(l.path)).filter((p) => !p.includes(":")))].toSorted() };
  });
  routes.mount(documents, { type: "discovery" });
  for (const kind of KINDS) resourceRoutes(routes, upgrades, deps, kind);

  koa.use(async (ctx, next) => {
    const began = deps.env.monotonic();
    // The socket may fail under an answer; without a listener that would be an uncaught error.
    ctx.res.on("error", (err) => deps.log.debug({ err }, "answer could not be sent"));
    await answerErrors(deps, ctx, next);
    const about = ctx.state.about ?? { verb: ctx.method.toLowerCase(), resource: "none" };
    metrics.observe(about.verb, about.resource, ctx.status, (deps.env.monotonic() - began) / 1000);
    audit(deps, ctx);
  });
  koa.use(refuseOversized);
  koa.use(compress);
  koa.use(async (ctx, next) => {
    refuseTokenInUrl(ctx.url);
    await next();
  });
  koa.use(routes.router.routes() as Koa.Middleware);
  koa.use(async (ctx) => {
    const matched = (ctx["matched"] ?? []) as { methods: string[] }[];
    // Nothing ran: nobody asked yet who is calling, and strangers learn nothing about paths.
    if (ctx.state.about === undefined) {
      await authenticator.authenticate(ctx.req.headers, ctx.req.socket.remoteAddress);
      throw matched.length > 0
        ? methodNotAllowed([...new Set(matched.flatMap((l) => l.methods))])
        : noSuchPath(
            ctx.path,
            KINDS.map((k) => k.resource.group),
          );
    }
  });
  koa.on("error", (err: Error) => deps.log.debug({ err }, "koa"));
  return { koa, routes, upgrades };
}

async function answerErrors(deps: Deps, ctx: Context, next: Next): Promise<void> {
  try {
    await next();
  } catch (e) {
    const error = toApiError(e, aboutOf(ctx));
    if (error.code >= 500)
      deps.log[error.code === 500 ? "error" : "warn"]({ err: e, method: ctx.method, path: ctx.path, code: error.code }, "request failed");
    if (ctx.res.headersSent) {
      ctx.res.destroy();
      return;
    }
    ctx.status = error.code;
    ctx.set(error.headers);
    ctx.set("Content-Type", "application/json");
    ctx.set("Cache-Control", "no-cache, private");
    ctx.body = JSON.stringify(failure(error));
    ctx.res.removeHeader("Content-Encoding");
  }
  if (!ctx.req.complete && ctx.respond !== false) drop(ctx.req);
}

const aboutOf = (ctx: Context): About | undefined => {
  const { kind, name = "" } = ctx.state.about ?? {};
  return kind ? { resource: kind.resource, name } : undefined;
};

/** Reads on without keeping, so that the connection can go on; who sends without end loses it. */
function drop(req: IncomingMessage): void {
  let dropped = 0;
  req.on("data", (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > DROP_LIMIT) req.socket.destroy();
  });
  req.on("error", () => {});
  req.resume();
}

const zip = promisify(gzip);

async function compress(ctx: Context, next: Next): Promise<void> {
  await next();
  if (ctx.respond === false || ctx.method === "HEAD" || ctx.body === undefined || ctx.body === null) return;
  const { body } = ctx;
  const whole = typeof body === "string" || Buffer.isBuffer(body) ? body : body instanceof Readable ? undefined : JSON.stringify(body);
  if (whole !== undefined && whole.length < GZIP_FROM) return;
  ctx.vary("Accept-Encoding");
  if (ctx.acceptsEncodings("gzip", "identity") !== "gzip") return;
  const type = ctx.response.get("Content-Type") || "application/json";
  const level = constants.Z_BEST_SPEED;
  // Whoever ends first ends the other; what went wrong is told by the answer, which breaks off.
  ctx.body = whole === undefined ? pipeline(body as Readable, createGzip({ level }), () => {}) : await zip(whole, { level });
  ctx.set("Content-Type", type);
  ctx.set("Content-Encoding", "gzip");
}

/** Who changed what, or was not let. Never bodies, queries or secrets. */
function audit(deps: Deps, ctx: Context): void {
  const about = ctx.state.about;
  const denied = ctx.status === 401 || ctx.status === 403;
  if (!denied && !(about && MUTATING.has(about.verb))) return;
  const { verb, resource, namespace, name, user } = about ?? { verb: ctx.method.toLowerCase(), resource: "none" };
  deps.log.info(
    {
      audit: true,
      user: user?.name,
      token: user?.tokenId,
      verb,
      resource,
      namespace,
      name,
      code: ctx.status,
      dryRun: ctx.URL.searchParams.has("dryRun") || undefined,
      source: ctx.req.socket.remoteAddress,
      agent: ctx.get("User-Agent").slice(0, 200),
    },
    "audit",
  );
}
