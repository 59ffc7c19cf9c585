// Compose variables: $VAR, ${VAR}, ${VAR:-x}, ${VAR-x}, ${VAR:?msg}, ${VAR?msg}, ${VAR:+x}, ${VAR+x}, nested to any depth, and $$ for a dollar sign.
// Source: https://github.com/compose-spec/compose-spec/blob/main/12-interpolation.md

export interface InterpolationProblem {
  /** `unset`: the name has no value and the text has no default; the value is empty. Others end the work. */
  kind: "unset" | "required" | "syntax";
  message: string;
  /** The variable's name, where there is one. */
  variable?: string;
  /** Offset into the text. */
  offset: number;
}

export interface Interpolated {
  text: string;
  problems: InterpolationProblem[];
}

type Lookup = (name: string) => string | undefined;
interface Values {
  lookup: Lookup;
  standIn: Lookup;
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const MAX_DEPTH = 32;

/** Pure and total: whatever the text, it answers. `standIn`: for names that have neither a value nor a default. */
export const interpolate = (text: string, lookup: Lookup, standIn: Lookup = () => undefined): Interpolated => {
  const problems: InterpolationProblem[] = [];
  const { out } = scan(text, 0, false, true, { lookup, standIn }, problems, 0);
  return { text: out, problems };
};

/** The names that a text mentions, in order, each once. */
export const variablesIn = (text: string): string[] => {
  const names = new Set<string>();
  // Every branch is looked at: a name inside an unused default counts, too.
  interpolate(text, (name) => void names.add(name));
  interpolate(text, (name) => (names.add(name), "x"));
  return [...names];
};

interface Scanned {
  out: string;
  end: number;
  closed: boolean;
}

/** Reads from `at`; inside braces up to the matching `}`. `live` false: the branch is not taken, so nothing is asked or reported in it. */
const scan = (
  s: string,
  at: number,
  braced: boolean,
  live: boolean,
  values: Values,
  problems: InterpolationProblem[],
  depth: number,
): Scanned => {
  let out = "";
  let i = at;
  while (i < s.length) {
    const c = s[i] as string;
    if (braced && c === "}") return { out, end: i + 1, closed: true };
    if (c !== "$") {
      const next = s.slice(i).search(braced ? /[$}]/ : /\$/);
      const to = next < 0 ? s.length : i + next;
      out += s.slice(i, to);
      i = to;
      continue;
    }
    if (s[i + 1] === "$") {
      out += "$";
      i += 2;
      continue;
    }
    const part = s[i + 1] === "{" ? substitution(s, i, live, values, problems, depth) : bare(s, i, live, values, problems);
    out += part.out;
    i = part.end;
  }
  return { out, end: i, closed: false };
};

const nameAt = (s: string, at: number): string | undefined => {
  NAME.lastIndex = at;
  return NAME.exec(s)?.[0];
};

const bare = (s: string, at: number, live: boolean, values: Values, problems: InterpolationProblem[]): { out: string; end: number } => {
  const name = nameAt(s, at + 1);
  if (name === undefined) {
    if (live) problems.push({ kind: "syntax", message: 'a "$" that starts no variable; write "$$" for a dollar sign', offset: at });
    return { out: "$", end: at + 1 };
  }
  return { out: live ? read(name, at, values, problems) : "", end: at + 1 + name.length };
};

const read = (name: string, at: number, { lookup, standIn }: Values, problems: InterpolationProblem[]): string => {
  const value = lookup(name) ?? standIn(name);
  if (value === undefined) problems.push({ kind: "unset", message: `variable ${name} is not set`, variable: name, offset: at });
  return value ?? "";
};

const OPERATOR = /:-|-|:\?|\?|:\+|\+/y;

const substitution = (
  s: string,
  at: number,
  live: boolean,
  values: Values,
  problems: InterpolationProblem[],
  depth: number,
): { out: string; end: number } => {
  const bad = (message: string, end: number): { out: string; end: number } => {
    if (live) problems.push({ kind: "syntax", message, offset: at });
    return { out: s.slice(at, end), end };
  };
  if (depth >= MAX_DEPTH) return bad(`variables are nested deeper than ${MAX_DEPTH}`, s.length);
  const name = nameAt(s, at + 2);
  if (name === undefined) return bad('"${" must be followed by a variable name; write "$${" for the characters', at + 2);
  let i = at + 2 + name.length;
  if (s[i] === "}") return { out: live ? read(name, at, values, problems) : "", end: i + 1 };
  OPERATOR.lastIndex = i;
  const operator = OPERATOR.exec(s)?.[0];
  if (operator === undefined) {
    if (i >= s.length) return bad(`"\${${name}" is not closed`, s.length);
    return bad(`\${${name} is followed by ${JSON.stringify(s[i])}; expected "}", "-", ":-", "?", ":?", "+" or ":+"`, i);
  }
  i += operator.length;
  const kind = operator.at(-1) as "-" | "?" | "+";
  const value = live ? (values.lookup(name) ?? (kind === "?" ? values.standIn(name) : undefined)) : undefined;
  const has = value !== undefined && (operator.length === 1 || value !== "");
  const takesWord = kind === "+" ? has : !has;
  const word = scan(s, i, true, live && takesWord, values, problems, depth + 1);
  if (!word.closed) return bad(`"\${${name}" is not closed`, s.length);
  if (!live) return { out: "", end: word.end };
  if (kind === "+") return { out: has ? word.out : "", end: word.end };
  if (has) return { out: value, end: word.end };
  if (kind === "-") return { out: word.out, end: word.end };
  problems.push({
    kind: "required",
    message: word.out || `variable ${name} is ${value === undefined ? "not set" : "empty"}`,
    variable: name,
    offset: at,
  });
  return { out: "", end: word.end };
};
