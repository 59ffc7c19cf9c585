// The .env file beside a Compose file: KEY=VALUE lines, comments, quotes, `export`, and variables inside values.
// Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
import { interpolate } from "./interpolate.ts";

export interface DotenvProblem {
  line: number;
  message: string;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$$" };

export interface Dotenv {
  values: Map<string, string>;
  /** Where each value begins, from 1. */
  lines: Map<string, number>;
  problems: DotenvProblem[];
}

/**
 * Values may name earlier ones and those of `lookup`; single quotes keep everything as typed. Later lines win.
 * A line with a name alone takes the value of `lookup`, and is left out when it has none. `raw`: every value is as typed, to the end of its line.
 */
export const parseDotenv = (text: string, lookup: (name: string) => string | undefined, raw = false): Dotenv => {
  const values = new Map<string, string>();
  const lines = new Map<string, number>();
  const problems: DotenvProblem[] = [];
  const get = (name: string): string | undefined => lookup(name) ?? values.get(name);
  const rest = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  let at = 0;
  let line = 1;
  while (at < rest.length) {
    const eol = rest.indexOf("\n", at);
    let end = eol < 0 ? rest.length : eol;
    const head = rest.slice(at, end);
    const start = line;
    if (/^\s*(#|$)/.test(head)) {
      at = end + 1;
      line++;
      continue;
    }
    const key = (raw ? /^\s*([^\s=]+)(?:=|$)/ : /^\s*(?:export\s+)?([A-Za-z0-9_][\w.[\]-]*)[ \t]*(?:[=:][ \t]*|$)/).exec(head);
    if (!key) {
      // The line is not shown: such files hold secrets.
      problems.push({ line, message: "expected NAME=value" });
      at = end + 1;
      line++;
      continue;
    }
    const name = key[1] as string;
    const from = at + key[0].length;
    const quote = raw ? "" : rest[from];
    lines.set(name, start);
    if (!/[=:]/.test(key[0])) {
      const inherited = lookup(name);
      if (inherited !== undefined) values.set(name, inherited);
    } else if (quote === "'" || quote === '"') {
      const close = closing(rest, from, quote);
      if (close < 0) {
        problems.push({ line, message: `${name}: the ${quote} is not closed` });
        return { values, lines, problems };
      }
      const inner = rest.slice(from + 1, close);
      const after = rest.indexOf("\n", close);
      end = after < 0 ? rest.length : after;
      if (!/^\s*(#.*)?$/.test(rest.slice(close + 1, end)))
        problems.push({ line, message: `${name}: unexpected text behind the closing ${quote}` });
      values.set(
        name,
        quote === "'" ? inner.replaceAll("\\'", "'") : expand(inner.replace(/\\([nrt\\"$])/g, (_, c: string) => ESCAPES[c] ?? c)),
      );
    } else if (raw) values.set(name, rest.slice(from, end));
    else {
      values.set(
        name,
        expand(
          rest
            .slice(from, end)
            .replace(/(^|\s)#.*$/, "")
            .trim(),
        ),
      );
    }
    line += rest.slice(at, end).split("\n").length;
    at = end + 1;

    function expand(value: string): string {
      const result = interpolate(value, get);
      for (const p of result.problems) if (p.kind !== "unset") problems.push({ line: start, message: `${name}: ${p.message}` });
      return result.text;
    }
  }
  return { values, lines, problems };
};

const closing = (s: string, open: number, quote: string): number => {
  for (let i = open + 1; i < s.length; i++) {
    if (s[i] === "\\" && (quote === '"' || s[i + 1] === quote)) i++;
    else if (s[i] === quote) return i;
  }
  return -1;
};
