import { type CommandSpec, clientFlags, outputFlag } from "../command.ts";

export const ps: CommandSpec = {
  name: "ps",
  group: "See",
  summary: "List replicas, on all nodes.",
  args: "[stack]",
  examples: [
    ["steady ps", "everything in the namespace"],
    ["steady ps shop", "one Stack"],
    ["steady ps -A --node nas", "what runs on one node"],
  ],
  flags: [
    { name: "node", value: "name", about: "Only on this node", lineOnly: true },
    { name: "all-namespaces", short: "A", about: "In all namespaces", lineOnly: true },
    outputFlag(["wide", "json"]),
    ...clientFlags,
  ],
  async run(ctx, args) {
    return (await import("../see/ps.ts")).ps(ctx, args);
  },
};
