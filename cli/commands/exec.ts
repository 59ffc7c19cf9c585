import { type CommandSpec, clientFlags } from "../command.ts";

export const exec: CommandSpec = {
  name: "exec",
  group: "Touch",
  summary: "Run a command in a container that runs.",
  args: "<target> <command...>",
  examples: [
    ["steady exec -it shop/web -- sh", "a shell in the first ready replica of a service"],
    ["steady exec shop/db-0 -- pg_dump -U app app > app.sql", "one replica; the output as it is"],
    ["steady exec -i shop/db -- psql -U app < seed.sql", "with standard input"],
  ],
  flags: [
    { name: "stdin", short: "i", about: "Standard input goes to the command", lineOnly: true },
    { name: "tty", short: "t", about: "In a terminal of its own, as large as this one", lineOnly: true },
    { name: "container", short: "c", value: "name", about: "Name of the container (a pod has one: the service's)", lineOnly: true },
    ...clientFlags,
  ],
  notes: [
    "TARGET: STACK/SERVICE, STACK/REPLICA as `steady ps` names them, a pod's name (also pod/NAME), or a Stack of one service.",
    "Write -- before the command: flags behind it are the command's.",
    "The exit code is the command's own; without one, 3 when the API cannot be reached and 5 when the command could not be run or was cut off.",
  ],
  async run(ctx, args) {
    return (await import("../look/exec.ts")).exec(ctx, args);
  },
};
