// Progress on a terminal: pure, from views to lines. The painter draws them.
import { cut, elapsed, harmless, pad, type Style, width } from "../text/style.ts";
import { describe } from "./replica.ts";
import type { Row, View } from "./tracker.ts";

export interface FrameOptions {
  columns: number;
  /** Lines that may be used. */
  rows: number;
  /** Monotonic milliseconds. */
  now: number;
  startedAt: number;
  /** Number of the frame, for the spinner. */
  tick: number;
  style: Style;
}

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const BAR = 20;

export const bar = (percent: number): string => {
  const full = Math.round((Math.min(100, Math.max(0, percent)) / 100) * BAR);
  return "█".repeat(full) + "░".repeat(BAR - full);
};

export const glyph = (state: Row["state"], s: Style, tick = 0): string =>
  ({
    ready: () => s.green("✔"),
    done: () => s.green("✔"),
    working: () => s.cyan(SPINNER[tick % SPINNER.length] as string),
    failed: () => s.red("✖"),
    removing: () => s.dim("-"),
  })[state]();

/** Never wider than the terminal nor higher than `rows`; what failed is never among the hidden. */
export const frame = (views: readonly View[], o: FrameOptions): string[] => {
  const lines: string[] = [];
  const share = Math.max(3, Math.floor(o.rows / Math.max(1, views.length)));
  for (const view of views) lines.push(...one(view, { ...o, rows: share }));
  return lines.slice(0, Math.max(1, o.rows)).map((line) => cut(line, o.columns - 1));
};

const one = (view: View, o: FrameOptions): string[] => {
  const s = o.style;
  const title = `${s.bold(view.stack)}${view.revision === undefined ? "" : ` revision ${view.revision}`}`;
  const right = `${bar(view.progress)} ${String(view.progress).padStart(3)}%  ${elapsed(o.now - o.startedAt)}`;
  const lines = [pad(title, Math.max(width(title) + 2, o.columns - 1 - width(right))) + right];
  const room = o.rows - 1;
  const shown = choose(view.rows, view.rows.length > room ? room - 1 : room);
  const names = Math.max(...shown.map((r) => width(r.name)), 6);
  const nodes = Math.max(...shown.map((r) => width(r.node)), 4);
  for (const r of shown) {
    const age = elapsed(o.now - r.since);
    const head = ` ${glyph(r.state, s, o.tick)} ${pad(r.name, names + 2)}${pad(r.node, nodes + 2)}`;
    const space = Math.max(10, o.columns - 1 - width(head) - width(age) - 2);
    const text = cut(harmless(describe(r)).replaceAll("\n", " "), space);
    lines.push(`${head}${pad(r.state === "failed" ? s.red(text) : text, space)}  ${s.dim(age)}`);
  }
  if (shown.length < view.rows.length) {
    const hidden = view.rows.length - shown.length;
    lines.push(s.dim(`   … ${hidden} more`));
  }
  if (shown.length === 0 && view.why[0]) lines.push(` ${s.cyan(SPINNER[o.tick % SPINNER.length] as string)} ${harmless(view.why[0])}`);
  return lines;
};

const WEIGHT: Record<Row["state"], number> = { failed: 0, working: 1, removing: 2, ready: 3, done: 4 };

/** The most telling `n` rows, in their own order. */
const choose = (rows: readonly Row[], n: number): readonly Row[] => {
  if (rows.length <= n) return rows;
  const keep = new Set(rows.toSorted((a, b) => WEIGHT[a.state] - WEIGHT[b.state]).slice(0, Math.max(0, n)));
  return rows.filter((r) => keep.has(r));
};
