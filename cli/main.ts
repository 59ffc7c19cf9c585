#!/usr/bin/env node
// The one place that knows the process: arguments, environment, streams, signals.
import { homedir, hostname } from "node:os";
import { realEnv } from "../store/env.ts";
import { COMMANDS } from "./commands/index.ts";
import type { Input, Io, Output } from "./io.ts";
import { run } from "./run.ts";

const output = (stream: NodeJS.WriteStream): Output => ({
  write: (data) => void stream.write(data),
  get isTTY() {
    return stream.isTTY;
  },
  get columns() {
    return stream.columns || 80;
  },
  get rows() {
    return stream.rows || 24;
  },
});

const stdin = async (): Promise<string> => {
  let text = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) text += String(chunk);
  return text;
};

const input: Input = {
  get isTTY() {
    return process.stdin.isTTY;
  },
  raw: async (on) => {
    process.stdin.setRawMode(on);
    if (!on) return;
    // Node's raw mode still makes \r\n of \n, which tears the screens of programs that move the cursor by it. Without stty it stays so.
    const { spawnSync } = await import("node:child_process");
    spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  },
  onResize: (fn) => {
    process.stdout.on("resize", fn);
    return () => process.stdout.off("resize", fn);
  },
  pump: (take, signal) =>
    new Promise((resolve) => {
      const { stdin: from } = process;
      const end = (): void => {
        from.off("data", data);
        from.destroy();
        resolve();
      };
      const data = (chunk: Buffer): void => {
        from.pause();
        take(chunk).then(() => from.resume(), end);
      };
      from.on("data", data).once("end", end).once("error", end);
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
    }),
};

const ask = async (prompt: string, signal: AbortSignal): Promise<string | undefined> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(prompt, { signal });
  } finally {
    lines.close();
  }
};

const stop = new AbortController();
let signals = 0;
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.on(name, () => {
    stop.abort(name);
    // A second Ctrl-C does not wait for an orderly end.
    if (++signals > 1) process.exit(130);
  });

// The reader of a pipe may leave early: `steady get pods | head -1`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.stderr.on("error", () => {});

const io: Io = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  stdin,
  input,
  ask: (prompt) => ask(prompt, stop.signal),
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  hostname: hostname(),
  clock: realEnv,
  signal: stop.signal,
};

process.exitCode = await run(process.argv.slice(2), io, COMMANDS);
