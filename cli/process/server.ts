// `steady server`: API and controller in one process, over an etcd that runs elsewhere.
import { join, resolve } from "node:path";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText } from "../errors.ts";
import { version } from "../kube/connect.ts";
import { badKeyFile, encryptionKeyFile } from "./encryption.ts";
import { processLog } from "./log.ts";
import { apiUrl } from "./tunnel.ts";
import { until } from "./until.ts";
import { etcdHosts, listenAddress } from "./values.ts";

export const server = async (ctx: Context): Promise<number> => {
  const { flags, io } = ctx;
  const listen = listenAddress(flags.str("listen") ?? "0.0.0.0:7443", "--listen", "0.0.0.0");
  const dataDir = resolve(
    io.cwd,
    flags.str("data-dir") ?? join(io.env["XDG_DATA_HOME"] || join(io.home, ".local", "share"), "steadfleet", "server"),
  );
  const insecureHttp = flags.bool("insecure-http");
  const advertised = flags.str("advertise");
  const advertise = advertised === undefined ? undefined : apiUrl(advertised, "--advertise");
  const hosts = etcdHosts(ctx);
  const logs = await processLog(ctx);
  const { log } = logs;
  const [{ connectEtcd }, { ensureCluster }, { openAtRest }, { startApi }, { startController }] = await Promise.all([
    import("../../store/etcd/index.ts"),
    import("../../store/cluster.ts"),
    import("../../store/at-rest/index.ts"),
    import("../../api/index.ts"),
    import("../../controller/index.ts"),
  ]);
  const etcd = connectEtcd({ hosts, env: io.clock });
  const closers: (() => Promise<void>)[] = [() => etcd.close()];
  try {
    const clusterId = await ensureCluster(etcd, io.clock).catch((error: unknown) => {
      throw new CliError(EXIT.unreachable, `etcd at ${hosts.join(", ")} cannot be used: ${errorText(error)}`, {
        help: "is it running? --etcd names its addresses",
        cause: error,
      });
    });
    const atRest = await openAtRest({ kv: etcd, log, path: encryptionKeyFile(ctx, dataDir) }).catch(badKeyFile);
    const { kv, problem, hash } = atRest;
    const more = { insecureHttp, advertise, secretsProblem: problem, contentHash: hash };
    const api = await startApi({ kv, env: io.clock, log, dataDir, version: version(), ...listen, ...more });
    closers.unshift(() => api.close());
    const controller = startController({ kv, env: io.clock, log, id: `${io.hostname}/${process.pid}`, atRest });
    closers.unshift(() => controller.close());
    log.info({ url: api.url, clusterId, etcd: hosts, dataDir }, "server ready");
    await until(io.signal);
    log.info({ signal: io.signal.reason as unknown }, "server stopping");
  } finally {
    for (const close of closers) await close().catch((err: unknown) => log.error({ err }, "part did not stop in order"));
    log.info({}, "server stopped");
    await logs.close();
  }
  return EXIT.ok;
};
