import { type CommandSpec, clientFlags, outputFlag } from "../command.ts";

export const status: CommandSpec = {
  name: "status",
  group: "See",
  summary: "Show each Stack as a tree: services, replicas, nodes, and why something is not fine.",
  args: "[stack]",
  examples: [
    ["steady status", "all Stacks of the namespace"],
    ["steady status shop", "one Stack, with every replica"],
    ["steady status shop --exit-code", "exit code 1 unless it is Healthy"],
  ],
  flags: [
    { name: "all", short: "a", about: "Also the replicas of healthy services" },
    { name: "watch", short: "w", about: "Again when something changes, until Ctrl-C", lineOnly: true },
    { name: "exit-code", about: "Exit code 1 unless everything is Healthy" },
    { name: "all-namespaces", short: "A", about: "In all namespaces", lineOnly: true },
    outputFlag(["json"]),
    ...clientFlags,
  ],
  async run(ctx, args) {
    return (await import("../see/status.ts")).status(ctx, args);
  },
};
