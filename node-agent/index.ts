// The node agent: makes this machine's Docker containers what the cluster wants them to be, and tells how they are.
import type { Logger } from "pino";
import type { Env } from "../store/env.ts";
import type { Kv } from "../store/kv.ts";
import { runAgent } from "./agent.ts";
import { connectDocker } from "./docker.ts";
import type { Engine } from "./engine.ts";
import type { Mounts } from "./files/run-dir.ts";
import { localHost } from "./preflight/host.ts";
import { IMAGE_GC, type ImageGcOptions } from "./images/gc.ts";
import type { TunnelAccess } from "./tunnel/index.ts";

export interface AgentOptions {
  kv: Kv;
  env: Env;
  log: Logger;
  /** Name of the node: a key part, unique in the cluster. */
  node: string;
  /** Default /var/run/docker.sock. */
  socketPath?: string;
  /** For the checkpoint; made when missing. One for each agent. */
  dataDir: string;
  /** Configs and secrets are opened below it; on a tmpfs, or one is mounted there. Default /run/steadfleet. */
  runDir?: string;
  /** Instead of the machine's: for tests. */
  mounts?: Mounts;
  /** Of the node, e.g. topology.kubernetes.io/region and zone. */
  labels?: Record<string, string>;
  /** Default: the id in etcd. */
  clusterId?: string;
  /** Container starts in flight; default 2 × cores. */
  concurrency?: number;
  /** Reported as agentVersion. */
  version?: string;
  /** The node counts as lost so long after the last sign of life. Default 20. */
  sessionTtlSeconds?: number;
  /** Instead of a socket: for tests. */
  engine?: Engine;
  /** How unneeded images are taken away; false: not at all. Default: as IMAGE_GC says. */
  imageGc?: Partial<ImageGcOptions> | false;
  /** The way in for logs, exec and so on. Absent: none. */
  tunnel?: TunnelAccess;
}

export interface AgentHandle {
  /** Settles when the agent has ended: by `close`, or (rejecting) by a bug. */
  readonly done: Promise<void>;
  /** Ends the session; containers go on running. */
  close(): Promise<void>;
}

export const RUN_DIR = "/run/steadfleet";

/** Resolves at once: etcd and the engine may come later, or go and come back. */
export const startAgent = async (o: AgentOptions): Promise<AgentHandle> => {
  const stop = new AbortController();
  const log = o.log.child({ loop: "agent", node: o.node });
  const { env, concurrency, socketPath = "/var/run/docker.sock" } = o;
  const engine = o.engine ?? connectDocker({ socketPath, env, ...(concurrency === undefined ? {} : { concurrency }) });
  const done = runAgent(
    {
      kv: o.kv,
      env,
      log,
      engine,
      node: o.node,
      dataDir: o.dataDir,
      runDir: o.runDir ?? RUN_DIR,
      mounts: o.mounts,
      labels: o.labels ?? {},
      version: o.version ?? "0.1.0",
      clusterId: o.clusterId,
      sessionTtlSeconds: o.sessionTtlSeconds ?? 20,
      pid: process.pid,
      tunnel: o.tunnel,
      imageGc: o.imageGc === false ? undefined : { ...IMAGE_GC, ...o.imageGc },
      ...(o.engine ? {} : { host: localHost({ engine, socketPath }) }),
    },
    stop.signal,
  );
  done.catch((error) => log.fatal({ err: error }, "agent ended by an error"));
  return {
    done,
    close: async () => {
      stop.abort();
      try {
        await done;
      } finally {
        if (!o.engine) engine.close();
      }
    },
  };
};
export { removeRunDirs } from "./files/run-dir.ts";
export type { TunnelAccess } from "./tunnel/index.ts";
