// Logs of the long-running processes: JSON lines for machines, one-liners on a terminal.
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { pino, type DestinationStream, type Logger } from "pino";
import type { Context } from "../command.ts";
import { usage } from "../errors.ts";
import { harmless, type Style } from "../text/style.ts";

export interface ProcessLog {
  log: Logger;
  /** Writes what is left. */
  close(): Promise<void>;
}

export const processLog = async (ctx: Context): Promise<ProcessLog> => {
  const level = ctx.flags.str("log-level") ?? "info";
  const file = ctx.flags.str("log-file");
  if (file !== undefined) return fileLog(file, level);
  const format = ctx.flags.str("log-format") ?? "auto";
  const text = format === "text" || (format === "auto" && ctx.io.stderr.isTTY);
  const write = (line: string): void => ctx.io.stderr.write(text ? pretty(line, ctx.err) : line);
  return { log: pino(options(level), { write }), close: async () => {} };
};

/** Appends JSON lines to a file of mode 0600. @throws CliError (exit 2): it cannot be opened */
export const fileLog = async (path: string, level: string): Promise<ProcessLog> => {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  try {
    await once(stream, "open");
  } catch (error) {
    throw usage(`cannot log to ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  // A full disk must not end the process.
  stream.on("error", () => {});
  const destination: DestinationStream = { write: (line) => void stream.write(line) };
  return { log: pino(options(level), destination), close: () => new Promise((resolve) => stream.end(() => resolve())) };
};

const options = (level: string): pino.LoggerOptions => ({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime });

const WORDS: Record<number, string> = { 10: "TRACE", 20: "DEBUG", 30: "INFO ", 40: "WARN ", 50: "ERROR", 60: "FATAL" };

const say = (v: unknown): string => (typeof v === "string" && /^[\w./:@-]+$/.test(v) ? v : JSON.stringify(v));

/** `12:00:01 INFO  leading  stacks=3 nodes=1`; a line that is no JSON stays as it is. */
export const pretty = (line: string, s: Style): string => {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const { level, time, msg, err, ...fields } = entry;
  const n = typeof level === "number" ? level : 30;
  const word = WORDS[n] ?? String(n);
  const shown = n >= 50 ? s.red(word) : n >= 40 ? s.yellow(word) : word;
  const facts = Object.entries(fields).map(([k, v]) => `${s.dim(`${k}=`)}${harmless(say(v))}`);
  const trouble = typeof err === "object" && err !== null && "message" in err ? [`${s.dim("error=")}${harmless(say(err.message))}`] : [];
  return `${s.dim(typeof time === "string" ? time.slice(11, 19) : "")} ${shown} ${typeof msg === "string" ? harmless(msg) : ""}${[...facts, ...trouble].map((f) => ` ${f}`).join("")}\n`;
};
