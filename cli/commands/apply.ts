import { type CommandSpec, clientFlags, fileFlag, inputFlags, outputFlag, waitFlags } from "../command.ts";

export const apply: CommandSpec = {
  name: "apply",
  group: "Deploy",
  summary: "Create or change what the manifests say, and wait until it is so.",
  args: "[plan]",
  examples: [
    ["steady apply -f shop.yaml", "a Stack; waits until it is Healthy"],
    ["steady apply -f stacks/ --detach", "all manifests of a directory, without waiting"],
    ["steady apply p.json", "what `steady plan --out p.json` showed, or nothing"],
    ["steady apply -f stacks/ --set team --prune", "and delete what is no longer in the directory"],
    ["helm template shop ./chart | steady apply -f -", "from standard input"],
    ["steady apply -f shop.yaml --progress json 2>events.jsonl", "for programs"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "dry-run", about: "Ask the API what it would say; change nothing", group: "Input", lineOnly: true },
    { name: "set", value: "name", about: "The manifests are this set: remember what belongs to it", group: "Set", lineOnly: true },
    { name: "prune", about: "With --set: delete what was in the set and is not in the manifests", group: "Set", lineOnly: true },
    {
      name: "yes-delete",
      value: "number",
      about: "With --prune: so many may go, though it is more than half of the set",
      group: "Set",
      lineOnly: true,
    },
    ...waitFlags,
    outputFlag(["name", "json", "yaml"]),
    ...clientFlags,
  ],
  notes: [
    "A set is an ApplySet of Kubernetes: a ConfigMap of its name, and a label on its members. Namespaces and volumes are never pruned.",
    "Only what differs is sent; nothing is, when nothing does. `kubectl apply` and this command can be mixed.",
    "A container without a health check counts as healthy when it has stayed up for two seconds; one that was restarted meanwhile, for ten.",
    "Ends early with exit code 5 when waiting cannot help: an image that does not exist, a crash loop, no node that fits.",
  ],
  async run(ctx, args) {
    return (await import("../deploy/run-apply.ts")).runApply(ctx, args);
  },
};
