// The world as a command sees it: everything that main takes from the process, so that tests can bring their own.
import type { Env } from "../store/env.ts";

export interface Output {
  /** A string is written as UTF-8, bytes as they are. */
  write(data: string | Uint8Array): void;
  readonly isTTY: boolean;
  /** Size in characters; may change while running. */
  readonly columns: number;
  readonly rows: number;
}

export interface Io {
  stdout: Output;
  stderr: Output;
  /** All of standard input, as text. */
  stdin(): Promise<string>;
  /** One line from the terminal after `prompt`; undefined when there is no terminal to ask. */
  ask(prompt: string): Promise<string | undefined>;
  env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that relative paths are meant against. */
  cwd: string;
  home: string;
  hostname: string;
  clock: Env;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}
