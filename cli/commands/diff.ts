import { type CommandSpec, clientFlags, fileFlag, inputFlags } from "../command.ts";

export const diff: CommandSpec = {
  name: "diff",
  group: "Deploy",
  summary: "Show what `apply` would change in the objects, line by line.",
  examples: [
    ["steady diff -f shop.yaml", "YAML, as it is and as it would be"],
    ["steady diff", "the folder's compose.yaml; exit code 1 when there are differences"],
    ["steady diff -f shop.yaml --show-secrets", "with the values of Secrets and environments"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "show-secrets", about: "Show values of Secrets and environments instead of ***", lineOnly: true },
    ...clientFlags,
  ],
  notes: [
    "The exit code is 0 when nothing differs, 1 when something does, and 2 or more when it cannot be said.",
    "Other people's fields are no differences. What becomes of containers says `steady plan`. KUBECTL_EXTERNAL_DIFF names another program.",
  ],
  async run(ctx) {
    return (await import("../deploy/diff.ts")).diff(ctx);
  },
};
