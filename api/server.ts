// Listens, and stops again.
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import { X509Certificate } from "node:crypto";
import { isIP, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Logger } from "pino";
import { compileAll } from "../schemas/judge.ts";
import type { KubeObject } from "../schemas/meta.ts";
import { apiVersionOf, RESOURCES } from "../schemas/resources.ts";
import type { Env } from "../store/env.ts";
import { AlreadyExistsError, UnavailableError } from "../store/errors.ts";
import { tokensPrefix } from "../store/keys.ts";
import type { Kv } from "../store/kv.ts";
import { ObjectStore } from "../store/objects.ts";
import { appOf } from "./app.ts";
import { Authenticator } from "./auth.ts";
import { WatchCache } from "./cache/watch-cache.ts";
import type { Deps } from "./call.ts";
import { EventLeases } from "./event-lease.ts";
import { KINDS } from "./kinds/index.ts";
import { namespaces } from "./kinds/namespaces.ts";
import type { NodeLinks } from "./links.ts";
import { type ApiLimits, LIMITS, Rates } from "./rates.ts";
import { OpenStreams } from "./streams/open-streams.ts";
import type { Routes } from "./routes.ts";
import type { Upgrades } from "./upgrade.ts";
import { ensureTls, isLoopback, localHosts, type ServerTls } from "./tls.ts";
import { type Address, nodeWays } from "./tunnel/index.ts";
import { refuseMalformed, WIRE } from "./wire.ts";

export interface ApiOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  /** Holds the certificate authority, in `pki/`. */
  dataDir: string;
  /** Address to listen on, e.g. 127.0.0.1 or 0.0.0.0. */
  host: string;
  /** 0: a free one. */
  port: number;
  /** Plain HTTP: on loopback addresses only. */
  insecureHttp?: boolean;
  /** Of the product. */
  version: string;
  /** Instead of the tunnels of this server's own: for tests. */
  links?: NodeLinks;
  /** Instead of `LIMITS`. */
  limits?: Partial<ApiLimits>;
  /** Where other API servers reach this one, e.g. `https://10.0.0.1:7443`. Default: its own address. */
  advertise?: string | undefined;
  /** Name of this server among the others of the cluster. Default: a fresh one. */
  replica?: string;
  /** Why this server cannot read or write Secrets, in words (store/at-rest); undefined: it can. */
  secretsProblem?: () => string | undefined;
  /** Tells contents of configs and secrets apart, for plans (store/at-rest). */
  contentHash?: (about: string, content: Uint8Array) => string;
  /** A certificate of one's own, instead of one of our authority. PEM texts. */
  tls?: ServerTls;
}

export interface ApiHandle {
  /** With the address that this machine can reach it at. */
  url: string;
  /** What clients must trust; "" for plain HTTP. */
  caPem: string;
  routes: Routes;
  upgrades: Upgrades;
  /** The way to the nodes. */
  links: NodeLinks;
  /** Ends watches, lets requests that run finish for five seconds, then closes. */
  close(): Promise<void>;
}

const CLOSE_MS = 5_000;
const SWEEP_MS = 100;
const START_MS = 30_000;
const RENEWAL_CHECK_MS = 12 * 3_600_000;

/**
 * Serves the API until closed.
 * @throws Error when plain HTTP is wanted on an address that others can reach, or the port is taken; UnavailableError when
 * etcd does not answer within 30 s
 */
export async function startApi(o: ApiOptions): Promise<ApiHandle> {
  if (o.insecureHttp && !isLoopback(o.host))
    throw new Error(
      `plain HTTP is served on loopback addresses only, and ${o.host} is none: tokens would cross the network readable; leave --insecure-http out`,
    );
  const { kv, env, log } = o;
  const stop = new AbortController();
  const store = new ObjectStore(kv, env);
  const cache = new WatchCache({ kv, env, log, kinds: KINDS });
  const leases = new EventLeases(kv, env, log);
  const rates = new Rates(env, { ...LIMITS, ...o.limits });
  const authenticator = new Authenticator(kv, env, rates);
  const streams = new OpenStreams({ env, log, cache, closing: stop.signal });
  cache.onToken((key) => {
    authenticator.forget(key);
    streams.tokenChanged(key.slice(tokensPrefix.length));
  });
  const ways = nodeWays({ kv, env, log, cache, id: o.replica });
  const links = o.links ?? ways.links;
  const deps: Deps = {
    kv,
    env,
    log,
    store,
    cache,
    links,
    streams,
    eventLease: () => leases.id(),
    secretsProblem: o.secretsProblem,
    contentHash: o.contentHash,
    closing: stop.signal,
  };
  const { koa, routes, upgrades } = appOf(deps, authenticator, rates, { version: o.version });
  for (const route of ways.routes) upgrades.add(route);

  const hosts = [...new Set([...localHosts(), ...(["0.0.0.0", "::"].includes(o.host) ? [] : [o.host])])];
  const pki = join(o.dataDir, "pki");
  const tls = o.insecureHttp ? undefined : (o.tls ?? (await ensureTls({ dir: pki, env, hosts })));
  const handle = koa.callback();
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => void handle(req, res);
  const server: Server | HttpsServer = tls
    ? createHttpsServer({ ...WIRE, cert: tls.certPem, key: tls.keyPem, minVersion: "TLSv1.2" }, onRequest)
    : createHttpServer(WIRE, onRequest);
  refuseMalformed(server, env, log);
  server.on("upgrade", (req, socket, head) => void upgrades.handle(req, socket, head));
  // A watch may be silent for as long as it lasts.
  server.timeout = 0;
  const closed = (): Promise<void> => {
    stop.abort();
    leases.stop();
    return cache.stopped;
  };
  cache.start(stop.signal);
  compileAll();
  let cancelRenewal = (): void => {};
  try {
    await ready(cache, store, env);
    await listen(server, o.host, o.port);
    await ways.start(addressOf(o, server, tls), stop.signal);
  } catch (e) {
    server.close();
    await closed();
    throw e;
  }
  const renewal = (): void => {
    cancelRenewal = env.timer(RENEWAL_CHECK_MS, () => {
      ensureTls({ dir: pki, env, hosts })
        .then((t) => {
          (server as HttpsServer).setSecureContext({ cert: t.certPem, key: t.keyPem });
          ways.readdress(addressOf(o, server, t));
        })
        .catch((err: unknown) => log.error({ err }, "certificate could not be renewed"))
        .finally(renewal);
    });
  };
  if (tls && !o.tls) renewal();

  const url = urlOf(server, tls, o.host === "0.0.0.0" || o.host === "localhost" ? "127.0.0.1" : o.host === "::" ? "::1" : o.host);
  log.info({ url }, "api listening");
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    cancelRenewal();
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    const caches = closed();
    // They are no longer the server's: nobody else ends them.
    const tunnels = ways.close();
    // Those whose watch or log has just ended are idle a moment later; their clients would keep them.
    let cancelSweep = (): void => {};
    const sweep = (): void => {
      server.closeIdleConnections();
      cancelSweep = env.timer(SWEEP_MS, sweep);
    };
    sweep();
    const cancel = env.timer(CLOSE_MS, () => {
      server.closeAllConnections();
      upgrades.destroyAll();
    });
    await Promise.all([ended, caches, tunnels]);
    cancel();
    cancelSweep();
    log.info({ url }, "api closed");
  };
  return { url, caPem: tls?.caPem ?? "", routes, upgrades, links, close: () => (closing ??= close()) };
}

const urlOf = (server: Server, tls: ServerTls | undefined, host: string): string =>
  `${tls ? "https" : "http"}://${isIP(host) === 6 ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;

/** For other API servers. One that listens everywhere is known by its first address that leads off this machine. */
function addressOf(o: ApiOptions, server: Server, tls: ServerTls | undefined): Address {
  const everywhere = o.host === "0.0.0.0" || o.host === "::";
  const host = everywhere ? (localHosts().find((h) => isIP(h) !== 0 && !isLoopback(h)) ?? "127.0.0.1") : o.host;
  const fingerprint = tls && new X509Certificate(tls.certPem).fingerprint256;
  return { url: o.advertise ?? urlOf(server, tls, host), ...(fingerprint === undefined ? {} : { fingerprint }) };
}

/** Waits for etcd and the first fill of the cache; makes the namespace that manifests mean when they name none. */
async function ready(cache: WatchCache, store: ObjectStore, env: Env): Promise<void> {
  const until = env.monotonic() + START_MS;
  while (!cache.ready) {
    if (env.monotonic() > until)
      throw new UnavailableError(`etcd did not answer within ${START_MS / 1000} s; is it running, and are its addresses right?`);
    await env.sleep(10);
  }
  const r = RESOURCES.namespaces;
  const metadata = { name: "default", finalizers: [...namespaces.finalizers] };
  await store.create<KubeObject>(r, { apiVersion: apiVersionOf(r), kind: r.kind, metadata }).catch((e: unknown) => {
    if (!(e instanceof AlreadyExistsError)) throw e;
  });
}

const listen = (server: Server | HttpsServer, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
