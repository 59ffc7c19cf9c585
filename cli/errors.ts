// What a command ends with. One place knows the exit codes; commands throw, main prints.

/** Exit codes of every command, as documented in docs/cli.md. */
export const EXIT = {
  ok: 0,
  /** `plan --exit-code`: differences. `status --exit-code`: something is not Healthy. */
  differs: 1,
  /** Wrong flags, or a manifest that is not valid. */
  usage: 2,
  /** The API cannot be reached, its certificate is not trusted, or it refuses the caller. */
  unreachable: 3,
  /** Someone else changed or owns the object. */
  conflict: 4,
  /** The rollout failed and was not rolled back. */
  failed: 5,
  /** The rollout failed and was rolled back. */
  rolledBack: 6,
  /** Still progressing when the time was up; nothing was cancelled. */
  timeout: 7,
  /** Ctrl-C; what was started goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An error that a person can act on. Without `text`, main prints `error: <message>` and each line of help. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: ExitCode;
  readonly help: readonly string[];
  /** Already laid out (code frames): printed as it is, instead of the message. */
  readonly text: string | undefined;
  constructor(exitCode: ExitCode, message: string, o: { help?: string | readonly string[]; text?: string; cause?: unknown } = {}) {
    super(message, o.cause === undefined ? {} : { cause: o.cause });
    this.exitCode = exitCode;
    this.help = o.help === undefined ? [] : typeof o.help === "string" ? [o.help] : o.help;
    this.text = o.text;
  }
}

/** A usage error: exit 2. */
export const usage = (message: string, help?: string | readonly string[]): CliError =>
  new CliError(EXIT.usage, message, help === undefined ? {} : { help });

/** The system's own words for a failed call, e.g. `ENOENT`; undefined for other errors. */
export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** The message of anything that was thrown, with the chain of causes that say more. */
export const errorText = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  // AggregateError of a connection to "localhost" has an empty message; its parts say what happened.
  if (error instanceof AggregateError && error.message === "") return error.errors.map(errorText).join("; ");
  const cause = error.cause === undefined ? "" : errorText(error.cause);
  const own = error.message || error.name;
  return cause && !own.includes(cause) ? `${own}: ${cause}` : own;
};

/** A Kubernetes Status that says what went wrong. */
export interface Status {
  kind: "Status";
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    uid?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; field?: string; message?: string }[];
  };
}

/** The API said no. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: Status;
  readonly code: number;
  constructor(code: number, status: Status) {
    super(status.message ?? `HTTP ${code}`);
    this.code = code;
    this.status = status;
  }
  get reason(): string {
    return this.status.reason ?? "";
  }
}
