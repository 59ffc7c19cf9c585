// Colour and glyphs. Colour is never the only signal: a word or a glyph always says the same.
import type { Output } from "../io.ts";

export type ColorMode = "auto" | "always" | "never";

export interface Style {
  readonly color: boolean;
  readonly bold: (s: string) => string;
  readonly dim: (s: string) => string;
  readonly red: (s: string) => string;
  readonly green: (s: string) => string;
  readonly yellow: (s: string) => string;
  readonly blue: (s: string) => string;
  readonly magenta: (s: string) => string;
  readonly cyan: (s: string) => string;
}

const sgr = (on: boolean, open: number, close: number) => (s: string) => (on && s !== "" ? `\u001b[${open}m${s}\u001b[${close}m` : s);

export const style = (color: boolean): Style => ({
  color,
  bold: sgr(color, 1, 22),
  dim: sgr(color, 2, 22),
  red: sgr(color, 31, 39),
  green: sgr(color, 32, 39),
  yellow: sgr(color, 33, 39),
  blue: sgr(color, 34, 39),
  magenta: sgr(color, 35, 39),
  cyan: sgr(color, 36, 39),
});

/**
 * Whether to colour what goes to `out`. `--color` wins; then NO_COLOR (any non-empty value), CLICOLOR_FORCE, TERM=dumb, and whether it is a terminal.
 * Source: https://no-color.org, https://clig.dev.
 */
export const wantsColor = (mode: ColorMode, env: Readonly<Record<string, string | undefined>>, out: Pick<Output, "isTTY">): boolean => {
  if (mode !== "auto") return mode === "always";
  if (env["NO_COLOR"]) return false;
  if (env["CLICOLOR_FORCE"] && env["CLICOLOR_FORCE"] !== "0") return true;
  if (env["TERM"] === "dumb") return false;
  return out.isTTY;
};

const ESC = "\u001b";
const ansi = new RegExp(`${ESC}\\[[0-9;?]*[A-Za-z]`, "g");
export const plain = (s: string): string => s.replace(ansi, "");

/** Columns that a string takes on a terminal: escapes count nothing, East Asian wide characters two. */
export const width = (s: string): number => {
  let n = 0;
  for (const c of plain(s)) {
    const p = c.codePointAt(0) ?? 0;
    if (p < 32 || (p >= 0x300 && p <= 0x36f) || p === 0x200d || (p >= 0xfe00 && p <= 0xfe0f)) continue;
    n += isWide(p) ? 2 : 1;
  }
  return n;
};

const isWide = (p: number): boolean =>
  (p >= 0x1100 && p <= 0x115f) ||
  (p >= 0x2e80 && p <= 0xa4cf) ||
  (p >= 0xac00 && p <= 0xd7a3) ||
  (p >= 0xf900 && p <= 0xfaff) ||
  (p >= 0xfe30 && p <= 0xfe6f) ||
  (p >= 0xff00 && p <= 0xff60) ||
  (p >= 0x1f300 && p <= 0x1faff);

export const pad = (s: string, n: number): string => s + " ".repeat(Math.max(0, n - width(s)));

/** Cuts to `n` columns with an ellipsis; keeps escapes whole and closes what is open. */
export const cut = (s: string, n: number): string => {
  if (width(s) <= n) return s;
  if (n <= 0) return "";
  let out = "";
  let used = 0;
  const parts = s.split(new RegExp(`(${ESC}\\[[0-9;?]*[A-Za-z])`));
  for (const part of parts) {
    if (part.startsWith("\u001b[")) {
      out += part;
      continue;
    }
    for (const c of part) {
      const w = width(c);
      if (used + w > n - 1) return `${out}…${s.includes("\u001b[") ? "\u001b[0m" : ""}`;
      out += c;
      used += w;
    }
  }
  return out;
};

/** Text from elsewhere (logs, engine errors) without what could move a terminal's cursor. */
export const harmless = (s: string): string => plain(s).replace(/[^\P{Cc}\n\t]/gu, "\ufffd");

/** `850ms`, `12s`, `3m04s`, `2h05m`, `4d`. */
export const elapsed = (ms: number): string => {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(s / 86_400)}d`;
};

/** Rows as columns two spaces apart; the last column is not padded. */
export const columns = (rows: readonly (readonly string[])[], indent = ""): string[] => {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, width(cell))));
  return rows.map((row) =>
    (indent + row.map((cell, i) => (i === row.length - 1 ? cell : pad(cell, (widths[i] ?? 0) + 2))).join("")).trimEnd(),
  );
};
