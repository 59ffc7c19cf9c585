import { type CommandSpec, clientFlags, fileFlag, inputFlags } from "../command.ts";

export const convert: CommandSpec = {
  name: "convert",
  group: "Deploy",
  summary: "Print a Compose file as a Stack, or a Stack as a Compose file.",
  args: "[stack]",
  examples: [
    ["steady convert > shop.stack.yaml", "the folder's compose.yaml, with variables and local files settled"],
    ["steady convert -f shop.stack.yaml > compose.yaml", "and back: the same containers, for docker compose"],
    ["steady convert shop > compose.yaml", "a Stack of the cluster, as a Compose file"],
  ],
  flags: [fileFlag, ...inputFlags, ...clientFlags],
  notes: [
    "Nothing is lost: what Compose has no word for stays under x-steadfleet; labels, annotations and namespace go under x-steadfleet-stack.",
    "Secrets that a Compose file reads from files become Secrets beside the Stack. The way back names them and never prints their values.",
  ],
  async run(ctx, args) {
    return (await import("../convert/convert.ts")).convert(ctx, args);
  },
};
