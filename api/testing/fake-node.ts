// A node in this process that speaks the tunnel's protocol over real HTTP/2: its commands are programs of the test, or of this machine.
import { spawn } from "node:child_process";
import { type ClientHttp2Session, connect as connectHttp2, createServer, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp } from "node:net";
import type { Readable, Writable } from "node:stream";
import { OUTCOME_TRAILER, type TunnelError, type TunnelOutcome } from "../../schemas/tunnel.ts";
import type { NodeLinks } from "../links.ts";
import { linksOver } from "./link.ts";

export interface Running {
  command: string[];
  query: URLSearchParams;
  stdin: Readable;
  stdout: Writable;
  stderr: Writable | undefined;
  /** Sizes that the terminal was given, oldest first. */
  sizes: string[];
  /** Aborted when the API reset the stream. */
  reset: AbortSignal;
}
export type Program = (p: Running) => Promise<TunnelOutcome>;
export type LogSource = (query: URLSearchParams, out: Writable, reset: AbortSignal) => void;

export interface FakeNode extends AsyncDisposable {
  links: NodeLinks;
  /** By first word; others are run on this machine. */
  programs: Record<string, Program>;
  log: LogSource;
  /** Answered to everything, instead. */
  refuse: { status: number; error: TunnelError } | undefined;
  /** Port in the container → port on this machine's loopback; others are refused. */
  ports: Record<number, number>;
  /** Everything asked for, oldest first: `POST /v1/pods/default/a/exec`. */
  requests: string[];
  /** Streams that run now. */
  open: Set<ServerHttp2Stream>;
  /** Streams that the API reset, or whose connection broke. */
  resets: number;
  /** Breaks the connection; the next request finds another. */
  drop(): void;
}

/** Runs a program of this machine. A terminal is `script`'s. */
export const machineProgram: Program = (p) =>
  new Promise((resolve) => {
    const [file = "", ...args] = p.command;
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    const ended: Promise<void>[] = [];
    p.stdin.pipe(child.stdin).on("error", () => {});
    child.stdout.pipe(p.stdout, { end: false });
    ended.push(new Promise((done) => child.stdout.on("close", () => done())));
    child.stderr.pipe(p.stderr ?? p.stdout, { end: false });
    ended.push(new Promise((done) => child.stderr.on("close", () => done())));
    p.reset.addEventListener("abort", () => child.kill("SIGKILL"));
    child.on("error", (e) => resolve({ error: `cannot run ${file}: ${e.message}` }));
    child.on("close", (code, signal) => void Promise.all(ended).then(() => resolve({ exitCode: code ?? (signal ? 137 : 1) })));
  });

export async function fakeNode(): Promise<FakeNode> {
  const stderrs = new Map<string, (s: ServerHttp2Stream) => void>();
  const waiting = new Map<string, ServerHttp2Stream>();
  const sizes = new Map<string, string[]>();
  const server = createServer();
  let client: ClientHttp2Session | undefined;
  server.on("sessionError", () => {});
  // On loopback: over `duplexPair` HTTP/2 stands still from 64 KiB on.
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: listening } = server.address() as AddressInfo;

  const node: FakeNode = {
    programs: {},
    log: (_query, out) => void out.end("hello\n"),
    refuse: undefined,
    ports: {},
    requests: [],
    open: new Set(),
    resets: 0,
    drop: () => {
      client?.destroy(new Error("the connection broke"));
      client = undefined;
    },
    links: linksOver(() => {
      if (!client || client.destroyed) {
        client = connectHttp2(`http://127.0.0.1:${listening}`);
        client.on("error", () => {});
      }
      return client;
    }),
    [Symbol.asyncDispose]: async () => {
      client?.destroy();
      server.close();
    },
  };

  const run = (stream: ServerHttp2Stream, what: string, query: URLSearchParams, reset: AbortSignal): void => {
    const session = query.get("session") ?? "";
    const own: string[] = [];
    sizes.set(session, own);
    const start = (stderr: ServerHttp2Stream | undefined): void => {
      const command = what === "attach" ? ["attach"] : query.getAll("command");
      const program = node.programs[command[0] ?? ""] ?? machineProgram;
      void program({ command, query, stdin: stream, stdout: stream, stderr, sizes: own, reset }).then((outcome) => {
        stderr?.end();
        if (stream.destroyed) return;
        stream.on("wantTrailers", () => stream.sendTrailers({ [OUTCOME_TRAILER]: JSON.stringify(outcome) }));
        stream.end();
      });
    };
    stream.respond({ ":status": 200 }, { waitForTrailers: true });
    if (query.get("stderr") !== "1") return start(undefined);
    const early = waiting.get(session);
    if (early) start(early);
    else stderrs.set(session, start);
  };

  server.on("stream", (stream, headers) => {
    const url = new URL(headers[":path"] ?? "/", "http://node");
    node.requests.push(`${headers[":method"]} ${url.pathname}`);
    const reset = new AbortController();
    node.open.add(stream);
    stream.on("error", () => {});
    stream.on("aborted", () => {
      node.resets++;
    });
    stream.on("close", () => {
      node.open.delete(stream);
      reset.abort();
    });
    const answer = (status: number, error?: TunnelError): void => {
      stream.respond({ ":status": status });
      stream.end(error ? JSON.stringify(error) : undefined);
      stream.resume();
    };
    if (node.refuse) return answer(node.refuse.status, node.refuse.error);
    const [, , kind, first = "", second = "", action = ""] = url.pathname.split("/");
    if (kind === "sessions" && second === "stderr") {
      stream.respond({ ":status": 200 });
      const start = stderrs.get(first);
      if (start) start(stream);
      else waiting.set(first, stream);
      return;
    }
    if (kind === "sessions" && second === "size") {
      sizes.get(first)?.push(`${url.searchParams.get("width")}x${url.searchParams.get("height")}`);
      return answer(204);
    }
    if (action === "exec" || action === "attach") return run(stream, action, url.searchParams, reset.signal);
    if (action === "log") {
      stream.respond({ ":status": 200 });
      stream.resume();
      return node.log(url.searchParams, stream, reset.signal);
    }
    if (action === "portforward") {
      const port = Number(url.searchParams.get("port"));
      const there = node.ports[port];
      const refused = {
        reason: "ServiceUnavailable",
        message: `connection refused: nothing listens on port ${port} in pod ${first}/${second}`,
      };
      if (there === undefined) return answer(503, refused);
      const socket = connectTcp({ host: "127.0.0.1", port: there, allowHalfOpen: true });
      socket.on("error", () => stream.close());
      socket.on("connect", () => {
        stream.respond({ ":status": 200 });
        stream.pipe(socket).pipe(stream);
      });
      stream.on("close", () => socket.destroy());
      return;
    }
    answer(404, { reason: "NotFound", message: `no ${url.pathname}` });
  });
  return node;
}
