// Label and field selectors, as in Kubernetes.
// Source: k8s.io/apimachinery/pkg/labels/selector.go and pkg/fields/selector.go.
import { labelValueProblem, qualifiedNameProblem } from "./labels.ts";
import { show } from "./words.ts";

/** The text is no selector; the message says why. */
export class SelectorError extends Error {
  override name = "SelectorError";
}

export interface Requirement {
  key: string;
  operator: "in" | "notin" | "exists" | "!exists";
  /** Sorted; empty for the two that ask for existence only. */
  values: string[];
}

/** All of them must hold. */
export type LabelSelector = readonly Requirement[];

type Token = { type: "word" | "," | "(" | ")" | "=" | "!=" | "!" | "end"; text: string };

const TOKENS = /\s*(?:(==|=)|(!=)|([!,()])|([^\s=!,()]+))/y;

const tokenize = (text: string): Token[] => {
  const tokens: Token[] = [];
  TOKENS.lastIndex = 0;
  while (TOKENS.lastIndex < text.length) {
    const match = TOKENS.exec(text);
    if (!match) break; // white space at the end
    const [, equal, unequal, sign, word] = match;
    if (equal) tokens.push({ type: "=", text: equal });
    else if (unequal) tokens.push({ type: "!=", text: unequal });
    else if (sign) tokens.push({ type: sign as "!", text: sign });
    else tokens.push({ type: "word", text: word ?? "" });
  }
  return tokens;
};

class Parser {
  private at = 0;
  private readonly tokens: Token[];
  constructor(private readonly text: string) {
    this.tokens = tokenize(text);
  }

  private peek(): Token {
    return this.tokens[this.at] ?? { type: "end", text: "the end" };
  }

  private next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  private fail(why: string): never {
    throw new SelectorError(`unable to parse selector ${show(this.text)}: ${why}`);
  }

  private expect(type: Token["type"], what: string): Token {
    const token = this.next();
    if (token.type !== type) this.fail(`found ${token.type === "end" ? token.text : show(token.text)}, expected ${what}`);
    return token;
  }

  private key(): string {
    const { text } = this.expect("word", "a label key");
    const problem = qualifiedNameProblem(text);
    if (problem) this.fail(`the key ${show(text)} is not valid: ${problem}`);
    return text;
  }

  private value(): string {
    const text = this.peek().type === "word" ? this.next().text : "";
    const problem = labelValueProblem(text);
    if (problem) this.fail(`the value ${show(text)} is not valid: ${problem}`);
    return text;
  }

  private set(): string[] {
    this.expect("(", '"("');
    const values = [this.value()];
    while (this.peek().type === ",") {
      this.next();
      values.push(this.value());
    }
    this.expect(")", '"," or ")"');
    return [...new Set(values)].toSorted();
  }

  private requirement(): Requirement {
    if (this.peek().type === "!") {
      this.next();
      return { key: this.key(), operator: "!exists", values: [] };
    }
    const key = this.key();
    const token = this.peek();
    if (token.type === "," || token.type === "end") return { key, operator: "exists", values: [] };
    this.next();
    if (token.type === "=") return { key, operator: "in", values: [this.value()] };
    if (token.type === "!=") return { key, operator: "notin", values: [this.value()] };
    if (token.type === "word" && (token.text === "in" || token.text === "notin")) return { key, operator: token.text, values: this.set() };
    return this.fail(`found ${show(token.text)}, expected one of =, ==, !=, in, notin`);
  }

  parse(): LabelSelector {
    if (this.tokens.length === 0) return [];
    const requirements = [this.requirement()];
    while (this.peek().type !== "end") {
      this.expect(",", '","');
      requirements.push(this.requirement());
    }
    return requirements;
  }
}

/** `app=shop,tier in (web,api),!canary` → requirements; "" selects everything. @throws SelectorError */
export const parseLabelSelector = (text: string): LabelSelector => new Parser(text).parse();

const meets = (r: Requirement, labels: Readonly<Record<string, string>>): boolean => {
  const value = Object.hasOwn(labels, r.key) ? labels[r.key] : undefined;
  if (r.operator === "exists") return value !== undefined;
  if (r.operator === "!exists") return value === undefined;
  if (r.operator === "in") return value !== undefined && r.values.includes(value);
  return value === undefined || !r.values.includes(value);
};

/** `!=` and `notin` also hold where there is no such label. */
export const matchLabels = (selector: LabelSelector, labels: Readonly<Record<string, string>> | undefined): boolean =>
  selector.every((r) => meets(r, labels ?? {}));

/** Text that parses to the same selector. */
export const formatLabelSelector = (selector: LabelSelector): string =>
  selector
    .map((r) => {
      if (r.operator === "exists") return r.key;
      if (r.operator === "!exists") return `!${r.key}`;
      if (r.values.length === 1) return `${r.key}${r.operator === "in" ? "=" : "!="}${r.values[0]}`;
      return `${r.key} ${r.operator} (${r.values.join(",")})`;
    })
    .join(",");

export interface FieldRequirement {
  /** `metadata.name` */
  field: string;
  operator: "=" | "!=";
  value: string;
}

/** All of them must hold. */
export type FieldSelector = readonly FieldRequirement[];

/** Splits at bare commas; `\,`, `\=` and `\\` stand for themselves. */
const splitTerms = (text: string): string[] => text.match(/(?:\\[\s\S]|[^,\\])+/g) ?? [];

/** `metadata.name=x,status.phase!=Failed` → requirements; "" selects everything. @throws SelectorError */
export const parseFieldSelector = (text: string): FieldSelector => {
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(text)) throw new SelectorError(`invalid field selector ${show(text)}: it ends within an escape`);
  return splitTerms(text).map((term) => {
    const match = /^([^=!\\]+)(==|=|!=)([\s\S]*)$/.exec(term);
    if (!match) throw new SelectorError(`invalid field selector ${show(term)}: expected field=value or field!=value`);
    const [, field = "", operator, raw = ""] = match;
    if (/(?:^|[^\\])(?:\\\\)*(=|\\(?![\\,=]))/.test(raw)) {
      throw new SelectorError(`invalid field selector ${show(term)}: in a value, "=" and "\\" are written as "\\=" and "\\\\"`);
    }
    return { field: field.trim(), operator: operator === "!=" ? "!=" : "=", value: raw.replace(/\\([\s\S])/g, "$1") };
  });
};

/** `read` answers a field's value, "" when the object does not have it. */
export const matchFields = (selector: FieldSelector, read: (field: string) => string): boolean =>
  selector.every((r) => (read(r.field) === r.value) === (r.operator === "="));
