import { type CommandSpec, clientFlags } from "../command.ts";

export const logs: CommandSpec = {
  name: "logs",
  group: "See",
  summary: "Show what containers write, of all replicas at once.",
  args: "[target]",
  examples: [
    ["steady logs shop", "all replicas of a Stack, in the order of time"],
    ["steady logs -f shop/web --tail 20", "one service, and what comes, until Ctrl-C"],
    ["steady logs shop/web-0 --previous", "one replica: what it said before its last restart"],
    ["steady logs shop-web-0-x7k2p --since 5m -t", "one pod by its name, with times"],
  ],
  flags: [
    { name: "follow", short: "f", about: "Go on with what comes; new replicas join, over restarts and lost connections", lineOnly: true },
    { name: "previous", short: "p", about: "The run before the last restart", lineOnly: true },
    { name: "tail", value: "n", about: "Only the last n lines of each replica (default: all)", group: "Selection" },
    { name: "since", value: "time", about: "Only what is newer: 5m, 1h30m, or a time as of RFC 3339", group: "Selection", lineOnly: true },
    { name: "timestamps", short: "t", about: "Each line with its time, UTC", group: "Output" },
    { name: "no-prefix", about: "Several replicas without their names before the lines", group: "Output" },
    ...clientFlags,
  ],
  notes: [
    "TARGET: a Stack, STACK/SERVICE, STACK/REPLICA as `steady ps` names them, or a pod's name (also pod/NAME); without one, all of the namespace.",
    "A replica that has no log yet is named on stderr. Exit code 5: no log could be read.",
  ],
  async run(ctx, args) {
    return (await import("../look/logs.ts")).logs(ctx, args);
  },
};
