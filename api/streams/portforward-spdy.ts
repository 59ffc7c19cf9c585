// Connections through a SPDY session: for each the client opens two streams, "error" and "data", with the same requestID.
import type { Duplex } from "node:stream";
import type { Deps } from "../call.ts";
import { type Forwarding, portOf } from "./forwarding.ts";
import { SpdySession, type SpdyStream } from "./spdy/session.ts";

/** In which the second stream has to follow the first, as in Kubernetes; and the client has to take the end. */
const PAIR_MS = 30_000;
const CLOSE_MS = 10_000;

interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
  cancel(): void;
}

/** Until the client goes, or the session is ended. */
export async function forwardOverSpdy(transport: Duplex, f: Forwarding, { env, log }: Pick<Deps, "env" | "log">): Promise<void> {
  const pairs = new Map<string, Pair>();
  const running = new Set<Promise<void>>();
  const session = new SpdySession(transport, {
    env,
    log,
    onStream: (stream) => {
      const id = stream.headers.get("requestid");
      const type = stream.headers.get("streamtype");
      const port = portOf(stream.headers.get("port"));
      if (id === undefined || port === undefined || (type !== "error" && type !== "data")) return void stream.destroy();
      const pair: Pair = pairs.get(id) ?? {
        cancel: env.timer(PAIR_MS, () => {
          pairs.delete(id);
          pair.error?.destroy();
          pair.data?.destroy();
        }),
      };
      if (pair[type]) return void stream.destroy();
      pair[type] = stream;
      pairs.set(id, pair);
      const { error, data } = pair;
      if (!error || !data) return;
      pairs.delete(id);
      pair.cancel();
      const done = connect(f, port, error, data).finally(() => running.delete(done));
      running.add(done);
    },
  });
  await new Promise<void>((resolve) => {
    session.gone.addEventListener("abort", () => resolve(), { once: true });
    if (f.signal.aborted) resolve();
    f.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const pair of pairs.values()) pair.cancel();
  const cancel = env.timer(CLOSE_MS, () => session.destroy());
  await session.close();
  cancel();
  await Promise.all(running);
}

/** The error stream ends without a word when all went well. */
async function connect(f: Forwarding, port: number, error: SpdyStream, data: SpdyStream): Promise<void> {
  error.resume();
  try {
    await f.connect({ port, from: data, to: data });
    error.end();
  } catch (e) {
    error.end(e instanceof Error ? e.message : String(e));
    data.end();
    // What the client still sends goes nowhere.
    data.resume();
  }
}
