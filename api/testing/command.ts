// exec and attach as a WebSocket client does them, for tests.
import { WebSocket } from "ws";
import type { TestApi } from "./server.ts";

export interface Commanded {
  ws: WebSocket;
  /** What came on a channel so far. */
  text(channel: number): string;
  bytes(channel: number): number;
  send(channel: number, data: string | Buffer): void;
  /** The Status of the error channel, and the code of the close. */
  ended: Promise<{
    status: { status: string; reason?: string; message?: string; details?: { causes?: { message: string }[] } };
    code: number;
  }>;
  /** Resolves when the condition holds after a message. */
  until(holds: () => boolean): Promise<void>;
}

/** @param path below the namespace's pods, with its query. Rejects with the answer's code and body when it is refused. */
export const command = (
  t: Pick<TestApi, "api" | "token">,
  path: string,
  o: { protocols?: string[]; token?: string } = {},
): Promise<Commanded> =>
  new Promise((resolve, reject) => {
    const url = `${t.api.url.replace("http", "ws")}/api/v1/namespaces/default/pods/${path}`;
    const ws = new WebSocket(url, o.protocols ?? ["v5.channel.k8s.io", "v4.channel.k8s.io"], {
      headers: { authorization: `Bearer ${o.token ?? t.token}` },
      perMessageDeflate: false,
      ca: t.api.caPem,
    });
    const found = new Map<number, Buffer[]>();
    const watchers = new Set<() => void>();
    const text = (channel: number): string => Buffer.concat(found.get(channel) ?? []).toString("utf8");
    const ended: Commanded["ended"] = new Promise((done) => {
      ws.on("close", (code) => {
        for (const fn of watchers) fn();
        const said = text(3);
        done({ status: (said.startsWith("{") ? JSON.parse(said) : { status: said }) as { status: string }, code });
      });
    });
    ws.on("error", reject);
    ws.on("unexpected-response", (_req, res) => {
      const parts: Buffer[] = [];
      res
        .on("data", (d: Buffer) => parts.push(d))
        .on("end", () => reject(new Error(`${res.statusCode} ${Buffer.concat(parts).toString()}`)));
    });
    ws.on("message", (data: Buffer) => {
      const channel = data[0] ?? 0;
      found.set(channel, [...(found.get(channel) ?? []), data.subarray(1)]);
      for (const fn of watchers) fn();
    });
    ws.on("open", () =>
      resolve({
        ws,
        text,
        bytes: (channel) => (found.get(channel) ?? []).reduce((n, b) => n + b.length, 0),
        send: (channel, data) => ws.send(Buffer.concat([Buffer.of(channel), Buffer.from(data)])),
        ended,
        until: (holds) =>
          new Promise((ok) => {
            const check = (): void => {
              if (!holds()) return;
              watchers.delete(check);
              ok();
            };
            watchers.add(check);
            check();
          }),
      }),
    );
  });

/** Waits for what no message tells. @throws Error after ten seconds */
export async function eventually(holds: () => boolean, what = holds.toString()): Promise<void> {
  const until = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > until) throw new Error(`waited in vain for: ${what}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}
