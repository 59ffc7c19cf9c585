// exec and attach: POST or GET …/pods/<name>/exec, upgraded.
// Source: Kubernetes API, PodExecOptions and PodAttachOptions.
import type { Deps } from "../call.ts";
import { badRequest } from "../status.ts";
import type { Upgrade, UpgradeHandler } from "../upgrade.ts";
import { commandOverSpdy } from "./command-spdy.ts";
import { commandOverWebSocket } from "./command-websocket.ts";
import { isSpdy } from "./spdy/accept.ts";
import { type ClientStdio, type CommandOptions, runCommand, startOnNode } from "./stdio.ts";
import { mustRun, type Target, targetOf } from "./target.ts";
import { isWebSocket } from "./websocket.ts";

/** A command line of any length is run, but not written to the log. */
const MAX_LOGGED = 1_000;

/** @throws ApiError 400 */
function optionsOf(u: Upgrade, kind: CommandOptions["kind"]): CommandOptions {
  const [stdin, stdout, tty] = [u.query.flag("stdin"), u.query.flag("stdout"), u.query.flag("tty")];
  // A terminal has one output.
  const stderr = u.query.flag("stderr") && !tty;
  if (!stdin && !stdout && !stderr) throw badRequest("you must specify at least 1 of stdin, stdout, stderr");
  const command = kind === "exec" ? u.query.words("command") : [];
  if (kind === "exec" && (command[0] ?? "") === "") throw badRequest("you must specify at least one command for the container");
  return { kind, command, stdin, stdout, stderr, tty };
}

const handler =
  (kind: CommandOptions["kind"]): UpgradeHandler =>
  async (deps, u) => {
    const o = optionsOf(u, kind);
    const target = await targetOf(deps, u.namespace, u.name, u.query.text("container"));
    mustRun(target, deps.env.now());
    await serve(deps, u, o, target, clientOf(u, o, deps));
  };

/** @throws ApiError 400 when the client speaks nothing that is spoken here */
function clientOf(u: Upgrade, o: CommandOptions, deps: Deps): () => Promise<ClientStdio> {
  if (isWebSocket(u)) return commandOverWebSocket(u, o, deps.env);
  if (isSpdy(u)) return commandOverSpdy(u, o, deps);
  throw badRequest(`unable to upgrade: ${JSON.stringify(u.req.headers.upgrade)} is not spoken here`);
}

async function serve(deps: Deps, u: Upgrade, o: CommandOptions, target: Target, accept: () => Promise<ClientStdio>): Promise<void> {
  const about = {
    user: u.user.name,
    tokenId: u.user.tokenId,
    subresource: o.kind,
    namespace: target.namespace,
    pod: target.pod,
    uid: target.uid,
    node: target.node,
  };
  const open = deps.streams.enter(about);
  const over = new AbortController();
  const onClose = (): void => over.abort(new Error("the client went away"));
  u.socket.once("close", onClose);
  const began = deps.env.monotonic();
  const audit = { audit: true, ...about, container: target.container, ...(o.kind === "exec" ? { command: logged(o.command) } : {}) };
  try {
    // First the node, so that what it refuses is still a plain answer.
    const node = await startOnNode(deps, target, o, AbortSignal.any([over.signal, open.signal]));
    deps.log.info({ ...audit, tty: o.tty, stdin: o.stdin }, `${o.kind} began`);
    const status = await runCommand(deps, target, o.kind, open, node, await accept());
    const seconds = Math.round((deps.env.monotonic() - began) / 1000);
    deps.log.info({ ...audit, seconds, outcome: status.status, message: status.message }, `${o.kind} ended`);
  } finally {
    over.abort(new Error("over"));
    open.leave();
    u.socket.off("close", onClose);
  }
}

const logged = (command: readonly string[]): string => JSON.stringify(command).slice(0, MAX_LOGGED);

export const exec = handler("exec");
export const attach = handler("attach");
