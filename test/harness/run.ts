// Runs other programs for tests, scripts and the bench.
import { type ChildProcess, execFile, type ExecFileOptions } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

const SYSTEM_DIRS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** PATH with the directories where Debian keeps daemons, which a plain user's PATH lacks. */
export const searchPath = (): string => [...new Set([...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_DIRS])].join(delimiter);

/** Absolute path of a program, or undefined. */
export function which(program: string): string | undefined {
  for (const dir of searchPath().split(delimiter)) {
    const file = join(dir, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // next directory
    }
  }
  return undefined;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** Written to the program's standard input. */
  input?: string | Buffer;
  /** After so long the program is killed. Default 60 s. */
  timeoutMs?: number;
}

export interface RunResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** A program that ended with a code other than 0, was killed, or could not be started. */
export class RunError extends Error {
  override name = "RunError";
  constructor(
    readonly command: string,
    readonly result: RunResult,
    cause?: unknown,
  ) {
    super(`${command}: exit ${result.code}: ${(result.stderr || result.stdout).trim().slice(-2000)}`, { cause });
  }
}

/** Runs to the end and answers with the exit code, whatever it is. */
export function runAny(program: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const settings: ExecFileOptions = {
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, PATH: searchPath(), ...options.env },
    ...(options.cwd ? { cwd: options.cwd } : {}),
  };
  return new Promise((resolve) => {
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 124;
      const why = error !== null && typeof error.code !== "number" ? `${error.message}\n` : "";
      resolve({ code, stdout: String(stdout), stderr: why + String(stderr) });
    });
    child.stdin?.on("error", () => {}); // a program that does not read its input closes it
    child.stdin?.end(options.input ?? "");
  });
}

/** Runs to the end; @throws RunError unless the exit code is 0. */
export async function run(program: string, args: string[], options: RunOptions = {}): Promise<RunResult> {
  const result = await runAny(program, args, options);
  if (result.code !== 0) throw new RunError([program, ...args].join(" ").slice(0, 300), result);
  return result;
}

/** A process's start time in clock ticks: with the pid it names a process for good. Undefined when there is none, or only its zombie. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Resolves when the child has ended. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("exit", resolve));
}

/** Ends a child of ours: `signal`, and SIGKILL when it is still there after `graceMs`. */
export async function endChild(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM", graceMs = 15_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill(signal);
  const hard = setTimeout(() => child.kill("SIGKILL"), graceMs);
  await ended(child);
  clearTimeout(hard);
}
