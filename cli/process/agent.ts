// `steady agent`: one node's agent, over an etcd that runs elsewhere.
import { join, resolve } from "node:path";
import type { Context } from "../command.ts";
import { EXIT } from "../errors.ts";
import { version } from "../kube/connect.ts";
import { processLog } from "./log.ts";
import { tunnelFlags } from "./tunnel.ts";
import { until } from "./until.ts";
import { imageGcOf } from "./images.ts";
import { checkNodeName, dockerSocket, etcdHosts, hostNodeName, labelsOf, runDir } from "./values.ts";

export const agent = async (ctx: Context): Promise<number> => {
  const { flags, io } = ctx;
  const node = checkNodeName(flags.str("node-name") ?? hostNodeName(io.hostname), "--node-name");
  const dataDir = resolve(
    io.cwd,
    flags.str("data-dir") ?? join(io.env["XDG_DATA_HOME"] || join(io.home, ".local", "share"), "steadfleet", "agent", node),
  );
  const socketPath = dockerSocket(ctx);
  const labels = labelsOf(ctx);
  const hosts = etcdHosts(ctx);
  const tunnel = tunnelFlags(ctx, node);
  const logs = await processLog(ctx);
  const { log } = logs;
  const [{ connectEtcd }, { startAgent }] = await Promise.all([import("../../store/etcd/index.ts"), import("../../node-agent/index.ts")]);
  const kv = connectEtcd({ hosts, env: io.clock });
  try {
    const about = { kv, env: io.clock, log, node, socketPath, dataDir, runDir: runDir(ctx), labels, version: version() };
    const handle = await startAgent({ ...about, imageGc: imageGcOf(ctx), ...(tunnel ? { tunnel } : {}) });
    log.info({ node, socketPath, etcd: hosts, dataDir, servers: tunnel?.servers }, "agent started");
    if (!tunnel)
      log.warn({ node }, "no --server, so no tunnel: logs, exec, attach, port-forward and metrics of this node do not work; all else does");
    // An agent that ended by itself has failed: whoever supervises the process starts it again.
    const ended = await Promise.race([until(io.signal).then(() => false), handle.done.then(() => true)]);
    if (!ended) log.info({ signal: io.signal.reason as unknown }, "agent stopping; containers keep running");
    await handle.close();
    return ended ? EXIT.failed : EXIT.ok;
  } finally {
    await kv.close().catch((err: unknown) => log.error({ err }, "etcd connection did not close in order"));
    log.info({}, "agent stopped");
    await logs.close();
  }
};
