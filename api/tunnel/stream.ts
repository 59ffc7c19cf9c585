// One request to a node as one HTTP/2 stream, over whatever leads there.
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from "node:http2";
import type { Env } from "../../store/env.ts";
import type { NodeRequest, NodeStream } from "../links.ts";
import { ApiError, unavailable } from "../status.ts";

const HEAD_MS = 10_000;

/** Headers between API servers; agents get none. */
export type Extra = Readonly<Record<string, string>>;

/**
 * @throws ApiError 503 when the connection ends before the answer begins, 504 when there is none in 10 s; the signal's reason
 */
export const openStream = (session: ClientHttp2Session, node: string, request: NodeRequest, env: Env, extra: Extra = {}): Promise<Opened> =>
  new Promise((resolve, reject) => {
    const { signal, method } = request;
    if (signal.aborted) return reject(signal.reason);
    if (session.destroyed || session.closed) return reject(lost(node));
    const stream = session.request({ ...extra, ":method": method, ":path": pathOf(request) }, { endStream: method === "GET" });
    resets(stream);
    let headed = false;
    const settle = (then: () => void): void => {
      if (headed) return;
      headed = true;
      cancel();
      then();
    };
    const fail = (e: unknown): void =>
      settle(() => {
        stream.destroy();
        reject(e);
      });
    const aborted = (): void => {
      stream.destroy();
      fail(signal.reason);
    };
    signal.addEventListener("abort", aborted, { once: true });
    const cancel = env.timer(HEAD_MS, () => fail(silent(node)));
    stream.on("error", () => fail(lost(node)));
    stream.once("close", () => {
      signal.removeEventListener("abort", aborted);
      fail(lost(node));
    });
    stream.once("response", (headers) =>
      settle(() => {
        resolve({ status: headers[":status"] ?? 502, headers: plain(headers), body: stream, trailers: trailersOf(stream, node) });
      }),
    );
  });

export interface Opened extends NodeStream {
  headers: Readonly<Record<string, string>>;
}

/** With its query. */
export const pathOf = ({ path, query }: NodeRequest): string => {
  const text = query?.toString() ?? "";
  return text === "" ? path : `${path}?${text}`;
};

/** Node resets with NO_ERROR when a stream is destroyed without a reason, which says that all is well. */
const resets = (stream: ClientHttp2Stream): void => {
  const destroy = stream.destroy.bind(stream);
  stream.destroy = (err) => {
    if (!stream.closed && !stream.destroyed) stream.close(constants.NGHTTP2_CANCEL);
    return destroy(err);
  };
};

const trailersOf = (stream: ClientHttp2Stream, node: string): Promise<Readonly<Record<string, string>>> => {
  const trailers = new Promise<Readonly<Record<string, string>>>((resolve, reject) => {
    let got: Readonly<Record<string, string>> = {};
    stream.once("trailers", (headers) => (got = plain(headers)));
    stream.once("end", () => (stream.rstCode === constants.NGHTTP2_NO_ERROR ? resolve(got) : reject(cut(node))));
    stream.once("close", () => reject(cut(node)));
  });
  // Who does not care for them need not catch them.
  trailers.catch(() => {});
  return trailers;
};

const plain = (headers: NodeJS.Dict<string | string[] | number>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, String(v)]));

const lost = (node: string): ApiError =>
  unavailable(`the tunnel of node ${node} ended before it answered: its agent lost the connection or was stopped; try again`);
const cut = (node: string): Error => new Error(`the stream of node ${node} was cut off`);
const silent = (node: string): ApiError =>
  new ApiError(
    504,
    "Timeout",
    `node ${node} did not answer in ${HEAD_MS / 1000} s: its agent is connected, but it or its Docker may hang; see the agent's log there`,
    { retryAfterSeconds: 1 },
    { "Retry-After": "1" },
  );
