import { type CommandSpec, clientFlags, fileFlag, inputFlags, waitFlags, yesFlag } from "../command.ts";

export const up: CommandSpec = {
  name: "up",
  group: "Deploy",
  summary: "Deploy the folder's compose.yaml: show the plan, apply it, wait until it is healthy.",
  examples: [
    ["steady up", "compose.yaml of this folder, as a Stack of the folder's name"],
    ["steady up -f compose.prod.yaml -p shop", "another file, another name"],
    ["steady up --yes --progress plain", "in scripts: no question, one line per change"],
  ],
  flags: [fileFlag, ...inputFlags, { ...yesFlag, group: "Input" }, ...waitFlags, ...clientFlags],
  notes: ["Asks only before something that runs is replaced or removed. Where nobody can be asked, --yes (or CI=true) is needed for that."],
  async run(ctx) {
    return (await import("../deploy/up.ts")).up(ctx);
  },
};
