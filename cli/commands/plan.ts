import { type CommandSpec, clientFlags, fileFlag, inputFlags, outputFlag } from "../command.ts";

export const plan: CommandSpec = {
  name: "plan",
  group: "Deploy",
  summary: "Show what `apply` would do to each container and why, without doing it.",
  examples: [
    ["steady plan -f shop.yaml", "what becomes of each container, where, why, and what is down meanwhile"],
    ["steady plan -f shop.yaml --exit-code", "exit code 1 when there are differences"],
    ["steady plan -f shop.yaml --out p.json", "then `steady apply p.json` does exactly that, or refuses"],
    ["steady plan -f shop.yaml -o json | jq .stacks[].services", "for programs"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "out", value: "file", about: "Keep the plan in a file, for `steady apply FILE`", lineOnly: true },
    { name: "set", value: "name", about: "With --prune: the set that the manifests are", group: "Set", lineOnly: true },
    { name: "prune", about: "With --set: also what would be deleted", group: "Set", lineOnly: true },
    { name: "exit-code", about: "Exit code 1 when there are differences" },
    outputFlag(["json"]),
    ...clientFlags,
  ],
  notes: [
    "The API runs the controller's planner on the cluster as it is now; nothing is stored. Without -f the folder's compose.yaml is planned.",
    "A kept plan holds the manifests, but no value of a Secret. It is stale when an object, or what would become of a container, has changed.",
    "Of environment, configs and secrets it is told that they change, never their values.",
  ],
  async run(ctx) {
    return (await import("../deploy/plan.ts")).plan(ctx);
  },
};
