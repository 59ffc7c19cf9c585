// What people type, and what they then see: the table of kubectl invocations that docs/kubernetes.md is made from and that
// kubectl.test.ts plays against a real fleet, with every client.

export interface Step {
  /**
   * The command line after `kubectl`, quoted as for a shell. `$ns` is the namespace, other `$words` are what earlier steps kept.
   * Files of the story are named as they are.
   */
  run: string;
  /** The kind it is about, as discovery calls it, for the document; absent: a step on the way that shows nothing. */
  shows?: string;
  /** Default: the first word of `run`, or the first two of `rollout status` and its like. */
  verb?: string;
  stdin?: string;
  /** Exit code. Default 0. */
  code?: number;
  /** Each must be found in what is printed, or match it. */
  out?: readonly (string | RegExp)[];
  err?: readonly (string | RegExp)[];
  /** Must not be found in what is printed. */
  without?: readonly (string | RegExp)[];
  /** Again until it is so: for what takes a moment. */
  until?: true;
  /** Names what the first group of the expression finds in the output, for later steps. */
  keep?: Readonly<Record<string, RegExp>>;
  /** Of the two clients, only the one that has this. */
  only?: "new" | "old";
  /** What kubectl is refused, or refuses itself, with a sentence that says what to do: for the document. */
  refused?: string;
  /** A difference that a user of Kubernetes would notice, for the document. */
  note?: string;
  /** The command goes on; this looks at it, and ends it. */
  meanwhile?: (running: Running) => Promise<void>;
  /** Environment of the command. */
  env?: Readonly<Record<string, string>>;
}

export interface Running {
  /** What it has printed so far, standard error too. */
  text(): string;
  /** Waits until it has printed this. */
  says(what: string | RegExp): Promise<void>;
  /** Runs another kubectl command to its end, and answers what it printed. @throws unless it succeeds */
  kubectl(run: string): Promise<string>;
  /** Ends the command's standard input, or writes to it. */
  type(text: string): void;
  fill(text: string): string;
}

export interface Story {
  name: string;
  /** Files in the directory the commands run in. `$ns` is filled in. */
  files?: Readonly<Record<string, string>>;
  steps: readonly Step[];
}

const TWO_WORDS = new Set(["rollout", "auth", "set", "top"]);

/** What the document calls the step's verb. */
export const verbOf = (step: Step): string => {
  if (step.verb !== undefined) return step.verb;
  const words = split(step.run).filter((w) => !w.startsWith("-"));
  return TWO_WORDS.has(words[0] ?? "") ? words.slice(0, 2).join(" ") : (words[0] ?? "");
};

/** As a shell splits a line that has quotes but nothing else of a shell. */
export const split = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));

/** The newest that does not validate by itself counts as new. */
export const clientOf = (version: string): "new" | "old" => (Number(version.split(".")[1]) < 25 ? "old" : "new");
