import { type CommandSpec, clientFlags, waitFlags } from "../command.ts";

export const importCommand: CommandSpec = {
  name: "import",
  group: "Deploy",
  summary: "Take over a project of docker compose that runs on a node, without restarting it.",
  args: "[project]",
  examples: [
    ["steady import --list", "what docker compose runs on the nodes"],
    ["steady import shop --dry-run", "the Stack that it would become, and which keys differ"],
    ["steady import shop --node nas", "its containers go on, and are looked after from now on"],
  ],
  flags: [
    { name: "list", about: "List the projects, on all nodes", lineOnly: true },
    { name: "node", value: "name", about: "Only this node", lineOnly: true },
    { name: "project-name", short: "p", value: "name", about: "Name of the Stack (default: the project's)", lineOnly: true },
    { name: "out", value: "file", about: "File for the Stack (default: NAME.stack.yaml)", lineOnly: true },
    { name: "dry-run", about: "Print the Stack and what differs; change nothing", lineOnly: true },
    { name: "replace", about: "Containers that differ from what the Stack says may be replaced", lineOnly: true },
    ...waitFlags,
    ...clientFlags,
  ],
  notes: [
    "Containers keep their ids; networks and volumes stay what they are, as external ones. Those that heal later are made anew as ours.",
    "Where a container is not as the Stack says, nothing is taken over unless --replace is said.",
  ],
  async run(ctx, args) {
    return (await import("../import/import.ts")).importProject(ctx, args);
  },
};
