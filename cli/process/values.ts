// Values that the flags of several processes share.
import { isAbsolute, resolve } from "node:path";
import type { Context } from "../command.ts";
import { usage } from "../errors.ts";
import type { Io } from "../io.ts";

/** `unix:///run/docker.sock` or a path; an absolute path. @throws CliError (exit 2) for other schemes */
export const socketPath = (io: Pick<Io, "cwd">, text: string, from: string): string => {
  const path = text.startsWith("unix://") ? text.slice("unix://".length) : text;
  if (/^[a-z]+:\/\//.test(path))
    throw usage(
      `${from}: ${JSON.stringify(text)}: only unix sockets are supported`,
      "run the agent on the host of that engine; for example unix:///var/run/docker.sock",
    );
  return isAbsolute(path) ? path : resolve(io.cwd, path);
};

export const DOCKER_SOCKET = "/var/run/docker.sock";

/** `--docker-host`, else DOCKER_HOST, else the usual socket. */
export const dockerSocket = (ctx: Context): string => {
  const flag = ctx.flags.str("docker-host");
  if (flag !== undefined) return socketPath(ctx.io, flag, "--docker-host");
  const env = ctx.io.env["DOCKER_HOST"];
  return env ? socketPath(ctx.io, env, "DOCKER_HOST") : DOCKER_SOCKET;
};

/** `--run-dir`, else where the system keeps what a reboot forgets: root's, or the user's own. */
export const runDir = ({ flags, io }: Pick<Context, "flags" | "io">): string => {
  const own = io.env["XDG_RUNTIME_DIR"];
  return resolve(io.cwd, flags.str("run-dir") ?? (process.getuid?.() === 0 || !own ? "/run/steadfleet" : `${own}/steadfleet`));
};

const NODE_NAME = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;

export const checkNodeName = (name: string, from: string): string => {
  if (NODE_NAME.test(name)) return name;
  throw usage(`${from}: ${JSON.stringify(name)} cannot name a node: lower-case letters, digits, "-" and ".", at most 63 characters`);
};

/** The host's own name as a node's. */
export const hostNodeName = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, "-")
    .slice(0, 63)
    .replace(/^[.-]+|[.-]+$/g, "") || "node";

/** `k=v` pairs. */
export const labelsOf = (ctx: Context): Record<string, string> => {
  const labels: Record<string, string> = {};
  for (const pair of ctx.flags.list("label")) {
    const at = pair.indexOf("=");
    if (at < 1) throw usage(`--label ${JSON.stringify(pair)}: expected key=value`);
    labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const region = ctx.flags.str("region");
  const zone = ctx.flags.str("zone");
  if (region !== undefined) labels["topology.kubernetes.io/region"] = region;
  if (zone !== undefined) labels["topology.kubernetes.io/zone"] = zone;
  return labels;
};

/** Endpoints of etcd: `--etcd` (repeatable), else ETCD_ENDPOINTS, else the one on this machine. */
export const etcdHosts = (ctx: Context): string[] => {
  const given = ctx.flags.list("etcd").flatMap((e) => e.split(","));
  const hosts = given.length > 0 ? given : (ctx.io.env["ETCD_ENDPOINTS"] ?? "").split(",").filter((e) => e !== "");
  const all = hosts.length > 0 ? hosts : ["http://127.0.0.1:2379"];
  return all.map((h) => {
    const url = /^https?:\/\//.test(h) ? h : `http://${h}`;
    try {
      return new URL(url).origin;
    } catch {
      throw usage(`--etcd ${JSON.stringify(h)}: expected an address such as http://127.0.0.1:2379`);
    }
  });
};

/** `host:port`, `:port` or `port`. */
export const listenAddress = (text: string, from: string, fallbackHost: string): { host: string; port: number } => {
  const match = /^(?:(\[[^\]]+\]|[^:]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port > 65_535) throw usage(`${from}: ${JSON.stringify(text)}: expected host:port`);
  return { host: (match[1] ?? "").replace(/^\[|\]$/g, "") || fallbackHost, port };
};
