// `steady up`: plan, ask where something that runs would be touched, apply, wait.
import type { Context } from "../command.ts";
import { CliError, EXIT, usage } from "../errors.ts";
import { withClient } from "../kube/connect.ts";
import { loadManifests } from "../manifest/load.ts";
import { applyAll } from "./apply.ts";
import { inputsOf, type Plan, planOf } from "./plan.ts";
import { showPlan } from "./show.ts";

export const up = (ctx: Context): Promise<number> =>
  withClient(ctx, async (connection) => {
    const { flags, io } = ctx;
    const loaded = await loadManifests(io, ctx.err, inputsOf(ctx), {
      namespace: connection.namespace,
      projectName: flags.str("project-name"),
      envFiles: flags.list("env-file"),
      profiles: flags.list("profile"),
    });
    const plan = await planOf(ctx, connection, loaded);
    if (flags.str("progress") !== "quiet" && flags.str("progress") !== "json")
      io.stderr.write(showPlan(plan.stacks, plan.objects, connection.access.context, ctx.err));
    await consent(ctx, plan);
    return applyAll(ctx, connection, loaded, undefined);
  });

const consent = async (ctx: Context, plan: Plan): Promise<void> => {
  const touched = plan.stacks.flatMap((s) =>
    s.services
      .filter((c) => c.pods.some((p) => p.effect !== "unchanged" && p.effect !== "create" && p.effect !== "change"))
      .map((c) => `${s.stack}/${c.name}`),
  );
  if (touched.length === 0 || ctx.flags.bool("yes") || (ctx.io.env["CI"] && ctx.io.env["CI"] !== "false")) return;
  const answer = await ctx.io.ask(`Replace or delete ${touched.join(", ")}? [Y/n] `);
  if (answer === undefined) throw usage(`${touched.join(", ")} would be replaced or deleted, and nobody can be asked`, "say --yes");
  if (!/^(y(es)?)?$/i.test(answer.trim())) throw new CliError(EXIT.conflict, "nothing was changed");
};
