import { type CommandSpec, clientFlags, outputFlag } from "../command.ts";

export const get: CommandSpec = {
  name: "get",
  group: "See",
  summary: "List objects, or show some.",
  args: "<kind> [names...]",
  examples: [
    ["steady get stacks", "a table, as the API lays it out"],
    ["steady get stack shop -o yaml", "one object, whole"],
    ["steady get stacks,pods -A -o wide", "two kinds, all namespaces, more columns"],
    ["steady get pods -l steadfleet.dev/stack=shop -w", "and every change, until Ctrl-C"],
  ],
  flags: [
    outputFlag(["wide", "json", "yaml", "name"]),
    { name: "no-headers", about: "No heading above a table", group: "Output" },
    { name: "show-managed-fields", about: "In JSON and YAML: which program owns which field", group: "Output" },
    {
      name: "selector",
      short: "l",
      value: "labels",
      about: "Only objects with these labels: app=web,tier!=db",
      group: "Selection",
      lineOnly: true,
    },
    { name: "all-namespaces", short: "A", about: "In all namespaces", group: "Selection", lineOnly: true },
    { name: "watch", short: "w", about: "Show changes as they come", group: "Selection", lineOnly: true },
    ...clientFlags,
  ],
  notes: ["Kinds: stacks (stk), pods (po), nodes (no), namespaces (ns), events (ev), configmaps (cm), secrets; all = stacks and pods."],
  async run(ctx, args) {
    return (await import("../see/get.ts")).get(ctx, args);
  },
};
