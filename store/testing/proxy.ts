// A TCP proxy that behaves as badly as networks do.
import { type AddressInfo, type Socket, connect, createServer } from "node:net";

interface Pair {
  client: Socket;
  server: Socket;
}
export interface FaultProxy {
  /** `http://127.0.0.1:<port>` */
  endpoint: string;
  /** Resets every connection. New ones are let through. */
  reset(): void;
  /** true: bytes vanish in both directions, connections stay open, new ones are accepted and lead nowhere. */
  blackHole(on: boolean): void;
  /** true: connections are reset at once, old and new. */
  refuse(on: boolean): void;
  /** Resets the connection instead of passing on the next `n` replies that look like an answer to a call. */
  resetBeforeReplies(n: number): void;
  /** Replies that were swallowed so far. */
  readonly swallowed: number;
  /** Asked for each such reply: true swallows it. For random faults. */
  swallow: (() => boolean) | undefined;
  close(): Promise<void>;
}

/** Smaller chunks are HTTP/2's own: settings, pings, window updates. */
const REPLY_BYTES = 45;

export const startProxy = async (target: string): Promise<FaultProxy> => {
  const { hostname, port } = new URL(target);
  const pairs = new Set<Pair>();
  let hole = false;
  let refusing = false;
  let replies = 0;
  let swallowed = 0;

  const drop = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.destroy();
  };
  const proxy: Omit<FaultProxy, "endpoint"> = {
    reset: () => [...pairs].forEach(drop),
    blackHole(on) {
      hole = on;
      // What was held back is lost for good, as after a real one: both ends have to start anew.
      if (!on) proxy.reset();
    },
    refuse(on) {
      refusing = on;
      if (on) proxy.reset();
    },
    resetBeforeReplies(n) {
      replies = n;
    },
    get swallowed() {
      return swallowed;
    },
    swallow: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        proxy.reset();
      }),
  };
  const server = createServer((client) => {
    if (refusing) return client.resetAndDestroy();
    const pair: Pair = { client, server: connect({ port: Number(port), host: hostname }) };
    pairs.add(pair);
    client.on("data", (chunk) => {
      if (!hole) pair.server.write(chunk);
    });
    pair.server.on("data", (chunk) => {
      if (hole) return;
      if (chunk.length >= REPLY_BYTES && (replies > 0 || proxy.swallow?.())) {
        if (replies > 0) replies--;
        swallowed++;
        return drop(pair);
      }
      client.write(chunk);
    });
    for (const socket of [client, pair.server]) {
      socket.on("error", () => drop(pair));
      socket.on("close", () => drop(pair));
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return Object.assign(proxy, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
};
