import { CLI } from "../../schemas/constants.ts";
import { type CommandSpec, clientFlags, outputFlag } from "../command.ts";
import { CliError, EXIT } from "../errors.ts";

export const version: CommandSpec = {
  name: "version",
  group: "Admin",
  summary: "Show the versions of this program and of the API.",
  examples: [
    ["steady version", "both"],
    ["steady version --client", "this program only; needs no API"],
  ],
  flags: [{ name: "client", about: "Do not ask the API", lineOnly: true }, outputFlag(["json"]), ...clientFlags],
  async run(ctx) {
    const { version: own, withClient } = await import("../kube/connect.ts");
    let server: string | undefined;
    let trouble: CliError | undefined;
    if (!ctx.flags.bool("client"))
      try {
        server = await withClient(
          ctx,
          async ({ client }) => (await client.http.json<{ gitVersion?: string }>("GET", "/version")).gitVersion ?? "unknown",
        );
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        trouble = error;
      }
    if (ctx.flags.str("output") === "json")
      ctx.io.stdout.write(`${JSON.stringify({ client: own(), ...(server === undefined ? {} : { server }) })}\n`);
    else ctx.io.stdout.write(`${CLI} ${own()}\n${server === undefined ? "" : `server ${server}\n`}`);
    if (trouble) throw trouble;
    return EXIT.ok;
  },
};
