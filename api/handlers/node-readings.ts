// What nodes say they use, asked for through their tunnels: however many ask at once, each node is asked once, and not again for a while.
import { TUNNEL_PATHS, type NodeStats, type TunnelError } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import type { NodeLinks } from "../links.ts";
import { ApiError, unavailable } from "../status.ts";

/** An agent that has not measured lately takes up to three samples, and the engine a second for each, with a second between them. */
const DEADLINE_MS = 8_000;
const KEPT_MS = 5_000;
const MAX_BYTES = 4 << 20;

interface Reading {
  atMs: number;
  stats: Promise<NodeStats>;
}

export class NodeReadings {
  private readonly readings = new Map<string, Reading>();

  constructor(
    private readonly links: NodeLinks,
    private readonly env: Env,
  ) {}

  /** Not older than 5 s. @throws ApiError 503 without a tunnel, 504 after 8 s, or what the agent says */
  read(node: string): Promise<NodeStats> {
    const known = this.readings.get(node);
    if (known && this.env.monotonic() - known.atMs < KEPT_MS) return known.stats;
    const reading: Reading = { atMs: this.env.monotonic(), stats: this.ask(node) };
    this.readings.set(node, reading);
    reading.stats.catch(() => {
      if (this.readings.get(node) === reading) this.readings.delete(node);
    });
    // A node that is asked no more is forgotten.
    this.env.timer(2 * KEPT_MS, () => {
      if (this.readings.get(node) === reading) this.readings.delete(node);
    });
    return reading.stats;
  }

  private async ask(node: string): Promise<NodeStats> {
    const stop = new AbortController();
    const cancel = this.env.timer(DEADLINE_MS, () =>
      stop.abort(new ApiError(504, "Timeout", `node ${node} has not said what it uses within ${DEADLINE_MS / 1000} s`)),
    );
    try {
      const late = new Promise<never>((_, reject) => stop.signal.addEventListener("abort", () => reject(stop.signal.reason as Error)));
      late.catch(() => {});
      return await Promise.race([this.exchange(node, stop.signal), late]);
    } finally {
      cancel();
      stop.abort();
    }
  }

  private async exchange(node: string, signal: AbortSignal): Promise<NodeStats> {
    const { status, body } = await this.links.open(node, { method: "GET", path: TUNNEL_PATHS.stats, signal });
    body.on("error", () => {});
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of body) {
      length += (part as Buffer).length;
      if (length > MAX_BYTES) throw unavailable(`node ${node} says more than ${MAX_BYTES} bytes about what it uses`);
      parts.push(part as Buffer);
    }
    const said = JSON.parse(Buffer.concat(parts).toString("utf8")) as NodeStats | TunnelError;
    if (status === 200) return said as NodeStats;
    const { reason, message } = said as TunnelError;
    throw new ApiError(status, reason, `node ${node}: ${message}`);
  }
}
