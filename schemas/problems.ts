// What is wrong with a manifest, said once, for people and programs alike.

/** More would not be read. */
export const MAX_PROBLEMS = 100;

export type Key = string | number;

/** Where in a file: line and column count from 1. */
export interface Position {
  file: string;
  line: number;
  column: number;
}

/** With the prefix `FieldValue` these are the causes of a Kubernetes `Status` (but Unknown, which clients know as strict decoding). */
export type ProblemReason = "Required" | "Invalid" | "NotSupported" | "Unknown" | "Duplicate" | "Forbidden" | "TypeInvalid";

export interface Problem {
  /** `spec.services.web.ports[0]`; "" is the whole object. */
  path: string;
  keys: readonly Key[];
  /** What is wrong, without the path: `unknown field; did you mean "image"?`. */
  message: string;
  reason: ProblemReason;
  /** What to do, as a sentence. */
  help?: string;
  position?: Position;
  /** The key itself is wrong, not its value. */
  onKey?: true;
}

/** Something accepted that may not mean what the author thinks. */
export interface Warning {
  path: string;
  keys: readonly Key[];
  message: string;
  position?: Position;
}

/** A name that could not be mistaken for anything else goes without quotes and brackets. */
const PLAIN = /^[A-Za-z_$][\w$-]*$/;

/** Keys → `spec.services.web.ports[0]`, `metadata.labels[app.kubernetes.io/name]`. */
export const pathOf = (keys: readonly Key[]): string =>
  keys.map((key, i) => (typeof key === "string" && PLAIN.test(key) ? (i > 0 ? "." : "") + key : `[${key}]`)).join("");

/** Collects problems and warnings below one root. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly warnings: Warning[] = [];

  problem(keys: readonly Key[], reason: ProblemReason, message: string, more: { help?: string | undefined; onKey?: boolean } = {}): void {
    const { help, onKey } = more;
    this.problems.push({ path: pathOf(keys), keys: [...keys], message, reason, ...(help ? { help } : {}), ...(onKey ? { onKey } : {}) });
  }

  warn(keys: readonly Key[], message: string): void {
    this.warnings.push({ path: pathOf(keys), keys: [...keys], message });
  }
}

/** One cause, one message: no warning about what is refused anyway. */
export const warningsBeside = (problems: readonly Problem[], warnings: readonly Warning[]): Warning[] => {
  const refused = new Set(problems.map((p) => p.path));
  return warnings.filter((w) => !refused.has(w.path));
};

const where = (p: { path: string; position?: Position }): string =>
  [p.position ? `${p.position.file}:${p.position.line}:${p.position.column}` : "", p.path].filter((s) => s).join(" ");

/** `web.yaml:7:7 spec.services.web.imgae: unknown field; did you mean "image"?`, with the help behind ` — `. */
export const formatProblem = (p: Problem): string => `${where(p)}${where(p) ? ": " : ""}${p.message}${p.help ? ` — ${p.help}` : ""}`;

/** `web.yaml:5:14 spec.services.job.restart: …` */
export const formatWarning = (w: Warning): string => `${where(w)}${where(w) ? ": " : ""}${w.message}`;

/** A position for each finding that has none. */
export const locate = <T extends { keys: readonly Key[]; position?: Position; onKey?: true }>(
  findings: T[],
  find: ((keys: readonly Key[], onKey: boolean) => Position | undefined) | undefined,
): T[] =>
  findings.map((f) => {
    const position = f.position ?? find?.(f.keys, f.onKey === true);
    return position ? { ...f, position } : f;
  });
