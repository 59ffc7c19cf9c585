// A world for commands in tests: what they print is kept, time is real unless given.
import { realEnv, type Env } from "../../store/env.ts";
import type { Io, Output } from "../io.ts";

export class Screen implements Output {
  text = "";
  isTTY = false;
  columns = 100;
  rows = 30;
  write(data: string | Uint8Array): void {
    this.text += typeof data === "string" ? data : Buffer.from(data).toString("utf8");
  }
}

export interface TestIo extends Io {
  stdout: Screen;
  stderr: Screen;
  stop: AbortController;
}

export interface TestIoOptions {
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string;
  /** What is typed at a question; absent: there is no terminal. */
  answer?: string;
  clock?: Env;
}

export const testIo = (o: TestIoOptions = {}): TestIo => {
  const stop = new AbortController();
  const cwd = o.cwd ?? "/nowhere";
  return {
    stdout: new Screen(),
    stderr: new Screen(),
    stdin: async () => o.stdin ?? "",
    ask: async () => o.answer,
    env: o.env ?? {},
    cwd,
    home: "/home/ann",
    hostname: "laptop",
    clock: o.clock ?? realEnv,
    signal: stop.signal,
    stop,
  };
};
