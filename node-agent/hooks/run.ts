// Commands that a service wants run inside its container after the start and before the stop.
import type { HookSpec } from "../../schemas/fleet.ts";
import type { Env } from "../../store/env.ts";
import { type Engine, isEngineError } from "../engine.ts";

export interface HookResult {
  /** `ended`: see the exit code. `late`: the time was over. `cancelled`: nobody waits for it any more. `stopped`: its container does not run. */
  how: "ended" | "late" | "cancelled" | "stopped";
  exitCode: number;
  /** Its last lines, of both streams. */
  output: string[];
}

export interface HookOptions {
  engine: Pick<Engine, "exec" | "inspectExec">;
  env: Env;
  /** Absent: as long as it takes. */
  deadlineMs?: number;
  /** Asked now and then. */
  cancelled?: () => boolean;
}

/** Reason of a pod whose hook after the start failed. */
export const POST_START_FAILED = "PostStartHookError";

const MAX_LINES = 10;
const MAX_LINE = 500;
const MAX_KEPT = 16_384;
const ASK_EVERY_MS = 500;

/** What still runs when it returns ends with the container: an exec cannot be killed. @throws EngineError */
export const runHook = async (container: string, hook: HookSpec, o: HookOptions): Promise<HookResult> => {
  const { engine, env } = o;
  let how: HookResult["how"] = "ended";
  let text = "";
  try {
    const { id, stream } = await engine.exec(container, {
      command: hook.command,
      stdin: false,
      stdout: true,
      stderr: true,
      tty: false,
      ...(hook.user === undefined ? {} : { user: hook.user }),
      ...(hook.workingDir === undefined ? {} : { workingDir: hook.workingDir }),
      ...(hook.privileged ? { privileged: true } : {}),
      ...(hook.env ? { env: hook.env } : {}),
    });
    const leave = (why: HookResult["how"]): void => {
      how = why;
      stream.close();
    };
    const stopClock = o.deadlineMs === undefined ? () => {} : env.timer(o.deadlineMs, () => leave("late"));
    let stopAsking = (): void => {};
    const ask = (): void => {
      if (o.cancelled?.()) leave("cancelled");
      else stopAsking = env.timer(ASK_EVERY_MS, ask);
    };
    ask();
    try {
      for await (const { data } of stream.output) text = (text + data.toString("utf8")).slice(-MAX_KEPT);
    } finally {
      stopClock();
      stopAsking();
      stream.close();
    }
    const exitCode = how === "ended" ? (await engine.inspectExec(id)).exitCode : -1;
    return { how, exitCode, output: lastLines(text) };
  } catch (error) {
    // It ended, or was removed, before the hook began.
    if (isEngineError(error, "conflict", "notFound")) return { how: "stopped", exitCode: -1, output: lastLines(text) };
    throw error;
  }
};

const lastLines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== "")
    .slice(-MAX_LINES)
    .map((line) => line.slice(0, MAX_LINE));

/** For people: the program, never its arguments (they may hold a secret). */
export const hookWords = (what: string, n: number, hook: HookSpec, { how, exitCode, output }: HookResult): string => {
  const fate =
    how === "late"
      ? "was not done within the grace period"
      : how === "stopped"
        ? "did not run: the container does not"
        : `ended with exit code ${exitCode}`;
  return `${what} ${n + 1} (${hook.command[0] ?? ""}) ${fate}${output.length > 0 ? `: ${output.join(" | ")}` : ""}`;
};
