// Every path the server answers, each with its policy: a route cannot be added without one.
import Router, { type RouterMiddleware } from "@koa/router";
import type { Context, Middleware, Next } from "koa";
import { labelNameProblem, subdomainProblem } from "../schemas/labels.ts";
import { RESOURCES } from "../schemas/resources.ts";
import type { Authenticator, User } from "./auth.ts";
import { type Call, type Deps, type Handler, Query } from "./call.ts";
import { contentTypeOf, includeObject, JSON_TYPE, negotiate } from "./forms.ts";
import { type Handlers, handlersOf, upgradeOf } from "./handlers/registry.ts";
import { type Kind, qualifiedResource, type Verb } from "./kind.ts";
import { authorise, type Policy } from "./policy.ts";
import type { Rates } from "./rates.ts";
import { respond } from "./respond.ts";
import { endWhenStalled } from "./stall.ts";
import type { Upgrades } from "./upgrade.ts";
import { badRequest, notFound, refused, unreadable } from "./status.ts";

/** What the log and the measurements say of a request. */
export interface Attributes {
  verb: string;
  /** Of a resource. */
  kind?: Kind;
  /** `stacks.steadfleet.dev`, `pods/log`, or the path of what is no resource. */
  resource: string;
  namespace?: string;
  name?: string;
  user?: User;
}

declare module "koa" {
  interface DefaultState {
    about?: Attributes;
  }
}

type Layer = Router["stack"][number];
type Method = "get" | "post" | "put" | "patch" | "delete";

export class Routes {
  readonly router = new Router();
  /** A test walks the router's stack and fails when a layer is not in here. */
  readonly policies = new Map<Layer, Policy>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly rates: Rates,
  ) {}

  /** `verb` of a request to this path, for the policy and the log. */
  add(method: Method, path: string, policy: Policy, verb: (ctx: Context) => Verb, handle: Middleware): void {
    const guard = async (ctx: Context, next: Next): Promise<void> => {
      const params = ctx["params"] as { namespace?: string; name?: string };
      const about: Attributes = { verb: verb(ctx), resource: resourceOf(policy, path), ...params };
      if (policy.type === "resource") about.kind = policy.kind;
      ctx.state.about = about;
      if (policy.type !== "open") {
        about.user = await this.authenticator.authenticate(ctx.req.headers, ctx.req.socket.remoteAddress);
        this.rates.admit(about.user, verb(ctx));
        authorise(about.user, policy, { verb: verb(ctx), namespace: params.namespace, name: params.name });
        if (verb(ctx) === "watch") ctx.res.once("close", this.rates.watch(about.user));
      }
      await next();
    };
    this.router.register(path, [method], [guard as RouterMiddleware, handle as RouterMiddleware]);
    for (const layer of this.router.stack) if (!this.policies.has(layer)) this.policies.set(layer, policy);
  }

  /** All routes of another router, under one policy. */
  mount(other: Router, policy: Policy): void {
    for (const layer of other.stack) {
      if (typeof layer.path !== "string") throw new TypeError("routes have paths");
      for (const method of layer.methods)
        if (method !== "HEAD")
          for (const handle of layer.stack) this.add(method.toLowerCase() as Method, layer.path, policy, () => "get", handle as Middleware);
    }
  }
}

const resourceOf = (policy: Policy, path: string): string => {
  if (policy.type !== "resource") return path;
  const resource = qualifiedResource(policy.kind.resource);
  return policy.subresource ? `${resource}/${policy.subresource}` : resource;
};

/** The collections, objects and subresources of a kind. */
export function resourceRoutes(routes: Routes, upgrades: Upgrades, deps: Deps, kind: Kind): void {
  const { group, version, resource, namespaced } = kind.resource;
  const base = group ? `/apis/${group}/${version}` : `/api/${version}`;
  const own: Policy = { type: "resource", kind };
  const collection = namespaced ? `${base}/namespaces/:namespace/${resource}` : `${base}/${resource}`;
  const handlers = handlersOf(kind);
  const route = (method: Method, path: string, policy: Policy, verb: (ctx: Context) => Verb, of: Handlers): void =>
    routes.add(method, path, policy, verb, (ctx) => answer(deps, kind, policy, ctx, of[verb(ctx)]));
  const has = (verb: Verb): boolean => kind.verbs.includes(verb);
  const reading = (ctx: Context): Verb =>
    ctx.method !== "HEAD" && new Query(ctx.URL.searchParams).flag("watch") && has("watch") ? "watch" : "list";

  if (has("list")) for (const path of new Set([`${base}/${resource}`, collection])) route("get", path, own, reading, handlers);
  if (has("create")) route("post", collection, own, () => "create", handlers);
  if (has("deletecollection")) route("delete", collection, own, () => "deletecollection", handlers);
  const item = `${collection}/:name`;
  if (has("get")) route("get", item, own, () => "get", handlers);
  if (has("update")) route("put", item, own, () => "update", handlers);
  if (has("patch")) route("patch", item, own, () => "patch", handlers);
  if (has("delete")) route("delete", item, own, () => "delete", handlers);
  refusals(routes, kind, collection);
  for (const s of kind.subresources) {
    const policy: Policy = { type: "resource", kind, subresource: s.name };
    const path = `${item}/${s.name}`;
    const upgrade = upgradeOf(kind, s.name);
    if (upgrade) {
      upgrades.add({ path, policy, handle: upgrade });
      // As Kubernetes: whoever may run things there says so with create, whatever the method.
      for (const method of ["get", "post"] as const)
        routes.add(
          method,
          path,
          policy,
          () => "create",
          () => {
            throw badRequest("unable to upgrade: Upgrade request required");
          },
        );
      continue;
    }
    const views = handlersOf(kind, s.name);
    for (const verb of s.verbs) {
      const method = METHODS[verb];
      if (method) route(method, path, policy, () => verb, views);
    }
  }
}

/** What has no meaning is told so, with what to do instead. */
function refusals(routes: Routes, kind: Kind, collection: string): void {
  for (const [what, why = ""] of Object.entries(kind.refused ?? {})) {
    const [verb = "create", subresource] = what.split("/").toReversed() as [Verb?, string?];
    const method = verb === "deletecollection" ? "delete" : METHODS[verb];
    if (!method) continue;
    const ofAll = verb === "create" || verb === "deletecollection";
    const path = subresource ? `${collection}/:name/${subresource}` : ofAll ? collection : `${collection}/:name`;
    routes.add(
      method,
      path,
      { type: "resource", kind, ...(subresource ? { subresource } : {}) },
      () => verb,
      () => {
        throw refused(kind.resource, why);
      },
    );
  }
}

/** Of subresources. */
const METHODS: Partial<Record<Verb, Method>> = { get: "get", create: "post", update: "put", patch: "patch", delete: "delete" };

async function answer(deps: Deps, kind: Kind, policy: Policy, ctx: Context, handler: Handler | undefined): Promise<void> {
  const params = ctx["params"] as { namespace?: string; name?: string };
  const { namespace, name = "" } = params;
  // What cannot be a name names nothing, and never becomes part of a key.
  if (namespace !== undefined && labelNameProblem(namespace)) throw notFound(kind.resource, name);
  if (name !== "" && subdomainProblem(name)) throw notFound(kind.resource, name);
  const user = ctx.state.about?.user;
  if (!handler || !user) throw new TypeError(`no handler for ${ctx.method} ${ctx.path}`);
  const gone = new AbortController();
  ctx.res.on("close", () => gone.abort(new Error("the client went away")));
  const warnings = new Set<string>();
  const query = new Query(ctx.URL.searchParams);
  const isText = policy.type === "resource" && kind.subresources.some((s) => s.name === policy.subresource && s.text);
  const form = negotiate(isText ? undefined : ctx.req.headers.accept);
  const included = includeObject(query.text("includeObject"));
  const call: Call = {
    kind,
    name,
    query,
    req: ctx.req,
    user,
    form,
    signal: gone.signal,
    warn: (text) => void warnings.add(text),
    ...(namespace === undefined ? {} : { namespace }),
    ...(policy.type === "resource" && policy.subresource ? { subresource: policy.subresource } : {}),
  };
  if (kind.resource === RESOURCES.secrets) refuseUnreadable(deps, kind);
  const a = await handler(deps, call);
  if (a.type === "stream") {
    ctx.respond = false;
    return a.run(ctx.res);
  }
  if (ctx.state.about && a.type === "object") ctx.state.about.name = a.object.metadata.name;
  for (const text of [...warnings].slice(0, MAX_WARNINGS)) ctx.append("Warning", warningHeader(text));
  ctx.status = a.type === "object" ? a.code : a.type === "status" ? (a.code ?? 200) : 200;
  ctx.set("Cache-Control", "no-cache, private");
  ctx.set("Content-Type", a.type === "status" ? JSON_TYPE : contentTypeOf(form));
  endWhenStalled(deps, ctx.res);
  const shown = a.type === "object" && a.table ? { ...kind, table: a.table } : kind;
  respond(ctx, a, { kind: shown, form, now: deps.env.now(), includeObject: included });
}

/** A list without those that cannot be read would say that they do not exist. @throws ApiError 500 */
function refuseUnreadable(deps: Deps, kind: Kind): void {
  const problem = deps.secretsProblem?.() ?? deps.cache.unreadable(kind)[0]?.[1];
  if (problem !== undefined) throw unreadable(problem);
}

const MAX_WARNINGS = 50;
/** One line of quoted UTF-8, which in a header are bytes. Source: RFC 7234, section 5.5. */
export const warningHeader = (text: string): string => {
  const oneLine = text.replaceAll(/\p{Cc}+/gu, " ").slice(0, 1000);
  return `299 - "${Buffer.from(oneLine.replaceAll(/["\\]/g, "\\$&"), "utf8").toString("latin1")}"`;
};
