// The agent's way to the API, from flags.
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { CLI } from "../../schemas/constants.ts";
import type { Context } from "../command.ts";
import { errorText, usage } from "../errors.ts";

/** As the agent takes it (node-agent/tunnel). */
export interface TunnelFlags {
  servers: string[];
  /** Reads the file anew: a token that was renewed counts from the next connection on. */
  token(): string;
  ca?: string;
}

/** `--server`, `--token-file`, `--ca-file`; undefined without `--server`. @throws CliError (exit 2) */
export const tunnelFlags = (ctx: Context, node: string): TunnelFlags | undefined => {
  const { flags, io } = ctx;
  const servers = flags
    .list("server")
    .flatMap((s) => s.split(","))
    .filter((s) => s !== "")
    .map((s) => apiUrl(s, "--server"));
  const [tokenFile, caFile] = [flags.str("token-file"), flags.str("ca-file")];
  if (servers.length === 0) {
    if (tokenFile !== undefined || caFile !== undefined)
      throw usage(
        "--token-file and --ca-file are for the tunnel to the API: --server is missing",
        `for example --server https://10.0.0.1:7443`,
      );
    return undefined;
  }
  if (tokenFile === undefined)
    throw usage(
      "--server needs --token-file: the token by which the API knows this node",
      `make one: ${CLI} token create --node ${node} --out FILE`,
    );
  const path = resolve(io.cwd, tokenFile);
  const token = (): string => read(path, "--token-file").trim();
  if (token() === "") throw usage(`--token-file ${path} is empty`);
  if ((statSync(path).mode & 0o077) !== 0)
    io.stderr.write(`${ctx.err.yellow("Warning:")} ${path} can be read by others than its owner: chmod 600 ${path}\n`);
  if (caFile === undefined) return { servers, token };
  const ca = read(resolve(io.cwd, caFile), "--ca-file");
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) throw usage(`--ca-file ${caFile} holds no certificate (PEM)`);
  return { servers, token, ca };
};

const read = (path: string, flag: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw usage(`${flag} cannot be read: ${errorText(error)}`);
  }
};

/** An origin that secrets may be sent to. @throws CliError (exit 2) */
export const apiUrl = (text: string, flag: string): string => {
  let url: URL;
  try {
    url = new URL(text.includes("://") ? text : `https://${text}`);
  } catch {
    throw usage(`${flag} ${JSON.stringify(text)}: expected an address such as https://10.0.0.1:7443`);
  }
  if (url.pathname !== "/" || url.search !== "" || url.username !== "" || !["https:", "http:"].includes(url.protocol))
    throw usage(`${flag} ${JSON.stringify(text)}: expected an address such as https://10.0.0.1:7443, and nothing behind the port`);
  if (url.protocol === "http:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(url.hostname))
    throw usage(`${flag} ${JSON.stringify(text)}: plain HTTP is for this machine only; use https`);
  return url.origin;
};
