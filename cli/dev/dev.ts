// `steady dev`: etcd, API, controller and agents in one process, and a kubeconfig context, so that kubectl works at once.
import { join } from "node:path";
import { CLI } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { Node } from "../../schemas/types.ts";
import type { Context } from "../command.ts";
import { ApiError, CliError, EXIT, errorText, usage } from "../errors.ts";
import { Client } from "../kube/client.ts";
import { version } from "../kube/connect.ts";
import { Http } from "../kube/http.ts";
import { kubeconfigPaths } from "../kube/kubeconfig.ts";
import { editKubeconfig, withContext } from "../kube/kubeconfig-edit.ts";
import { badKeyFile } from "../process/encryption.ts";
import { fileLog, type ProcessLog } from "../process/log.ts";
import { until } from "../process/until.ts";
import { checkNodeName, dockerSocket, hostNodeName, labelsOf, runDir, socketPath } from "../process/values.ts";
import { askEngine } from "./engine.ts";
import { choosePort } from "./ports.ts";
import { reset } from "./reset.ts";
import { devDir, type DevState, lockDir, readState, writeState } from "./state.ts";

export const CONTEXT = "steadfleet-dev";
const PORT = 7443;
const READY_MS = 30_000;

interface DevNode {
  name: string;
  socket: string;
}

export const dev = async (ctx: Context): Promise<number> => {
  const dir = devDir(ctx);
  const unlock = lockDir(dir, process.pid);
  try {
    return ctx.flags.bool("reset") ? await reset(ctx, dir) : await run(ctx, dir);
  } finally {
    unlock();
  }
};

/** `--node name=unix:///path`, repeatable; else this host. */
const nodesOf = (ctx: Context): DevNode[] => {
  const given = ctx.flags.list("node");
  if (given.length === 0)
    return [{ name: checkNodeName(ctx.flags.str("node-name") ?? hostNodeName(ctx.io.hostname), "--node-name"), socket: dockerSocket(ctx) }];
  const nodes = given.map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw usage(`--node ${JSON.stringify(text)}: expected name=unix:///path/to/docker.sock`);
    return { name: checkNodeName(text.slice(0, at), "--node"), socket: socketPath(ctx.io, text.slice(at + 1), "--node") };
  });
  for (const key of ["name", "socket"] as const) {
    const twice = nodes.find((n, i) => nodes.findIndex((other) => other[key] === n[key]) < i);
    if (twice) throw usage(`--node: ${twice[key]} is given twice`);
  }
  return nodes;
};

const run = async (ctx: Context, dir: string): Promise<number> => {
  const { io, err } = ctx;
  const tick = (text: string): void => io.stderr.write(`${err.green("✔")} ${text}\n`);
  const nodes = nodesOf(ctx);
  for (const { name, socket } of nodes) {
    const facts = await askEngine(socket);
    const where = nodes.length === 1 ? "on this host" : `for ${name}`;
    tick(`Docker ${facts.version} ${where} (${facts.cpus} CPU, ${(facts.memoryBytes / 2 ** 30).toFixed(1)} GiB)`);
  }
  const state = readState(dir);
  state.sockets = [...new Set([...(state.sockets ?? []), ...nodes.map((n) => n.socket)])];
  writeState(dir, state);
  const logs = await fileLog(join(dir, "dev.log"), ctx.flags.str("log-level") ?? "info");
  const closers: { name: string; close: () => Promise<void> }[] = [];
  try {
    await start(ctx, dir, nodes, state, logs, closers, tick);
    if (!io.signal.aborted) {
      next(ctx);
      await until(io.signal);
    }
    io.stderr.write(`\nStopping. Containers keep running; ${CLI} dev continues with this cluster.\n`);
    return EXIT.ok;
  } finally {
    for (const { name, close } of closers.toReversed())
      await close().catch((error: unknown) => logs.log.error({ err: error, part: name }, "part did not stop in order"));
    await logs.close();
  }
};

const start = async (
  ctx: Context,
  dir: string,
  nodes: readonly DevNode[],
  state: DevState,
  { log }: ProcessLog,
  closers: { name: string; close: () => Promise<void> }[],
  tick: (text: string) => void,
): Promise<void> => {
  const { io, flags } = ctx;
  const { clock } = io;
  const [{ connectEtcd, startEtcd }, { ensureCluster }, { openAtRest }, { createToken, startApi }, { startController }, { startAgent }] =
    await Promise.all([
      import("../../store/etcd/index.ts"),
      import("../../store/cluster.ts"),
      import("../../store/at-rest/index.ts"),
      import("../../api/index.ts"),
      import("../../controller/index.ts"),
      import("../../node-agent/index.ts"),
    ]);
  const bin = flags.str("etcd-bin");
  const etcd = await startEtcd({ dataDir: join(dir, "etcd"), env: clock, log, ...(bin === undefined ? {} : { bin }) }).catch(
    (error: unknown) => {
      throw new CliError(EXIT.unreachable, errorText(error), {
        help: "etcd is the one thing needed beside Docker; another binary: --etcd-bin",
        cause: error,
      });
    },
  );
  closers.push({ name: "etcd", close: () => etcd.stop() });
  tick(`etcd ${etcd.version} started (data in ${short(io.home, join(dir, "etcd"))})`);
  const connected = connectEtcd({ hosts: [etcd.endpoint], env: clock });
  closers.push({ name: "etcd connection", close: () => connected.close() });
  state.clusterId = await ensureCluster(connected, clock);
  writeState(dir, state);

  const asked = flags.int("port", 1, 65_535);
  const port = await choosePort(asked ?? state.port ?? PORT, "127.0.0.1", asked !== undefined);
  const insecureHttp = flags.bool("insecure-http");
  const atRest = await openAtRest({ kv: connected, log, path: join(dir, "encryption.key") }).catch(badKeyFile);
  const { kv, problem, hash } = atRest;
  const listen = { host: "127.0.0.1", port, insecureHttp, secretsProblem: problem, contentHash: hash };
  const api = await startApi({ kv, env: clock, log, dataDir: dir, version: version(), ...listen });
  closers.push({ name: "api", close: () => api.close() });
  tick(`API       ${api.url}      ${insecureHttp ? "(plain HTTP, loopback only)" : "(self-signed, CA pinned in the context)"}`);

  const access = { context: CONTEXT, server: api.url, namespace: "default", insecure: false, ...(insecureHttp ? {} : { ca: api.caPem }) };
  state.port = port;
  const works = async (token: string): Promise<boolean> => (await whoAmI(access, token, clock)) !== undefined;
  state.token = await tokenFor(state.token, works, () => createToken(kv, clock, { name: "admin", groups: ["system:masters"] }));
  const tokens: Record<string, string> = {};
  for (const { name } of nodes)
    tokens[name] = await tokenFor(state.nodeTokens?.[name], works, () =>
      createToken(kv, clock, { name: `system:node:${name}`, groups: ["system:nodes"] }),
    );
  state.nodeTokens = { ...state.nodeTokens, ...tokens };
  writeState(dir, state);

  const controller = startController({ kv, env: clock, log, id: `${io.hostname}/${process.pid}`, atRest });
  closers.push({ name: "controller", close: () => controller.close() });
  const labels = labelsOf(ctx);
  for (const node of nodes) {
    const connection = nodes.length === 1 ? connected : connectEtcd({ hosts: [etcd.endpoint], env: clock });
    if (connection !== connected) closers.push({ name: `etcd connection of ${node.name}`, close: () => connection.close() });
    const handle = await startAgent({
      kv: connection,
      env: clock,
      log,
      node: node.name,
      socketPath: node.socket,
      dataDir: join(dir, "agents", node.name),
      runDir: runDir(ctx),
      labels,
      version: version(),
      tunnel: { servers: [api.url], token: () => tokens[node.name] ?? "", ...(insecureHttp ? {} : { ca: api.caPem }) },
    });
    closers.push({ name: `agent ${node.name}`, close: () => handle.close() });
  }
  const http = new Http({ access: { ...access, token: state.token }, userAgent: `${CLI}/${version()}`, timeoutMs: 10_000, warn: () => {} });
  try {
    await agentsReady(ctx, new Client(http, clock), nodes, tick);
  } finally {
    http.close();
  }
  if (!io.signal.aborted && !flags.bool("no-context"))
    await writeContext(ctx, dir, state, { server: api.url, ca: insecureHttp ? undefined : api.caPem, token: state.token }, tick);
};

/** The kept token while the API knows it; else a new one. */
const tokenFor = async (
  kept: string | undefined,
  works: (token: string) => Promise<boolean>,
  make: () => Promise<string>,
): Promise<string> => (kept !== undefined && (await works(kept)) ? kept : make());

const whoAmI = async (
  access: ConstructorParameters<typeof Http>[0]["access"],
  token: string,
  clock: Context["io"]["clock"],
): Promise<true | undefined> => {
  const http = new Http({ access: { ...access, token }, userAgent: CLI, timeoutMs: 10_000, warn: () => {} });
  try {
    await new Client(http, clock).list(RESOURCES.namespaces);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 401) return undefined;
    // A node's token is known, and may not list anything.
    if (error instanceof ApiError && error.code === 403) return true;
    throw error;
  } finally {
    http.close();
  }
};

const agentsReady = async (ctx: Context, client: Client, nodes: readonly DevNode[], tick: (text: string) => void): Promise<void> => {
  const { clock, signal } = ctx.io;
  const waiting = new Set(nodes.map((n) => n.name));
  const end = clock.monotonic() + READY_MS;
  while (waiting.size > 0 && !signal.aborted) {
    for (const name of waiting) {
      const node = await client.find<Node>(RESOURCES.nodes, undefined, name);
      const ready = node?.status?.conditions?.find((c) => c.type === "Ready");
      if (ready?.status === "True") {
        waiting.delete(name);
        tick(`Agent     ${name}  Ready`);
      } else if (clock.monotonic() > end) {
        waiting.delete(name);
        ctx.io.stderr.write(
          `${ctx.err.yellow("!")} Agent     ${name}  not ready yet: ${ready?.message ?? "it has not registered"}; see dev.log\n`,
        );
      }
    }
    if (waiting.size > 0) await clock.sleep(50, signal).catch(() => {});
  }
};

const writeContext = async (
  ctx: Context,
  dir: string,
  state: DevState,
  c: { server: string; ca: string | undefined; token: string },
  tick: (text: string) => void,
): Promise<void> => {
  const { io } = ctx;
  const path = kubeconfigPaths(io, ctx.flags.str("kubeconfig"))[0] as string;
  let previous: string | undefined;
  await editKubeconfig(path, io.clock, (text) => {
    const edited = withContext(text, { name: CONTEXT, ...c });
    previous = edited.previous;
    return edited.text;
  });
  state.kubeconfigs = [...new Set([...(state.kubeconfigs ?? []), path])];
  if (previous !== undefined) state.previousContext = previous;
  writeState(dir, state);
  const undo =
    state.previousContext === undefined
      ? ""
      : `   (previous: ${state.previousContext}; undo: kubectl config use-context ${state.previousContext})`;
  tick(`Context   "${CONTEXT}" added to ${short(io.home, path)} and made current${undo}`);
};

const short = (home: string, path: string): string => (path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path);

const next = (ctx: Context): void => {
  ctx.io.stderr.write(
    [
      "",
      `  Next       ${CLI} up          in a folder with compose.yaml`,
      `             kubectl get nodes`,
      `  Stop       Ctrl-C (containers keep running) · ${CLI} dev --reset removes everything`,
      "",
    ].join("\n"),
  );
};
