// The real server over loopback HTTP and a store in memory, and a small client, for tests.
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { KubeObject } from "../../schemas/meta.ts";
import { type Env, realEnv } from "../../store/env.ts";
import type { Kv } from "../../store/kv.ts";
import { MemoryKv } from "../../store/memory.ts";
import { createToken } from "../auth.ts";
import type { ApiLimits } from "../rates.ts";
import type { NodeLinks } from "../links.ts";
import { type ApiHandle, startApi } from "../server.ts";

export interface Reply {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** Parsed, where it is JSON. */
  // Tests read whatever fields they expect; a wrong guess fails the test.
  body: Body;
}
export interface Body extends Partial<Omit<KubeObject, "metadata">> {
  metadata: Partial<KubeObject["metadata"]> & { continue?: string; remainingItemCount?: number };
  items: Body[];
  rows: { cells: unknown[]; object?: Body }[];
  columnDefinitions: { name: string }[] | null;
  spec: { [key: string]: unknown };
  status: unknown;
  data: { [key: string]: string };
  message: string;
  reason: string;
  details: { name?: string; kind?: string; group?: string; uid?: string; causes?: { reason: string; message: string; field: string }[] };
}

export interface CallOptions {
  body?: unknown;
  /** Sent as it is. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  token?: string | null;
}

/** One event of a watch. */
export interface Event {
  type: string;
  object: Body;
}

export interface Watching {
  events: Event[];
  /** Waits until `n` events are there. */
  until(n: number, what?: (e: Event) => boolean): Promise<Event[]>;
  ended: Promise<void>;
  stop(): void;
  code: number;
}

export interface TestApi extends AsyncDisposable {
  api: ApiHandle;
  kv: Kv;
  token: string;
  call(method: string, path: string, o?: CallOptions): Promise<Reply>;
  watch(path: string, o?: CallOptions): Promise<Watching>;
}

export interface TestOptions {
  kv?: Kv;
  env?: Env;
  log?: (line: string) => void;
  limits?: Partial<ApiLimits>;
  links?: NodeLinks;
  secretsProblem?: () => string | undefined;
  /** With a certificate, as clients that refuse plain HTTP want it. */
  tls?: boolean;
}

/** @returns a server of its own on a free port; dispose it. */
export async function testApi<K extends Kv = MemoryKv>(o: TestOptions & { kv?: K } = {}): Promise<TestApi & { kv: K }> {
  const env = o.env ?? realEnv;
  const kv = (o.kv ?? new MemoryKv(env)) as K;
  const dataDir = mkdtempSync(join(tmpdir(), "steady-api-"));
  const log = o.log ? pino({ level: "info" }, { write: o.log }) : pino({ level: "silent" });
  const token = await createToken(kv, env, { name: "admin", groups: ["system:masters"] });
  const api = await startApi({
    kv,
    env,
    log,
    dataDir,
    host: "127.0.0.1",
    port: 0,
    insecureHttp: !o.tls,
    version: "0.0.0",
    ...(o.links ? { links: o.links } : {}),
    ...(o.secretsProblem ? { secretsProblem: o.secretsProblem } : {}),
    ...(o.limits ? { limits: o.limits } : {}),
  });
  const base = new URL(api.url);
  const open = (method: string, path: string, c: CallOptions) => {
    const data = c.raw ?? (c.body === undefined ? undefined : JSON.stringify(c.body));
    const bearer = c.token === undefined ? token : c.token;
    return (o.tls ? requestTls : request)({
      ...(o.tls ? { ca: api.caPem } : {}),
      host: base.hostname,
      port: base.port,
      method,
      path,
      agent: false,
      headers: {
        ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }),
        ...(data === undefined ? {} : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(data)) }),
        ...c.headers,
      },
    }).end(data);
  };
  return {
    api,
    kv,
    token,
    call: (method, path, c = {}) =>
      new Promise((resolve, reject) => {
        open(method, path, c)
          .on("error", reject)
          .on("response", (r) => {
            const chunks: Buffer[] = [];
            r.on("data", (d: Buffer) => chunks.push(d))
              .on("error", reject)
              .on("end", () => {
                const text = Buffer.concat(chunks).toString("utf8");
                const json = (r.headers["content-type"] ?? "").startsWith("application/json") && !r.headers["content-encoding"];
                resolve({ code: r.statusCode ?? 0, headers: r.headers, text, body: (json && text ? JSON.parse(text) : {}) as Body });
              });
          });
      }),
    watch: (path, c = {}) =>
      new Promise((resolve, reject) => {
        const req = open("GET", path, c);
        req.on("error", reject).on("response", (r) => {
          const events: Event[] = [];
          const changed = new Set<() => void>();
          let rest = "";
          let over = false;
          const ended = new Promise<void>((done) => {
            r.on("close", () => {
              over = true;
              done();
              for (const fn of changed) fn();
            });
          });
          r.on("error", () => {});
          r.on("data", (d: Buffer) => {
            const lines = (rest + d.toString("utf8")).split("\n");
            rest = lines.pop() ?? "";
            for (const line of lines) events.push(JSON.parse(line) as Event);
            for (const fn of changed) fn();
          });
          const until = (n: number, what: (e: Event) => boolean = () => true): Promise<Event[]> =>
            new Promise((ok, fail) => {
              const timer = setTimeout(
                () => finish(() => fail(new Error(`waited for ${n} events; got ${JSON.stringify(events).slice(0, 2000)}`))),
                20_000,
              );
              const finish = (then: () => void): void => {
                clearTimeout(timer);
                changed.delete(check);
                then();
              };
              const check = (): void => {
                const found = events.filter(what);
                if (found.length >= n) finish(() => ok(found));
                else if (over) finish(() => fail(new Error(`the watch ended; got ${JSON.stringify(events).slice(0, 2000)}`)));
              };
              changed.add(check);
              check();
            });
          resolve({ events, until, ended, stop: () => req.destroy(), code: r.statusCode ?? 0 });
        });
      }),
    [Symbol.asyncDispose]: async () => {
      await api.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export const stack = (name: string, image = "nginx:1", labels?: Record<string, string>): object => ({
  apiVersion: "steadfleet.dev/v1",
  kind: "Stack",
  metadata: { name, ...(labels ? { labels } : {}) },
  spec: { services: { web: { image } } },
});
export const STACKS = "/apis/steadfleet.dev/v1/namespaces/default/stacks";
