// Connections to etcd, and what its errors mean. etcd3 serves as transport only: typed calls and raw streams. Its default
// retries replay writes, its breaker turns one bad call into five seconds of refusal (and dead-locks with password auth), and it
// sets no deadlines: all of that is off or replaced here.
import { isIP } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { ConstantBackoff, noop } from "cockatiel";
import { Etcd3, type IOptions } from "etcd3";
import { type Env, realEnv } from "../env.ts";
import { AmbiguousWriteError, ExpiredError, FencedError, NoSpaceError, StoreError, TooLargeError, UnavailableError } from "../errors.ts";
import { backoffMs } from "../rules.ts";

export interface EtcdCredentials {
  /** PEM. */
  ca: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** The DNS name in the server's certificate; needed when hosts are IP addresses, for TLS has no IP server names. */
  serverName?: string;
}
export interface ClientOptions {
  /** `http://host:port` or `https://host:port`, one per member. */
  hosts: string[];
  credentials?: EtcdCredentials;
  /** For one attempt of one call. Default 5,000. */
  callTimeoutMs?: number;
  /** How often a silent connection is probed. Not below etcd's --grpc-keepalive-min-time of 5 s. Default 10,000. */
  keepaliveMs?: number;
}

/** A member that lost its quorum must refuse watches instead of keeping them silently open. Not on KV: it would break serializable reads. */
const hasLeaderOnWatch: grpc.Interceptor = (options, next) =>
  options.method_definition.path.startsWith("/etcdserverpb.Watch/")
    ? new grpc.InterceptingCall(next(options), {
        start(metadata, listener, proceed) {
          metadata.set("hasleader", "true");
          proceed(metadata, listener);
        },
      })
    : new grpc.InterceptingCall(next(options));

const serverName = (o: ClientOptions): string | undefined => {
  const secure = o.hosts.filter((h) => h.startsWith("https:")).map((h) => new URL(h).hostname.replace(/^\[|\]$/g, ""));
  const ips = secure.filter((h) => isIP(h) !== 0);
  if (o.credentials?.serverName) return o.credentials.serverName;
  if (ips.length === 0) return undefined;
  if (ips.every((ip) => ip === "::1" || ip.startsWith("127."))) return "localhost";
  throw new TypeError(
    `TLS to the IP address ${ips[0]}: name the host by DNS, or give credentials.serverName (a DNS name in its certificate)`,
  );
};

/** @throws TypeError (no hosts; TLS to an IP address without a server name) */
export const makeClient = (o: ClientOptions): Etcd3 => {
  if (o.hosts.length === 0) throw new TypeError("no etcd endpoint given");
  const name = serverName(o);
  const timeoutMs = o.callTimeoutMs ?? 5_000;
  const grpcOptions = {
    // The default of 4 MiB silently loses the watch events of a larger batch.
    "grpc.max_receive_message_length": -1,
    // Finds black holes.
    "grpc.keepalive_time_ms": o.keepaliveMs ?? 10_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2_000,
    interceptors: [hasLeaderOnWatch],
    ...(name ? { "grpc.ssl_target_name_override": name } : {}),
  };
  const client = new Etcd3({
    hosts: o.hosts,
    ...(o.credentials
      ? {
          credentials: {
            rootCertificate: o.credentials.ca,
            ...(o.credentials.key ? { privateKey: o.credentials.key } : {}),
            ...(o.credentials.cert ? { certChain: o.credentials.cert } : {}),
          },
        }
      : {}),
    // watchBackoff is typed as an instance, where cockatiel 3 gives a factory.
    faultHandling: { host: () => noop, global: noop, watchBackoff: new ConstantBackoff(250).next() },
    // A function, since an object would freeze one deadline for good. gRPC reads the real clock, so this does too, whatever Env the caller has.
    defaultCallOptions: (context) => (context.isStream ? {} : { deadline: realEnv.now() + timeoutMs }),
    // ChannelOptions' type knows no interceptors, but they are passed through unchanged.
    grpcOptions: grpcOptions as unknown as NonNullable<IOptions["grpcOptions"]>,
  });
  keepChannels(client);
  return client;
};

/**
 * After any failed call, and after any stream that ends with an error (a cancelled one does), etcd3 closes the channels of all services. Their
 * streams live on until the next HTTP/2 ping, which a closing session refuses: seconds after one watch is cancelled all others break. gRPC
 * connects again by itself, so the channels stay until the client is closed.
 */
const keepChannels = (client: Etcd3): void => {
  const { pool } = client as unknown as { pool: { hosts: { resetAllServices(): void; close(): void }[] } };
  for (const host of pool.hosts) {
    const reset = host.resetAllServices.bind(host);
    const close = host.close.bind(host);
    host.resetAllServices = () => {};
    host.close = () => {
      host.resetAllServices = reset;
      close();
    };
  }
};

/**
 * unsent: never reached a server. ambiguous: may have been applied. refused: not applied, worth another try.
 * The others are final.
 */
export type Outcome = "unsent" | "ambiguous" | "refused" | "compacted" | "no-space" | "too-large" | "lease-gone" | "fatal";

/** etcd3 drops codes and metadata and keeps the message, so the message is what there is to go by. */
export const classify = (e: unknown): Outcome => {
  const m = e instanceof Error ? e.message : String(e);
  if (/required revision has been compacted|future revision/.test(m)) return "compacted";
  if (/database space exceeded/.test(m)) return "no-space";
  if (/request is too large|received message larger than max|RESOURCE_EXHAUSTED.*larger/.test(m)) return "too-large";
  if (/requested lease not found/.test(m)) return "lease-gone";
  // "revision of auth store is old" hits any running client whenever any user or role changes.
  if (/invalid auth token|revision of auth store is old|too many requests|etcdserver: no leader|not capable/.test(m)) return "refused";
  if (/No connection established|ECONNREFUSED|Failed to connect|Name resolution failed|before call started/.test(m)) return "unsent";
  if (/already closed|Channel has been shut down/.test(m)) return "unsent";
  if (/^(1 CANCELLED|2 UNKNOWN|4 DEADLINE_EXCEEDED|10 ABORTED|13 INTERNAL|14 UNAVAILABLE)/.test(m)) return "ambiguous";
  return "fatal";
};

/** @param what for the message, e.g. "get /steadfleet/cluster" */
export const toStoreError = (e: unknown, what: string): Error => {
  if (e instanceof StoreError) return e;
  const text = `${what}: ${e instanceof Error ? e.message : String(e)}`;
  switch (classify(e)) {
    case "compacted":
      return new ExpiredError(text, { cause: e });
    case "no-space":
      return new NoSpaceError(`${text}. Reads and deletes still work: free space, compact, defragment, then disarm the alarm`, {
        cause: e,
      });
    case "too-large":
      return new TooLargeError(text, { cause: e });
    case "lease-gone":
      return new FencedError(`${text}: nothing was written`, { cause: e });
    case "unsent":
    case "refused":
    case "ambiguous":
      return new UnavailableError(text, { cause: e });
    default:
      return new StoreError(text, { cause: e });
  }
};

export const isTransient = (outcome: Outcome): boolean => outcome === "unsent" || outcome === "ambiguous" || outcome === "refused";

export interface RetryOptions {
  env: Env;
  /** For all attempts together. */
  budgetMs: number;
  signal?: AbortSignal | undefined;
  what: string;
}
/** For calls that may be repeated: reads, and transactions that a repetition does not change. @throws what `toStoreError` gives */
export const retry = async <T>(call: () => Promise<T>, o: RetryOptions): Promise<T> => {
  const end = o.env.monotonic() + o.budgetMs;
  for (let attempt = 0; ; attempt++) {
    o.signal?.throwIfAborted();
    try {
      return await abortable(call(), o.signal);
    } catch (e) {
      o.signal?.throwIfAborted();
      const ms = backoffMs(attempt, 20, 500, o.env.random());
      if (!isTransient(classify(e)) || o.env.monotonic() + ms > end) throw toStoreError(e, o.what);
      await o.env.sleep(ms, o.signal);
    }
  }
};

/** Stops waiting when the signal is aborted; the call itself ends by its deadline. */
export const abortable = async <T>(call: Promise<T>, signal?: AbortSignal): Promise<T> => {
  if (!signal) return call;
  let off: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    const fn = (): void => reject(signal.reason);
    signal.addEventListener("abort", fn, { once: true });
    off = () => signal.removeEventListener("abort", fn);
  });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    off?.();
    call.catch(() => {});
  }
};

export const ambiguous = (what: string, cause: unknown): AmbiguousWriteError =>
  new AmbiguousWriteError(`${what}: the reply was lost and what happened cannot be told; read again`, { cause });
