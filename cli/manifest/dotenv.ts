// The .env file beside a Compose file: KEY=VALUE lines, comments, quotes, `export`, and variables inside values.
// Source: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/#env-file-syntax
import { interpolate } from "./interpolate.ts";

export interface DotenvProblem {
  line: number;
  message: string;
}

const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$$" };

/**
 * Values may name earlier ones and those of `lookup`; single quotes keep everything as typed. Later lines win.
 * A line with a name alone takes the value of `lookup`, and is left out when it has none.
 */
export const parseDotenv = (
  text: string,
  lookup: (name: string) => string | undefined,
): { values: Map<string, string>; problems: DotenvProblem[] } => {
  const values = new Map<string, string>();
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
    const key = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:[=:]\s*|$)/.exec(head);
    if (!key) {
      problems.push({ line, message: `expected NAME=value, got ${JSON.stringify(head.slice(0, 40))}` });
      at = end + 1;
      line++;
      continue;
    }
    const name = key[1] as string;
    const from = at + key[0].length;
    const quote = rest[from];
    if (!/[=:]/.test(key[0])) {
      const inherited = lookup(name);
      if (inherited !== undefined) values.set(name, inherited);
    } else if (quote === "'" || quote === '"') {
      const close = closing(rest, from, quote);
      if (close < 0) {
        problems.push({ line, message: `${name}: the ${quote} is not closed` });
        return { values, problems };
      }
      const inner = rest.slice(from + 1, close);
      const after = rest.indexOf("\n", close);
      end = after < 0 ? rest.length : after;
      if (!/^\s*(#.*)?$/.test(rest.slice(close + 1, end)))
        problems.push({ line, message: `${name}: unexpected text behind the closing ${quote}` });
      values.set(name, quote === "'" ? inner : expand(inner.replace(/\\([nrt\\"$])/g, (_, c: string) => ESCAPES[c] ?? c)));
    } else {
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
  return { values, problems };
};

const closing = (s: string, open: number, quote: string): number => {
  for (let i = open + 1; i < s.length; i++) {
    if (quote === '"' && s[i] === "\\") i++;
    else if (s[i] === quote) return i;
  }
  return -1;
};
