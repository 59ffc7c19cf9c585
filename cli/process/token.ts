// `steady token create`: a token straight into etcd, for the first user of a server that has none, and for nodes.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText, usage } from "../errors.ts";
import { checkNodeName, etcdHosts } from "./values.ts";

const GROUPS = { admin: "system:masters", reader: "system:readers" } as const;

interface Who {
  name: string;
  groups: string[];
  /** For people. */
  about: string;
}

/** A user by name and role, or a node's agent. @throws CliError (exit 2) */
const whoOf = (ctx: Context, name: string | undefined): Who => {
  const node = ctx.flags.str("node");
  if (node !== undefined) {
    if (name !== undefined) throw usage("a token is for a user or for a node: leave the name or --node out");
    if (ctx.flags.has("role")) throw usage("a node's token has no --role: it opens that node's tunnel, and nothing else");
    checkNodeName(node, "--node");
    return { name: `system:node:${node}`, groups: ["system:nodes"], about: `Token of node ${node} (its tunnel only)` };
  }
  if (name === undefined) throw usage("a name is missing", "steady token create NAME, or --node NAME for a node's agent");
  if (!/^[A-Za-z0-9][\w.@:-]{0,62}$/.test(name))
    throw usage(`${JSON.stringify(name)} cannot name a user: letters, digits and . _ @ : -, at most 63 characters`);
  if (name.startsWith("system:")) throw usage(`names that begin with "system:" are taken; a node's token: --node NAME`);
  const role = (ctx.flags.str("role") ?? "admin") as keyof typeof GROUPS;
  return { name, groups: [GROUPS[role]], about: `Token of ${name} (${role})` };
};

export const createToken = async (ctx: Context, [name]: readonly string[]): Promise<number> => {
  const { about, ...who } = whoOf(ctx, name);
  const out = ctx.flags.str("out");
  const hosts = etcdHosts(ctx);
  const [{ connectEtcd }, api] = await Promise.all([import("../../store/etcd/index.ts"), import("../../api/index.ts")]);
  const kv = connectEtcd({ hosts, env: ctx.io.clock });
  try {
    const token = await api.createToken(kv, ctx.io.clock, who).catch((error: unknown) => {
      throw new CliError(EXIT.unreachable, `etcd at ${hosts.join(", ")} cannot be used: ${errorText(error)}`, {
        help: "--etcd names its addresses",
        cause: error,
      });
    });
    if (out === undefined) ctx.io.stdout.write(`${token}\n`);
    else await write(resolve(ctx.io.cwd, out), token, () => api.revokeToken(kv, token));
    const where = out === undefined ? "It is shown once" : `It is in ${out}, mode 0600`;
    ctx.io.stderr.write(`${about}. ${where}; the server keeps only its hash.\n`);
    return EXIT.ok;
  } finally {
    await kv.close();
  }
};

/** Never over a file that is there; a token that could not be kept is revoked. @throws CliError (exit 2) */
const write = async (path: string, token: string, revoke: () => Promise<void>): Promise<void> => {
  try {
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    await revoke();
    throw usage(`--out: ${errorText(error)}`, "the token was revoked again");
  }
};
