// A command's input and output over one WebSocket. The first byte of a message says which channel it is of.
// Source: Kubernetes' remotecommand protocol v5.channel.k8s.io.
import type { WebSocket } from "ws";
import type { Status } from "../errors.ts";
import type { Io } from "../io.ts";

export const COMMAND_PROTOCOL = "v5.channel.k8s.io";
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

export type Ended = { exitCode: number } | { error: string };

/** @param ws open and paused. Resolves when the command has ended; the terminal is then as it was. Ctrl-C goes to the command when it has the terminal. */
export const commandSocket = async (ws: WebSocket, io: Io, o: { stdin: boolean; tty: boolean }): Promise<Ended> => {
  let said = "";
  ws.on("message", (data: Buffer) => {
    const payload = data.subarray(1);
    if (payload.length === 0) return;
    if (data[0] === CHANNEL.stdout) io.stdout.write(payload);
    else if (data[0] === CHANNEL.stderr) io.stderr.write(payload);
    else if (data[0] === CHANNEL.error) said += payload.toString("utf8");
  });
  const over = new AbortController();
  const closed = new Promise<number>((resolve) => {
    if (ws.readyState === ws.CLOSED) resolve(1006);
    ws.once("close", resolve);
  });
  ws.resume();
  const send = (channel: number, payload: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => ws.send(Buffer.concat([Buffer.of(channel), payload]), (error) => (error ? reject(error) : resolve())));
  const raw = o.tty && o.stdin;
  const tellSize = (): void => {
    const size = JSON.stringify({ Width: io.stdout.columns, Height: io.stdout.rows });
    send(CHANNEL.resize, Buffer.from(size)).catch(() => {});
  };
  const forget = o.tty ? io.input.onResize(tellSize) : undefined;
  try {
    if (o.tty) tellSize();
    if (raw) await io.input.raw(true);
    if (o.stdin)
      void io.input
        .pump((chunk) => send(CHANNEL.stdin, chunk), over.signal)
        .then(() => (over.signal.aborted ? undefined : send(CHANNEL.close, Buffer.of(CHANNEL.stdin))))
        .catch(() => {});
    const code = await closed;
    return endedOf(said, code);
  } finally {
    forget?.();
    if (raw) await io.input.raw(false);
    over.abort();
  }
};

/** @param said what came on the error channel: a Status */
const endedOf = (said: string, code: number): Ended => {
  if (said === "") return { error: `the connection broke (${code}); whether the command goes on is not known` };
  try {
    const status = JSON.parse(said) as Status & { status?: string };
    if (status.status === "Success") return { exitCode: 0 };
    const exit = status.details?.causes?.find((c) => c.reason === "ExitCode")?.message;
    if (status.reason === "NonZeroExitCode" && exit !== undefined && /^\d+$/.test(exit)) return { exitCode: Number(exit) };
    return { error: status.message ?? "the API did not say how it ended" };
  } catch {
    return { error: said };
  }
};
