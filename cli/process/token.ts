// `steady token create`: a token straight into etcd, for the first user of a server that has none, and for nodes.
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { CLI } from "../../schemas/constants.ts";
import { nearest } from "../../schemas/words.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText, usage } from "../errors.ts";
import { columns, elapsed } from "../text/style.ts";
import { checkNodeName, etcdHosts } from "./values.ts";

/** What the API keeps of tokens, and the etcd where it does. */
const open = async (ctx: Context, hosts: string[]) => {
  const [{ connectEtcd }, api] = await Promise.all([import("../../store/etcd/index.ts"), import("../../api/index.ts")]);
  return { kv: connectEtcd({ hosts, env: ctx.io.clock }), api };
};
type Tokens = Awaited<ReturnType<typeof open>>;
type TokenInfo = Awaited<ReturnType<Tokens["api"]["listTokens"]>>[number];
/** Passes on what was asked of etcd. */
type Use = <R>(asked: Promise<R>) => Promise<R>;

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

/** @throws CliError exit 3 when etcd cannot be used */
const withTokens = async <T>(ctx: Context, run: (tokens: Tokens & { use: Use }) => Promise<T>): Promise<T> => {
  const hosts = etcdHosts(ctx);
  const { kv, api } = await open(ctx, hosts);
  const use: Use = (asked) =>
    asked.catch((error: unknown) => {
      throw new CliError(EXIT.unreachable, `etcd at ${hosts.join(", ")} cannot be used: ${errorText(error)}`, {
        help: "--etcd names its addresses",
        cause: error,
      });
    });
  try {
    return await run({ kv, api, use });
  } finally {
    await kv.close();
  }
};

export const createToken = async (ctx: Context, [name]: readonly string[]): Promise<number> => {
  const { about, ...who } = whoOf(ctx, name);
  const out = ctx.flags.str("out");
  return withTokens(ctx, async ({ use, kv, api }) => {
    const token = await use(api.createToken(kv, ctx.io.clock, who));
    if (out === undefined) ctx.io.stdout.write(`${token}\n`);
    else await write(resolve(ctx.io.cwd, out), token, () => api.revokeToken(kv, token));
    const where = out === undefined ? "It is shown once" : `It is in ${out}, mode 0600`;
    ctx.io.stderr.write(`${about}. ${where}; the server keeps only its hash.\n`);
    return EXIT.ok;
  });
};

export const listTokens = (ctx: Context): Promise<number> =>
  withTokens(ctx, async ({ use, kv, api }) => {
    showTokens(ctx, await use(api.listTokens(kv)));
    return EXIT.ok;
  });

export const showTokens = (ctx: Context, tokens: readonly TokenInfo[]): void => {
  const { io, flags } = ctx;
  if (flags.str("output") === "json") return io.stdout.write(`${JSON.stringify(tokens, undefined, 2)}\n`);
  if (tokens.length === 0) return io.stderr.write(`No tokens. The first: ${CLI} token create admin\n`);
  const rows = tokens.map((t) => [t.id, t.name, t.groups.join(","), elapsed(io.clock.now() - Date.parse(t.createdAt))]);
  io.stdout.write(`${columns([["ID", "NAME", "GROUPS", "AGE"], ...rows]).join("\n")}\n`);
};

export const revokeTokens = (ctx: Context, [typed]: readonly string[]): Promise<number> => {
  const node = ctx.flags.str("node");
  if ((typed === undefined) === (node === undefined))
    throw usage(typed === undefined ? "which token? its ID, or --node NAME" : "either a token or --node", `${CLI} token ls`);
  if (node !== undefined) checkNodeName(node, "--node");
  return withTokens(ctx, async ({ use, kv, api }) => {
    const all = await use(api.listTokens(kv));
    const chosen = chooseTokens(all, node === undefined ? { typed: (typed && api.tokenIdOf(typed)) ?? typed ?? "" } : { node });
    for (const t of chosen) {
      await use(api.revokeTokenId(kv, t.id));
      ctx.io.stdout.write(`${t.id} revoked (${t.name}: ${t.groups.join(", ")})\n`);
    }
    if (!all.some((t) => t.groups.includes(GROUPS.admin) && !chosen.includes(t)))
      ctx.io.stderr.write(`${ctx.err.yellow("Warning:")} no admin's token is left; a new one: ${CLI} token create NAME\n`);
    return EXIT.ok;
  });
};

/** By ID, or all of a node. @throws CliError exit 5: there is none */
export const chooseTokens = (all: readonly TokenInfo[], by: { typed: string } | { node: string }): TokenInfo[] => {
  const help = `${CLI} token ls shows all`;
  if ("node" in by) {
    const found = all.filter((t) => t.name === `system:node:${by.node}`);
    if (found.length > 0) return found;
    const near = nearest(
      by.node,
      all.flatMap((t) => (t.name.startsWith("system:node:") ? t.name.slice("system:node:".length) : [])),
    );
    throw new CliError(EXIT.failed, `node ${by.node} has no token${near ? `. Did you mean: ${near}?` : ""}`, { help });
  }
  const found = all.find((t) => t.id === by.typed);
  if (found) return [found];
  const named = all.filter((t) => t.name === by.typed);
  if (named.length > 0)
    throw new CliError(EXIT.failed, `${JSON.stringify(by.typed)} is a name; a token is revoked by its ID`, {
      help: named.map((t) => `${CLI} token revoke ${t.id}`),
    });
  // It may be a secret that was typed badly: not repeated.
  const shown = /^[0-9a-f]{1,16}$/.test(by.typed) ? ` ${by.typed}` : "";
  throw new CliError(EXIT.failed, `there is no such token${shown}`, { help });
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
