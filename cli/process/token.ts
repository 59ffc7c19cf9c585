// `steady token create`: a token straight into etcd, for the first user of a server that has none.
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText, usage } from "../errors.ts";
import { etcdHosts } from "./values.ts";

const GROUPS = { admin: "system:masters", reader: "system:readers" } as const;

export const createToken = async (ctx: Context, [name = ""]: readonly string[]): Promise<number> => {
  if (!/^[A-Za-z0-9][\w.@:-]{0,62}$/.test(name))
    throw usage(`${JSON.stringify(name)} cannot name a user: letters, digits and . _ @ : -, at most 63 characters`);
  const role = (ctx.flags.str("role") ?? "admin") as keyof typeof GROUPS;
  const hosts = etcdHosts(ctx);
  const [{ connectEtcd }, api] = await Promise.all([import("../../store/etcd/index.ts"), import("../../api/index.ts")]);
  const kv = connectEtcd({ hosts, env: ctx.io.clock });
  try {
    const token = await api.createToken(kv, ctx.io.clock, { name, groups: [GROUPS[role]] });
    ctx.io.stdout.write(`${token}\n`);
    ctx.io.stderr.write(`Token of ${name} (${role}). It is shown once; the server keeps only its hash.\n`);
    return EXIT.ok;
  } catch (error) {
    throw new CliError(EXIT.unreachable, `etcd at ${hosts.join(", ")} cannot be used: ${errorText(error)}`, {
      help: "--etcd names its addresses",
      cause: error,
    });
  } finally {
    await kv.close();
  }
};
