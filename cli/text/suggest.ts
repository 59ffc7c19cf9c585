// "Did you mean": edit distance with transpositions (optimal string alignment), bounded by the word's length.

const distance = (a: string, b: string): number => {
  const d: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= b.length; j++) (d[0] as number[])[j] = j;
  const at = (i: number, j: number): number => d[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let v = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) v = Math.min(v, at(i - 2, j - 2) + 1);
      (d[i] as number[])[j] = v;
    }
  return at(a.length, b.length);
};

/** The nearest of `words` that is near enough to be a slip of the fingers; ties go to the first. Words longer than 60 characters are never compared. */
export const suggest = (typed: string, words: Iterable<string>): string | undefined => {
  if (typed === "" || typed.length > 60) return undefined;
  const limit = typed.length <= 3 ? 1 : typed.length <= 6 ? 2 : 3;
  let best: string | undefined;
  let least = limit + 1;
  for (const word of words) {
    if (Math.abs(word.length - typed.length) > limit) continue;
    const n = distance(typed.toLowerCase(), word.toLowerCase());
    if (n < least && n < word.length) [best, least] = [word, n];
  }
  return best;
};
