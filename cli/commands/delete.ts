import { type CommandSpec, clientFlags, fileFlag, inputFlags, progressFlag, waitFlags, yesFlag } from "../command.ts";

export const deleteCommand: CommandSpec = {
  name: "delete",
  aliases: ["down"],
  group: "Deploy",
  summary: "Delete Stacks (or other objects) and wait until their containers are gone.",
  args: "[names...]",
  examples: [
    ["steady delete shop", "the Stack shop: containers and networks; named volumes stay"],
    ["steady delete shop --volumes", "and its named volumes, with their data"],
    ["steady delete -f shop.yaml", "what the file names"],
    ["steady delete pod/shop-web-0-x7k2q", "one pod; a new one takes its place"],
  ],
  flags: [
    fileFlag,
    ...inputFlags,
    { name: "volumes", about: "Also delete the named volumes of the Stack, with their data", lineOnly: true },
    { ...yesFlag },
    { name: "ignore-not-found", about: "What is gone already is no error" },
    ...waitFlags.filter((f) => f !== progressFlag),
    progressFlag,
    ...clientFlags,
  ],
  async run(ctx, args) {
    return (await import("../deploy/delete.ts")).deleteObjects(ctx, args);
  },
};
