// `steady import`: lists what docker compose runs on the nodes, and takes a project over without a restart.
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { API_VERSION, CLI } from "../../schemas/constants.ts";
import { RESOURCES } from "../../schemas/resources.ts";
import type { ComposeDifference, ComposeProject } from "../../schemas/tunnel.ts";
import type { Context } from "../command.ts";
import { applyAll } from "../deploy/apply.ts";
import { ApiError, CliError, errorText, EXIT, usage } from "../errors.ts";
import { type Client, pathOf } from "../kube/client.ts";
import { withClient } from "../kube/connect.ts";
import { stackNameOf } from "../manifest/compose/project.ts";
import type { Manifest } from "../manifest/load.ts";
import { columns } from "../text/style.ts";
import { stackOf } from "./stack.ts";

interface Asked {
  project?: string;
  stack?: Manifest;
}

const ask = async (
  client: Client,
  node: string,
  spec: Asked,
  signal: AbortSignal,
): Promise<{ projects: ComposeProject[]; differences?: ComposeDifference[] }> => {
  const body = { apiVersion: API_VERSION, kind: "ComposeProjects", metadata: { name: node }, spec };
  const path = pathOf(RESOURCES.nodes, undefined, node, "composeprojects");
  const answer = await client.http.json<{ status?: { projects: ComposeProject[]; differences?: ComposeDifference[] } }>("POST", path, {
    body,
    signal,
  });
  return answer.status ?? { projects: [] };
};

export const importProject = (ctx: Context, args: readonly string[]): Promise<number> =>
  withClient(ctx, async ({ client, namespace, access }) => {
    const { io, flags } = ctx;
    const [project] = args;
    if (project === undefined && !flags.bool("list"))
      throw usage("import: which project?", [`${CLI} import --list`, `${CLI} import PROJECT`]);
    const named = flags.str("node");
    const nodes = named === undefined ? (await client.list(RESOURCES.nodes, {}, io.signal)).items.map((n) => n.metadata.name) : [named];
    const found: { node: string; project: ComposeProject }[] = [];
    for (const node of nodes)
      try {
        const { projects } = await ask(client, node, project === undefined ? {} : { project }, io.signal);
        found.push(...projects.map((p) => ({ node, project: p })));
      } catch (error) {
        if (named !== undefined || !(error instanceof ApiError && error.code >= 500)) throw error;
        io.stderr.write(`${ctx.err.yellow("Warning:")} ${error.message}\n`);
      }
    if (project === undefined) return list(ctx, found);
    const [only, ...more] = found;
    if (!only)
      throw new CliError(EXIT.failed, `no node runs a Compose project ${JSON.stringify(project)} that is not ours`, {
        help: `${CLI} import --list`,
      });
    if (more.length > 0) throw usage(`${project} runs on ${found.map((f) => f.node).join(", ")}`, "say which: --node NAME");
    return takeOver(ctx, { client, namespace, access }, only.node, only.project);
  });

const list = (ctx: Context, found: readonly { node: string; project: ComposeProject }[]): number => {
  if (found.length === 0) {
    ctx.io.stderr.write("No Compose projects found beside what is ours.\n");
    return EXIT.ok;
  }
  const rows = found.map(({ node, project: p }) => {
    const containers = p.services.flatMap((s) => s.containers);
    const running = containers.filter((c) => c.state === "running").length;
    return [p.name, node, String(p.services.length), `${running}/${containers.length}`, p.file || "(not known)"];
  });
  ctx.io.stdout.write(`${columns([["PROJECT", "NODE", "SERVICES", "RUNNING", "FILE"], ...rows]).join("\n")}\n`);
  return EXIT.ok;
};

const takeOver = async (
  ctx: Context,
  connection: Parameters<typeof applyAll>[1],
  node: string,
  project: ComposeProject,
): Promise<number> => {
  const { io, flags } = ctx;
  const { client, namespace } = connection;
  const wish = flags.str("project-name") ?? stackNameOf(project.name);
  if (!wish || stackNameOf(wish) !== wish)
    throw usage(`${JSON.stringify(wish ?? project.name)} cannot name a Stack`, "choose a name: -p NAME");
  const { manifest, notes } = stackOf(project, { name: wish, namespace, node, replace: flags.bool("replace") });
  if (await client.find(RESOURCES.stacks, namespace, wish, io.signal))
    throw new CliError(EXIT.conflict, `there is a stack ${wish} in namespace ${namespace} already`, {
      help: "choose another name: -p NAME",
    });
  const { differences = [] } = await ask(client, node, { project: project.name, stack: manifest }, io.signal);
  for (const note of notes) io.stderr.write(`note: ${note}\n`);
  const differing = differences.filter((d) => d.keys.length > 0);
  for (const d of differing) io.stderr.write(`! ${d.service}-${d.number} on ${node} differs in ${d.keys.join(", ")}\n`);
  const { stringify } = await import("yaml");
  const yaml = stringify(manifest, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
  if (flags.bool("dry-run")) {
    io.stdout.write(yaml);
    return differing.length > 0 ? EXIT.differs : EXIT.ok;
  }
  if (differing.length > 0 && !flags.bool("replace"))
    throw new CliError(EXIT.conflict, "nothing was taken over: these containers would have to be replaced", {
      help: [
        `${CLI} import ${project.name} --replace takes them over and replaces them`,
        `${CLI} import ${project.name} --dry-run prints the Stack`,
      ],
    });
  const out = flags.str("out") ?? `${wish}.stack.yaml`;
  if (existsSync(resolve(io.cwd, out))) throw usage(`${out} exists`, "name another file: --out FILE");
  try {
    // It holds the environment of the containers.
    writeFileSync(resolve(io.cwd, out), yaml, { mode: 0o600 });
  } catch (error) {
    throw usage(`cannot write ${out}: ${errorText(error)}`);
  }
  const count = project.services.reduce((n, s) => n + s.containers.length, 0);
  io.stderr.write(
    `Wrote ${out}. Taking over ${count} container${count === 1 ? "" : "s"} on ${node}${differing.length > 0 ? `, of which ${differing.length} will be replaced` : " without a restart"}.\n`,
  );
  return applyAll(ctx, connection, [{ manifest, resource: RESOURCES.stacks, file: out }], undefined);
};
