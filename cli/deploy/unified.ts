// Two texts as a unified diff. Pure. Source: Myers, "An O(ND) Difference Algorithm"; the format of diff -u.

interface Edit {
  kind: " " | "-" | "+";
  line: string;
}

/** Shortest edits by the longest common subsequence; what both begin and end with is set aside first. */
const edits = (a: readonly string[], b: readonly string[]): Edit[] => {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  const keep = (lines: readonly string[]): Edit[] => lines.map((line) => ({ kind: " ", line }));
  return [...keep(a.slice(0, start)), ...between(x, y), ...keep(a.slice(a.length - end))];
};

/** More cells than this, and all of the middle is told as replaced. */
const MAX_CELLS = 25_000_000;

const between = (a: readonly string[], b: readonly string[]): Edit[] => {
  const all = (lines: readonly string[], kind: Edit["kind"]): Edit[] => lines.map((line) => ({ kind, line }));
  if (a.length * b.length > MAX_CELLS) return [...all(a, "-"), ...all(b, "+")];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number): number => longest[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      longest[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const found: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      found.push({ kind: " ", line: a[i] as string });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) found.push({ kind: "-", line: a[i++] as string });
    else found.push({ kind: "+", line: b[j++] as string });
  }
  return found;
};

const linesOf = (text: string): string[] => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));

/** "" when they are the same. `context`: lines around each change. */
export const unifiedDiff = (a: string, b: string, names: { a: string; b: string }, context = 3): string => {
  if (a === b) return "";
  const all = edits(linesOf(a), linesOf(b));
  const near = all.map((_, i) => all.slice(Math.max(0, i - context), i + context + 1).some((e) => e.kind !== " "));
  const out = [`--- ${names.a}`, `+++ ${names.b}`];
  let [lineA, lineB] = [1, 1];
  for (let i = 0; i < all.length; ) {
    if (!near[i]) {
      i++;
      lineA++;
      lineB++;
      continue;
    }
    let end = i;
    while (end < all.length && near[end]) end++;
    const hunk = all.slice(i, end);
    const count = (kind: "-" | "+"): number => hunk.filter((e) => e.kind === " " || e.kind === kind).length;
    const [nA, nB] = [count("-"), count("+")];
    const range = (line: number, n: number): string => `${n === 0 ? line - 1 : line}${n === 1 ? "" : `,${n}`}`;
    out.push(`@@ -${range(lineA, nA)} +${range(lineB, nB)} @@`, ...hunk.map((e) => e.kind + e.line));
    lineA += nA;
    lineB += nB;
    i = end;
  }
  return `${out.join("\n")}\n`;
};
