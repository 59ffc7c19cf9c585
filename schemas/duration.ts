// Durations as Go and Compose write them: `1m30s`, `500ms`, `1.5h`, and of Compose `1d` and `2w`.

const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const PART = /(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|μs|ms|s|m|h|d|w)/y;

/** → milliseconds (fractions kept), or undefined when it is not a duration. Negative ones are none. Source: Go, time.ParseDuration; compose-go, which has days and weeks, too. */
export const parseDuration = (text: string): number | undefined => {
  if (text === "0") return 0;
  let total = 0;
  PART.lastIndex = 0;
  do {
    const match = PART.exec(text);
    if (!match) return undefined;
    total += Number(match[1]) * (UNITS[match[2] ?? ""] ?? 0);
  } while (PART.lastIndex < text.length);
  return Number.isSafeInteger(Math.round(total)) ? total : undefined;
};

/** Milliseconds → the shortest exact text: `0s`, `500ms`, `1m30s`, `2h`. Rounded to a millisecond. */
export const formatDuration = (ms: number): string => {
  let rest = Math.round(ms);
  let text = "";
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000],
    ["ms", 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || "0s";
};
