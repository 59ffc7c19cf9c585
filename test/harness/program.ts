// A process of the product as a child, as an operator would start it: it can be killed at any moment and started again.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endChild, ended, runAny, type RunOptions, type RunResult, searchPath } from "./run.ts";

const top = fileURLToPath(new URL("../../", import.meta.url));
/** Source, not dist: a test shows what stands in the files. */
const STEADY = ["--import", import.meta.resolve("tsx"), join(top, "cli/main.ts")];

/** Runs a command of the command line to its end. */
export const steady = (args: string[], options: RunOptions = {}): Promise<RunResult> =>
  runAny(process.execPath, [...STEADY, ...args], { timeoutMs: 120_000, ...options });

export class Program {
  #child: ChildProcess | undefined;

  constructor(
    readonly name: string,
    /** Arguments of `steady`. */
    public args: string[],
    readonly logFile: string,
    readonly env: Record<string, string> = {},
  ) {}

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get pid(): number {
    if (!this.#child?.pid || !this.running) throw new Error(`${this.name} is not running`);
    return this.#child.pid;
  }

  start(): void {
    if (this.running) throw new Error(`${this.name} is running already`);
    const log = openSync(this.logFile, "a");
    const env = { ...process.env, PATH: searchPath(), ...this.env };
    this.#child = spawn(process.execPath, [...STEADY, ...this.args], { cwd: top, stdio: ["ignore", log, log], env });
    closeSync(log);
  }

  /** kill -9, now; resolves when it is gone. */
  async kill9(): Promise<void> {
    if (this.#child && this.running) {
      this.#child.kill("SIGKILL");
      await ended(this.#child);
    }
  }

  /** SIGTERM, and SIGKILL after 15 s. */
  async stop(): Promise<void> {
    if (this.#child) await endChild(this.#child);
  }

  get log(): string {
    return existsSync(this.logFile) ? readFileSync(this.logFile, "utf8") : "";
  }

  logTail(lines = 15): string {
    return this.log.trimEnd().split("\n").slice(-lines).join("\n");
  }
}
