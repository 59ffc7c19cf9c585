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

/** Standard input while a command in a container reads it. */
export interface Input {
  readonly isTTY: boolean;
  /** Every key as it is typed, Ctrl-C too, without echo; `false` puts the terminal back. */
  raw(on: boolean): Promise<void>;
  /** Calls `fn` when the terminal's size has changed, until the answer is called. */
  onResize(fn: () => void): () => void;
  /** Hands over what comes, each chunk when the one before was taken. Resolves at the end of the input, or with the signal: then nothing more is read, ever. */
  pump(take: (chunk: Buffer) => Promise<void>, signal: AbortSignal): Promise<void>;
}

export interface Io {
  stdout: Output;
  stderr: Output;
  /** All of standard input, as text. */
  stdin(): Promise<string>;
  input: Input;
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
