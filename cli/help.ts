// Help texts from the command table: summary and examples first, then flags by group. Also the reference in docs/cli.md.
import { CLI, PRODUCT } from "../schemas/constants.ts";
import { type CommandSpec, commonFlags } from "./command.ts";
import { EXIT } from "./errors.ts";
import { envName, type FlagSpec } from "./flags.ts";
import { columns } from "./text/style.ts";

export const allFlags = (spec: CommandSpec): readonly FlagSpec[] => [...spec.flags, ...commonFlags];

const flagText = (f: FlagSpec): string => `${f.short ? `-${f.short}, ` : "    "}--${f.name}${f.value ? ` <${f.value}>` : ""}`;
const aboutText = (f: FlagSpec): string =>
  f.about + (f.default === undefined || f.about.includes("default") ? "" : ` (default: ${f.default})`);
const commandLine = (spec: CommandSpec): string => `${CLI} ${spec.name}${spec.args ? ` ${spec.args}` : ""} [flags]`;

const groups = <T>(items: readonly T[], of: (item: T) => string): Map<string, T[]> => {
  const map = new Map<string, T[]>();
  for (const item of items) map.set(of(item), [...(map.get(of(item)) ?? []), item]);
  return map;
};

const GROUPS = ["Flags", "Input", "Selection", "Waiting", "", "Output", "Connection"];
/** A command's own groups come before those that all have. */
const order = (group: string): number => (GROUPS.includes(group) ? GROUPS.indexOf(group) : GROUPS.indexOf(""));

export const commandHelp = (spec: CommandSpec): string => {
  const lines = [
    spec.summary,
    "",
    "Examples:",
    ...columns(
      spec.examples.map(([line, about]) => [`$ ${line}`, `# ${about}`]),
      "  ",
    ),
  ];
  lines.push("", `Usage: ${commandLine(spec)}`);
  if (spec.aliases?.length) lines.push(`Alias: ${spec.aliases.join(", ")}`);
  const flags = [...allFlags(spec), { name: "help", short: "h", about: "Show this help" }];
  const byGroup = [...groups<FlagSpec>(flags, (f) => f.group ?? "Flags")].toSorted(([a], [b]) => order(a) - order(b));
  for (const [group, of] of byGroup)
    lines.push(
      "",
      `${group}:`,
      ...columns(
        of.map((f) => [flagText(f), aboutText(f)]),
        "  ",
      ),
    );
  for (const note of spec.notes ?? []) lines.push("", note);
  return `${lines.join("\n")}\n`;
};

/** Help of `steady node`: the commands below one word. */
export const groupHelp = (word: string, specs: readonly CommandSpec[]): string =>
  [
    `${CLI} ${word}: one of`,
    ...columns(
      specs.map((s) => [s.name, s.summary]),
      "  ",
    ),
    "",
    `Help: ${CLI} ${word} <command> --help`,
    "",
  ].join("\n");

export const rootHelp = (specs: readonly CommandSpec[]): string => {
  const lines = [
    `${PRODUCT}: kubectl apply for plain Docker hosts.`,
    "",
    "Examples:",
    ...columns(
      [
        [`$ ${CLI} dev`, "# a control plane and this host, in one process"],
        [`$ ${CLI} up`, "# deploy the folder's compose.yaml and wait until it is healthy"],
        [`$ ${CLI} status`, "# what runs where, and why something does not"],
      ],
      "  ",
    ),
    "",
    `Usage: ${CLI} <command> [flags]`,
  ];
  for (const [group, of] of groups(specs, (s) => s.group))
    lines.push(
      "",
      `${group}:`,
      ...columns(
        of.map((s) => [s.name, s.summary]),
        "  ",
      ),
    );
  lines.push("", `Help: ${CLI} <command> --help. Every flag is also ${envName("<FLAG>")} and a key of the configuration file.`, "");
  return lines.join("\n");
};

const EXIT_WORDS: Record<keyof typeof EXIT, string> = {
  ok: "Done, or no difference",
  differs: "`plan --exit-code`: there are differences; `status --exit-code`: something is not Healthy",
  usage: "Wrong flags, or a manifest that is not valid. Nothing was sent",
  unreachable: "The API cannot be reached, its certificate is not trusted, or it refuses the caller",
  conflict: "Someone else changed or owns the object, or an answer is needed and nobody can be asked",
  failed: "The rollout failed and was not rolled back; or the object does not exist; or the server failed",
  rolledBack: "The rollout failed and was rolled back",
  timeout: "Still progressing when `--timeout` was up; nothing was cancelled",
  interrupted: "Ctrl-C; what was started goes on",
};

const code = (text: string): string => `\`\`\`console\n${text.trimEnd()}\n\`\`\`\n`;

/** docs/cli.md */
export const reference = (specs: readonly CommandSpec[]): string =>
  [
    `# The ${CLI} command`,
    "",
    `Data goes to stdout, progress and problems to stderr. Colour follows \`--color\`, \`NO_COLOR\`, \`CLICOLOR_FORCE\` and \`TERM=dumb\`. Where stderr is no terminal, progress is one line per change and one every 30 seconds, and nothing is asked. Ctrl-C ends the command, never the rollout.`,
    "",
    "This page is written from the command table; a test keeps it up to date.",
    "",
    "## Exit codes",
    "",
    "| code | meaning |",
    "|---|---|",
    ...Object.entries(EXIT).map(([name, n]) => `| ${n} | ${EXIT_WORDS[name as keyof typeof EXIT]} |`),
    "",
    "## Commands",
    "",
    code(rootHelp(specs)),
    ...specs.flatMap((s) => [`### ${CLI} ${s.name}`, "", code(commandHelp(s))]),
  ].join("\n");
