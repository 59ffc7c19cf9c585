import { type CommandSpec, clientFlags, fileFlag, inputFlags, outputFlag, waitFlags } from "../command.ts";
import { EXIT } from "../errors.ts";

export const apply: CommandSpec = {
  name: "apply",
  group: "Deploy",
  summary: "Create or change what the manifests say, and wait until it is so.",
  examples: [
    ["steady apply -f shop.yaml", "a Stack; waits until it is Healthy"],
    ["steady apply -f stacks/ --detach", "all manifests of a directory, without waiting"],
    ["helm template shop ./chart | steady apply -f -", "from standard input"],
    ["steady apply -f shop.yaml --progress json 2>events.jsonl", "for programs"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "dry-run", about: "Ask the API what it would say; change nothing", group: "Input", lineOnly: true },
    ...waitFlags,
    outputFlag(["name", "json", "yaml"]),
    ...clientFlags,
  ],
  notes: [
    "Only what differs is sent; nothing is, when nothing does. `kubectl apply` and this command can be mixed.",
    "A container without a health check counts as healthy when it has stayed up for two seconds; one that was restarted meanwhile, for ten.",
    "Ends early with exit code 5 when waiting cannot help: an image that does not exist, a crash loop, no node that fits.",
  ],
  async run(ctx) {
    const [{ withClient }, { loadManifests }, { applyAll }] = await Promise.all([
      import("../kube/connect.ts"),
      import("../manifest/load.ts"),
      import("../deploy/apply.ts"),
    ]);
    return withClient(ctx, async (connection) => {
      const { flags, io, err } = ctx;
      const loaded = await loadManifests(io, err, flags.list("file"), {
        namespace: connection.namespace,
        projectName: flags.str("project-name"),
        envFiles: flags.list("env-file"),
        profiles: flags.list("profile"),
      });
      return loaded.length === 0 ? EXIT.ok : applyAll(ctx, connection, loaded, flags.str("output"));
    });
  },
};
