// What probes and clients ask of the server itself.
import type { Context } from "koa";
import { clusterKey } from "../store/keys.ts";
import type { Deps } from "./call.ts";
import type { Metrics } from "./metrics.ts";
import type { Routes } from "./routes.ts";

/** The minor version of Kubernetes whose protocol is spoken here. Clients compare it with theirs. */
const KUBERNETES = { major: "1", minor: "32" } as const;
const CHECK_MS = 2_000;

/**
 * `GET /version`. Semver with build metadata rather than a prerelease: `>=1.32.0` must hold for clients that ask.
 */
export const versionOf = (product: string): object => ({
  ...KUBERNETES,
  gitVersion: `v${KUBERNETES.major}.${KUBERNETES.minor}.0+steadfleet.${product.replaceAll(/[^0-9A-Za-z.-]/g, "-")}`,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: `node ${process.version}`,
  compiler: "node",
  platform: `${process.platform}/${process.arch}`,
});

type Checks = Record<string, () => Promise<string | undefined>>;

/** Alive: this process answers. Ready: it can serve reads and writes. A check answers what is wrong. */
export function healthRoutes(routes: Routes, deps: Deps, o: { version: string; metrics: Metrics }): void {
  const etcd = async (): Promise<string | undefined> => {
    const late = new AbortController();
    const cancel = deps.env.timer(CHECK_MS, () => late.abort(new Error(`no answer within ${CHECK_MS} ms`)));
    try {
      await deps.kv.get(clusterKey, { signal: late.signal });
      return undefined;
    } catch (e) {
      deps.log.warn({ err: e }, "readiness: etcd cannot be reached");
      return "etcd cannot be reached";
    } finally {
      cancel();
    }
  };
  const cache = async (): Promise<string | undefined> => (deps.cache.ready ? undefined : "the watch cache is not filled yet");
  const closing = async (): Promise<string | undefined> => (deps.closing.aborted ? "the server is stopping" : undefined);
  const report = (checks: Checks) => async (ctx: Context) => {
    const results = await Promise.all(Object.entries(checks).map(async ([name, check]) => ({ name, wrong: await check() })));
    const bad = results.some((r) => r.wrong);
    const verbose = bad || ctx.URL.searchParams.has("verbose");
    const lines = results.map((r) => (r.wrong ? `[-]${r.name} failed: ${r.wrong}` : `[+]${r.name} ok`));
    ctx.status = bad ? 500 : 200;
    ctx.type = "text/plain";
    ctx.body = verbose ? `${lines.join("\n")}\n${ctx.path.slice(1)} check ${bad ? "failed" : "passed"}\n` : "ok";
  };
  const get = () => "get" as const;
  routes.add("get", "/livez", { type: "open" }, get, report({ ping: async () => undefined }));
  routes.add("get", "/readyz", { type: "open" }, get, report({ closing, "watch-cache": cache, etcd }));
  routes.add("get", "/healthz", { type: "open" }, get, report({ "watch-cache": cache, etcd }));
  routes.add("get", "/version", { type: "open" }, get, (ctx) => {
    ctx.body = versionOf(o.version);
  });
  routes.add("get", "/metrics", { type: "metrics" }, get, async (ctx) => {
    ctx.set("Content-Type", o.metrics.registry.contentType);
    ctx.body = await o.metrics.registry.metrics();
  });
}
