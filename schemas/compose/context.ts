// What the parts of the normaliser share while one service is spelled out.
import type { FileSource, NetworkSettings, VolumeSpec } from "../fleet.ts";
import { type Findings, type Key, MAX_PROBLEMS, type ProblemReason } from "../problems.ts";
import { didYouMean } from "../words.ts";

/** A network or volume of the stack: its name on the engine. */
export interface Declared {
  key: string;
  name: string;
  external: boolean;
}

export interface DeclaredNetwork extends Declared {
  settings?: NetworkSettings;
}
export interface DeclaredVolume extends Declared {
  settings?: NonNullable<VolumeSpec["settings"]>;
}

/** Keys and names of networks and volumes. */
export const KEY = /^[a-zA-Z0-9][a-zA-Z0-9._-]*$/;
export const KEY_WORDS = 'must be letters, digits, "_", "-" and ".", beginning with a letter or digit';

export interface StackContext {
  out: Findings;
  /** undefined: the section is broken, so what refers to it cannot be judged. */
  networks: ReadonlyMap<string, DeclaredNetwork> | undefined;
  volumes: ReadonlyMap<string, DeclaredVolume> | undefined;
  configs: ReadonlyMap<string, FileSource> | undefined;
  secrets: ReadonlyMap<string, FileSource> | undefined;
  services: ReadonlySet<string>;
  /** Of the Stack: what services say nothing about. */
  imagePullSecrets?: readonly string[] | undefined;
  /** Services that another one waits for with `service_completed_successfully`. */
  awaited: ReadonlySet<string>;
}

/** Reports about one field. */
export class Field {
  constructor(
    private readonly out: Findings,
    readonly keys: readonly Key[],
  ) {}

  at(...keys: Key[]): Field {
    return new Field(this.out, [...this.keys, ...keys]);
  }

  problem(reason: ProblemReason, message: string, help?: string): void {
    this.out.problem(this.keys, reason, message, { help });
  }

  /** The problem is the key, not its value. */
  keyProblem(reason: ProblemReason, message: string, help?: string): void {
    this.out.problem(this.keys, reason, message, { help, onKey: true });
  }

  warn(message: string): void {
    this.out.warn(this.keys, message);
  }

  /** `; did you mean "db"?`, or nothing. Guesses cost time, so there are none once there are more problems than are shown. */
  guess(word: string, candidates: Iterable<string>): string {
    return this.out.problems.length < MAX_PROBLEMS ? didYouMean(word, candidates) : "";
  }
}

const VARIABLE = /\$\{[A-Za-z_][^}]*\}|\$[A-Za-z_]\w*/;

/** What to do about a value that was refused because nobody filled in its variables; undefined when it has none. */
export const variableHelp = (text: string): string | undefined => {
  const variable = VARIABLE.exec(text)?.[0];
  return variable === undefined ? undefined : `The server fills in no variables: write the value in place of ${variable}.`;
};

/** `${NAME}` as it stands in a manifest that nobody interpolated. */
export const looksUninterpolated = (text: string): string | undefined => /(?<!\$)\$\{[A-Za-z_]\w*(?:[:?+-][^}]*)?\}/.exec(text)?.[0];
