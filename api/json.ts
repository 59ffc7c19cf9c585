// JSON as we accept it from outside: bounded, and without the readings on which two parsers may differ
// (duplicate keys, integers that lose digits, keys that name a prototype).

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Thrown with a stable first word: TooDeep, TooManyNodes, DuplicateKey, ForbiddenKey, UnsafeInteger, Malformed. */
export class JsonError extends Error {
  override name = "JsonError";
}

export interface JsonLimits {
  depth: number;
  /** Values of any kind, also keys' values. */
  nodes: number;
}
export const JSON_LIMITS: JsonLimits = { depth: 64, nodes: 50_000 };

const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\r\n]*/y;
const PLAIN = /(?:[^"\\\p{Cc}]|[\u007f-\u009f])*/uy;
const WORDS: Record<string, Json> = { true: true, false: false, null: null };

/** Recursive, and safe to be so: never deeper than `limits.depth`. */
class Parser {
  private at = 0;
  private nodes = 0;
  private readonly path: (string | number)[] = [];
  constructor(
    private readonly text: string,
    private readonly limits: JsonLimits,
  ) {}

  document(): Json {
    this.space();
    const value = this.value(0);
    this.space();
    if (this.at < this.text.length) this.fail("Malformed", "text after the end of the document");
    return value;
  }

  private fail(word: string, message: string): never {
    const path = this.path.map((p) => (typeof p === "number" ? `[${p}]` : `.${p.slice(0, 40)}`)).join("");
    const shown = path.length > 120 ? `${path.slice(0, 120)}…` : path;
    throw new JsonError(`${word}: ${message} at $${shown} (offset ${this.at})`);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const m = pattern.exec(this.text);
    if (m) this.at += m[0].length;
    return m;
  }

  private space(): void {
    this.match(SPACE);
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private value(depth: number): Json {
    if (++this.nodes > this.limits.nodes) this.fail("TooManyNodes", `more than ${this.limits.nodes} values`);
    const c = this.text[this.at];
    if (c === "{" || c === "[") {
      if (depth >= this.limits.depth) this.fail("TooDeep", `nested deeper than ${this.limits.depth}`);
      this.at++;
      return c === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (c === '"') return this.string();
    for (const word of ["true", "false", "null"])
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return WORDS[word] ?? null;
      }
    return this.number();
  }

  private object(depth: number): Json {
    const object: { [key: string]: Json } = {};
    this.space();
    if (this.take("}")) return object;
    for (;;) {
      this.space();
      if (this.text[this.at] !== '"') this.fail("Malformed", "expected a key in double quotes");
      const key = this.string();
      if (FORBIDDEN.has(key)) this.fail("ForbiddenKey", `the key ${JSON.stringify(key)} is not allowed`);
      if (Object.hasOwn(object, key)) this.fail("DuplicateKey", `the key ${JSON.stringify(key.slice(0, 80))} is given twice`);
      this.space();
      if (!this.take(":")) this.fail("Malformed", 'expected ":"');
      this.space();
      this.path.push(key);
      object[key] = this.value(depth);
      this.path.pop();
      this.space();
      if (this.take("}")) return object;
      if (!this.take(",")) this.fail("Malformed", 'expected "," or "}"');
    }
  }

  private array(depth: number): Json {
    const array: Json[] = [];
    this.space();
    if (this.take("]")) return array;
    for (;;) {
      this.space();
      this.path.push(array.length);
      array.push(this.value(depth));
      this.path.pop();
      this.space();
      if (this.take("]")) return array;
      if (!this.take(",")) this.fail("Malformed", 'expected "," or "]"');
    }
  }

  private string(): string {
    const start = this.at++;
    for (;;) {
      this.match(PLAIN);
      const c = this.text[this.at];
      if (c === '"') break;
      if (c !== "\\") this.fail("Malformed", c === undefined ? "the text ends within a string" : "a control character within a string");
      this.at += 2;
    }
    this.at++;
    try {
      return JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      return this.fail("Malformed", "a wrong escape within a string");
    }
  }

  private number(): number {
    const m = this.match(NUMBER);
    if (!m) this.fail("Malformed", this.at >= this.text.length ? "the text ends too early" : "expected a value");
    const value = Number(m[0]);
    if (m[1] === undefined && m[2] === undefined && !Number.isSafeInteger(value))
      this.fail("UnsafeInteger", `${m[0].slice(0, 40)} has more digits than we can keep; write it as a string`);
    if (!Number.isFinite(value)) this.fail("UnsafeInteger", `${m[0].slice(0, 40)} is too large`);
    return value;
  }
}

/** @throws JsonError */
export const parseJson = (text: string, limits: JsonLimits = JSON_LIMITS): Json => new Parser(text, limits).document();

/**
 * Data that another parser has read, held to what this one would have let through.
 * @throws JsonError for keys that name a prototype, and for numbers that have lost digits
 */
export function checkJson(value: unknown): Json {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new JsonError(`UnsafeInteger: ${value} has more digits than we can keep; write it as a string`);
  if (typeof value !== "object" || value === null) return value as Json;
  for (const [key, entry] of Object.entries(value)) {
    if (FORBIDDEN.has(key)) throw new JsonError(`ForbiddenKey: the key ${JSON.stringify(key)} is not allowed`);
    checkJson(entry);
  }
  return value as Json;
}

export const isObject = (v: unknown): v is { [key: string]: Json } => typeof v === "object" && v !== null && !Array.isArray(v);
