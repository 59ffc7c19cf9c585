// Writing at the reader's pace.
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Writable } from "node:stream";
import type { Env } from "../../store/env.ts";

/** The other side has gone: nothing is wrong, and nobody is left to tell. */
export class GoneError extends Error {
  override name = "GoneError";
}

/** Resolves when there is room for more. @throws GoneError */
export const send = async (to: Writable, data: Buffer): Promise<void> => {
  if (to.destroyed || to.writableEnded) throw new GoneError("the stream is closed");
  if (to.write(data)) return;
  await new Promise<void>((resolve, reject) => {
    const settle = (then: () => void) => (): void => {
      to.off("drain", drained);
      to.off("close", closed);
      then();
    };
    const drained = settle(resolve);
    const closed = settle(() => reject(new GoneError("the stream was closed")));
    to.on("drain", drained);
    to.on("close", closed);
  });
};

/** Resolves when everything was taken, or the reader is gone. */
export const finish = (to: Writable): Promise<void> =>
  new Promise((resolve) => {
    if (to.destroyed) return resolve();
    to.once("close", resolve);
    to.end(resolve);
  });

/** So long a client may take to see that the answer is over before its own half is cut off: cut at once, the trailers would be lost. */
const LINGER_MS = 1_000;

/** After the answer was ended: what the client still wants to say, there is nobody to say it to. */
export const linger = (stream: ServerHttp2Stream, env: Env): void => {
  stream.resume();
  const cancel = env.timer(LINGER_MS, () => stream.close(constants.NGHTTP2_NO_ERROR));
  stream.once("close", cancel);
};
