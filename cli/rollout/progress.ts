// How a wait is shown: redrawn lines on a terminal, lines per change elsewhere, JSON for programs, or nothing.
import { CLI } from "../../schemas/constants.ts";
import type { Io } from "../io.ts";
import type { Style } from "../text/style.ts";
import { frame } from "./frame.ts";
import { Painter } from "./painter.ts";
import { changes, endLine, goneLine, heartbeat, heartbeatEvent, resultEvent, rowEvent, rowLine, startLine } from "./plain.ts";
import { failed, succeeded, timedOut } from "./report.ts";
import type { View } from "./tracker.ts";

export type ProgressMode = "auto" | "tty" | "plain" | "json" | "quiet";

export interface Progress {
  /** Milliseconds between updates when nothing happens. */
  readonly everyMs: number;
  update(views: readonly View[], now: number): void;
  /** The end, whatever it is: `exitCodes` has one for each view. */
  end(views: readonly View[], exitCodes: readonly number[], now: number): void;
  /** Ctrl-C: the wait ends, the rollout does not. */
  interrupted(views: readonly View[]): void;
}

const HEARTBEAT_MS = 30_000;

export const progressFor = (mode: ProgressMode, io: Io, style: Style, startedAt: number): Progress => {
  const chosen = mode !== "auto" ? mode : io.stderr.isTTY && io.env["TERM"] !== "dumb" && !io.env["CI"] ? "tty" : "plain";
  if (chosen === "tty") return new TtyProgress(io, style, startedAt);
  return new LineProgress(chosen, io, style, startedAt);
};

const watchLine = (v: View): string => `${CLI} status ${v.stack}${v.namespace === "default" ? "" : ` -n ${v.namespace}`} --watch`;

const reattach = (views: readonly View[]): string => {
  const open = views.filter((v) => v.outcome === "progressing");
  return `Rollout continues. Reattach: ${open.length > 0 ? open.map(watchLine).join(" · ") : `${CLI} status`}\n`;
};

const summary = (views: readonly View[], exitCodes: readonly number[], ms: number, style: Style): string =>
  views
    .map((v, i) => (v.outcome === "succeeded" ? succeeded(v, ms, style) : exitCodes[i] === 7 ? timedOut(v, ms, style) : failed(v, style)))
    .join("");

class TtyProgress implements Progress {
  readonly everyMs = 100;
  readonly #painter: Painter;
  #tick = 0;
  readonly #io: Io;
  readonly #style: Style;
  readonly #startedAt: number;
  constructor(io: Io, style: Style, startedAt: number) {
    this.#io = io;
    this.#style = style;
    this.#startedAt = startedAt;
    this.#painter = new Painter(io.stderr);
  }

  update(views: readonly View[], now: number): void {
    const { columns, rows } = this.#io.stderr;
    this.#painter.draw(frame(views, { columns, rows: rows - 1, now, startedAt: this.#startedAt, tick: this.#tick++, style: this.#style }));
  }

  end(views: readonly View[], exitCodes: readonly number[], now: number): void {
    this.update(views, now);
    this.#painter.end(true);
    this.#io.stderr.write(`\n${summary(views, exitCodes, now - this.#startedAt, this.#style)}`);
  }

  interrupted(views: readonly View[]): void {
    this.#painter.end(true);
    this.#io.stderr.write(`\n${reattach(views)}`);
  }
}

class LineProgress implements Progress {
  readonly everyMs = 1000;
  readonly #told = new Map<string, Map<string, string>>();
  readonly #mode: "plain" | "json" | "quiet";
  readonly #io: Io;
  readonly #style: Style;
  readonly #startedAt: number;
  #lastAt: number;
  constructor(mode: "plain" | "json" | "quiet", io: Io, style: Style, startedAt: number) {
    this.#mode = mode;
    this.#io = io;
    this.#style = style;
    this.#startedAt = startedAt;
    this.#lastAt = startedAt;
  }

  update(views: readonly View[], now: number): void {
    if (this.#mode === "quiet") return;
    for (const view of views) {
      const key = `${view.namespace}/${view.stack}`;
      const before = this.#told.get(key);
      if (!before && this.#mode === "plain") this.#say(startLine(this.#clock(), view), now);
      const { rows, gone, told } = changes(view, before ?? new Map());
      this.#told.set(key, told);
      for (const row of rows)
        this.#say(this.#mode === "json" ? rowEvent(this.#stamp(), view, row) : rowLine(this.#clock(), view, row), now);
      if (this.#mode === "plain") for (const pod of gone) this.#say(goneLine(this.#clock(), view, pod), now);
    }
    if (now - this.#lastAt < HEARTBEAT_MS) return;
    for (const view of views)
      if (view.outcome === "progressing")
        this.#say(this.#mode === "json" ? heartbeatEvent(this.#stamp(), view) : heartbeat(this.#clock(), view), now);
    this.#lastAt = now;
  }

  end(views: readonly View[], exitCodes: readonly number[], now: number): void {
    this.update(views, now);
    if (this.#mode === "json") {
      views.forEach((view, i) => this.#say(resultEvent(this.#stamp(), view, exitCodes[i] ?? 0), now));
      return;
    }
    if (this.#mode === "plain") for (const view of views) this.#say(endLine(this.#clock(), view, now - this.#startedAt), now);
    // Quiet is about progress: a failure is still told.
    const told = views.map((v, i) => ({ v, code: exitCodes[i] ?? 0 })).filter(({ code }) => this.#mode === "plain" || code !== 0);
    this.#io.stderr.write(
      summary(
        told.map((t) => t.v),
        told.map((t) => t.code),
        now - this.#startedAt,
        this.#style,
      ),
    );
  }

  interrupted(views: readonly View[]): void {
    this.#io.stderr.write(reattach(views));
  }

  #say(line: string | object, now: number): void {
    this.#lastAt = now;
    this.#io.stderr.write(`${typeof line === "string" ? line : JSON.stringify(line)}\n`);
  }

  #stamp(): string {
    return new Date(this.#io.clock.now()).toISOString();
  }

  /** Local time of day. */
  #clock(): string {
    return new Date(this.#io.clock.now()).toTimeString().slice(0, 8);
  }
}
