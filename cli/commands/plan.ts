import { type CommandSpec, clientFlags, fileFlag, inputFlags, outputFlag } from "../command.ts";

export const plan: CommandSpec = {
  name: "plan",
  group: "Deploy",
  summary: "Show what `apply` would do to each service, without doing it.",
  examples: [
    ["steady plan -f shop.yaml", "per service: create, replace, update in place, delete, unchanged"],
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
    "The API checks the change as if it were applied (a dry run); nothing is stored. Without -f the folder's compose.yaml is planned.",
  ],
  async run(ctx) {
    return (await import("../deploy/plan.ts")).plan(ctx);
  },
};
