// A registry that misbehaves: what engines say about rate limits, wrong platforms, silence and so on cannot be had from one that works.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a repository does, by its name (`<host>/<name>:tag`). */
export type Misbehaviour =
  | "ratelimit"
  | "ratelimit-plain"
  | "denied"
  | "unauthorized"
  | "missing"
  | "broken"
  | "arm64-only"
  /** Sends the manifest and half of the layer, then nothing. */
  | "stalls";

const sha = (data: Buffer): string => `sha256:${createHash("sha256").update(data).digest("hex")}`;
const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

const LAYER = Buffer.alloc(2_000_000, 7);
const CONFIG = json({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [sha(LAYER)] } });
const MANIFEST = json({
  schemaVersion: 2,
  mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  config: { mediaType: "application/vnd.docker.container.image.v1+json", size: CONFIG.length, digest: sha(CONFIG) },
  layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", size: LAYER.length, digest: sha(LAYER) }],
});
const LIST_TYPE = "application/vnd.docker.distribution.manifest.list.v2+json";
const LIST = json({
  schemaVersion: 2,
  mediaType: LIST_TYPE,
  manifests: [
    {
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      size: MANIFEST.length,
      digest: sha(MANIFEST),
      platform: { architecture: "arm64", os: "linux" },
    },
  ],
});
const error = (code: string, message: string): object => ({ errors: [{ code, message }] });

export class FakeRegistry {
  /** Of each request: `GET /v2/…`. */
  readonly asked: string[] = [];
  private constructor(
    private readonly server: Server,
    readonly host: string,
  ) {}

  static async start(address: string): Promise<FakeRegistry> {
    const server = createServer((ask, answer) => registry.serve(ask, answer));
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, address, resolve));
    const registry: FakeRegistry = new FakeRegistry(server, `${address}:${(server.address() as AddressInfo).port}`);
    return registry;
  }

  /** `host/name:1` of a repository that does so. */
  image(what: Misbehaviour): string {
    return `${this.host}/${what}:1`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(ask: IncomingMessage, answer: ServerResponse): void {
    const url = ask.url ?? "/";
    this.asked.push(`${ask.method} ${url}`);
    const send = (status: number, body: Buffer | object, headers: Record<string, string> = {}): void => {
      const bytes = Buffer.isBuffer(body) ? body : json(body);
      answer.writeHead(status, { "Content-Type": "application/json", "Content-Length": bytes.length, ...headers });
      answer.end(ask.method === "HEAD" ? undefined : bytes);
    };
    if (url === "/v2/") return send(200, {});
    const what = url.split("/")[2] as Misbehaviour;
    const digest = { "Docker-Content-Digest": sha(MANIFEST) };
    switch (what) {
      case "ratelimit":
        return send(429, error("TOOMANYREQUESTS", "retry-after: 90s, allowed: 44000/minute"), { "Retry-After": "90" });
      case "ratelimit-plain":
        return send(429, error("TOOMANYREQUESTS", "You have reached your pull rate limit."), { "Retry-After": "90" });
      case "denied":
        return send(403, error("DENIED", "requested access to the resource is denied"));
      case "unauthorized":
        return send(401, error("UNAUTHORIZED", "authentication required"), { "WWW-Authenticate": 'Basic realm="tests"' });
      case "broken":
        return send(500, error("UNKNOWN", "something broke"));
      case "arm64-only":
        return send(200, LIST, { "Content-Type": LIST_TYPE, "Docker-Content-Digest": sha(LIST) });
      case "stalls":
        if (url.includes("/manifests/"))
          return send(200, MANIFEST, { "Content-Type": "application/vnd.docker.distribution.manifest.v2+json", ...digest });
        if (url.endsWith(sha(CONFIG))) return send(200, CONFIG, { "Content-Type": "application/octet-stream" });
        answer.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": LAYER.length });
        answer.write(LAYER.subarray(0, LAYER.length / 2));
        return;
      default:
        return send(404, error("MANIFEST_UNKNOWN", "manifest unknown"));
    }
  }
}
