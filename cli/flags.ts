// Flags: what they look like, and their value by precedence: command line > STEADY_* > configuration file > default.
import { ENV_PREFIX } from "../schemas/constants.ts";
import { usage } from "./errors.ts";
import { nearest as suggest } from "../schemas/words.ts";

export interface FlagSpec {
  /** Long name in kebab-case, without dashes. */
  name: string;
  short?: string;
  /** Placeholder of the value; absent: a switch. */
  value?: string;
  /** May be given more than once. In an environment variable the values are separated by commas, in the file they are a list. */
  repeat?: true;
  choices?: readonly string[];
  default?: string;
  about: string;
  /** Heading in the help. */
  group?: string;
  /** Only on the command line: no environment variable, no key in the file. */
  lineOnly?: true;
}

type Raw = string | boolean | readonly string[];
/** Where a value came from, for messages: `--port`, `STEADY_PORT`, `config.yaml: port`. */
interface Given {
  raw: Raw;
  from: string;
}

export const envName = (flag: string): string => ENV_PREFIX + flag.toUpperCase().replaceAll("-", "_");

/** The values of one command's flags. Every getter throws a usage error that names where the wrong value came from. */
export class Flags {
  readonly #given: ReadonlyMap<string, Given>;
  constructor(given: ReadonlyMap<string, Given>) {
    this.#given = given;
  }

  has(name: string): boolean {
    return this.#given.has(name);
  }

  str(name: string): string | undefined {
    const given = this.#given.get(name);
    if (given === undefined || given.raw === "") return undefined;
    if (typeof given.raw !== "string") throw usage(`${given.from}: expected one value`);
    return given.raw;
  }

  bool(name: string): boolean {
    const given = this.#given.get(name);
    if (given === undefined) return false;
    if (typeof given.raw === "boolean") return given.raw;
    if (/^(true|1|yes|on)$/i.test(String(given.raw))) return true;
    if (/^(false|0|no|off|)$/i.test(String(given.raw))) return false;
    throw usage(`${given.from}: expected true or false, got ${JSON.stringify(given.raw)}`);
  }

  list(name: string): readonly string[] {
    const raw = this.#given.get(name)?.raw;
    if (raw === undefined || typeof raw === "boolean") return [];
    return typeof raw === "string"
      ? raw
          .split(",")
          .map((s) => s.trim())
          .filter((s) => s !== "")
      : raw;
  }

  /** A whole number from `min` to `max`. */
  int(name: string, min: number, max: number): number | undefined {
    const text = this.str(name);
    if (text === undefined) return undefined;
    const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(n >= min && n <= max))
      throw usage(`${this.#from(name)}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
    return n;
  }

  /** `90s`, `5m`, `1h30m`, `500ms`; a bare number is seconds; in milliseconds. 0 means no limit. */
  duration(name: string): number | undefined {
    const text = this.str(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms === undefined) throw usage(`${this.#from(name)}: expected a duration such as 90s, 5m or 1h30m, got ${JSON.stringify(text)}`);
    return ms;
  }

  #from(name: string): string {
    return this.#given.get(name)?.from ?? `--${name}`;
  }
}

/** Milliseconds, or undefined when it is not a duration. */
export const parseDuration = (text: string): number | undefined => {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
  let ms = 0;
  for (const [, n, u] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) ms += Number(n) * unit[u as keyof typeof unit];
  return ms;
};

/** The parsed configuration file: flags for all commands, and a section per command that wins over them. */
export interface FileConfig {
  path: string;
  values: Readonly<Record<string, unknown>>;
}

/** @param line flags that were typed, by long name */
export const resolveFlags = (
  command: string,
  specs: readonly FlagSpec[],
  line: Readonly<Record<string, Raw | undefined>>,
  env: Readonly<Record<string, string | undefined>>,
  file: FileConfig | undefined,
): Flags => {
  const given = new Map<string, Given>();
  const section = file?.values[command];
  const own = typeof section === "object" && section !== null && !Array.isArray(section) ? (section as Record<string, unknown>) : {};
  for (const spec of specs) {
    const typed = line[spec.name];
    const variable = envName(spec.name);
    const found: Given | undefined =
      typed !== undefined
        ? { raw: typed, from: `--${spec.name}` }
        : spec.lineOnly
          ? undefined
          : env[variable] !== undefined
            ? { raw: env[variable], from: variable }
            : own[spec.name] !== undefined
              ? { raw: scalar(own[spec.name], spec, file), from: `${file?.path}: ${command}.${spec.name}` }
              : file?.values[spec.name] !== undefined
                ? { raw: scalar(file.values[spec.name], spec, file), from: `${file.path}: ${spec.name}` }
                : undefined;
    const value = found ?? (spec.default === undefined ? undefined : { raw: spec.default, from: `--${spec.name}` });
    if (value === undefined) continue;
    checkChoice(spec, value);
    given.set(spec.name, value);
  }
  return new Flags(given);
};

const checkChoice = (spec: FlagSpec, { raw, from }: Given): void => {
  if (!spec.choices) return;
  for (const v of typeof raw === "object" ? raw : [String(raw)])
    if (!spec.choices.includes(v)) {
      const near = suggest(v, spec.choices);
      throw usage(
        `${from}: expected one of ${spec.choices.join(", ")}; got ${JSON.stringify(v)}`,
        near ? `did you mean ${near}?` : undefined,
      );
    }
};

const scalar = (value: unknown, spec: FlagSpec, file: FileConfig | undefined): Raw => {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return String(value);
  if (Array.isArray(value) && spec.repeat && value.every((v) => ["string", "number"].includes(typeof v))) return value.map(String);
  throw usage(`${file?.path}: ${spec.name}: expected ${spec.repeat ? "a list of strings" : "a single value"}`);
};
