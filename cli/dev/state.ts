// What `steady dev` keeps between runs, and the lock that keeps two of them off one data directory.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { CLI } from "../../schemas/constants.ts";
import type { Context } from "../command.ts";
import { CliError, EXIT, errorCode } from "../errors.ts";
import { resolve } from "node:path";

export interface DevState {
  port?: number;
  /** For the kubeconfig; the API keeps only its hash. */
  token?: string;
  /** Of the agents, by node: for their tunnels. */
  nodeTokens?: Record<string, string>;
  clusterId?: string;
  /** Engines that containers may be on. */
  sockets?: string[];
  /** kubeconfig files that have our context. */
  kubeconfigs?: string[];
  /** Context that was current before ours. */
  previousContext?: string;
}

/** `--data-dir`, else `$XDG_DATA_HOME/steadfleet/dev`, else `~/.local/share/steadfleet/dev`. */
export const devDir = ({ flags, io }: Pick<Context, "flags" | "io">): string =>
  resolve(io.cwd, flags.str("data-dir") ?? join(io.env["XDG_DATA_HOME"] || join(io.home, ".local", "share"), "steadfleet", "dev"));

const file = (dir: string): string => join(dir, "dev.json");

export const readState = (dir: string): DevState => {
  if (!existsSync(file(dir))) return {};
  try {
    return JSON.parse(readFileSync(file(dir), "utf8")) as DevState;
  } catch (error) {
    throw new CliError(EXIT.failed, `${file(dir)} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      help: `start anew: ${CLI} dev --reset, or remove the file`,
    });
  }
};

export const writeState = (dir: string, state: DevState): void => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const next = `${file(dir)}.tmp`;
  writeFileSync(next, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(next, file(dir));
};

/**
 * Holds the data directory for this process. A lock whose process is gone is taken over; a process number that was given to another program does not count.
 * @throws CliError (exit 4): another one runs
 */
export const lockDir = (dir: string, pid: number): (() => void) => {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "dev.lock");
  for (let tries = 0; ; tries++) {
    try {
      const fd = openSync(path, "wx", 0o600);
      writeSync(fd, `${pid} ${startOf(pid)}\n`);
      closeSync(fd);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error;
      const [owner = "", started = ""] = existsSync(path) ? readFileSync(path, "utf8").trim().split(" ") : [];
      if (tries < 3 && !alive(Number(owner), started)) {
        rmSync(path, { force: true });
        continue;
      }
      throw new CliError(EXIT.conflict, `${CLI} dev is running already on ${dir} (process ${owner})`, {
        help: ["stop it: Ctrl-C in its terminal, or kill " + owner, "or start another one: --data-dir elsewhere"],
      });
    }
  }
};

/** Start time of a process in clock ticks, where /proc has it: with the number it names a process for ever. */
const startOf = (pid: number): string => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
};

const alive = (pid: number, started: string): boolean => {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) !== "EPERM") return false;
  }
  const now = startOf(pid);
  return started === "" || now === "" || now === started;
};
