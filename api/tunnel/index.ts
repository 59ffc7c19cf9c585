// The way to the nodes: tunnels of this server, and those of the others.
import type { Logger } from "pino";
import type { Env } from "../../store/env.ts";
import type { Kv } from "../../store/kv.ts";
import type { WatchCache } from "../cache/watch-cache.ts";
import type { NodeLinks } from "../links.ts";
import type { UpgradeRoute } from "../upgrade.ts";
import { acceptRoute } from "./accept.ts";
import { forwardRoute } from "./forward.ts";
import { Peers } from "./peers.ts";
import { ReplicaSecret } from "./secret.ts";
import { Tunnels } from "./tunnels.ts";

export interface NodeWaysOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  /** Not started yet. */
  cache: WatchCache;
  /** Of this server, among the others of the cluster. Default: a fresh one. */
  id?: string | undefined;
}

/** How others reach this server. */
export interface Address {
  url: string;
  /** SHA-256 of the certificate, `AB:CD:…`; absent for plain HTTP. */
  fingerprint?: string;
}

export interface NodeWays {
  links: NodeLinks;
  routes: UpgradeRoute[];
  /** Registers this server; resolves when others can find it. */
  start(address: Address, signal: AbortSignal): Promise<void>;
  /** The certificate is another one. */
  readdress(address: Address): void;
  /** Ends all tunnels; the agents connect elsewhere. After the signal given to `start`. */
  close(): Promise<void>;
}

export const nodeWays = (o: NodeWaysOptions): NodeWays => {
  const { kv, env, log, cache } = o;
  const id = o.id ?? env.uid();
  const secret = new ReplicaSecret(kv, env);
  const peers = new Peers({ env, log, secret });
  const startedAt = new Date(env.now()).toISOString();
  let address: Address = { url: "" };
  const tunnels = new Tunnels({ kv, env, log, cache, id, peers, self: () => ({ ...address, startedAt }) });
  let running: Promise<void> = Promise.resolve();
  return {
    links: tunnels,
    routes: [acceptRoute(tunnels), forwardRoute({ id, secret, local: { open: (node, request) => tunnels.openHere(node, request) } })],
    start: (now, signal) => {
      address = now;
      running = tunnels.registry.run(signal);
      return Promise.race([tunnels.registry.ready, running]);
    },
    readdress: (now) => {
      if (now.url === address.url && now.fingerprint === address.fingerprint) return;
      address = now;
      tunnels.registry.renew();
    },
    close: async () => {
      await tunnels.close();
      await running;
    },
  };
};
