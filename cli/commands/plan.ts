import { type CommandSpec, clientFlags, fileFlag, inputFlags, outputFlag } from "../command.ts";

export const plan: CommandSpec = {
  name: "plan",
  group: "Deploy",
  summary: "Show what `apply` would do to each container and why, without doing it.",
  examples: [
    ["steady plan -f shop.yaml", "what becomes of each container, where, why, and what is down meanwhile"],
    ["steady plan -f shop.yaml --exit-code", "exit code 1 when there are differences"],
    ["steady plan -f shop.yaml -o json | jq .stacks[].services", "for programs"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "exit-code", about: "Exit code 1 when there are differences" },
    outputFlag(["json"]),
    ...clientFlags,
  ],
  notes: [
    "The API runs the controller's planner on the cluster as it is now; nothing is stored. Without -f the folder's compose.yaml is planned.",
    "Of environment, configs and secrets it is told that they change, never their values.",
  ],
  async run(ctx) {
    return (await import("../deploy/plan.ts")).plan(ctx);
  },
};
