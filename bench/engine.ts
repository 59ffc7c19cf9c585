// The Engine API over its unix socket with nothing in between: the limit that everything else is measured against, and the observer of all.
import { Agent, request } from "node:http";
import { createInterface } from "node:readline";

export interface EngineEvent {
  action: string;
  id: string;
  labels: Record<string, string>;
  /** performance.now() when it reached us. */
  at: number;
}

export interface RawContainer {
  id: string;
  name: string;
  state: string;
  labels: Record<string, string>;
}

export class EngineClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  constructor(readonly socketPath: string) {}

  /** @throws Error with the engine's message for any answer ≥ 400 that is not in `ok`. */
  call<T>(method: string, path: string, body?: unknown, ok: number[] = []): Promise<T> {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const req = request(
        {
          socketPath: this.socketPath,
          agent: this.agent,
          method,
          path: `/v1.41${path}`,
          headers: payload ? { "content-type": "application/json", "content-length": Buffer.byteLength(payload) } : {},
        },
        (res) => {
          const chunks: Buffer[] = [];
          res.on("data", (c: Buffer) => chunks.push(c));
          res.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const status = res.statusCode ?? 0;
            if (status >= 400 && !ok.includes(status)) return reject(new Error(`${method} ${path}: ${status} ${text.trim()}`));
            resolve((/^[{[]/.test(text) ? JSON.parse(text) : undefined) as T);
          });
        },
      );
      req.on("error", reject);
      req.end(payload);
    });
  }

  /** Containers in any state that have all of `labels` (`key` or `key=value`). */
  async list(labels: string[]): Promise<RawContainer[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: labels }));
    const rows = await this.call<{ Id: string; Names: string[]; State: string; Labels: Record<string, string> }[]>(
      "GET",
      `/containers/json?all=true&filters=${filters}`,
    );
    return rows.map((r) => ({ id: r.Id, name: (r.Names[0] ?? "").slice(1), state: r.State, labels: r.Labels }));
  }

  /** Container events from now on; the answer ends the stream. Resolves when the engine has accepted it. */
  events(sink: (event: EngineEvent) => void): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const filters = encodeURIComponent(JSON.stringify({ type: ["container"] }));
      const req = request({ socketPath: this.socketPath, path: `/v1.41/events?filters=${filters}` }, (res) => {
        res.on("error", () => undefined);
        const lines = createInterface({ input: res });
        lines.on("error", () => undefined); // ending the stream is how it is closed
        lines.on("line", (line) => {
          const e = JSON.parse(line) as { Action: string; Actor: { ID: string; Attributes: Record<string, string> } };
          sink({ action: e.Action, id: e.Actor.ID, labels: e.Actor.Attributes, at: performance.now() });
        });
        resolve(() => req.destroy());
      });
      req.on("error", reject);
      req.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}
