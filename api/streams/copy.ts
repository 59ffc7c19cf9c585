import type { Readable, Writable } from "node:stream";

/**
 * Everything that `from` has goes to `to`, no faster than `to` takes it, and then `to` is ended, unless it is to stay open. Without
 * `to` it is read and dropped.
 * Only the two halves are touched: the other halves of duplex streams go on.
 * Resolves when `to` has taken the last byte. Rejects when either breaks off; neither is destroyed here.
 */
export const copy = (
  from: Readable,
  to: Writable | undefined,
  { onBytes, end = true }: { onBytes?: (n: number) => void; end?: boolean } = {},
): Promise<void> =>
  new Promise((resolve, reject) => {
    const cutOff = (): void => done(new Error("cut off"));
    const onData = (chunk: Buffer): void => {
      onBytes?.(chunk.length);
      if (to && !to.write(chunk)) from.pause();
    };
    const onDrain = (): void => void from.resume();
    const onEnd = (): void => {
      from.off("close", cutOff);
      if (to && end) to.end(() => done());
      else done();
    };
    const done = (error?: Error): void => {
      from.off("data", onData).off("end", onEnd).off("close", cutOff).off("error", done);
      to?.off("drain", onDrain).off("close", onToClose).off("error", done);
      // Whatever breaks after this is nobody's concern, but must not end the process.
      from.on("error", () => {});
      to?.on("error", () => {});
      if (error) reject(error);
      else resolve();
    };
    // A writable that has taken everything may close before it says so.
    const onToClose = (): void => (to?.writableFinished ? done() : cutOff());
    if (from.readableEnded) return onEnd();
    if (from.destroyed) return cutOff();
    if (to?.destroyed) return cutOff();
    from.on("error", done).on("end", onEnd).on("close", cutOff);
    to?.on("drain", onDrain).on("error", done).on("close", onToClose);
    from.on("data", onData);
  });
