import { type CommandSpec, clientFlags, outputFlag } from "../command.ts";

export const nodeLs: CommandSpec = {
  name: "node ls",
  aliases: ["node list"],
  group: "Nodes",
  summary: "List the nodes, and whether their agents are connected.",
  args: "[names...]",
  examples: [
    ["steady node ls", "all nodes"],
    ["steady node ls -o wide", "with addresses, versions and sizes"],
    ["steady node ls -w", "and every change, until Ctrl-C"],
  ],
  flags: [
    outputFlag(["wide", "json", "yaml", "name"]),
    { name: "no-headers", about: "No heading above a table", group: "Output" },
    { name: "selector", short: "l", value: "labels", about: "Only nodes with these labels: disk=ssd", lineOnly: true },
    { name: "watch", short: "w", about: "Show changes as they come", lineOnly: true },
    ...clientFlags,
  ],
  async run(ctx, args) {
    return (await import("../see/get.ts")).get(ctx, ["nodes", ...args]);
  },
};
