// exec and attach over SPDY/3.1: what kubectl before 1.30 speaks, and later ones when WebSocket does not get through.
// Source: remotecommand protocols v4.channel.k8s.io to channel.k8s.io.
import type { Writable } from "node:stream";
import type { Deps } from "../call.ts";
import type { Upgrade } from "../upgrade.ts";
import { terminalSize } from "./channels.ts";
import type { TerminalSize } from "./node.ts";
import type { CommandStatus } from "./outcome.ts";
import { acceptSpdy, streamProtocol } from "./spdy/accept.ts";
import { SpdySession, type SpdyStream } from "./spdy/session.ts";
import type { ClientStdio, CommandOptions } from "./stdio.ts";

/** v4 tells how a command ended as a Status; v3 knows terminal sizes; before, there are words only. */
const PROTOCOLS = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"] as const;
type Protocol = (typeof PROTOCOLS)[number];
/** In which a client has to open its streams, as in Kubernetes. */
const STREAMS_MS = 30_000;
/** Of one size, as JSON. */
const MAX_SIZE_BYTES = 256;

/** Sees whether the client can be served, and how, before anything is started. @throws ApiError 400, 403 */
export function commandOverSpdy(u: Upgrade, o: CommandOptions, { env, log }: Pick<Deps, "env" | "log">): () => Promise<ClientStdio> {
  const protocol = streamProtocol(u, PROTOCOLS);
  const wanted = ["error", ...(["stdin", "stdout", "stderr"] as const).filter((s) => o[s])];
  if (o.tty && (protocol === "v4.channel.k8s.io" || protocol === "v3.channel.k8s.io")) wanted.push("resize");
  return async () => {
    const streams = new Map<string, SpdyStream>();
    const session = await new Promise<SpdySession>((resolve, reject) => {
      const made: SpdySession = new SpdySession(acceptSpdy(u, protocol), {
        env,
        log,
        onStream: (stream) => {
          const type = stream.headers.get("streamtype") ?? "";
          if (!wanted.includes(type) || streams.has(type)) return void stream.destroy();
          streams.set(type, stream);
          if (streams.size === wanted.length) resolve(made);
        },
      });
      const cancel = env.timer(STREAMS_MS, () => {
        if (streams.size === wanted.length) return;
        const missing = wanted.filter((s) => !streams.has(s));
        reject(new Error(`the client did not open its streams in ${STREAMS_MS / 1000} s: ${missing.join(", ")} missing`));
        made.destroy();
      });
      made.gone.addEventListener("abort", () => {
        cancel();
        reject(new Error("the client went away"));
      });
    });
    return stdioOf(session, streams, protocol);
  };
}

function stdioOf(session: SpdySession, streams: ReadonlyMap<string, SpdyStream>, protocol: Protocol): ClientStdio {
  const [stdin, stdout, stderr, error] = ["stdin", "stdout", "stderr", "error"].map((name) => streams.get(name));
  // Nothing is expected there, and what nobody reads would hold up everything.
  for (const s of [stdout, stderr, error]) s?.resume();
  let onSize: (size: TerminalSize) => void = () => {};
  const resize = streams.get("resize");
  if (resize) readSizes(resize, (size) => onSize(size));
  return {
    ...(stdin ? { stdin } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    onSize: (fn) => {
      onSize = fn;
    },
    gone: session.gone,
    finish: async (status) => {
      await ended(error, words(status, protocol));
      await Promise.all([ended(stdout), ended(stderr), ended(stdin), ended(resize)]);
      await session.close();
    },
    destroy: () => session.destroy(),
  };
}

const words = (status: CommandStatus, protocol: Protocol): string => {
  if (protocol === "v4.channel.k8s.io") return JSON.stringify(status);
  return status.status === "Success" ? "" : (status.message ?? "failed");
};

const ended = (stream: Writable | undefined, text = ""): Promise<void> =>
  new Promise((resolve) => {
    if (!stream || stream.destroyed || stream.writableFinished) return resolve();
    stream.once("close", resolve).once("error", () => resolve());
    stream.end(text, () => resolve());
  });

/** JSON objects one after the other, in pieces of any size. */
function readSizes(stream: SpdyStream, tell: (size: TerminalSize) => void): void {
  let rest = "";
  stream.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString("utf8")).split("}");
    rest = (parts.pop() ?? "").slice(0, MAX_SIZE_BYTES);
    for (const part of parts) {
      const size = terminalSize(`${part}}`);
      if (size) tell(size);
    }
  });
}
