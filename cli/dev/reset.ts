// `steady dev --reset`: takes away what `steady dev` made, and nothing else. Named volumes only when asked for (I2).
import { existsSync, rmSync } from "node:fs";
import { CLI } from "../../schemas/constants.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorText, usage } from "../errors.ts";
import { editKubeconfig, withoutContext } from "../kube/kubeconfig-edit.ts";
import { runDir } from "../process/values.ts";
import { CONTEXT } from "./dev.ts";
import { removeOurs } from "./engine.ts";
import { readState } from "./state.ts";

/** The caller holds the lock: no `steady dev` runs on `dir`. */
export const reset = async (ctx: Context, dir: string): Promise<number> => {
  const { io, err, flags } = ctx;
  const volumes = flags.bool("volumes");
  const state = readState(dir);
  if (volumes && !flags.bool("yes")) {
    const answer = await io.ask("Delete the named volumes WITH ALL THEIR DATA as well? [y/N] ");
    if (answer === undefined) throw usage("--volumes deletes data: say --yes where nobody can be asked");
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(EXIT.conflict, "nothing was removed");
  }
  const tick = (text: string): void => io.stderr.write(`${err.green("✔")} ${text}\n`);
  if (state.clusterId !== undefined)
    for (const socket of state.sockets ?? []) {
      const removed = await removeOurs(socket, state.clusterId, volumes).catch((error: unknown) => {
        throw new CliError(EXIT.unreachable, `cannot remove what is on ${socket}: ${errorText(error)}`, {
          help: ["start that Docker and repeat the command", `or, when it is gone for good, remove ${dir} by hand`],
          cause: error,
        });
      });
      tick(`${socket}: removed ${removed.containers} containers, ${removed.networks} networks, ${removed.volumes} volumes`);
      if (removed.keptVolumes > 0)
        io.stderr.write(`${err.yellow("!")} ${removed.keptVolumes} named volumes were kept; docker volume ls shows them\n`);
    }
  if (state.clusterId !== undefined) {
    const { removeRunDirs } = await import("../../node-agent/index.ts");
    await removeRunDirs(runDir(ctx), state.clusterId);
  }
  for (const path of state.kubeconfigs ?? []) {
    if (!existsSync(path)) continue;
    await editKubeconfig(path, io.clock, (text) => withoutContext(text, CONTEXT, state.previousContext));
    tick(`Context "${CONTEXT}" removed from ${path}`);
  }
  rmSync(dir, { recursive: true, force: true });
  tick(`${dir} removed`);
  io.stderr.write(`Start anew: ${CLI} dev\n`);
  return EXIT.ok;
};
