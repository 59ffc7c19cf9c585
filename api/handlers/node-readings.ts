// What nodes say they use, asked for through their tunnels: however many ask at once, each node is asked once, and not again for a while.
import { type NodeStats, TUNNEL_PATHS } from "../../schemas/tunnel.ts";
import type { Env } from "../../store/env.ts";
import type { NodeLinks } from "../links.ts";
import { askNode } from "./ask-node.ts";

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

  private ask(node: string): Promise<NodeStats> {
    const question = {
      method: "GET",
      path: TUNNEL_PATHS.stats,
      about: "what it uses",
      deadlineMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
    } as const;
    return askNode(this.links, this.env, node, question);
  }
}
