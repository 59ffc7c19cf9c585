// What the parts of the loader share while one project is loaded.
import type { Key, Position } from "../../../schemas/problems.ts";
import type { Code } from "../codes.ts";
import type { Problem } from "../problem.ts";
import { tokenLength } from "../check.ts";
import type { Node } from "./tree.ts";

/** The only way to the file system. Paths are absolute. */
export interface Files {
  /** @throws Error with the system's words */
  read(path: string): Uint8Array;
  isFile(path: string): boolean;
}

/** A name's value where the command runs; undefined when it has none. */
export type Lookup = (name: string) => string | undefined;

export class Session {
  readonly problems: Problem[] = [];
  /** Of each file that was read, by the name that positions call it. */
  readonly texts = new Map<string, string>();
  /** Variables without a value and without a default, each with its first place. */
  readonly unset = new Map<string, Problem>();
  /** Trees that stand in for files: by path. */
  readonly trees = new Map<string, readonly Node[]>();

  constructor(
    readonly o: {
      files: Files;
      home: string;
      /** As messages show a path. */
      nameOf: (path: string) => string;
      /** A value for a variable that has none, in the place `keys`. */
      standIn?: ((name: string, keys: readonly Key[]) => string | undefined) | undefined;
      /** Files that are missing count as empty. */
      lenient?: boolean | undefined;
    },
  ) {}

  error(at: Position, code: Code, message: string, help?: string): void {
    this.problems.push(this.#problem("error", at, code, message, help));
  }

  warn(at: Position, code: Code, message: string, help?: string): void {
    this.problems.push(this.#problem("warning", at, code, message, help));
  }

  #problem(severity: Problem["severity"], at: Position, code: Code, message: string, help: string | undefined): Problem {
    return { severity, code, message, ...at, length: tokenLength(this.line(at), at.column), ...(help === undefined ? {} : { help }) };
  }

  line({ file, line }: { file: string; line: number }): string {
    return this.texts.get(file)?.split("\n")[line - 1] ?? "";
  }
}
