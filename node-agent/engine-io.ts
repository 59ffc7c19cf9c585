// The part of the port to Docker that looks into containers: logs, processes, terminals, use of resources. In our words.
import type { Writable } from "node:stream";

/** A piece of what a container or a process wrote. With a terminal all of it is `out`. */
export interface OutputChunk {
  from: "out" | "err";
  data: Buffer;
}

/** A connection of its own to the engine. Whoever opened it closes it. */
export interface EngineStream {
  /**
   * For one reader, who sets the pace: what nobody reads stays with the engine. Ends when the other side has ended or after
   * `close`; throws EngineError when the connection broke. Of a log without a terminal each chunk is one message: a line, or
   * 16 KiB of a longer one.
   */
  output: AsyncIterable<OutputChunk>;
  /** Standard input; `end()` is its end and leaves the output open. Of a log: nowhere. */
  input: Writable;
  /** Ends the connection. Processes are not told by more than the end of their input. */
  close(): void;
}

export interface LogOptions {
  follow?: boolean;
  /** Last so many messages. */
  tail?: number;
  /** RFC 3339 with up to nanoseconds: messages not older, and older than that. */
  since?: string;
  until?: string;
  /** Each message begins with its time, RFC 3339 with nine digits, and a space: also a later part of a long line. */
  timestamps?: boolean;
  /** Whether the container has a terminal: its log has no frames then. */
  tty: boolean;
}

export interface ExecOptions {
  command: string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
  /** Absent: as the container's main process has it. */
  user?: string;
  workingDir?: string;
  privileged?: true;
  /** On top of the container's own. */
  env?: Record<string, string>;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** The container's, not the caller's wish. */
  tty: boolean;
}

export interface ExecState {
  running: boolean;
  /** Meaningless while it runs. */
  exitCode: number;
  /** In the process table of the engine's machine; 0 before it has begun, and where it never did. */
  pid: number;
}

/** Counters of one container that runs. */
export interface ContainerStats {
  /** Since it started. */
  cpuNanos: number;
  /** Working set: what is used without the page cache that could be dropped at once, as kubelet and `docker stats` count it. */
  memoryBytes: number;
}

export interface EngineIo {
  /** @throws notFound */
  openLogs(container: string, options: LogOptions): Promise<EngineStream>;
  /**
   * Runs a command in a running container. What cannot be run shows as the runtime's message in the output and an exit code of
   * 126 or 127. @throws notFound, conflict (it does not run, or is paused)
   */
  exec(container: string, options: ExecOptions): Promise<{ id: string; stream: EngineStream }>;
  inspectExec(exec: string): Promise<ExecState>;
  /** Characters. @throws conflict, failed: not running yet, or no more */
  resizeExec(exec: string, width: number, height: number): Promise<void>;
  /** Of a container that is not running this may wait for its start: look before and after. @throws notFound, conflict (paused) */
  attach(container: string, options: AttachOptions): Promise<EngineStream>;
  resize(container: string, width: number, height: number): Promise<void>;
  /** undefined: it does not run. @throws notFound */
  stats(container: string): Promise<ContainerStats | undefined>;
}
