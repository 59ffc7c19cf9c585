// Clients that ask and then do not read: what is meant for them is not kept for ever.
import type { ServerResponse } from "node:http";
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";

/** How long a client may leave what it was sent unread, before it counts as gone. */
export const STALL_MS = 60_000;

/** Ends the connection of an answer of which nothing was taken for `ms`, until the answer is out. */
export function endWhenStalled({ env, log }: { env: Env; log: Logger }, res: ServerResponse, ms = STALL_MS): void {
  const sent = (): string => `${res.socket?.bytesWritten} ${res.socket?.writableLength} ${res.writableLength}`;
  let before = sent();
  let cancel = (): void => {};
  const check = (): void => {
    const now = sent();
    if (now === before) {
      log.warn({ unsent: res.writableLength, source: res.socket?.remoteAddress }, "answer is not read, ended");
      return void res.destroy();
    }
    before = now;
    cancel = env.timer(ms, check);
  };
  cancel = env.timer(ms, check);
  for (const event of ["finish", "close"]) res.once(event, () => cancel());
}
