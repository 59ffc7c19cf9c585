// A client from flags: which context, which namespace, and how warnings are shown.
import { createRequire } from "node:module";
import { CLI } from "../../schemas/constants.ts";
import type { Context } from "../command.ts";
import { Client } from "./client.ts";
import { Http } from "./http.ts";
import { type Access, loadAccess } from "./kubeconfig.ts";

export interface Connection {
  client: Client;
  access: Access;
  /** `--namespace`, else the context's. */
  namespace: string;
}

export const connect = (ctx: Context): Connection => {
  const access = loadAccess(ctx.io, { kubeconfig: ctx.flags.str("kubeconfig"), context: ctx.flags.str("context") });
  const http = new Http({
    access,
    userAgent: `${CLI}/${version()}`,
    timeoutMs: ctx.flags.duration("request-timeout") ?? 30_000,
    warn: (text) => ctx.io.stderr.write(`${ctx.err.yellow("Warning:")} ${text}\n`),
  });
  return { client: new Client(http, ctx.io.clock), access, namespace: ctx.flags.str("namespace") ?? access.namespace };
};

/** Ends the connections of `run` when it ends. */
export const withClient = async <T>(ctx: Context, run: (connection: Connection) => Promise<T>): Promise<T> => {
  const connection = connect(ctx);
  try {
    return await run(connection);
  } finally {
    connection.client.http.close();
  }
};

const require = createRequire(import.meta.url);

/** The version in package.json, which is one folder up in the source tree and two in the build. */
export const version = (): string => {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const found = require(path) as { name?: string; version?: string };
      if (found.name === "steadfleet" && found.version) return found.version;
    } catch {
      // The other one.
    }
  }
  return "unknown";
};
