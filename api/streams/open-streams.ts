// The streams to nodes that are open now: how many there may be, and what ends one that neither side ends.
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import { pods } from "../kinds/pods.ts";
import { ApiError } from "../status.ts";

/** Numbers are streams; a port-forward session is one, however many connections run through it. */
export interface StreamLimits {
  perUser: number;
  perNode: number;
  /** So long without a byte in either direction. Logs may be silent for as long as they last. */
  idleMs: number;
}

/** Idle time: as the kubelet's streamingConnectionIdleTimeout. */
export const STREAM_LIMITS: StreamLimits = { perUser: 256, perNode: 128, idleMs: 4 * 3_600_000 };

export interface StreamAbout {
  user: string;
  /** Public part of the token. */
  tokenId: string;
  /** `log`, `exec`, `attach` or `portforward`. */
  subresource: string;
  namespace: string;
  pod: string;
  /** Of the pod: a successor of the same name is another pod. */
  uid: string;
  node: string;
}

/** Why the server ended a stream, in words for the client. */
export class StreamEndedError extends Error {
  override name = "StreamEndedError";
  constructor(
    message: string,
    /** Of a WebSocket. Source: RFC 6455, section 7.4.1. */
    readonly closeCode: 1000 | 1001 | 1008,
  ) {
    super(message);
  }
}

export interface OpenStream {
  /** Aborted with a StreamEndedError. */
  signal: AbortSignal;
  /** Something was sent or received. */
  touch(): void;
  /** It is over, whoever ended it. May be called again. */
  leave(): void;
}

interface Entry {
  about: StreamAbout;
  end: AbortController;
}

const tooMany = (message: string): ApiError =>
  new ApiError(429, "TooManyRequests", message, { retryAfterSeconds: 5 }, { "Retry-After": "5" });

export class OpenStreams {
  private readonly entries = new Set<Entry>();
  private unsubscribe: (() => void) | undefined;

  constructor(
    private readonly o: {
      env: Env;
      log: Logger;
      /** Absent: nobody says which pods go. */
      cache: Pick<WatchCache, "of">;
      closing: AbortSignal;
      limits?: StreamLimits;
    },
  ) {
    o.closing.addEventListener("abort", () => this.endAll(() => true, new StreamEndedError("the server is stopping; try again", 1001)), {
      once: true,
    });
  }

  /** How many of a subresource are open. */
  count(subresource: string): number {
    return [...this.entries].filter((e) => e.about.subresource === subresource).length;
  }

  /** @throws ApiError 429 when there are too many */
  enter(about: StreamAbout): OpenStream {
    const { perUser, perNode, idleMs } = this.o.limits ?? STREAM_LIMITS;
    const count = (matches: (a: StreamAbout) => boolean): number => [...this.entries].filter((e) => matches(e.about)).length;
    if (count((a) => a.user === about.user) >= perUser)
      throw tooMany(`user ${JSON.stringify(about.user)} has ${perUser} open streams (logs, exec, attach, port-forward): end some first`);
    if (count((a) => a.node === about.node) >= perNode)
      throw tooMany(`${perNode} streams (logs, exec, attach, port-forward) to node ${about.node} are open: end some first, or try later`);
    const entry: Entry = { about, end: new AbortController() };
    this.entries.add(entry);
    this.unsubscribe ??= this.o.cache.of(pods).subscribe((t) => {
      const gone = t.old?.metadata.uid;
      if (gone !== undefined && t.new?.metadata.uid !== gone)
        this.endAll((a) => a.uid === gone, new StreamEndedError(`pod ${t.id} was removed`, 1000));
    });
    const { env } = this.o;
    let last = env.monotonic();
    let cancel = (): void => {};
    const watchIdle = (ms: number): void => {
      cancel = env.timer(ms, () => {
        const left = last + idleMs - env.monotonic();
        if (left > 0) watchIdle(left);
        else entry.end.abort(new StreamEndedError(`nothing was sent for ${idleMs / 60_000} minutes`, 1000));
      });
    };
    if (about.subresource !== "log") watchIdle(idleMs);
    return {
      signal: entry.end.signal,
      touch: () => {
        last = env.monotonic();
      },
      leave: () => {
        cancel();
        this.entries.delete(entry);
        if (this.entries.size > 0) return;
        this.unsubscribe?.();
        this.unsubscribe = undefined;
      },
    };
  }

  /** The token was revoked, or written anew: what was opened with it ends. */
  tokenChanged(id: string): void {
    this.endAll((a) => a.tokenId === id, new StreamEndedError("the token that this stream was opened with is no longer valid", 1008));
  }

  private endAll(matches: (a: StreamAbout) => boolean, why: StreamEndedError): void {
    for (const e of this.entries) {
      if (!matches(e.about) || e.end.signal.aborted) continue;
      this.o.log.info({ ...e.about, why: why.message }, "stream ended by the server");
      e.end.abort(why);
    }
  }
}
