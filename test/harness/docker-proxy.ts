// Stands between an agent and its engine, and can cut in at any call that changes something: the agent needs no switch for tests.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { rmSync } from "node:fs";

export interface Call {
  method: string;
  /** Without query and API version, ids as `:id`: "/containers/create", "/containers/:id/start". */
  path: string;
  url: string;
}

/** When to run `hit`: before the engine gets the call, or after it has answered but before the agent hears of it. */
export interface Cut {
  matches(call: Call): boolean;
  when: "before" | "after";
  hit(call: Call): void | Promise<void>;
}

export class DockerProxy {
  /** Calls that change something, in order. */
  readonly calls: Call[] = [];
  #cut: Cut | undefined;
  readonly #server: Server;

  private constructor(
    readonly socketPath: string,
    private readonly upstream: string,
  ) {
    this.#server = createServer((incoming, answer) => void this.#forward(incoming, answer));
  }

  get url(): string {
    return `unix://${this.socketPath}`;
  }

  static async start(socketPath: string, upstream: string): Promise<DockerProxy> {
    rmSync(socketPath, { force: true });
    const proxy = new DockerProxy(socketPath, upstream);
    await new Promise<void>((resolve, reject) => proxy.#server.once("error", reject).listen(socketPath, resolve));
    return proxy;
  }

  /** Cuts in once, at the next matching call. */
  cutOnce(cut: Cut): void {
    this.#cut = cut;
  }

  /** Whether the cut is still waiting for its call. */
  get armed(): boolean {
    return this.#cut !== undefined;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #forward(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const method = incoming.method ?? "GET";
    const url = incoming.url ?? "/";
    const call = { method, url, path: shape(url) };
    const changes = method !== "GET" && method !== "HEAD";
    if (changes) this.calls.push(call);
    const cut = changes && this.#cut?.matches(call) ? this.#cut : undefined;
    if (cut) this.#cut = undefined;
    if (cut?.when === "before") {
      await cut.hit(call);
      incoming.destroy();
      return;
    }
    const forwarded = request({ socketPath: this.upstream, method, path: url, headers: incoming.headers }, (reply) => {
      const pass = (): void => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        answer.flushHeaders();
        reply.pipe(answer);
      };
      if (!cut) return pass();
      // The engine has done it; whoever asked never learns.
      reply.resume().once("end", () => void Promise.resolve(cut.hit(call)).then(() => answer.destroy()));
    });
    forwarded.once("error", () => answer.destroy());
    answer.once("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  }
}

/** "/v1.41/containers/3f2a…/start?t=1" → "/containers/:id/start" */
const shape = (url: string): string => {
  const parts = (url.split("?")[0] ?? "").replace(/^\/v[\d.]+/, "").split("/");
  if (parts.length > 2 && parts[2] !== "create" && parts[2] !== "prune") parts[2] = ":id";
  return parts.join("/");
};
