// From arguments to an exit code: finds the command, reads flags, runs it, says what went wrong.
import { Command, CommanderError, Option } from "commander";
import { CLI } from "../schemas/constants.ts";
import { type CommandSpec, clientFlags, commonFlags } from "./command.ts";
import { loadConfig } from "./config.ts";
import { ApiError, CliError, EXIT, errorText, usage } from "./errors.ts";
import { type FlagSpec, resolveFlags } from "./flags.ts";
import { allFlags, commandHelp, groupHelp, rootHelp } from "./help.ts";
import type { Io } from "./io.ts";
import { type ColorMode, style, wantsColor } from "./text/style.ts";
import { nearest as suggest } from "../schemas/words.ts";

type Values = Record<string, string | boolean | string[] | undefined>;

/** Never throws; answers the exit code. */
export const run = async (argv: readonly string[], io: Io, specs: readonly CommandSpec[]): Promise<number> => {
  try {
    return await dispatch(argv, io, specs);
  } catch (error) {
    return report(error, io);
  }
};

const dispatch = async (argv: readonly string[], io: Io, specs: readonly CommandSpec[]): Promise<number> => {
  const { leading, words } = split(argv);
  if (words[0] === "help") return help(words.slice(1), io, specs);
  if (words.length === 0) {
    if (leading.includes("--version") || leading.includes("-V")) return dispatch(["version", "--client"], io, specs);
    const asked = leading.includes("--help") || leading.includes("-h");
    const stray = leading.find((w) => w !== "--help" && w !== "-h");
    if (stray !== undefined) throw usage(`unknown flag ${stray}`, `${CLI} --help shows the commands`);
    (asked ? io.stdout : io.stderr).write(rootHelp(specs));
    return asked ? EXIT.ok : EXIT.usage;
  }
  const { spec, rest } = find(words, specs);
  if (!spec) {
    if (rest.every((w) => w === "--help" || w === "-h")) return help(words.slice(0, 1), io, specs, rest.length > 0);
    throw unknown(`${words[0]} ${rest[0]}`, specs);
  }
  const { values, args, helpAsked } = parse(spec, [...leading, ...rest]);
  if (helpAsked) return help([spec.name], io, specs);
  const flagsOf = new Map(specs.map((s) => [s.name, allFlags(s)]));
  const file = await loadConfig(io, values["config"] as string | undefined, flagsOf);
  const flags = resolveFlags(spec.name, allFlags(spec), values, io.env, file);
  const color = (flags.str("color") ?? "auto") as ColorMode;
  const ctx = { io, flags, file, out: style(wantsColor(color, io.env, io.stdout)), err: style(wantsColor(color, io.env, io.stderr)) };
  return (await spec.run(ctx, args)) ?? EXIT.ok;
};

/** Flags may also stand before the command: `steady -n shop get pods`. */
const split = (argv: readonly string[]): { leading: string[]; words: string[] } => {
  const valued = new Set(
    [...clientFlags, ...commonFlags].filter((f) => f.value).flatMap((f) => [`--${f.name}`, ...(f.short ? [`-${f.short}`] : [])]),
  );
  let i = 0;
  while (i < argv.length && argv[i]?.startsWith("-")) i += valued.has(argv[i] as string) ? 2 : 1;
  return { leading: argv.slice(0, i), words: argv.slice(i) };
};

const find = (words: readonly string[], specs: readonly CommandSpec[]): { spec: CommandSpec | undefined; rest: readonly string[] } => {
  const named = (name: string): CommandSpec | undefined => specs.find((s) => s.name === name || s.aliases?.includes(name));
  const two = words.length > 1 ? named(`${words[0]} ${words[1]}`) : undefined;
  if (two) return { spec: two, rest: words.slice(2) };
  const one = named(words[0] as string);
  if (one) return { spec: one, rest: words.slice(1) };
  if (specs.some((s) => s.name.startsWith(`${words[0]} `))) return { spec: undefined, rest: words.slice(1) };
  throw unknown(words[0] as string, specs);
};

const unknown = (typed: string, specs: readonly CommandSpec[]): CliError => {
  const near = suggest(
    typed,
    specs.flatMap((s) => [s.name, ...(s.aliases ?? []), ...(s.name.includes(" ") ? [s.name.split(" ")[0] as string] : [])]),
  );
  return usage(
    `unknown command ${JSON.stringify(typed)}.${near ? ` Did you mean: ${near}?` : ""}`,
    near ? undefined : `${CLI} --help shows the commands`,
  );
};

const help = (words: readonly string[], io: Io, specs: readonly CommandSpec[], asked = true): number => {
  const out = asked ? io.stdout : io.stderr;
  if (words.length === 0) out.write(rootHelp(specs));
  else {
    const below = specs.filter((s) => s.name.startsWith(`${words[0]} `));
    const spec =
      words.length === 1 && below.length > 0
        ? undefined
        : find(
            words.flatMap((w) => w.split(" ")),
            specs,
          ).spec;
    out.write(spec ? commandHelp(spec) : groupHelp(words[0] as string, below));
  }
  return asked ? EXIT.ok : EXIT.usage;
};

const parse = (spec: CommandSpec, words: readonly string[]): { values: Values; args: string[]; helpAsked: boolean } => {
  const flags: readonly FlagSpec[] = allFlags(spec);
  const command = new Command(spec.name).helpOption(false).exitOverride().showSuggestionAfterError(false);
  command.configureOutput({ writeErr: () => {}, writeOut: () => {}, outputError: () => {} });
  if (spec.args) command.arguments(spec.args);
  for (const f of flags) {
    const option = new Option(`${f.short ? `-${f.short}, ` : ""}--${f.name}${f.value ? ` <${f.value}>` : ""}`, f.about);
    if (f.repeat) option.argParser((v: string, before: string[] | undefined) => [...(before ?? []), v]);
    command.addOption(option);
  }
  command
    .option("-h, --help", "help")
    .allowExcessArguments(false)
    .action(() => {});
  const end = words.indexOf("--");
  if ((end < 0 ? words : words.slice(0, end)).some((w) => w === "--help" || w === "-h")) return { values: {}, args: [], helpAsked: true };
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw usageOf(error, spec, flags);
    throw error;
  }
  const opts = command.opts<Values>();
  const values: Values = {};
  // To commander `--no-x` is the x that is true until it is said; to us it is a switch like others.
  for (const o of command.options)
    values[o.long?.slice(2) ?? o.name()] = o.negate ? opts[o.attributeName()] === false || undefined : opts[o.attributeName()];
  return { values, args: command.args, helpAsked: false };
};

const usageOf = (error: CommanderError, spec: CommandSpec, flags: readonly FlagSpec[]): CliError => {
  const message = error.message.replace(/^error: /, "");
  const see = `${CLI} ${spec.name} --help`;
  if (error.code === "commander.unknownOption") {
    const typed = /'(.+?)'/.exec(message)?.[1] ?? "";
    const near = suggest(
      typed.replace(/^-+/, ""),
      flags.map((f) => f.name),
    );
    const ofCommand = spec.args?.includes("<command...>") ? [`flags of the command itself come behind --: ${spec.examples[0]?.[0]}`] : [];
    return usage(`unknown flag ${typed}${near ? `. Did you mean --${near}?` : ""}`, [...ofCommand, see]);
  }
  if (error.code === "commander.missingArgument")
    return usage(
      `${spec.name}: ${message.replaceAll("'", "")}`,
      spec.examples.map(([line]) => line),
    );
  return usage(`${spec.name}: ${message.replaceAll("'", '"')}`, see);
};

/** Prints what was thrown to stderr and answers its exit code. */
export const report = (error: unknown, io: Io): number => {
  if (io.signal.aborted && !(error instanceof CliError)) return EXIT.interrupted;
  if (error instanceof CliError) {
    io.stderr.write(error.text ?? `error: ${error.message}\n${error.help.map((h) => `  help: ${h}\n`).join("")}`);
    return error.exitCode;
  }
  if (error instanceof ApiError) return refused(error, io);
  io.stderr.write(`error: ${errorText(error)}\n`);
  if (io.env["STEADY_DEBUG"] && error instanceof Error) io.stderr.write(`${error.stack}\n`);
  return EXIT.failed;
};

/** The API's no, with its causes as kubectl shows them. */
const refused = (error: ApiError, io: Io): number => {
  const causes = error.status.details?.causes ?? [];
  const lines = causes.length > 0 && error.code === 422 ? causes.map((c) => `  ${c.field ? `${c.field}: ` : ""}${c.message ?? ""}`) : [];
  const { name, kind } = error.status.details ?? {};
  const head = lines.length > 0 && name ? `the ${kind ?? "object"} ${JSON.stringify(name)} is not valid:` : error.message;
  const advice =
    error.code === 401
      ? "  help: the token of this context is not known here (any more)\n"
      : error.reason === "Conflict"
        ? "  help: someone else changed it; look again, then repeat the command\n"
        : "";
  io.stderr.write(`error: ${head}\n${lines.map((l) => `${l}\n`).join("")}${advice}`);
  if (error.code === 401 || error.code === 403) return EXIT.unreachable;
  if (error.code === 409) return EXIT.conflict;
  return error.code === 400 || error.code === 422 || error.code === 413 ? EXIT.usage : EXIT.failed;
};
