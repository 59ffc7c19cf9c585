// A world for commands in tests: what they print is kept, time is real unless given.
import { realEnv, type Env } from "../../store/env.ts";
import type { Input, Io, Output } from "../io.ts";

export class Screen implements Output {
  text = "";
  isTTY = false;
  columns = 100;
  rows = 30;
  write(data: string | Uint8Array): void {
    this.text += typeof data === "string" ? data : Buffer.from(data).toString("utf8");
  }
}

/** What is typed or piped in: `type` and `end` by the test. */
export class Keys implements Input {
  isTTY = false;
  /** What `raw` was set to, oldest first. */
  modes: boolean[] = [];
  #taker: ((chunk: Buffer) => Promise<void>) | undefined;
  #over = (): void => {};
  #waiting: Buffer[] = [];
  #ended = false;
  #resized = (): void => {};

  async raw(on: boolean): Promise<void> {
    this.modes.push(on);
  }
  onResize(fn: () => void): () => void {
    this.#resized = fn;
    return () => (this.#resized = () => {});
  }
  resize(): void {
    this.#resized();
  }
  type(text: string): void {
    if (this.#taker) void this.#taker(Buffer.from(text));
    else this.#waiting.push(Buffer.from(text));
  }
  end(): void {
    this.#ended = true;
    this.#over();
  }
  async pump(take: (chunk: Buffer) => Promise<void>, signal: AbortSignal): Promise<void> {
    for (const chunk of this.#waiting) await take(chunk);
    this.#taker = take;
    if (this.#ended || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#over = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.#taker = undefined;
  }
}

export interface TestIo extends Io {
  input: Keys;
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
    input: new Keys(),
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
