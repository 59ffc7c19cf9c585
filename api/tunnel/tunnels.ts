// The tunnels that this process holds, and what ends them: a newer session of the agent, its token's end, its node's.
import type { Logger } from "pino";
import type { NodeSession } from "../../schemas/fleet.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Env } from "../../store/env.ts";
import { objectPrefix, parseNodeKey, tokensPrefix } from "../../store/keys.ts";
import type { Kv } from "../../store/kv.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import type { NodeLinks, NodeRequest, NodeStream } from "../links.ts";
import { ApiError, unavailable } from "../status.ts";
import type { Peers } from "./peers.ts";
import type { ReplicaRecord } from "./records.ts";
import { Registry } from "./registry.ts";
import { CLOSE, type Tunnel } from "./tunnel.ts";

export interface TunnelsOptions {
  kv: Kv;
  cache: Pick<WatchCache, "follow">;
  env: Env;
  log: Logger;
  /** Of this API server. */
  id: string;
  /** How the others reach it. */
  self(): ReplicaRecord;
  peers: Peers;
}

/** An agent that runs is back after so long, most likely. */
const RETURNS_MS = 5_000;

const nodeObjects = objectPrefix(RESOURCES.nodes);

export class Tunnels implements NodeLinks {
  readonly registry: Registry;
  private readonly local = new Map<string, Tunnel>();
  /** Sessions of agents, by node. */
  private readonly sessions = new Map<string, NodeSession>();
  /** When the last tunnel of a node ended, and why. */
  private readonly lost = new Map<string, { at: number; why: string }>();
  private readonly log: Logger;

  constructor(private readonly o: TunnelsOptions) {
    this.log = o.log.child({ loop: "tunnels" });
    const { kv, cache, env, id } = o;
    this.registry = new Registry({
      ...{ kv, cache, env, id },
      self: () => o.self(),
      log: this.log,
      mine: (node) => this.local.get(node)?.facts,
      all: () => this.local.keys(),
      session: (node) => this.sessions.get(node)?.nonce,
      onYield: (node) => this.end(node, CLOSE.fenced, "the agent has connected to another API server"),
      onGone: (node, replica) => this.lost.set(node, { at: env.now(), why: `it was held by API server ${replica}` }),
    });
    o.cache.follow(isSession, (key, now) => this.onSession(nodeOfSession(key), now?.value as NodeSession | undefined));
    o.cache.follow(
      (key) => key.startsWith(tokensPrefix),
      (key) => this.onToken(key.slice(tokensPrefix.length)),
    );
    o.cache.follow(
      (key) => key.startsWith(nodeObjects),
      (key, now) => {
        if (!now) this.end(key.slice(nodeObjects.length), CLOSE.gone, "the Node object was deleted");
      },
    );
  }

  /** The session that the agent of a node has now, as far as is known here. */
  session(node: string): NodeSession | undefined {
    return this.sessions.get(node);
  }

  /** Takes the place of an earlier tunnel of this node. */
  add(tunnel: Tunnel): void {
    const { node, session, dial, agentVersion } = tunnel.facts;
    const earlier = this.local.get(node);
    this.local.set(node, tunnel);
    this.lost.delete(node);
    this.registry.touch(node);
    earlier?.close(CLOSE.fenced, "the agent has connected again");
    this.log.info({ node, session, dial, agentVersion }, "tunnel connected");
    void tunnel.closed.then((why) => {
      this.log.info({ node, session, dial, why }, "tunnel ended");
      if (this.local.get(node) !== tunnel) return;
      this.local.delete(node);
      this.registry.touch(node);
      this.lost.set(node, { at: this.o.env.now(), why });
    });
  }

  connected(node: string): boolean {
    return this.local.has(node) || this.registry.holder(node) !== undefined;
  }

  open(node: string, request: NodeRequest): Promise<NodeStream> {
    const holder = this.local.has(node) ? undefined : this.registry.holder(node);
    return holder ? this.o.peers.open(holder.id, holder.replica, node, request) : this.openHere(node, request);
  }

  /** Through a tunnel of this process, or not at all. */
  openHere(node: string, request: NodeRequest): Promise<NodeStream> {
    const tunnel = this.local.get(node);
    return tunnel ? tunnel.open(node, request) : Promise.reject(this.missing(node));
  }

  /** Ends all; the agents connect elsewhere. */
  async close(): Promise<void> {
    await this.o.peers.close();
    await Promise.all(
      [...this.local.values()].map((t) => {
        t.close(CLOSE.stopping, "the server is stopping");
        return t.closed;
      }),
    );
  }

  /** Why there is no way to this node, and what to do. */
  missing(node: string): ApiError {
    const lost = this.lost.get(node);
    const since = lost ? `since ${new Date(lost.at).toISOString()} (${lost.why})` : "and has not been since this server started";
    const words = `node ${node} has no tunnel: its agent is not connected to the API ${since}`;
    // Clients retry by themselves where Retry-After says so (kubectl ten times): only where that is likely to help.
    if (lost && this.o.env.now() - lost.at < RETURNS_MS)
      return unavailable(`${words}; if it runs, it connects again within seconds; else check \`steady agent\` there, and its log`);
    const next = this.sessions.has(node)
      ? "the agent runs and reaches etcd: check that `steady agent` there has --server and --token-file, and what its log says of the tunnel"
      : "nor is it connected to etcd: check that `steady agent` runs there";
    return new ApiError(503, "ServiceUnavailable", `${words}; ${next}`);
  }

  private onSession(node: string, now: NodeSession | undefined): void {
    // One that ended may be of an agent that has lost etcd only: its tunnel still serves.
    if (!now) return void this.sessions.delete(node);
    this.sessions.set(node, now);
    if (this.local.has(node)) this.registry.touch(node);
    const tunnel = this.local.get(node);
    if (tunnel && tunnel.facts.session !== now.nonce) tunnel.close(CLOSE.fenced, "a newer session of this node's agent has begun");
  }

  private onToken(id: string): void {
    for (const tunnel of this.local.values())
      if (tunnel.facts.tokenId === id) tunnel.close(CLOSE.revoked, "its token was revoked or changed");
  }

  private end(node: string, code: number, reason: string): void {
    this.local.get(node)?.close(code, reason);
  }
}

const isSession = (key: string): boolean => key.endsWith("/session") && parseNodeKey(key)?.kind === "session";
const nodeOfSession = (key: string): string => parseNodeKey(key)?.node ?? "";
