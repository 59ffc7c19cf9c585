// kubectl's own configuration file, read and written: there is no second one. Source: https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
import { readFileSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";
import { parseDocument } from "yaml";
import { CLI } from "../../schemas/constants.ts";
import { CliError, EXIT, errorCode, errorText } from "../errors.ts";
import type { Io } from "../io.ts";
import { nearest as suggest } from "../../schemas/words.ts";

/** How to reach an API, and as whom. PEM texts, not paths. */
export interface Access {
  context: string;
  server: string;
  namespace: string;
  ca?: string;
  /** `insecure-skip-tls-verify` */
  insecure: boolean;
  serverName?: string;
  token?: string;
  /** The `Authorization` of `username` and `password`. */
  basic?: string;
  cert?: string;
  key?: string;
}

type Obj = Record<string, unknown>;
interface Named {
  value: Obj;
  /** Folder that relative paths inside are meant against. */
  dir: string;
}
interface Merged {
  current: string | undefined;
  contexts: Map<string, Named>;
  clusters: Map<string, Named>;
  users: Map<string, Named>;
  paths: string[];
}

const isObj = (v: unknown): v is Obj => typeof v === "object" && v !== null && !Array.isArray(v);
const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : undefined);

export const kubeconfigPaths = (io: Pick<Io, "env" | "home" | "cwd">, named?: string): string[] => {
  if (named) return [resolve(io.cwd, named)];
  const listed = (io.env["KUBECONFIG"] ?? "").split(delimiter).filter((p) => p !== "");
  return listed.length > 0 ? listed.map((p) => resolve(io.cwd, p)) : [join(io.home, ".kube", "config")];
};

const merge = (paths: string[]): Merged => {
  const merged: Merged = { current: undefined, contexts: new Map(), clusters: new Map(), users: new Map(), paths };
  for (const path of paths) {
    let raw: string;
    try {
      raw = readFileSync(path, "utf8");
    } catch (error) {
      if (errorCode(error) === "ENOENT") continue;
      throw new CliError(EXIT.unreachable, `cannot read the kubeconfig ${path}: ${errorText(error)}`);
    }
    const doc = parseDocument(raw);
    if (doc.errors[0]) throw new CliError(EXIT.unreachable, `the kubeconfig ${path} is not YAML: ${doc.errors[0].message.split("\n")[0]}`);
    const config: unknown = doc.toJS();
    if (!isObj(config)) continue;
    merged.current ??= text(config["current-context"]);
    // The first file to name a thing wins, as in kubectl.
    for (const kind of ["contexts", "clusters", "users"] as const)
      for (const entry of Array.isArray(config[kind]) ? (config[kind] as unknown[]) : []) {
        const value = isObj(entry) ? entry[kind.slice(0, -1)] : undefined;
        if (!isObj(entry) || typeof entry["name"] !== "string" || merged[kind].has(entry["name"])) continue;
        merged[kind].set(entry["name"], { value: isObj(value) ? value : {}, dir: dirname(path) });
      }
  }
  return merged;
};

/**
 * The access that a context gives.
 * @throws CliError (exit 3): no such context, or one that this program cannot use
 */
export const loadAccess = (
  io: Pick<Io, "env" | "home" | "cwd">,
  o: { kubeconfig?: string | undefined; context?: string | undefined },
): Access => {
  const all = merge(kubeconfigPaths(io, o.kubeconfig));
  const name = o.context ?? all.current;
  const where = all.paths.join(delimiter);
  if (name === undefined)
    throw new CliError(EXIT.unreachable, `no cluster is chosen: ${where} has no current context`, {
      help: [
        `${CLI} dev starts a control plane on this host`,
        all.contexts.size > 0
          ? `--context: one of ${[...all.contexts.keys()].join(", ")}`
          : "or set KUBECONFIG to the file that you were given",
      ],
    });
  const context = all.contexts.get(name)?.value;
  if (!context) {
    const near = suggest(name, all.contexts.keys());
    throw new CliError(EXIT.unreachable, `no context ${JSON.stringify(name)} in ${where}${near ? `. Did you mean: ${near}?` : ""}`, {
      help: all.contexts.size > 0 ? `contexts: ${[...all.contexts.keys()].join(", ")}` : `${CLI} dev starts a control plane on this host`,
    });
  }
  const cluster = all.clusters.get(text(context["cluster"]) ?? "");
  const server = text(cluster?.value["server"]);
  if (!cluster || !server) throw new CliError(EXIT.unreachable, `context ${JSON.stringify(name)} names no cluster with a server`);
  const user = all.users.get(text(context["user"]) ?? "") ?? { value: {}, dir: "." };
  for (const key of ["exec", "auth-provider"])
    if (user.value[key] !== undefined)
      throw new CliError(EXIT.unreachable, `context ${JSON.stringify(name)}: credentials by "${key}" are not supported yet`, {
        help: "use a token or a client certificate",
      });
  const basic = text(user.value["username"]);
  const optional: [keyof Access, string | undefined][] = [
    ["ca", pem(cluster, "certificate-authority")],
    ["serverName", text(cluster.value["tls-server-name"])],
    ["token", text(user.value["token"]) ?? fileOf(user, "tokenFile")?.trim()],
    [
      "basic",
      basic === undefined ? undefined : `Basic ${Buffer.from(`${basic}:${text(user.value["password"]) ?? ""}`).toString("base64")}`,
    ],
    ["cert", pem(user, "client-certificate")],
    ["key", pem(user, "client-key")],
  ];
  return {
    context: name,
    server: server.replace(/\/+$/, ""),
    namespace: text(context["namespace"]) ?? "default",
    insecure: cluster.value["insecure-skip-tls-verify"] === true,
    ...Object.fromEntries(optional.filter(([, v]) => v !== undefined)),
  };
};

const fileOf = ({ value, dir }: Named, key: string): string | undefined => {
  const path = text(value[key]);
  if (path === undefined) return undefined;
  try {
    return readFileSync(isAbsolute(path) ? path : join(dir, path), "utf8");
  } catch (error) {
    throw new CliError(EXIT.unreachable, `cannot read ${key} of the kubeconfig: ${errorText(error)}`);
  }
};

const pem = (named: Named, key: string): string | undefined => {
  const data = text(named.value[`${key}-data`]);
  return data === undefined ? fileOf(named, key) : Buffer.from(data, "base64").toString("utf8");
};
