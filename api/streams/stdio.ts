// A command between its client and its node: who stands at either end does not matter here.
import type { Readable, Writable } from "node:stream";
import { TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import type { Deps } from "../call.ts";
import type { NodeStream } from "../links.ts";
import { copy } from "./copy.ts";
import { openOnNode, queryOf, sizeTeller, type TerminalSize } from "./node.ts";
import { type OpenStream, StreamEndedError } from "./open-streams.ts";
import { type CommandStatus, failed, outcomeOf, statusOf } from "./outcome.ts";
import type { Target } from "./target.ts";

/** What the client asks for. */
export interface CommandOptions {
  kind: "exec" | "attach";
  command: readonly string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

/** The client's end, whichever protocol it speaks. */
export interface ClientStdio {
  /** Ends when the client closes it. */
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  onSize(fn: (size: TerminalSize) => void): void;
  /** Aborted when the client is gone. */
  gone: AbortSignal;
  /** Tells how it ended, and closes. All output was taken before. `closeCode`: of a WebSocket. */
  finish(status: CommandStatus, closeCode: number): Promise<void>;
  /** Lets the client go at once. */
  destroy(): void;
}

/** For a client to take the last of the output and how it ended: who reads slowly (a pager) loses nothing. */
export const TAKE_MS = 3_600_000;
/** The same when the server ends it. */
const TAKE_AT_ONCE_MS = 5_000;

/** The node's end. */
export interface NodeCommand {
  stream: NodeStream;
  stderr?: NodeStream;
  resize(size: TerminalSize): void;
}

/**
 * Starts the command, or attaches. From here on it runs, and `signal` ends it.
 * @throws ApiError as the node says, 503, 504
 */
export async function startOnNode(deps: Deps, t: Target, o: CommandOptions, signal: AbortSignal): Promise<NodeCommand> {
  const session = deps.env.uid();
  const { kind, command, stdin, stdout, stderr, tty } = o;
  const query = queryOf(t, { session, command, stdin, stdout, stderr, tty });
  // Asked for first, and not waited for: a command that is over in an instant has its session no longer.
  const errors = stderr ? openOnNode(deps, t.node, { method: "GET", path: TUNNEL_PATHS.stderr(session), signal }) : undefined;
  errors?.catch(() => {});
  const stream = await openOnNode(deps, t.node, { method: "POST", path: TUNNEL_PATHS[kind](t.namespace, t.pod), query, signal });
  const resize = sizeTeller(deps, t.node, session, signal);
  if (!errors) return { stream, resize };
  const second = await errors;
  second.body.end();
  return { stream, resize, stderr: second };
}

/** Sees the command through to its end, whoever ends it. @returns how, for the log; never throws */
export async function runCommand(
  { env }: Pick<Deps, "env">,
  t: Target,
  kind: CommandOptions["kind"],
  open: OpenStream,
  node: NodeCommand,
  client: ClientStdio,
): Promise<CommandStatus> {
  const { stream, stderr } = node;
  const touch = (): void => open.touch();
  const options = { onBytes: touch };
  client.onSize((size) => {
    touch();
    node.resize(size);
  });
  // Where the client has no stdin the command sees its end at once. Who ends before reading everything is not wrong.
  if (client.stdin) copy(client.stdin, stream.body, options).catch(() => client.stdin?.resume());
  else stream.body.end();
  const output = Promise.all([copy(stream.body, client.stdout, options), ...(stderr ? [copy(stderr.body, client.stderr, options)] : [])]);
  const ended = output
    .then(() => {
      // Nobody reads it any more; an open half would keep the stream.
      client.stdin?.destroy();
      stream.body.end();
      return stream.trailers;
    })
    .then((trailers) => statusOf(kind, outcomeOf(trailers)))
    .catch(() => failed(`the connection to node ${t.node} broke off while the command ran; it may be running still`));
  const outside = Promise.race([aborted(open.signal), aborted(client.gone)]);
  const first = await Promise.race([ended, outside]);
  const ours = first instanceof AbortedBy;
  const reason: unknown = ours ? first.signal.reason : undefined;
  const status = ours ? failed(reason instanceof Error ? reason.message : "the client went away") : first;
  if (client.gone.aborted) return status;
  const cancel = env.timer(ours ? TAKE_AT_ONCE_MS : TAKE_MS, () => client.destroy());
  await Promise.race([client.finish(status, reason instanceof StreamEndedError ? reason.closeCode : 1000), aborted(client.gone)]);
  cancel();
  return status;
}

class AbortedBy {
  constructor(readonly signal: AbortSignal) {}
}

const aborted = (signal: AbortSignal): Promise<AbortedBy> =>
  new Promise((resolve) => {
    const tell = (): void => resolve(new AbortedBy(signal));
    if (signal.aborted) tell();
    else signal.addEventListener("abort", tell, { once: true });
  });
