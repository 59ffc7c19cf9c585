// What a command is. Specs are light, so that `--help` loads nothing else; `run` imports what it needs.
import type { FileConfig, Flags, FlagSpec } from "./flags.ts";
import type { Io } from "./io.ts";
import type { Style } from "./text/style.ts";

export interface Context {
  io: Io;
  flags: Flags;
  /** For what goes to stdout, and to stderr. */
  out: Style;
  err: Style;
  /** The configuration file that was read. */
  file: FileConfig | undefined;
}

export interface CommandSpec {
  /** One word, or two: `node ls`. */
  name: string;
  aliases?: readonly string[];
  /** Heading in the list of commands. */
  group: "Start" | "Deploy" | "See" | "Touch" | "Nodes" | "Admin" | "Processes";
  summary: string;
  /** Positional arguments as commander spells them: `<kind> [name]`. */
  args?: string;
  /** Command line and what it does. At least two. */
  examples: readonly (readonly [line: string, about: string])[];
  flags: readonly FlagSpec[];
  /** More paragraphs for the end of the help. */
  notes?: readonly string[];
  /** Answers the exit code; 0 when it answers nothing. Throws CliError. */
  run(ctx: Context, args: readonly string[]): Promise<number | void>;
}

const CONNECTION = "Connection";
export const clientFlags: readonly FlagSpec[] = [
  { name: "namespace", short: "n", value: "name", about: "Namespace (default: the context's)", group: CONNECTION },
  { name: "context", value: "name", about: "Context of the kubeconfig", group: CONNECTION },
  { name: "kubeconfig", value: "file", about: "Path of the kubeconfig (default: $KUBECONFIG, ~/.kube/config)", group: CONNECTION },
  { name: "request-timeout", value: "time", about: "Longest wait for one answer of the API", default: "30s", group: CONNECTION },
];

const OUTPUT = "Output";
export const commonFlags: readonly FlagSpec[] = [
  {
    name: "color",
    value: "when",
    choices: ["auto", "always", "never"],
    default: "auto",
    about: "Colour: auto, always, never",
    group: OUTPUT,
  },
  { name: "config", value: "file", about: "Configuration file (YAML)", group: OUTPUT, lineOnly: true },
];

export const fileFlag: FlagSpec = {
  name: "file",
  short: "f",
  value: "path",
  repeat: true,
  lineOnly: true,
  about: "Manifest: file, directory, or - for standard input; repeatable",
  group: "Input",
};
export const inputFlags: readonly FlagSpec[] = [
  { name: "project-name", short: "p", value: "name", about: "Name of the Stack made from a bare Compose file", group: "Input" },
  {
    name: "env-file",
    value: "file",
    repeat: true,
    about: "Variables for a Compose file (default: .env beside it); repeatable",
    group: "Input",
  },
  { name: "profile", value: "name", repeat: true, about: "Profile of a Compose file to take along; '*': all; repeatable", group: "Input" },
];
export const progressFlag: FlagSpec = {
  name: "progress",
  value: "how",
  choices: ["auto", "tty", "plain", "json", "quiet"],
  default: "auto",
  about: "Progress on stderr: auto, tty, plain, json, quiet",
  group: OUTPUT,
};
export const waitFlags: readonly FlagSpec[] = [
  { name: "detach", short: "d", about: "Return as soon as the API has accepted it", group: "Waiting" },
  {
    name: "timeout",
    value: "time",
    default: "10m",
    about: "Longest wait, then exit 7 and the rollout continues; 0: forever",
    group: "Waiting",
  },
  progressFlag,
];
export const outputFlag = (choices: readonly string[], about = `Format on stdout: ${choices.join(", ")}`): FlagSpec => ({
  name: "output",
  short: "o",
  value: "format",
  choices,
  about,
  group: OUTPUT,
  lineOnly: true,
});
export const yesFlag: FlagSpec = { name: "yes", short: "y", about: "Do not ask" };
